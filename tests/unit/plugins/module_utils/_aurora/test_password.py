# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A rotation: at every moment applications of every region can log in, whatever fails and whatever else runs."""

from __future__ import annotations

import json

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.password import run
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import RUNNING, pack_lease
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import WaitTimeout
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.password_fakes import (
    EAST,
    FIRST,
    NAME,
    NOW,
    TABLE,
    WEST,
    FakeSecret,
    Killed,
)

WRITES = ("put_secret_value", "modify_db_cluster", "update_secret_version_stage")
PUT, MODIFY, MOVE = WRITES
ONCE = [PUT, MODIFY, MOVE, MOVE]


@pytest.fixture
def aws(fake_time):
    return FakeSecret(fake_time)


@pytest.fixture(autouse=True)
def applications_are_never_locked_out(request, aws):
    """Watch every region after every call; tests of what an operator accepts say so with ``gap``."""
    locked_out = []

    def look():
        locked_out.extend((region, aws.calls[-1][2]) for region in (EAST, WEST) if not aws.logs_in(region))

    if "gap" not in request.fixturenames:
        aws.every_moment.append(look)
    yield
    assert locked_out == []


@pytest.fixture
def gap():
    """The test accepts that a region is behind."""


def rotate(aws, check_mode=False, **said):
    params = {
        "secret_name": NAME,
        "global_cluster_identifier": "trading-global",
        "regions": [EAST, WEST],
        "table_name": TABLE,
        "expected_writer_region": None,
        "max_age_days": 0,
        "password_length": 32,
        "accept_gap": False,
        "replica_timeout": 60,
        "settle_seconds": 60,
        "wait_timeout": 600,
        "poll_interval": 5.0,
        **said,
    }
    return run(params, aws.clients, check_mode, **aws.time.passing, now=lambda: NOW)


def is_finished(aws):
    """Whether all is at rest: one current password, the one before it, no journal, everywhere the same."""
    current = {aws.password(region, "AWSCURRENT") for region in (EAST, WEST)}
    return current == {aws.accepted} and set(aws.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


def hold_lease(aws, region, outcome=RUNNING):
    lease = dict.fromkeys(("started_at", "acquired_at", "renewed_at"), NOW) | {"expires_at": 4e9, "outcome": outcome}
    lease |= {"run_id": "r-1", "claim": "r-1", "owner": "on-call@b", "method": "failover", "attempt": 1}
    aws.leases[region] = pack_lease({**lease, "lease_seconds": 60, "revision": 1})


def test_the_database_and_every_copy_have_the_new_password(aws):
    result = rotate(aws)
    assert is_finished(aws) and aws.accepted != "the-first-one-of-all"
    assert (result["changed"], result["resumed"], result["proof"], result["gaps"]) == (True, False, "event", {})
    assert (result["previous_version_id"], result["version_id"]) == (FIRST, aws.labels()["AWSCURRENT"])
    assert aws.writes() == ONCE


def test_what_else_the_secret_holds_is_kept(aws):
    rotate(aws)
    held = json.loads(aws.held[aws.labels()["AWSCURRENT"]]["value"])
    assert held == {"username": "tradingadmin", "note": "kept", "password": aws.accepted}
    assert len(aws.accepted) == 32 and aws.accepted.isalnum()


def test_the_password_is_in_no_result(aws):
    result = json.dumps(rotate(aws))
    assert aws.accepted not in result and "the-first-one-of-all" not in result


def test_it_is_set_where_the_writer_is_and_changed_where_the_primary_secret_is(aws):
    aws.writer = WEST
    result = rotate(aws)
    assert (result["writer_region"], result["primary_region"]) == (WEST, EAST)
    assert is_finished(aws) and aws.made("modify") == [(WEST, MODIFY)]


def test_a_second_run_makes_another_password(aws):
    rotate(aws)
    first = aws.accepted
    rotate(aws)
    assert is_finished(aws) and aws.accepted != first and len(aws.held) == 3


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("operation", "times"), [(PUT, 1), (MODIFY, 1), (MOVE, 1), (MOVE, 2)])
def test_the_next_run_finishes_what_a_killed_one_began_with_the_same_password(aws, operation, times, when):
    kill(aws, operation, times, when)
    with pytest.raises(Killed):
        rotate(aws)
    aws.killed_at = None
    aws.every_moment.pop()
    rotate(aws)
    # One password for both runs, except where nothing was left to finish.
    was_finished = (operation, times, when) == (MOVE, 2, "after")
    assert is_finished(aws) and len(aws.held) == (3 if was_finished else 2)


