# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The manifest: written only when it differs, read back, and read from the regions that respond."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import put_document
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import (
    freshest,
    manifest_problems,
    preference_of,
    run,
    run_info,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.failover_fakes import (
    EAST,
    TABLE,
    WEST,
    FakePlatform,
    entry_of,
    manifest_of,
)

MANIFEST = manifest_of(EAST, WEST)


@pytest.fixture
def aws():
    return FakePlatform()


def put(aws, manifest=None, check_mode=False):
    return run({"table_name": TABLE, "region": WEST, "manifest": manifest or MANIFEST}, aws.clients, check_mode)


def info(aws, **more):
    return run_info({"table_name": TABLE, "regions": [EAST, WEST], "deadline": 0.3, **more}, aws.clients)


def test_writes_it_once_and_reads_it_back(aws):
    first, second = put(aws), put(aws)
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["written_at"] == second["written_at"]
    assert aws.writes() == ["put_item"]
    assert first["diff"] == {"before": {}, "after": MANIFEST}


def test_a_difference_is_written_and_shown(aws):
    put(aws)
    other = {**MANIFEST, "environment": "prod"}
    done = put(aws, manifest=other)
    assert (done["changed"], done["diff"]["before"]["environment"]) == (True, "dev")
    assert info(aws)["manifest"] == other


def test_the_preference_is_a_list_of_its_own_and_an_older_manifest_has_that_of_its_regions():
    assert preference_of(MANIFEST) == (EAST, WEST)
    assert preference_of({**MANIFEST, "preference": [WEST, EAST]}) == (WEST, EAST)
    assert manifest_problems({**MANIFEST, "preference": [WEST, EAST]}) == []


@pytest.mark.parametrize("preference", [[WEST], [WEST, WEST], [WEST, EAST, "eu-west-1"]])
def test_a_preference_of_other_regions_is_refused(preference):
    (problem,) = manifest_problems({**MANIFEST, "preference": preference})
    assert problem.startswith("manifest.preference is us-east-2") and "each once" in problem


def test_an_entry_needs_what_its_compute_is_and_no_more():
    of_group = {"autoscaling_group_name", "capacity"}
    bare = {name: value for name, value in entry_of(WEST).items() if name not in of_group}

    def problems(**more):
        return manifest_problems({**manifest_of(EAST, WEST), "regions": [entry_of(EAST), {**bare, **more}]})

    assert problems(compute="none") == []
    assert problems(compute="ecs", ecs_service="trading/orders", capacity={"desired": 2}) == []
    assert problems() == ["manifest.regions[1] has no autoscaling_group_name, capacity; all of them are needed."]
    gateway = {"name": "gateway", "compute": "ecs", "ecs_service": "trading/gateway", "capacity": {"desired": 2}}
    assert problems(compute="none", compute_groups=[gateway, {"name": "application"}]) == []
    (problem,) = problems(compute="none", compute_groups=[{"name": "gateway", "compute": "ecs"}])
    assert problem.startswith("manifest.regions[1].compute_groups[0] has no ecs_service, capacity")
    assert problems(compute="ecs") == ["manifest.regions[1] has no ecs_service, capacity; all of them are needed."]
    assert problems(compute="eks") == ["manifest.regions[1].compute is eks; allowed: one of autoscaling, ecs, none."]


def test_an_entry_has_a_topic_unless_the_platform_has_no_monitoring(aws):
    mute = [{name: value for name, value in entry_of(region).items() if name != "topic_arn"} for region in (EAST, WEST)]
    assert "has no topic_arn" in manifest_problems({**MANIFEST, "regions": mute})[0]
    put(aws, {**MANIFEST, "regions": mute, "layers": {"monitoring": "absent"}})
    assert info(aws)["topics"] == {}


def test_check_mode_writes_nothing(aws):
    assert put(aws, check_mode=True)["changed"]
    assert aws.writes() == []


def test_a_write_that_did_not_stay_is_an_error(aws):
    aws.put_item = lambda region, **_item: {}
    with pytest.raises(MultiRegionError, match="but the table has another one"):
        put(aws)


@pytest.mark.parametrize(
    "change, says",
    [
        ({"version": 2}, "manifest.version is 2; allowed: 1."),
        ({"regions": MANIFEST["regions"][:1]}, "manifest.regions has 1 entries; allowed: at least two."),
        ({"regions": [MANIFEST["regions"][0]] * 2}, "names us-east-1 more than once"),
        ({"regions": [{"region": EAST}, MANIFEST["regions"][1]]}, r"manifest.regions\[0\] has no db_cluster_id"),
        ({"global_database": {}}, "manifest.global_database.identifier is missing"),
    ],
)
def test_a_bad_manifest_is_refused_before_the_first_call(aws, change, says):
    with pytest.raises(MultiRegionError, match=says):
        put(aws, manifest={**MANIFEST, **change})
    assert aws.calls == []


def test_the_freshest_copy_wins_and_the_preferred_one_on_a_tie():
    def copy(when, name):
        return Observation({"document": {**MANIFEST, "environment": name}, "written_at": when})

    copies = {EAST: copy("2026-01-01", "a"), WEST: copy("2026-01-02", "b")}
    assert freshest(copies)[0] == WEST
    copies[EAST] = copy("2026-01-02", "a")
    assert [freshest(copies, region)[0] for region in (EAST, WEST, None)] == [EAST, WEST, EAST]


def test_a_copy_that_cannot_be_used_does_not_win():
    usable = Observation({"document": MANIFEST, "written_at": "2026-01-01"})
    broken = Observation({"document": {"version": 9}, "written_at": "2027-01-01"})
    assert freshest({EAST: broken, WEST: usable})[0] == WEST
    assert manifest_problems("text") == ["manifest is str; allowed: a dictionary."]


def test_copies_of_another_version_name_it_and_the_way_out(aws):
    put_document(aws.clients("dynamodb", WEST), TABLE, "manifest", {**MANIFEST, "version": 2}, "2026")
    with pytest.raises(MultiRegionError) as error:
        info(aws)
    assert str(error.value) == (
        f"No usable manifest in table {TABLE}. {EAST}: no manifest; {WEST}: manifest.version is 2; allowed: 1. This "
        "version of the collection reads manifests of version 1, not 2: run its site.yml, which writes the manifest "
        "again; in an emergency use the version of the collection that wrote it."
    )


def test_a_lost_region_is_unknown_and_one_without_a_copy_absent(aws):
    put(aws)
    assert info(aws)["copies"][EAST] == "absent"
    aws.lost.add(EAST)
    found = info(aws)
    assert (found["copies"][EAST], found["manifest_region"]) == ("unknown", WEST)
    assert "EndpointConnectionError" in found["errors"][EAST]


def test_a_hanging_region_is_waited_for_until_the_deadline_only(aws):
    put(aws)
    aws.hanging.add(EAST)
    found = info(aws)
    aws.over.set()
    assert found["errors"].keys() == {EAST} and "no answer within" in found["errors"][EAST]


def test_no_copy_anywhere_is_an_error_that_says_what_each_region_answered(aws):
    aws.lost.add(EAST)
    with pytest.raises(MultiRegionError, match=f"No usable manifest in table {TABLE}.*{WEST}: no manifest") as error:
        info(aws)
    assert error.value.evidence["copies"] == {EAST: "unknown", WEST: "absent"}
