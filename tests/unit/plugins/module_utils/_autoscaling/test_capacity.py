# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Capacity: never lowered, never above the maximum, and only healthy targets end the wait."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling import capacity
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.capacity import run
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import NoLease
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import WaitTimeout, poll
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.failover_fakes import (
    EAST,
    WEST,
    FakePlatform,
)


@pytest.fixture
def aws():
    return FakePlatform()


def raise_to(aws, at_least, check_mode=False, **more):
    params = {
        "region": WEST,
        "name": "asg",
        "at_least": at_least,
        "target_group_arn": "tg",
        "wait": True,
        "wait_timeout": 0,
        "poll_interval": 0.01,
    }
    return run({**params, **more}, aws.clients, check_mode)


def test_raises_the_desired_capacity_and_counts_the_healthy_targets(aws):
    aws.healthy[WEST] = aws.registered[WEST] = 4
    done = raise_to(aws, 4)
    assert (done["changed"], done["before"]["desired"], done["after"]["desired"]) == (True, 2, 4)
    assert done["healthy_targets"] == 4
    assert {call[1] for call in aws.calls} == {WEST}


@pytest.mark.parametrize("at_least", [0, 1, 2])
def test_never_lowers(aws, at_least):
    done = raise_to(aws, at_least)
    assert not done["changed"]
    assert aws.writes() == []
    asked = f"The desired capacity of asg is 2, and {at_least} or more was requested."
    assert done["reason"] == f"{asked} 2 of its targets are healthy."


def test_refuses_more_than_the_maximum(aws):
    with pytest.raises(Refused, match="at_least is 7; asg allows at most 6"):
        raise_to(aws, 7)
    assert aws.writes() == []


def test_a_group_that_is_not_there_is_an_error(aws):
    with pytest.raises(MultiRegionError, match="there is no Auto Scaling group with that name"):
        raise_to(aws, 1, name="nope")


def test_waits_no_longer_than_asked_and_says_how_far_it_came(aws):
    aws.groups[WEST]["suspended"] = ["Launch"]
    with pytest.raises(WaitTimeout, match="2 of 2 targets of asg are healthy after .*; 4 are needed") as error:
        raise_to(aws, 4)
    assert "Suspended processes of the group: Launch." in str(error.value)
    assert error.value.evidence["changed"]
    assert error.value.evidence["targets"]["healthy"] == 2


def test_only_asks_when_asked_not_to_wait(aws):
    done = raise_to(aws, 4, wait=False, target_group_arn=None)
    assert (done["changed"], done["healthy_targets"]) == (True, None)


def test_check_mode_asks_for_nothing(aws):
    done = raise_to(aws, 4, check_mode=True)
    assert (done["changed"], done["after"]["desired"]) == (True, 4)
    assert done["reason"] == "The desired capacity of asg would be raised from 2 to 4."
    assert aws.writes() == []


def test_a_lost_answer_is_read_back_before_it_is_called_a_failure(aws):
    aws.lose_answer("set_desired_capacity")
    assert raise_to(aws, 4, wait=False)["after"]["desired"] == 4


@pytest.mark.parametrize("is_lost", [False, True])
def test_an_old_reading_after_the_request_is_not_believed(aws, is_lost):
    aws.stale["describe_auto_scaling_groups"] = 1
    if is_lost:
        aws.lose_answer("set_desired_capacity")
    assert raise_to(aws, 4, wait=False)["after"]["desired"] == 4
    assert aws.writes() == ["set_desired_capacity"]


def test_a_refusal_of_aws_is_an_error(aws):
    aws.fail("set_desired_capacity", aws_error("AccessDenied"))
    with pytest.raises(AwsCallError, match="SetDesiredCapacity in us-east-2 failed: AccessDenied"):
        raise_to(aws, 4)


def test_a_lost_lease_stops_it_before_the_request(aws):
    handle = {
        "table_name": "t",
        "region": WEST,
        "run_id": "r1",
        "attempt": 1,
        "lease_seconds": 60,
        "step": "capacity_ask",
    }
    with pytest.raises(Refused, match="there is no lease"):
        raise_to(aws, 4, lease=handle)
    # The proof that failed, and nothing after it.
    assert aws.writes() == ["update_item"]
    assert raise_to(aws, 4, check_mode=True, lease=handle)["changed"]


def test_the_wait_keeps_the_lease(aws, monkeypatch):
    """The wait sleeps through the lease; a lease lost there ends it, and the requested capacity is reported."""
    held = []

    class LostLater(NoLease):
        def hold(self):
            held.append("hold")

        def sleep(self, seconds):
            raise Refused("lease lost to bob")

    monkeypatch.setattr(capacity, "lease_of", lambda _params, _clients: LostLater())
    with pytest.raises(Refused, match="lease lost to bob") as error:
        raise_to(aws, 4, wait_timeout=5)
    assert (held, error.value.evidence["changed"]) == (["hold"], True)