def kill(aws, operation, times, when):
    """Let the process end before or after the n-th call of an operation."""

    def arm():
        made = sum(one == operation for _s, _r, one, _p in aws.calls)
        aws.killed_at = (operation, when) if made == times - (when == "before") else None

    arm()
    aws.every_moment.append(arm)


@pytest.mark.parametrize("waits", range(1, 11))
def test_the_next_run_finishes_what_was_killed_while_it_waited(aws, fake_time, monkeypatch, waits):
    passing, left = fake_time.sleep, [None] * waits

    def sleep(seconds):
        passing(seconds)
        left.pop()
        if not left:
            raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(fake_time, "sleep", sleep)
        rotate(aws)
    rotate(aws)
    assert is_finished(aws) and len(aws.held) == 2


@pytest.mark.parametrize("operation", WRITES)
def test_a_lost_answer_has_no_double_effect(aws, operation):
    aws.lose_answer(operation)
    rotate(aws)
    assert is_finished(aws) and len(aws.held) == 2


@pytest.mark.parametrize("operation", [PUT, MOVE])
def test_a_write_that_is_refused_is_reported_and_not_repeated(aws, operation):
    aws.fail(operation, aws_error("AccessDeniedException"))
    with pytest.raises(AwsCallError, match="AccessDeniedException") as failed:
        rotate(aws)
    assert failed.value.evidence["changed"] is True
    assert [one for one in aws.writes() if one == operation] == [operation]


def test_a_busy_cluster_is_waited_for(aws):
    aws.fail(MODIFY, aws_error("InvalidDBClusterStateFault"), aws_error("InvalidDBClusterStateFault"))
    rotate(aws)
    assert is_finished(aws)


def test_the_database_is_left_alone_until_every_copy_shows_the_password(aws):
    aws.lag = 1000
    with pytest.raises(MultiRegionError, match="still has the old password") as failed:
        rotate(aws)
    assert list(failed.value.evidence["gaps"]) == [WEST]
    assert aws.writes() == [PUT]


def test_a_copy_that_never_shows_it_is_passed_over_when_that_is_accepted(aws, gap):
    aws.lag = 1000
    result = rotate(aws, accept_gap=True)
    assert aws.accepted == aws.password(EAST, "AWSCURRENT")
    assert list(result["gaps"]) == [WEST] and "Run again" in result["reason"]
    assert aws.labels()["AWSPENDING"] == aws.labels()["AWSCURRENT"], "the journal stays until every copy shows it"
    aws.lag = 3
    aws.changed()
    assert rotate(aws)["resumed"] is True
    assert is_finished(aws) and len(aws.held) == 2


@pytest.mark.parametrize(
    ("has_event", "takes", "settle", "proof"),
    [(True, 40, 60, "event"), (False, 40, 60, "status"), (False, 0, 30, "time")],
)
def test_it_says_how_it_knows_that_the_database_accepts_the_password(aws, has_event, takes, settle, proof):
    aws.has_event, aws.takes = has_event, takes
    if not takes:
        # Faster than the first poll.
        aws.modify_db_cluster = lambda region, DBClusterIdentifier, MasterUserPassword, ApplyImmediately: aws.accept(
            MasterUserPassword
        )
    assert rotate(aws, settle_seconds=settle)["proof"] == proof
    assert is_finished(aws)


def test_an_event_of_an_earlier_rotation_proves_nothing(aws):
    rotate(aws)
    aws.takes, aws.shows_after = 100, 12
    began = aws.time.now
    rotate(aws)
    assert aws.time.now - began >= 100 and is_finished(aws)


