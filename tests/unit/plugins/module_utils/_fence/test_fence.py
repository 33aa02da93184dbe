# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Fencing takes only what it has written down and gives back exactly that, whatever dies or does not answer."""

from __future__ import annotations

import itertools
import json
import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._fence.fence import run
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error, no_answer
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.fence_fakes import (
    ACL,
    ASG,
    EAST,
    ENTRIES,
    EUROPE,
    FENCE_ENTRIES,
    GROUP,
    PORT,
    RULES,
    SIZES,
    TABLE,
    WEST,
    FenceAws,
    rules_of,
)

ITEM = f"fence#{EAST}"
INGRESS = {"mode": "database_ingress", "security_group_id": GROUP}
CAPACITY = {"mode": "application_capacity", "autoscaling_group_name": ASG, "traffic_region": WEST}
STATELESS = {"mode": "network_acl", "network_acl_id": ACL, "subnet_ids": ["subnet-1"]}
MODES = pytest.mark.parametrize("what", [INGRESS, CAPACITY, STATELESS], ids=["ingress", "capacity", "network_acl"])
REMOVED = {"network_acl": FENCE_ENTRIES, "database_ingress": RULES, "application_capacity": SIZES}
TAKES = {
    "network_acl": "replace_network_acl_entry",
    "database_ingress": "revoke_security_group_ingress",
    "application_capacity": "update_auto_scaling_group",
}


# How many calls that is.
CALLS = {"network_acl": 2, "database_ingress": 1, "application_capacity": 1}


@pytest.fixture
def aws():
    fake = FenceAws(EAST, WEST)
    yield fake
    fake.over.set()


def params(**more):
    return {"region": EAST, "table_name": TABLE, "regions": [EAST, WEST], "run_id": "run-1", "deadline": 6.0, **more}


def fence(aws, what, check_mode=False, **more):
    return run(params(state="present", **what, **more), aws.clients, check_mode)


def unfence(aws, check_mode=False, **more):
    return run(params(state="absent", mode=None, **more), aws.clients, check_mode)


def document(aws, region=EAST):
    item = aws.items[region].get(ITEM)
    return json.loads(item["document"]["S"]) if item else None


def is_open(aws, what):
    if what is STATELESS:
        return any(one["RuleAction"] == "allow" for one in aws.acls[EAST][ACL]["Entries"])
    return bool(aws.groups[EAST][GROUP]) if what is INGRESS else aws.sizes[EAST][ASG]["desired"] > 0


def assert_as_before(aws):
    assert aws.groups[EAST][GROUP] == RULES
    assert aws.sizes[EAST][ASG] == SIZES
    assert aws.acls[EAST][ACL] == ENTRIES


# --- taking
@MODES
def test_nothing_is_taken_before_it_is_written_down(aws, what):
    done = fence(aws, what)
    assert (done["fenced"], done["changed"]) == ("fenced", True) and not is_open(aws, what)
    writes = [operation for region, operation in aws.made("put", "revoke", "update", "replace") if region == EAST]
    assert writes == ["put_item", *[TAKES[what["mode"]]] * CALLS[what["mode"]], "put_item"]
    kept = document(aws)
    assert (kept["state"], kept["run_id"], kept["region"], kept["reason"]) == ("done", "run-1", EAST, None)
    assert kept["removed"] == REMOVED[what["mode"]]
    assert document(aws, WEST) == kept == done["document"] and done["copied_to"] == [WEST]


@MODES
def test_the_second_run_changes_nothing_and_keeps_the_document(aws, what):
    fence(aws, what)
    item = aws.items[EAST][ITEM]
    again = fence(aws, what, run_id="run-2")
    assert (again["fenced"], again["changed"]) == ("fenced", False)
    assert aws.items[EAST][ITEM] == item


def test_capacity_keeps_the_maximum(aws):
    fence(aws, CAPACITY)
    assert aws.sizes[EAST][ASG] == {"min": 0, "desired": 0, "max": SIZES["max"]}


def test_a_minimum_size_that_is_held_is_remembered_and_cannot_start_instances_again(aws):
    later = datetime.now(UTC) + timedelta(hours=1)
    aws.holds[EAST] = [{"MinSize": SIZES["min"], "StartTime": later}]
    aws.sizes[EAST][ASG].update(min=SIZES["desired"])
    fence(aws, CAPACITY)
    assert aws.holds[EAST] == [] and document(aws)["removed"] == SIZES
    unfence(aws)
    assert aws.sizes[EAST][ASG] == SIZES