def test_the_other_regions_are_not_touched(aws):
    aws.lost.add(EAST)
    assert raise_to(aws, 3, wait=False)["changed"]


# --- what AWS has not got


NO_MORE = "We currently do not have sufficient t3.medium capacity in the Availability Zone you requested (us-east-2a)."


def fail_to_launch(aws, age=60.0, **more):
    """AWS's last activity is a launch that failed so many seconds ago."""
    started = datetime.now(UTC) - timedelta(seconds=age)
    failed = {"StatusCode": "Failed", "StartTime": started, "StatusMessage": NO_MORE, **more}
    aws.activities[WEST] = [{"StatusCode": "Successful", "StartTime": datetime.now(UTC)}, failed]


@pytest.mark.parametrize(
    "at_least, percent, healthy, goes_on",
    [(4, 50, 2, True), (4, 50, 1, False), (3, 50, 1, False), (3, 50, 2, True), (2, 1, 1, True), (2, 1, 0, False)],
)
def test_goes_on_with_the_accepted_part_and_at_least_one_target(aws, at_least, percent, healthy, goes_on):
    aws.healthy[WEST] = healthy
    fail_to_launch(aws)
    if goes_on:
        done = raise_to(aws, at_least, min_capacity_percent=percent)
        assert done["healthy_targets"] == healthy and done["after"]["desired"] == at_least, "the wish stays"
        (warning,) = done["warnings"]
        assert f"{healthy} of {at_least} wanted" in warning and NO_MORE in warning and warning in done["reason"]
        assert done["scaling_failure"]["message"] == NO_MORE
    else:
        with pytest.raises(WaitTimeout, match=f"{at_least} are needed, or .* of them") as error:
            raise_to(aws, at_least, min_capacity_percent=percent)
        assert NO_MORE in str(error.value)
        assert error.value.evidence["scaling_failure"]["message"] == NO_MORE


def test_a_refusal_names_the_percentage_that_would_accept_what_there_is(aws):
    aws.healthy[WEST] = 1
    with pytest.raises(WaitTimeout, match="min_capacity_percent=25 accepts what there is"):
        raise_to(aws, 4, min_capacity_percent=50)
    assert raise_to(aws, 4, min_capacity_percent=25)["healthy_targets"] == 1


def test_a_planned_move_waits_for_all_of_it(aws):
    aws.healthy[WEST] = 3
    with pytest.raises(WaitTimeout, match="4 are needed[.]"):
        raise_to(aws, 4)


