# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Capacity: never lowered, never above the maximum, and only healthy targets end the wait."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling import capacity
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.capacity import run
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import NoLease
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import WaitTimeout
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
    assert done["reason"] == f"The desired capacity of asg is already 2; at least {at_least} was requested."


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
    assert aws.writes() == []
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