def test_a_region_is_fenced_although_its_scheduled_actions_cannot_be_read(aws):
    for operation in ("describe_scheduled_actions", "delete_scheduled_action"):
        aws.errors[EAST, operation] = [aws_error("AccessDenied")] * 9
    assert fence(aws, CAPACITY)["fenced"] == "fenced"


def test_capacity_is_never_lowered_where_the_traffic_is(aws):
    with pytest.raises(Refused, match=f"traffic_region is {EAST}"):
        fence(aws, CAPACITY | {"traffic_region": EAST})
    assert not aws.calls


def test_rules_added_while_fenced_are_taken_and_remembered_too(aws):
    fence(aws, INGRESS)
    added = {**PORT, "IpRanges": [{"CidrIp": "10.9.0.0/16"}]}
    aws.groups[EAST][GROUP] = [added]
    done = fence(aws, INGRESS, run_id="run-2")
    assert (done["fenced"], done["changed"]) == ("fenced", True) and not aws.groups[EAST][GROUP]
    assert rules_of(document(aws)["removed"]) == rules_of([*RULES, added])


def test_what_one_mode_took_is_remembered_when_another_takes_more(aws):
    fence(aws, INGRESS)
    fence(aws, CAPACITY, run_id="run-2")
    kept = document(aws)
    assert (kept["mode"], [one["mode"] for one in kept["earlier"]]) == ("application_capacity", ["database_ingress"])
    done = unfence(aws)
    assert [one["resource"] for one in done["restored"]] == [ASG, GROUP]
    assert_as_before(aws)


def test_a_change_that_shows_late_is_waited_for(aws):
    aws.late = 2
    assert fence(aws, INGRESS)["fenced"] == "fenced"
    assert len(aws.made("revoke")) == 1


def test_another_runs_document_is_never_overwritten_by_a_guess(aws):
    """Both read before either writes: the second finds the first one's document and goes on from it."""
    real = aws.put_item

    def meanwhile(region, **given):
        if region == EAST:
            aws.put_item = real
            assert fence(aws, INGRESS, run_id="other")["fenced"] == "fenced"
        return real(region, **given)

    aws.put_item = meanwhile
    assert fence(aws, INGRESS)["fenced"] == "fenced"
    assert (document(aws)["run_id"], document(aws)["removed"]) == ("other", RULES)


# --- what AWS does not answer
@MODES
def test_a_region_that_cannot_be_reached_is_not_fenced_and_the_others_are_reported(aws, what):
    aws.lost.add(EAST)
    done = fence(aws, what)
    assert (done["fenced"], done["changed"]) == ("not fenced", False) and EAST in done["reason"]
    stored = document(aws, WEST)
    assert (stored["state"], stored["removed"]) == ("failed", None) and "EndpointConnectionError" in stored["reason"]


def test_a_region_that_hangs_is_not_fenced_within_the_deadline_nor_later(aws):
    aws.hanging.add(EAST)
    began = time.monotonic()
    done = fence(aws, INGRESS, deadline=0.4)
    assert time.monotonic() - began < 2
    assert done["fenced"] == "not fenced" and "no answer within" in done["reason"]
    assert document(aws, WEST)["state"] == "failed"
    aws.hanging.clear()
    aws.over.set()
    assert not aws.made("revoke")


def test_a_third_region_that_hangs_holds_nothing_up(aws):
    aws.items[EUROPE] = {}
    aws.hanging.add(EUROPE)
    done = fence(aws, INGRESS, regions=[EAST, WEST, EUROPE], deadline=1.0)
    assert done["fenced"] == "fenced" and document(aws, WEST)["state"] == "done"
    assert "no answer" in done["not_copied_to"][EUROPE]


@MODES
def test_a_lost_answer_is_read_back(aws, what):
    aws.lose_answer(TAKES[what["mode"]])
    assert fence(aws, what)["fenced"] == "fenced"


@MODES
@pytest.mark.parametrize("operation", ["take", "put_item"])
def test_what_botocore_repeats_is_done_once_and_seen_although_it_is_shown_late(aws, what, operation):
    aws.repeated.add(TAKES[what["mode"]] if operation == "take" else operation)
    aws.stale.update(describe_security_groups=1, describe_auto_scaling_groups=1)
    done = fence(aws, what)
    assert (done["fenced"], done["changed"]) == ("fenced", True)
    assert document(aws)["state"] == "done" and document(aws)["removed"]
    unfence(aws)
    assert_as_before(aws)