def test_all_of_it_is_waited_for_until_capacity_timeout_and_a_part_until_wait_timeout(aws, monkeypatch):
    """Judged by the clock of the wait: the part that is healthy from the start is not taken before its time."""
    now, slept = [1000.0], []

    class Passing(NoLease):
        def sleep(self, seconds):
            slept.append(seconds)
            now[0] += seconds

    monkeypatch.setattr(capacity, "lease_of", lambda _params, _clients: Passing())
    monkeypatch.setattr(capacity.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(capacity, "poll", lambda *args, **more: poll(*args, **more, clock=lambda: now[0]))
    times = {"wait_timeout": 900, "capacity_timeout": 300, "poll_interval": 2}
    assert raise_to(aws, 4, min_capacity_percent=50, **times)["healthy_targets"] == 2
    assert 300 <= sum(slept) < 303
    slept.clear()
    with pytest.raises(WaitTimeout):
        raise_to(aws, 5, min_capacity_percent=50, **times)
    assert sum(slept) == pytest.approx(900)


@pytest.mark.parametrize(
    "prepare, said",
    [
        (lambda aws: aws.fail("describe_scaling_activities", aws_error("AccessDenied")), "could not be read"),
        (lambda aws: fail_to_launch(aws, age=2 * 3600), None),
        (lambda aws: fail_to_launch(aws, StatusMessage=None, Description="Launching"), "Launching"),
    ],
    ids=["unreadable", "old", "without a message"],
)
def test_a_reason_that_is_not_there_is_not_invented(aws, prepare, said):
    prepare(aws)
    (warning,) = raise_to(aws, 4, min_capacity_percent=50)["warnings"]
    assert ("scaling activity" in warning or "could not be read" in warning) == bool(said)
    assert said is None or said in warning


def test_another_change_of_the_group_does_not_end_a_move(aws, monkeypatch):
    monkeypatch.setattr(capacity, "lease_of", lambda _params, _clients: Quick())
    aws.fail("set_desired_capacity", aws_error("ScalingActivityInProgress"), aws_error("ResourceContention"))
    assert raise_to(aws, 4, wait=False)["after"]["desired"] == 4


class Quick(NoLease):
    def sleep(self, seconds):
        """No time passes."""


# --- the minimum size


def hold(aws, at_least=4, seconds=3600, **more):
    return raise_to(aws, at_least, wait=False, min_size_hold=seconds, **more)


def test_the_minimum_size_rises_with_the_capacity_and_aws_gives_it_back(aws):
    done = hold(aws)
    assert (done["changed"], done["after"]["min"], done["after"]["desired"]) == (True, 4, 4)
    assert aws.writes() == ["put_scheduled_update_group_action", "update_auto_scaling_group"], (
        "the way back comes first"
    )
    assert (aws.holds[WEST]["MinSize"], done["hold"]["min"]) == (2, 2)
    assert 3500 < done["hold"]["until"] - time.time() <= 3600
    assert "minimum size was raised from 2 to 4" in done["reason"]
    again = hold(aws)
    assert not again["changed"] and again["hold"] == done["hold"] and len(aws.writes()) == 2


def test_a_second_move_remembers_the_minimum_size_from_before_the_first(aws):
    hold(aws)
    assert hold(aws, at_least=5)["hold"]["min"] == 2
    assert (aws.holds[WEST]["MinSize"], aws.groups[WEST]["min"]) == (2, 5)
    assert aws.writes().count("put_scheduled_update_group_action") == 1, "the way back is there already"


def test_a_hold_that_ends_soon_is_made_longer(aws):
    hold(aws, seconds=60)
    done = hold(aws)
    assert done["changed"] and done["hold"]["until"] - time.time() > 3500 and aws.holds[WEST]["MinSize"] == 2


def test_given_back_it_is_as_before_and_the_capacity_stays(aws):
    hold(aws)
    looked = hold(aws, at_least=0, seconds=0, check_mode=True)
    assert (looked["changed"], looked["after"]["min"], len(aws.writes())) == (True, 2, 2)
    done = hold(aws, at_least=0, seconds=0)
    assert (done["changed"], done["after"]["min"], done["after"]["desired"], done["hold"]) == (True, 2, 4, None)
    assert aws.groups[WEST] == {"min": 2, "desired": 4, "max": 6} and WEST not in aws.holds
    assert not hold(aws, at_least=0, seconds=0)["changed"]


def test_giving_back_raises_nothing_in_a_region_that_was_fenced_meanwhile(aws):
    hold(aws)
    aws.groups[WEST].update(min=0, desired=0)
    hold(aws, at_least=0, seconds=0)
    assert aws.groups[WEST]["min"] == 0 and WEST not in aws.holds


def test_without_the_option_the_minimum_size_is_left_alone(aws):
    assert raise_to(aws, 4, wait=False)["after"]["min"] == 2
    assert aws.writes() == ["set_desired_capacity"]


@pytest.mark.parametrize("operation", ["put_scheduled_update_group_action", "update_auto_scaling_group"])
def test_a_minimum_size_that_cannot_be_held_does_not_keep_the_capacity_down(aws, operation):
    aws.fail(operation, aws_error("AccessDenied"))
    done = hold(aws)
    assert (done["changed"], done["after"]["desired"], done["after"]["min"]) == (True, 4, 2)
    assert "is not held raised" in done["warnings"][0] and "AccessDenied" in done["warnings"][0]


@pytest.mark.parametrize("operation", ["put_scheduled_update_group_action", "update_auto_scaling_group"])
def test_a_lost_answer_to_a_hold_is_read_back(aws, operation):
    aws.lose_answer(operation)
    assert hold(aws)["after"]["min"] == 4 and aws.holds[WEST]["MinSize"] == 2


@pytest.mark.parametrize("operation", ["delete_scheduled_action", "update_auto_scaling_group"])
def test_a_lost_answer_to_giving_back_is_read_back(aws, operation):
    hold(aws)
    aws.lose_answer(operation)
    assert hold(aws, at_least=0, seconds=0)["after"]["min"] == 2 and WEST not in aws.holds


def test_what_cannot_be_read_is_not_given_back(aws):
    hold(aws)
    aws.fail("describe_scheduled_actions", aws_error("AccessDenied"))
    with pytest.raises(AwsCallError, match="DescribeScheduledActions"):
        hold(aws, at_least=0, seconds=0)
    assert aws.groups[WEST]["min"] == 4


def test_without_a_target_group_those_of_the_group_count_and_without_any_what_is_in_service(aws):
    done = raise_to(aws, 2, target_group_arn=None)
    assert done["reason"].endswith("2 of its instances are healthy.")
    aws.registers, aws.healthy[WEST] = ["tg"], 1
    with pytest.raises(WaitTimeout, match="1 of 2 instances of asg are healthy after .*; 2 are needed"):
        raise_to(aws, 2, target_group_arn=None)
