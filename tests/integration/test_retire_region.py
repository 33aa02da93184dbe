# SPDX-License-Identifier: GPL-3.0-or-later
"""retire_region.yml removes one standby for good, never the active region, and leaves nothing of it anywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.aws import name_points_at, wait_for_data
from tests.integration.leftovers import asked, left_of_platform_in, mentions, without
from tests.integration.platforms import Platform

EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
CIDRS = {EAST: "10.0.0.0/16", WEST: "10.1.0.0/16", EUROPE: "10.2.0.0/16"}
SECRET = "trading-database-dev"
# With every option of the roles switched on; the first one is active and preferred.
ACTIVE, SECOND, THIRD = THREE = ("eu-west-1", "ap-southeast-1", "us-west-2")


def changes_since(platform: Platform, before: int) -> list[tuple[str, str, str]]:
    return [
        (one["region"], one["service"], one["operation"]) for one in platform.lab.calls()[before:] if one["mutating"]
    ]


def words(run) -> str:
    return " ".join(run.output.split()).replace("''", "'")


def assert_refused(platform: Platform, sentence: str, *options: str) -> None:
    before = len(platform.lab.calls())
    run = platform.run("retire_region", *options)
    assert run.code != 0 and sentence in words(run), run.output[-4000:]
    assert changes_since(platform, before) == []


def with_hosts(platform: Platform, folder, *regions: str) -> Platform:
    folder.mkdir()
    lines = [f"{region} vpc_cidr={CIDRS[region]}" for region in regions]
    (folder / "hosts").write_text("\n".join(["[regions]", *lines, ""]))
    (folder / "group_vars").symlink_to(platform.inventory / "group_vars")
    return replace(platform, inventory=folder)


def test_a_region_is_removed_only_by_its_name_never_the_active_one_and_two_stay(platform, tmp_path):
    named = f"retire_region is {WEST} and confirm undefined; allowed: both the name of the region"
    assert_refused(platform, named, "-e", f"retire_region={WEST}")
    assert_refused(platform, f"{WEST} is to be retired, but the inventory still has it.", *asked(WEST))
    assert_refused(with_hosts(platform, tmp_path / "a", EAST), "at least two hosts", *asked(WEST))
    others = with_hosts(platform, tmp_path / "b", WEST, EUROPE)
    assert_refused(
        others, f"{EAST} is not in the inventory, which has {WEST}, {EUROPE}, but it is the active", *asked(EAST)
    )
    new = with_hosts(platform, tmp_path / "c", EAST, EUROPE)
    assert_refused(new, f"{EUROPE} is in the inventory, but not yet a region of this platform.", *asked(WEST))


@pytest.mark.nightly
def test_the_secret_outlives_the_region_of_its_primary(copy_of, tmp_path):
    """Without a call to that region, and with a secret in the other regions all the time."""
    platform = copy_of(*THREE)
    rest = without(platform, tmp_path / "inventory", ACTIVE)
    secrets = {one: platform.lab.client("secretsmanager", one) for one in THREE}
    value = secrets[ACTIVE].get_secret_value(SecretId=SECRET)["SecretString"]
    platform.lab.outage(ACTIVE, "reset")
    for _run in range(2):
        run = rest.run(Path(__file__).with_name("leave_secret.yml"), *asked(ACTIVE)).ends_well()
        seen = {one: secrets[one].describe_secret(SecretId=SECRET) for one in (SECOND, THIRD)}
        assert [one["Region"] for one in seen[SECOND]["ReplicationStatus"]] == [THIRD]
        assert seen[THIRD]["PrimaryRegion"] == SECOND
        assert {secrets[one].get_secret_value(SecretId=SECRET)["SecretString"] for one in seen} == {value}
    assert not any(run.changed.values())


@pytest.mark.nightly
def test_a_region_that_is_lost_for_good_leaves_and_what_it_has_is_removed_when_it_returns(copy_of, tmp_path):
    platform = copy_of(*THREE)
    rest = without(platform, tmp_path / "inventory", SECOND)
    platform.lab.outage(SECOND, "reset")
    assert_refused(rest, f"{SECOND} could not be read", *asked(SECOND))
    before = len(platform.lab.calls())
    planned = rest.run("retire_region", "--check", *asked(SECOND, retire_region_lost=True)).ends_well()
    assert f"2. recovery manifest: no move chooses {SECOND}" in words(planned)
    assert not any(planned.changed.values()) and changes_since(platform, before) == []
    lost = rest.run("retire_region", *asked(SECOND, retire_region_lost=True)).ends_well()
    assert "so what is in it was left there" in words(lost)
    again = rest.run("site").ends_well()
    assert not any(again.changed.values()), again.output
    assert f"{SECOND}: retired left alone." in words(again)
    # No move chooses it, and moves go on.
    rest.run("failover", "-e", json.dumps({"force": True, "accept_data_loss": True})).ends_well()
    assert name_points_at(platform.lab) == THIRD
    platform.lab.restore(SECOND)
    wait_for_data(platform.lab, THIRD)
    rest.run("retire_region", *asked(SECOND)).ends_well()
    assert (left_of_platform_in(platform, SECOND), mentions(rest, SECOND)) == ({}, {})
