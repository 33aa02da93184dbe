# SPDX-License-Identifier: GPL-3.0-or-later
"""Order of preference: said by the inventory, whatever the order of its hosts, which a controller sorts by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.controller.imported import imported
from tests.integration.aws import control_item, name_points_at, writer_region
from tests.integration.platforms import Platform

EAST, WEST = "us-east-1", "us-east-2"
# With every option of the roles switched on; the first one is active and preferred, and not the first by name.
THREE = ("eu-west-1", "ap-southeast-1", "us-west-2")


def with_preference(platform: Platform, folder, *preferred: str) -> Platform:
    """The same platform with another preference, in an inventory whose hosts are sorted by name."""
    networks = dict(line.split() for line in (platform.inventory / "hosts").read_text().splitlines()[1:])
    hosts = [f"{one} {networks[one]} region_preference={preferred.index(one) + 1}" for one in sorted(networks)]
    folder.mkdir()
    (folder / "hosts").write_text("\n".join(["[regions]", *hosts, ""]))
    (folder / "group_vars").symlink_to(platform.inventory / "group_vars")
    return replace(platform, inventory=folder)


def changes_since(platform: Platform, before: int) -> set[tuple[str, str]]:
    calls = [one for one in platform.lab.calls()[before:] if one["mutating"]]
    return {(one["service"], one["operation"]) for one in calls}


def assert_only_the_preference_changes(platform: Platform, *preferred: str, layers: str = "all") -> None:
    manifests = {one: control_item(platform.lab, one, "manifest") for one in platform.regions}
    before = len(platform.lab.calls())
    run = platform.run("site", "--tags", layers).ends_well()
    assert f"Order of preference: {', '.join(preferred)}, from region_preference." in " ".join(run.output.split())
    assert changes_since(platform, before) == {("dynamodb", "PutItem")}
    for region, old in manifests.items():
        new = control_item(platform.lab, region, "manifest")
        assert new["preference"] == list(preferred)
        assert {**old, "preference": 0, "written_at": 0, "document": 0} == {
            **new,
            "preference": 0,
            "written_at": 0,
            "document": 0,
        }


@pytest.mark.nightly
def test_another_preference_changes_the_manifest_only_and_failback_follows_it(platform, tmp_path):
    """The hosts are sorted by name: the order of the group would still say us-east-1."""
    changed = with_preference(platform, tmp_path / "inventory", WEST, EAST)
    assert_only_the_preference_changes(changed, WEST, EAST, layers="encryption,traffic,failover_control")
    assert (writer_region(platform.lab, EAST), name_points_at(platform.lab)) == (EAST, EAST)
    # As a job of a controller, which sorts what it imports.
    job = replace(changed, inventory=imported(changed.inventory, tmp_path / "job"))
    planned = job.run("failback", "--check").ends_well()
    assert f"{WEST} can take over from {EAST} (healthy) by switchover" in " ".join(planned.output.split())


@pytest.mark.nightly
def test_hosts_sorted_by_name_change_nothing_of_a_platform_with_every_option(copy_of, tmp_path):
    platform = copy_of(*THREE)
    before = len(platform.lab.calls())
    run = with_preference(platform, tmp_path / "sorted", *THREE).run("site").ends_well()
    assert not any(run.changed.values()), run.output
    assert changes_since(platform, before) == set()
    other = with_preference(platform, tmp_path / "other", *reversed(THREE))
    assert_only_the_preference_changes(other, *reversed(THREE))
    other.run("teardown", "-e", "confirm=dev").ends_well()
    assert platform.lab.client("route53", "us-east-1").list_health_checks()["HealthChecks"] == []