@MODES
def test_a_lost_answer_to_writing_it_down_does_not_stop_the_fencing(aws, what):
    aws.lose_answer("put_item")
    assert fence(aws, what)["fenced"] == "fenced"


GIVES = {
    "network_acl": "replace_network_acl_entry",
    "database_ingress": "authorize_security_group_ingress",
    "application_capacity": "update_auto_scaling_group",
}


@MODES
@pytest.mark.parametrize("operation", ["give", "delete_item"])
def test_giving_back_whose_answer_was_lost_counts_when_it_is_there(aws, what, operation):
    fence(aws, what)
    aws.lose_answer(GIVES[what["mode"]] if operation == "give" else operation)
    assert unfence(aws)["changed"]
    assert_as_before(aws)
    assert not unfence(aws)["changed"]


@MODES
def test_a_lost_request_leaves_it_unknown_and_the_next_run_finds_out(aws, what):
    aws.errors[(EAST, TAKES[what["mode"]])] = [no_answer()]
    done = fence(aws, what)
    assert done["fenced"] == "unknown" and "the response was lost" in done["reason"]
    assert document(aws)["state"] == document(aws, WEST)["state"] == "intended"
    assert fence(aws, what)["fenced"] == "fenced"


def test_an_answer_cut_by_the_deadline_is_unknown(aws):
    real = aws.revoke_security_group_ingress

    def slow(region, **given):
        real(region, **given)
        aws.over.wait(5)
        return {}

    aws.revoke_security_group_ingress = slow
    done = fence(aws, INGRESS, deadline=0.4)
    assert done["fenced"] == "unknown" and "interrupted after it was requested" in done["reason"]
    assert document(aws, WEST)["state"] == "intended"


@MODES
def test_a_refusal_is_not_fenced_with_its_reason_in_every_table(aws, what):
    aws.errors[(EAST, TAKES[what["mode"]])] = [aws_error("UnauthorizedOperation")]
    done = fence(aws, what)
    assert done["fenced"] == "not fenced" and "UnauthorizedOperation" in done["reason"]
    assert document(aws)["state"] == document(aws, WEST)["state"] == "failed"
    assert is_open(aws, what)
    assert fence(aws, what)["fenced"] == "fenced"
    unfence(aws)
    assert_as_before(aws)


def test_nothing_is_taken_where_it_cannot_be_written_down(aws):
    aws.errors[(EAST, "put_item")] = [aws_error("AccessDeniedException")] * 2
    done = fence(aws, INGRESS)
    assert done["fenced"] == "not fenced" and "AccessDeniedException" in done["reason"]
    assert not aws.made("revoke")


@pytest.mark.parametrize(
    "what", [INGRESS | {"security_group_id": "sg-no"}, CAPACITY | {"autoscaling_group_name": "no"}]
)
def test_a_resource_that_does_not_exist_is_not_fenced(aws, what):
    done = fence(aws, what)
    assert done["fenced"] == "not fenced" and "there is none in the region" in done["reason"]
    assert document(aws)["state"] == "failed"


def test_what_an_earlier_run_fenced_stays_fenced_while_the_region_is_silent(aws):
    fence(aws, INGRESS)
    kept = aws.items[WEST][ITEM]
    aws.lost.add(EAST)
    done = fence(aws, INGRESS, run_id="run-2")
    assert done["fenced"] == "fenced" and "run run-1 removed" in done["reason"]
    assert aws.items[WEST][ITEM] == kept


# --- giving back
@MODES
def test_giving_back_restores_exactly_what_was_there_and_forgets_it(aws, what):
    fence(aws, what)
    done = unfence(aws)
    assert done["changed"] and sorted(done["deleted_from"]) == [EAST, WEST]
    assert_as_before(aws)
    assert aws.items == {EAST: {}, WEST: {}}
    assert not unfence(aws)["changed"]


def test_a_region_that_was_never_fenced_is_left_alone(aws):
    done = unfence(aws)
    assert (done["changed"], done["restored"]) == (False, []) and not aws.made("put", "delete", "authorize", "update")


def test_a_table_that_is_not_there_yet_was_never_fenced(aws):
    for region in (EAST, WEST):
        aws.errors[(region, "get_item")] = [aws_error("ResourceNotFoundException")]
    assert not unfence(aws)["changed"]


