# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ECS services: what AWS's answers mean, and what a lost answer or a refused hold leads to."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.capacity import run_service
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.services import (
    describe_service_hold,
    facts_of,
    last_failed_event,
    put_service_hold,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error

EAST, NAME = "us-east-1", "trading/orders"
COUNTS = st.integers(0, 5000)


class FakeServices(FakeAws):
    """One service with its scalable target and scheduled actions."""

    def __init__(self, desired=2, bounds=(2, 6)):
        super().__init__()
        self.desired, self.bounds, self.actions, self.events = desired, bounds, [], []

    def describe_services(self, region, cluster, services):
        if [cluster, *services] != NAME.split("/"):
            return {"services": [], "failures": [{"reason": "MISSING"}]}
        counts = {"desiredCount": self.desired, "runningCount": self.desired, "pendingCount": 0}
        return {"services": [{"status": "ACTIVE", **counts, "events": self.events}]}

    def describe_scalable_targets(self, region, ServiceNamespace, ScalableDimension, ResourceIds):
        assert ResourceIds == [f"service/{NAME}"]
        found = [dict(zip(("MinCapacity", "MaxCapacity"), self.bounds, strict=True))] if self.bounds else []
        return {"ScalableTargets": found}

    def update_service(self, region, cluster, service, desiredCount):
        self.desired = desiredCount

    def register_scalable_target(self, region, MinCapacity, **names):
        self.bounds = (MinCapacity, self.bounds[1])

    def describe_scheduled_actions(self, region, ScheduledActionNames, **names):
        return {"ScheduledActions": list(self.actions)}

    def put_scheduled_action(self, region, **action):
        self.actions = [action]

    def delete_scheduled_action(self, region, ScheduledActionName, **names):
        self.actions = []


@pytest.fixture
def aws():
    return FakeServices()


def raise_to(aws, at_least, **more):
    params = {"region": EAST, "service": NAME, "at_least": at_least, "wait": False}
    return run_service({**params, **more}, aws.clients)


@given(desired=COUNTS, running=COUNTS, pending=COUNTS, bounds=st.none() | st.tuples(COUNTS, COUNTS))
def test_nothing_lowers_a_service_without_bounds_and_nothing_limits_it(desired, running, pending, bounds):
    found = {"desiredCount": desired, "runningCount": running, "pendingCount": pending}
    facts = facts_of(found, dict(zip(("min", "max"), bounds, strict=True)) if bounds else None)
    assert (facts["min"], facts["max"]) == (bounds or (desired, None))
    assert (facts["desired"], facts["in_service"], facts["is_scaled"]) == (desired, running, bounds is not None)


@given(st.integers(0, 2**31), COUNTS)
def test_a_hold_is_read_as_it_was_put_unless_its_time_is_over(ahead, minimum):
    aws, until = FakeServices(), float(int(time.time()) + 10 + ahead)
    client = aws.clients("application-autoscaling", EAST)
    put_service_hold(client, NAME, minimum, until)
    assert describe_service_hold(client, NAME) == {"min": minimum, "until": until}
    put_service_hold(client, NAME, minimum, time.time() - 1 - ahead % 10**8)
    assert describe_service_hold(client, NAME) is None


def test_the_newest_event_that_explains_missing_tasks_is_told(aws):
    at = datetime(2026, 1, 1, 3, tzinfo=UTC)
    words = ["(service orders) has reached a steady state.", "(service orders) was unable to place a task. Reason: x."]
    aws.events = [{"createdAt": at, "message": message} for message in words]
    found = last_failed_event(aws.clients("ecs", EAST), NAME, at.timestamp())
    assert found == {"status": "Event", "message": words[1], "started_at": "2026-01-01T03:00:00Z"}
    assert last_failed_event(aws.clients("ecs", EAST), NAME, at.timestamp() + 1) is None


def test_the_minimum_is_raised_only_once_its_way_back_is_certain(aws):
    done = raise_to(aws, 4, min_size_hold=600)
    assert aws.writes() == ["put_scheduled_action", "register_scalable_target", "update_service"]
    assert (done["changed"], aws.bounds, aws.desired, done["hold"]["min"]) == (True, (4, 6), 4, 2)
    aws = FakeServices()
    aws.fail("put_scheduled_action", aws_error("AccessDeniedException"))
    done = raise_to(aws, 4, min_size_hold=600)
    assert (aws.bounds, aws.desired) == ((2, 6), 4)
    assert "is not held raised, so scaling policies may lower it" in done["warnings"][0]


@pytest.mark.parametrize("operation", ["update_service", "register_scalable_target", "put_scheduled_action"])
def test_a_lost_answer_is_read_back_before_it_is_called_a_failure(aws, operation):
    aws.lose_answer(operation)
    raise_to(aws, 4, min_size_hold=600)
    assert (aws.bounds, aws.desired) == ((4, 6), 4)


def test_a_refusal_is_raised(aws):
    aws.fail("update_service", aws_error("AccessDeniedException"))
    with pytest.raises(AwsCallError, match="UpdateService"):
        raise_to(aws, 4)
