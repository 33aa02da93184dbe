# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The steps of an upgrade: the writer last, nothing twice, and nothing at all where AWS would refuse a part of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import engines
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.upgrade import Stop, chosen_steps
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.upgrade_plan import (
    Seen,
    has_begun,
    kind_of,
    obstacle,
    steps_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused

OLD, NEW, MAJOR = "8.0.mysql_aurora.3.10.5", "8.0.mysql_aurora.3.12.0", "8.4.mysql_aurora.8.4.8"
REGIONS = ("us-east-1", "us-east-2", "eu-west-1")
OFFERS = [
    {"engine_version": one, "status": "available", "supports_global_databases": True} for one in (OLD, NEW, MAJOR)
]


def member(region, version=OLD, is_writer=False, **more):
    instance = {"identifier": f"{region}-1", "status": "available", "is_writer": is_writer, "is_pending": False}
    return {
        "region": region,
        "identifier": region,
        "is_writer": is_writer,
        "engine_version": version,
        "status": "available",
        "synchronization_status": None if is_writer else "connected",
        "parameter_group": "old",
        "instances": [{**instance, "parameter_group": "old"}],
        **more,
    }


def seen(*members, **more):
    listed = [{"region": one["region"]} for one in members]
    view = {"engine": "aurora-mysql", "engine_version": OLD, "failover_state": {}, "members": listed}
    targets = {OLD: OFFERS[1:], NEW: OFFERS[2:], MAJOR: []}
    offers = {one["region"]: OFFERS for one in members}
    return Seen(**{"view": view, "members": members, "offers": offers, "targets": targets, **more})


def names(found):
    return [one["name"] for one in found]


VERSIONS = st.lists(st.sampled_from([OLD, NEW]), min_size=3, max_size=3)


@given(VERSIONS, st.sampled_from(REGIONS))
def test_a_minor_upgrade_takes_each_member_that_is_behind_once_and_the_writer_last(versions, writer):
    world = seen(*(member(region, one, region == writer) for region, one in zip(REGIONS, versions, strict=True)))
    steps = steps_of(world, NEW, {})
    behind = [region for region, one in zip(REGIONS, versions, strict=True) if one == OLD]
    assert sorted(one["region"] for one in steps) == sorted(behind)
    assert [one["region"] for one in steps if one["kind"] == "primary"] == [one for one in behind if one == writer]
    assert not steps or all(one["kind"] == "secondary" for one in steps[:-1])
    assert obstacle(world, NEW, "g") is None


@given(st.sampled_from(REGIONS))
def test_a_major_upgrade_is_one_step_for_all_and_the_writers_groups_come_last(writer):
    world = seen(*(member(region, is_writer=region == writer) for region in REGIONS))
    steps = steps_of(world, MAJOR, dict.fromkeys(REGIONS, "new"))
    assert (kind_of(world, MAJOR), steps[0]["name"], steps[-1]["region"]) == ("major", "all members", writer)
    assert len(steps) == 1 + len(REGIONS)
    assert names(steps_of(world, MAJOR, {})) == ["all members"]


def test_groups_that_wait_for_a_restart_are_left_to_apply_and_applied_ones_are_not():
    done = member("us-east-1", MAJOR, True, parameter_group="new")
    done["instances"] = [{**done["instances"][0], "parameter_group": "new"}]
    waiting = member("us-east-2", MAJOR, parameter_group="new")
    waiting["instances"] = [{**waiting["instances"][0], "parameter_group": "new", "is_pending": True}]
    groups = dict.fromkeys(REGIONS, "new")
    assert names(steps_of(seen(done, waiting), MAJOR, groups)) == ["parameter groups of us-east-2"]
    assert steps_of(seen(done), MAJOR, groups) == []


def test_an_upgrade_has_begun_from_its_first_change_until_nothing_is_left():
    def begun(wanted, groups, *members):
        world = seen(*members)
        return has_begun(world, wanted, steps_of(world, wanted, groups))

    old, new = member("us-east-1", is_writer=True), member("us-east-2", NEW)
    assert not begun(NEW, {}, old, member("us-east-2"))
    assert begun(NEW, {}, old, member("us-east-2", status="upgrading"))
    assert begun(NEW, {}, old, new)
    assert not begun(NEW, {}, member("us-east-1", NEW, True), new)
    assert begun(MAJOR, {"us-east-1": "new"}, member("us-east-1", MAJOR, True))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "modifying"}, "is modifying; it has to be available"),
        ({"synchronization_status": "pending-resync"}, "is pending-resync; it has to be connected"),
        ({"instances": []}, "has no instance"),
    ],
)
def test_a_member_that_cannot_be_upgraded_holds_all_of_them_back(change, words):
    assert words in obstacle(seen(member("us-east-1", is_writer=True), member("us-east-2", **change)), NEW, "g")