def test_a_database_that_does_not_accept_it_in_time_is_reported_and_the_next_run_continues(aws):
    aws.takes = 10_000
    with pytest.raises(WaitTimeout):
        rotate(aws)
    aws.takes = 40
    rotate(aws)
    assert is_finished(aws) and len(aws.held) == 2


def test_two_runs_at_the_same_moment_bring_about_one_password(aws):
    """The second one begins and ends while the first is about to put its own password."""
    put = aws.put_secret_value

    def second_run_first(region, **asked):
        aws.put_secret_value = put
        rotate(aws)
        return put(region, **asked)

    aws.put_secret_value = second_run_first
    rotate(aws)
    assert is_finished(aws) and len(aws.held) == 2


def test_of_two_runs_the_second_takes_up_what_the_first_has_put(aws):
    put = aws.put_secret_value

    def other_value_first(region, SecretString, **asked):
        aws.put_secret_value = put
        put(region, SecretString=SecretString.replace('"password": "', '"password": "x'), **asked)
        return put(region, SecretString=SecretString, **asked)

    aws.put_secret_value = other_value_first
    rotate(aws)
    assert is_finished(aws) and aws.accepted.startswith("x") and len(aws.held) == 2


def test_a_rotation_that_was_given_up_is_no_obstacle(aws):
    aws.lag = 1000
    with pytest.raises(MultiRegionError):
        rotate(aws)
    (given_up,) = [held for held in aws.held.values() if "AWSPENDING" in held["labels"]]
    given_up["labels"].clear()
    aws.lag = 3
    rotate(aws)
    assert is_finished(aws)


def test_after_a_return_to_the_old_password_a_new_one_is_made(aws, fake_time):
    rotate(aws)
    bad, now = aws.accepted, aws.labels()
    aws.attach("AWSPREVIOUS", now["AWSCURRENT"])
    aws.attach("AWSCURRENT", FIRST)
    aws.changed()
    aws.accepted = "the-first-one-of-all"
    fake_time.sleep(aws.lag)
    rotate(aws)
    assert is_finished(aws) and aws.accepted not in (bad, "the-first-one-of-all")


def test_a_young_password_stays(aws):
    rotate(aws)
    writes = aws.writes()
    result = rotate(aws, max_age_days=90)
    assert (result["changed"], aws.writes()) == (False, writes)


def test_an_old_password_goes(aws):
    assert rotate(aws, max_age_days=90)["changed"] is True
    assert is_finished(aws)


def test_check_mode_tells_what_would_be_done_and_does_nothing(aws):
    result = rotate(aws, check_mode=True)
    assert (result["changed"], result["resumed"], aws.writes()) == (True, False, [])
    assert "would" in result["reason"]


def test_check_mode_refuses_what_the_run_would_refuse(aws):
    hold_lease(aws, WEST)
    with pytest.raises(Refused):
        rotate(aws, check_mode=True)


# --- what refuses a rotation -----------------------------------------------------------------------------------------


def refused(aws, words, **said):
    before = aws.writes()
    with pytest.raises(Refused, match=words) as failed:
        rotate(aws, **said)
    assert aws.writes() == before and failed.value.evidence["changed"] is False
    return failed.value


def test_refuses_while_somebody_moves_the_platform(aws):
    hold_lease(aws, WEST)
    refused(aws, "on-call@b is moving the platform to us-east-2: run r-1")


def test_a_lease_that_has_ended_is_no_obstacle(aws):
    hold_lease(aws, WEST, outcome="successful")
    rotate(aws)
    assert is_finished(aws)


def test_gives_way_to_a_move_that_begins_while_it_waits(aws, fake_time):
    fake_time.at(1, lambda: hold_lease(aws, WEST))
    with pytest.raises(Refused, match="must not run during a move"):
        rotate(aws)
    assert aws.writes() == [PUT]