def test_rules_that_fencing_did_not_take_are_not_touched(aws):
    fence(aws, INGRESS)
    own = {**PORT, "IpRanges": [{"CidrIp": "10.2.0.0/16", "Description": "put back by hand"}]}
    aws.groups[EAST][GROUP] = [own, {**PORT, "FromPort": 22, "IpRanges": [{"CidrIp": "10.3.0.0/16"}]}]
    unfence(aws)
    found = rules_of(aws.groups[EAST][GROUP])
    assert found.keys() == rules_of([*RULES, *aws.groups[EAST][GROUP]]).keys()
    assert found[("tcp", 3306, 3306, "IpRanges", "10.2.0.0/16")] == own["IpRanges"][0]


def test_capacity_is_raised_only(aws):
    fence(aws, CAPACITY)
    aws.sizes[EAST][ASG] = {"min": 1, "desired": 5, "max": 8}
    unfence(aws)
    assert aws.sizes[EAST][ASG] == {"min": 2, "desired": 5, "max": 8}


def test_a_region_that_does_not_answer_cannot_be_given_back_and_keeps_its_document(aws):
    fence(aws, INGRESS)
    aws.lost.add(EAST)
    with pytest.raises(MultiRegionError, match="was not restored.*Run this again") as failure:
        unfence(aws)
    assert failure.value.evidence["fenced"] == "unknown"
    assert document(aws)["state"] == document(aws, WEST)["state"] == "done"


def test_a_duplicate_counts_as_given_back(aws):
    fence(aws, INGRESS)
    aws.groups[EAST][GROUP] = [{**PORT, "UserIdGroupPairs": RULES[0]["UserIdGroupPairs"]}]
    aws.late = 1  # EC2 does not show it yet
    aws.before = []
    unfence(aws)
    assert len(aws.made("authorize")) == 1 + 3
    assert rules_of(aws.groups[EAST][GROUP]) == rules_of(RULES)


def test_a_rule_whose_source_is_gone_is_given_up_and_reported(aws):
    fence(aws, INGRESS)
    del aws.groups[EAST]["sg-app"]
    done = unfence(aws)
    assert "the group that they refer to is gone: 1" in done["reason"]
    assert [key[4] for key in rules_of(aws.groups[EAST][GROUP])] == ["10.1.0.0/16", "10.2.0.0/16"]
    assert not aws.items[EAST]


def test_a_resource_that_is_gone_ends_the_fencing(aws):
    fence(aws, INGRESS)
    del aws.groups[EAST][GROUP]
    done = unfence(aws)
    assert f"No longer existing: {GROUP}" in done["reason"] and not aws.items[EAST]


def test_what_only_the_other_tables_tell_is_forgotten_too(aws):
    aws.lost.add(EAST)
    fence(aws, INGRESS)
    aws.lost.clear()
    done = unfence(aws)
    assert done["changed"] and not aws.items[WEST]
    assert_as_before(aws)


# --- killed anywhere
def killed(points):
    """Every way to die before or after one of so many writes, and not to die at all."""
    return [None, *itertools.product(range(1, points + 1), (False, True))]


@MODES
def test_killed_anywhere_and_started_again_ends_as_if_never_killed(what):
    """Fencing writes three times to its region, giving back twice; each may be the last thing a process did."""
    for in_fencing, in_giving_back in itertools.product(killed(3), killed(2)):
        aws = FenceAws(EAST, WEST)
        aws.revive(in_fencing)
        fence(aws, what)
        assert aws.dead is bool(in_fencing)
        aws.revive()
        assert fence(aws, what, run_id="run-2")["fenced"] == "fenced"
        assert document(aws)["removed"] == REMOVED[what["mode"]]
        assert len(aws.made(TAKES[what["mode"]])) == CALLS[what["mode"]], "nothing is done twice"
        aws.revive(in_giving_back)
        try:
            unfence(aws)
        except MultiRegionError:
            assert in_giving_back
        aws.revive()
        unfence(aws)
        assert_as_before(aws)
        assert aws.items == {EAST: {}, WEST: {}}, (in_fencing, in_giving_back)


@MODES
@pytest.mark.parametrize("point", killed(3)[1:])
def test_fencing_killed_anywhere_can_be_restored_immediately(aws, what, point):
    aws.revive(point)
    fence(aws, what)
    aws.revive()
    unfence(aws)
    assert_as_before(aws)
    assert not aws.items[EAST]


