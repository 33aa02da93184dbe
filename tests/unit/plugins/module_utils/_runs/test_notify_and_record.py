# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Telling and recording: one region must take it, the others are not waited for."""

from __future__ import annotations

import json
import time

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core import fan_out
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring import notify as monitoring_notify
from ansible_collections.trading.multi_region.plugins.module_utils._runs import record as runs_record
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.failover_fakes import (
    EAST,
    TABLE,
    WEST,
    FakePlatform,
    arn_of,
)

TOPICS = {region: arn_of("sns", region, "alerts") for region in (EAST, WEST)}


@pytest.fixture
def aws(monkeypatch):
    monkeypatch.setattr(fan_out, "PATIENCE_SECONDS", 0.2)
    platform = FakePlatform()
    yield platform
    platform.over.set()


def notify(aws, check_mode=False, **more):
    params = {"topics": TOPICS, "required_region": WEST, "subject": "moved", "msg": "text", "deadline": 8}
    return monitoring_notify.run({**params, **more}, aws.clients, check_mode)


def test_a_move_under_way_continues_although_no_operator_can_be_notified(aws):
    aws.lost |= {EAST, WEST}
    done = notify(aws, best_effort=True)
    assert (done["changed"], sorted(done["not_delivered"])) == (False, [EAST, WEST])
    assert done["reason"].startswith("Nobody was notified")


def test_a_platform_without_topics_notifies_nobody_and_says_so(aws):
    done = notify(aws, topics={})
    assert (done["changed"], done["delivered"], aws.writes()) == (False, {}, [])
    assert done["reason"] == "Nobody is notified: this platform has no topic."


def record(aws, check_mode=False, **more):
    params = {"table_name": TABLE, "regions": [EAST, WEST], "required_region": WEST, "run_id": "r1", "deadline": 8}
    params.update(attempt=1, previous=None)
    return runs_record.run({**params, "record": {"outcome": "completed"}, **more}, aws.clients, check_mode)


def test_tells_every_topic_what_sns_takes(aws):
    done = notify(aws, subject="é moved\nto us-east-2 " + "x" * 100, attributes={"event": "moved", "n": 3, "empty": ""})
    assert (sorted(done["delivered"]), done["not_delivered"]) == ([EAST, WEST], {})
    (message,) = aws.topics[WEST]
    assert message["Subject"].startswith("? moved to us-east-2 x")
    assert len(message["Subject"]) == 99
    assert message["MessageAttributes"].pop("notification_id")["StringValue"]
    assert message["MessageAttributes"] == {
        "event": {"DataType": "String", "StringValue": "moved"},
        "n": {"DataType": "String", "StringValue": "3"},
    }


@pytest.mark.parametrize("act, done", [(notify, "delivered"), (record, "written_to")])
def test_a_hanging_region_delays_neither(aws, act, done):
    aws.hanging.add(EAST)
    begun = time.monotonic()
    result = act(aws)
    assert time.monotonic() - begun < 4
    assert list(result[done]) == [WEST]
    assert "not " in result["reason"] and "no answer within" in result["reason"]


@pytest.mark.parametrize("act, missing", [(notify, "not_delivered"), (record, "not_written_to")])
def test_fails_where_the_required_region_does_not_take_it_and_says_who_did(aws, act, missing):
    aws.lost.add(WEST)
    with pytest.raises(MultiRegionError) as error:
        act(aws)
    assert list(error.value.evidence[missing]) == [WEST]


def test_any_topic_will_do_where_none_is_required(aws):
    aws.lost.add(WEST)
    assert list(notify(aws, required_region=None)["delivered"]) == [EAST]
    aws.lost.add(EAST)
    with pytest.raises(MultiRegionError, match="No notification was sent through any region"):
        notify(aws, required_region=None)


def test_check_mode_tells_and_writes_nothing(aws):
    assert notify(aws, check_mode=True)["changed"] and record(aws, check_mode=True)["changed"]
    assert aws.writes() == []
    record(aws)
    assert not record(aws, check_mode=True)["changed"]


@pytest.mark.parametrize("act", [notify, record])
def test_a_required_region_that_is_not_among_them_is_refused(aws, act):
    with pytest.raises(MultiRegionError, match="required_region is mars-1; allowed: one of us-east-1, us-east-2."):
        act(aws, required_region="mars-1")
    assert aws.calls == []


def test_the_same_run_may_be_recorded_again(aws):
    assert record(aws)["changed"]
    assert not record(aws)["changed"]
    assert record(aws, record={"outcome": "failed"})["changed"]
    stored = aws.items[EAST][(TABLE, "run#r1")]
    assert json.loads(stored["document"]["S"])["outcome"] == "failed"


def test_copies_of_a_message_have_one_id_and_another_message_has_another(aws):
    aws.repeated.add("publish")
    notify(aws)
    first = {
        one["MessageAttributes"]["notification_id"]["StringValue"] for topic in aws.topics.values() for one in topic
    }
    assert len(first) == 1 and sum(map(len, aws.topics.values())) == 3
    notify(aws)
    assert aws.topics[WEST][-1]["MessageAttributes"]["notification_id"]["StringValue"] not in first