def test_does_not_make_a_password_current_that_the_new_writer_may_not_have(aws, fake_time):
    fake_time.at(20, lambda: setattr(aws, "writer", WEST))
    with pytest.raises(Refused, match="run again"):
        rotate(aws)
    assert aws.labels()["AWSCURRENT"] == FIRST
    aws.status = "available"
    rotate(aws)
    assert is_finished(aws) and aws.made("modify")[-1] == (WEST, MODIFY)


def test_refuses_while_aurora_moves_the_writer(aws):
    aws.begin(f"arn:aws:rds:{WEST}:123456789012:cluster:trading-{WEST}")
    refused(aws, "Aurora is moving the writer")


def test_refuses_another_writer_than_expected(aws):
    refused(aws, "expected_writer_region is us-east-2", expected_writer_region=WEST)


def test_refuses_when_the_region_of_the_primary_secret_is_lost_and_says_what_to_do(aws):
    aws.writer = WEST
    aws.lost.add(EAST)
    refused(aws, "The primary secret of trading-database-dev is in us-east-1, which does not respond.*promote")


def test_refuses_when_the_writers_region_is_lost(aws):
    aws.primary, aws.shown = WEST, {EAST: aws.held}
    aws.lost.add(EAST)
    refused(aws, "The writer of trading-global is in us-east-1, which does not respond", accept_gap=True)


def test_refuses_when_a_standby_is_lost_unless_that_is_accepted(aws, gap):
    aws.lost.add(WEST)
    refused(aws, "us-east-2 does not respond.*accept_gap=true")
    told = rotate(aws, accept_gap=True)
    assert list(told["gaps"]) == [WEST] and aws.accepted == aws.password(EAST, "AWSCURRENT")


def test_refuses_when_it_is_unknown_whether_a_move_is_under_way(aws):
    aws.fail("get_item", *[aws_error("AccessDeniedException")] * 2)
    refused(aws, "it is unknown whether a move to")


def test_refuses_two_secrets_of_one_name(aws):
    describe = aws.describe_secret
    aws.describe_secret = lambda region, SecretId: {**describe(region, SecretId), "PrimaryRegion": region}
    refused(aws, "an independent secret in us-east-1 and in us-east-2")


def test_refuses_a_secret_that_is_not_there(aws):
    refused(aws, "no region has such a secret", secret_name="another")


def test_refuses_a_secret_that_is_marked_for_deletion(aws):
    describe = aws.describe_secret
    aws.describe_secret = lambda region, SecretId: {**describe(region, SecretId), "DeletedDate": 1}
    refused(aws, "marked for deletion")


def test_refuses_a_region_without_a_copy(aws):
    aws.shown = {}
    aws.every_moment.clear()
    refused(aws, "us-east-2 has no replica")


def test_refuses_a_database_that_is_not_there(aws):
    aws.whole = None
    refused(aws, "no region has such a global database")


def test_refuses_a_secret_that_is_no_json_without_showing_it(aws):
    aws.every_moment.clear()
    aws.held[FIRST]["value"] = "plain-and-secret"
    error = refused(aws, "not a JSON object with a password")
    assert "plain-and-secret" not in str(error) + repr(error.evidence)


@pytest.mark.parametrize("operation", [PUT, MODIFY])
def test_an_error_that_quotes_the_password_is_kept_back(aws, operation):
    seen = []

    def quote(region, **asked):
        seen.append(asked.get("MasterUserPassword") or json.loads(asked["SecretString"])["password"])
        raise aws_error("InvalidParameterValue", message=f"{seen[0]} is not to my taste")

    setattr(aws, operation, quote)
    with pytest.raises(AwsCallError) as failed:
        rotate(aws)
    assert seen[0] not in str(failed.value) + repr(failed.value.evidence) and "is withheld" in str(failed.value)


@pytest.mark.parametrize("answers", [1, 2, 3])
def test_an_old_answer_after_a_change_has_no_double_effect(aws, answers):
    aws.stale = {"describe_secret": answers}
    rotate(aws)
    assert is_finished(aws) and len(aws.held) == 2 and aws.writes() == ONCE