# --- check mode and bad input
@MODES
def test_check_mode_says_what_would_be_done_and_does_nothing(aws, what):
    would = fence(aws, what, check_mode=True)
    assert (would["changed"], would["fenced"]) == (True, "not fenced") and "would be removed" in would["reason"]
    assert_as_before(aws)
    fence(aws, what)
    assert not fence(aws, what, check_mode=True)["changed"]
    back = unfence(aws, check_mode=True)
    assert back["changed"] and back["restored"][0]["restored"] and not is_open(aws, what)
    assert document(aws)["state"] == "done"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"region": EUROPE}, f"region is {EUROPE}; allowed"),
        ({"mode": "everything"}, "mode is everything"),
        ({"security_group_id": None}, "security_group_id is not given"),
        ({"run_id": None}, "run_id is not given"),
    ],
)
def test_bad_input_is_refused_before_any_call(aws, more, words):
    with pytest.raises(MultiRegionError, match=words):
        run({**params(state="present"), **INGRESS, **more}, aws.clients)
    assert not aws.calls


# --- the network ACL
def turned(action, *places):
    """The entries of the ACL, those in these places with another action."""
    return [{**one, "RuleAction": action} if n in places else one for n, one in enumerate(ENTRIES["Entries"])]


def test_nothing_enters_or_leaves_and_nothing_else_of_the_acl_changes(aws):
    done = fence(aws, STATELESS)
    assert done["fenced"] == "fenced" and "also on connections that were open" in done["reason"]
    assert aws.acls[EAST][ACL]["Entries"] == turned("deny", 0, 1)
    assert len(aws.made("replace")) == 2
    unfence(aws)
    assert_as_before(aws)


@pytest.mark.parametrize("direction", [0, 1])
def test_a_fence_of_one_direction_is_not_called_fenced_and_the_next_run_completes_it(aws, direction):
    errors = [None] * direction + [no_answer()]
    real = aws.replace_network_acl_entry

    def flaky(region, **entry):
        error = errors.pop(0) if errors else None
        if error:
            raise error
        return real(region, **entry)

    aws.replace_network_acl_entry = flaky
    assert fence(aws, STATELESS)["fenced"] == "unknown"
    assert aws.acls[EAST][ACL]["Entries"] == turned("deny", 1 - direction), "the other one was not held up"
    before = len(aws.made("replace"))
    assert fence(aws, STATELESS, run_id="run-2")["fenced"] == "fenced"
    assert len(aws.made("replace")) - before == 1, "only what was still open"
    assert document(aws)["removed"] == FENCE_ENTRIES
    unfence(aws)
    assert_as_before(aws)


def test_a_fence_of_one_direction_can_be_lifted(aws):
    fence(aws, STATELESS)
    aws.acls[EAST][ACL]["Entries"] = turned("deny", 1)
    unfence(aws)
    assert_as_before(aws)
    assert len(aws.made("replace")) == 2 + 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda acl: acl["Entries"].pop(0), "no inbound rule 10"),
        (lambda acl: acl["Entries"].pop(1), "no outbound rule 10"),
        (
            lambda acl: acl["Entries"].append({**FENCE_ENTRIES[0], "RuleNumber": 5}),
            r"inbound rules that allow traffic before rule 10: \[5\]",
        ),
        (lambda acl: acl["Entries"][0].update(CidrBlock="10.0.0.0/8"), "is for 10.0.0.0/8"),
        (lambda acl: acl["Entries"][1].update(Protocol="6"), "Outbound rule 10 of acl-db is for 0.0.0.0/0, protocol 6"),
        (lambda acl: acl["Associations"].clear(), "not associated with subnet-1"),
        (lambda acl: acl["Associations"][0].update(SubnetId="subnet-2"), "not associated with subnet-1"),
    ],
)
def test_an_acl_whose_deny_would_let_clients_through_is_not_called_fenced(aws, change, words):
    change(aws.acls[EAST][ACL])
    for one in aws.acls[EAST][ACL]["Entries"]:
        one["RuleAction"] = one["RuleAction"] if one["RuleNumber"] == 5 else "deny"
    done = fence(aws, STATELESS)
    assert done["fenced"] == "not fenced" and re.search(words, done["reason"])
    assert not aws.made("replace")


def test_an_acl_that_cannot_fence_any_more_is_still_opened(aws):
    fence(aws, STATELESS)
    aws.acls[EAST][ACL]["Associations"].clear()
    assert unfence(aws)["changed"] and is_open(aws, STATELESS)