def test_a_bound_on_the_loss_holds_a_major_version_back_and_no_minor_one():
    world = seen(member("us-east-1", is_writer=True, bound="20"), member("us-east-2", bound=None))
    world.view.update(engine="aurora-postgresql", engine_version="16.11")
    offers = [
        {"engine_version": one, "status": "available", "supports_global_databases": True} for one in ("16.13", "17.7")
    ]
    world = seen(
        *({**one, "engine_version": "16.11"} for one in world.members),
        view=world.view,
        targets={"16.11": offers},
        offers=dict.fromkeys(("us-east-1", "us-east-2"), offers),
    )
    assert "rds.global_db_rpo is set (old in us-east-1)" in obstacle(world, "17.7", "g")
    assert obstacle(world, "16.13", "g") is None


def test_unknown_is_no_permission():
    world = seen(member("us-east-1", is_writer=True), unread={"us-east-2": "no answer within 15.0 s"})
    assert "us-east-2: no answer within 15.0 s" in obstacle(world, NEW, "g")
    assert "lists no writer" in obstacle(seen(member("us-east-1")), NEW, "g")


def test_a_member_that_is_being_upgraded_is_no_obstacle():
    world = seen(member("us-east-1", is_writer=True), member("us-east-2", status="upgrading"))
    assert obstacle(world, NEW, "g") is None
    assert [one["in_progress"] for one in steps_of(world, NEW, {})] == [True, False]


def test_a_database_that_runs_a_retired_version_has_nothing_to_be_refused():
    world = seen(member("us-east-1", is_writer=True), offers={"us-east-1": []}, targets={})
    assert obstacle(world, OLD, "g") is None and steps_of(world, OLD, {}) == []


def test_a_step_comes_after_those_before_it():
    steps = [{"name": "a"}, {"name": "b"}]
    assert chosen_steps(steps, None) == steps and chosen_steps(steps, "a") == steps[:1]
    assert chosen_steps(steps, "done before") == []
    with pytest.raises(Refused, match="step is b; allowed: a"):
        chosen_steps(steps, "b")


@pytest.mark.parametrize(
    ("polls", "seconds"),
    [
        ([(0, True), (5, True)], None),
        ([(0, True), (5, False), (10, False), (15, True)], 15.0),
        ([(0, False), (5, True)], None),
        ([(0, True), (5, False)], None),
        ([(0, True), (5, False), (10, True), (20, False), (25, True)], 25.0),
    ],
)
def test_a_stop_counts_from_the_last_poll_before_it_to_the_first_after_it(polls, seconds):
    now = [0.0]
    stop = Stop(lambda: now[0])
    for now[0], is_serving in polls:
        stop.note(is_serving)
    assert stop.seconds == seconds


def test_parameter_groups_keep_the_clusters_name_while_the_family_allows_it():
    assert engines.parameter_group("c", "aurora-mysql8.0", None) == "c"
    assert engines.parameter_group("c", "aurora-mysql8.0", "aurora-mysql8.0") == "c"
    assert engines.parameter_group("c", "aurora-mysql8.4", "aurora-mysql8.0") == "c-aurora-mysql8-4"