def test_a_deny_that_no_run_wrote_down_becomes_an_allow(aws):
    aws.acls[EAST][ACL]["Entries"] = turned("deny", 0)
    assert fence(aws, STATELESS)["fenced"] == "fenced"
    unfence(aws)
    assert_as_before(aws)


def test_the_instant_of_the_proof_is_when_the_deny_was_read_back(aws, monkeypatch):
    times = iter(range(1000, 2000))
    monkeypatch.setattr("time.time", lambda: float(next(times)))
    fence(aws, STATELESS)
    kept = document(aws)
    assert kept["done_at"] > kept["fenced_at"]
    again = fence(aws, STATELESS, run_id="run-2")
    assert again["document"]["done_at"] == kept["done_at"], "a standing fence keeps its instant"


# --- the network ACL cannot be changed
BOTH = {**STATELESS, "security_group_id": GROUP}


def no_fence(aws, how):
    """Let the network ACL not fence, in one of the ways in which that happens."""
    if how == "refused":
        aws.errors[(EAST, "replace_network_acl_entry")] = [aws_error("UnauthorizedOperation")]
    elif how == "lost":
        aws.errors[(EAST, "replace_network_acl_entry")] = [no_answer(), no_answer()]
    elif how == "hangs":
        aws.replace_network_acl_entry = lambda _region, **_entry: aws.over.wait(30)
    elif how == "unprepared":
        aws.acls[EAST][ACL]["Entries"].pop(0)
    else:
        del aws.acls[EAST][ACL]


@pytest.mark.parametrize(
    ("how", "state", "words"),
    [
        ("refused", "failed", "UnauthorizedOperation"),
        ("unprepared", "failed", "no inbound rule 10"),
        ("absent", "failed", "there is none in the region"),
        ("lost", "intended", "the response was lost"),
        ("hangs", "intended", "interrupted after it was requested"),
    ],
)
def test_ingress_is_revoked_where_the_network_acl_does_not_fence(aws, how, state, words):
    no_fence(aws, how)
    done = fence(aws, BOTH, deadline=3.0)
    assert (done["fenced"], done["changed"]) == ("fenced", True) and not is_open(aws, INGRESS)
    assert "is not proven: connections that were open" in done["reason"] and words in done["reason"]
    kept = document(aws)
    assert (kept["mode"], kept["state"]) == ("database_ingress", "done")
    assert [(one["mode"], one["state"]) for one in kept["earlier"]] in (
        [("network_acl", state)],
        [("network_acl", "intended")],  # its own table has what was written before the answer was waited for
    )
    assert document(aws, WEST) == kept == done["document"]


@pytest.mark.parametrize("how", ["refused", "lost"])
def test_a_later_run_turns_the_acl_too_and_everything_is_restored(aws, how):
    no_fence(aws, how)
    fence(aws, BOTH)
    again = fence(aws, BOTH, run_id="run-2")
    assert again["fenced"] == "fenced" and "also on connections that were open" in again["reason"]
    assert not is_open(aws, STATELESS) and len(aws.made("revoke")) == 1
    unfence(aws)
    assert_as_before(aws)


def test_ingress_is_kept_where_the_network_acl_fences(aws):
    assert fence(aws, BOTH)["fenced"] == "fenced"
    assert is_open(aws, INGRESS) and document(aws)["earlier"] == []


def test_nothing_is_revoked_where_nothing_can_be_written_down(aws):
    aws.errors[(EAST, "get_item")] = [aws_error("AccessDeniedException")] * 4
    done = fence(aws, BOTH)
    assert done["fenced"] == "not fenced" and "AccessDeniedException" in done["reason"]
    assert_as_before(aws)


def test_both_reasons_are_reported_where_neither_fences(aws):
    no_fence(aws, "refused")
    aws.errors[(EAST, "revoke_security_group_ingress")] = [aws_error("RequestLimitExceeded")] * 3
    done = fence(aws, BOTH)
    assert done["fenced"] == "not fenced"
    assert "RequestLimitExceeded" in done["reason"] and "UnauthorizedOperation" in done["reason"]
    assert {one["state"] for one in (document(aws), *document(aws)["earlier"])} == {"failed"}
    assert_as_before(aws)


def test_check_mode_says_that_ingress_would_be_revoked(aws):
    no_fence(aws, "unprepared")
    done = fence(aws, BOTH, check_mode=True)
    assert done["changed"] and "the ingress of the database's security group sg-db would be removed" in done["reason"]
    assert not aws.made("put", "replace", "revoke")
