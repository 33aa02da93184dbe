# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The trigger inside AWS: who acts, what it leads to, and once for each outage."""

from __future__ import annotations

import json

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._automation.outage_claim import (
    CLAIM_ID,
    CLAIM_SECONDS,
)
from ansible_collections.trading.multi_region.plugins.module_utils._cloud_trigger import handler
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import manifest
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import pack, unpack
from ansible_collections.trading.multi_region.plugins.module_utils._core import fan_out
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._health import regions as health_regions
from ansible_collections.trading.multi_region.plugins.modules import (
    failover_manifest_info,
    failover_plan_info,
    region_health_info,
)
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.failover_fakes import (
    EAST,
    EUROPE,
    TABLE,
    WEST,
    FakePlatform,
    dated,
    manifest_of,
)

SECRET = "trading-controller-dev"
ADDRESS = {"url": "https://awx.example/api/v2/job_templates/7/launch/", "token": "t0ken"}
SETTINGS = {
    "platform": "trading dev",
    "table_name": TABLE,
    "regions": [EAST, WEST],
    "webhook_secret": SECRET,
    "consecutive_failures": 3,
    "quorum": 2,
    "stream_limit": 180,
    "min_healthy_ratio": 0.5,
    "cool_down": 3600,
}


class CloudPlatform(FakePlatform):
    """A platform whose control tables tell the time, with a secret; in ``sick`` regions nothing serves."""

    def __init__(self, *regions):
        super().__init__(*regions)
        self.sick = set()
        self.secret = json.dumps(ADDRESS)
        self.requests, self.refused_events = [], []

    def get_item(self, region, **question):
        return {**super().get_item(region, **question), **dated(self.now)}

    def update_item(self, region, TableName, Key, ConditionExpression, ExpressionAttributeValues, **_expression):
        stored = self.items[region].get((TableName, Key["id"]["S"]), {}).get("written_at")
        allowed = [ExpressionAttributeValues.get(name) for name in (":was", ":written_at")]
        if stored not in allowed:
            raise aws_error("ConditionalCheckFailedException", "UpdateItem")
        values = {name: ExpressionAttributeValues[f":{name}"] for name in ("document", "version", "written_at")}
        self.items[region][TableName, Key["id"]["S"]] = {**Key, **values}
        return {}

    def describe_target_health(self, region, TargetGroupArn):
        self.healthy[region] = 0 if region in self.sick else 2
        return super().describe_target_health(region, TargetGroupArn)

    def describe_db_instances(self, region, Filters):
        found = super().describe_db_instances(region, Filters)
        if region in self.sick:
            found["DBInstances"][0]["DBInstanceStatus"] = "failed"
        return found

    def get_secret_value(self, region, SecretId):
        assert SecretId == SECRET
        return {"SecretString": self.secret}

    def get_queue_url(self, region, QueueName, QueueOwnerAWSAccountId):
        return {"QueueUrl": f"https://sqs.{region}.example/{QueueOwnerAWSAccountId}/{QueueName}"}

    def send_message(self, region, QueueUrl, MessageBody):
        self.requests.append((region, QueueUrl.rpartition("/")[2], json.loads(MessageBody)))
        return {"MessageId": "m-1"}

    def put_events(self, region, Entries):
        if self.refused_events:
            failure = {"ErrorCode": self.refused_events.pop(), "ErrorMessage": "said EventBridge"}
            return {"FailedEntryCount": 1, "Entries": [failure]}
        (entry,) = Entries
        self.requests.append((region, entry["EventBusName"], json.loads(entry["Detail"])))
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]}

    def claim(self, region):
        return unpack(self.items[region].get((TABLE, CLAIM_ID), {}))["document"]


class Controller:
    """What was sent to the controller; ``faults`` are raised first."""

    def __init__(self):
        self.calls, self.faults = [], []

    def __call__(self, url, token, document):
        self.calls.append((url, token, document))
        if self.faults:
            raise self.faults.pop(0)
        return 201


@pytest.fixture
def build(monkeypatch):
    monkeypatch.setattr(fan_out, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(health_regions, "probe", lambda *_address: {"status": 200, "milliseconds": 5})

    def make(*regions):
        platform = CloudPlatform(*regions)
        for region in regions:
            params = {"table_name": TABLE, "region": region, "manifest": manifest_of(*regions)}
            manifest.run(params, platform.clients)
        platform.calls.clear()
        return platform

    return make


@pytest.fixture
def aws(build):
    return build(EAST, WEST)


@pytest.fixture
def controller():
    return Controller()


def minute(aws, controller, region=WEST, **more):
    """One run of the function in a region, and a minute."""
    done = handler.run({**SETTINGS, **more}, aws.clients, region, controller)
    aws.now += 60
    return done


def minutes(aws, controller, count, region=WEST, **more):
    return [minute(aws, controller, region, **more)["action"] for _run in range(count)]


# --- who acts --------------------------------------------------------------------------------------------------------


def test_in_the_active_region_it_does_nothing_whatever_is_wrong(aws, controller):
    aws.sick.add(EAST)
    done = minute(aws, controller, EAST)
    assert (done["action"], done["active_region"], done["delivered"]) == ("none", EAST, {})
    assert controller.calls == [] and aws.writes() == []


def test_after_a_move_the_parts_are_swapped_without_any_setting(build, controller):
    aws = build(WEST, EAST)  # the fake's first region holds the writer
    aws.sick.add(WEST)
    assert minute(aws, controller, WEST)["action"] == "none"
    assert minutes(aws, controller, 3, EAST) == ["alert", "none", "requested"]
    assert controller.calls[0][2]["extra_vars"]["expected_active_region"] == WEST


def test_a_healthy_platform_is_looked_at_and_left_alone(aws, controller):
    assert minutes(aws, controller, 3) == ["none", "none", "none"]
    assert controller.calls == [] and aws.topics == {EAST: [], WEST: []}


# --- an outage -------------------------------------------------------------------------------------------------------


def test_an_outage_is_reported_when_it_begins_and_asks_the_controller_once(aws, controller):
    aws.sick.add(EAST)
    assert minutes(aws, controller, 5) == ["alert", "none", "requested", "failover", "failover"]
    ((url, token, document),) = controller.calls
    assert (url, token) == (ADDRESS["url"], ADDRESS["token"])
    asked = document["extra_vars"]
    assert (asked["move_method"], asked["expected_active_region"]) == ("failover", EAST)
    assert asked["failover_reason"].startswith("cloud_trigger: us-east-1 is down")
    published = [message["MessageAttributes"]["event"]["StringValue"] for message in aws.topics[WEST]]
    assert published == ["cloud_trigger_alert", "cloud_trigger_requested"]
    assert aws.topics[WEST][0]["Subject"] == "trading dev: us-east-1 down, us-east-2 healthy"
    assert aws.topics[EAST] == [], "the surviving region's own topic has notified them"


def test_the_next_outage_is_asked_for_again(aws, controller):
    for _outage in range(2):
        aws.sick.add(EAST)
        minutes(aws, controller, 4)
        aws.sick.clear()
        minutes(aws, controller, 2)
    assert len(controller.calls) == 2


def test_without_a_webhook_operators_are_notified_and_no_controller_is_called(aws, controller):
    aws.sick.add(EAST)
    assert minutes(aws, controller, 5, webhook_secret="") == ["alert", "none", "alert", "none", "none"]
    assert controller.calls == [] and aws.made("get_secret") == []


QUEUE = "arn:aws:sqs:us-west-2:123456789012:failover"
BUS = "arn:aws:events:us-west-2:123456789012:event-bus/failover"


@pytest.mark.parametrize(
    ("way", "where", "words"),
    [
        ({"queue_arn": QUEUE}, "failover", "The request is in the queue failover in us-west-2, as message m-1."),
        ({"event_bus_arn": BUS}, BUS, "The request is on the bus event-bus/failover in us-west-2, as event e-1."),
    ],
    ids=["queue", "bus"],
)
def test_a_private_controller_is_asked_through_a_queue_or_a_bus_once(aws, controller, way, where, words):
    aws.sick.add(EAST)
    assert minutes(aws, controller, 4, webhook_secret="", **way) == ["alert", "none", "requested", "failover"]
    ((region, name, document),) = aws.requests
    assert (region, name, document["extra_vars"]["expected_active_region"]) == ("us-west-2", where, EAST)
    assert words in aws.topics[WEST][1]["Message"]
    assert controller.calls == [] and aws.made("get_secret") == []


def test_an_event_that_the_bus_did_not_take_is_sent_again(aws, controller):
    aws.sick.add(EAST)
    aws.refused_events = ["InternalFailure"]
    way = {"webhook_secret": "", "event_bus_arn": BUS}
    assert minutes(aws, controller, 4, **way) == ["alert", "none", "failover", "requested"]
    assert "PutEvents in us-west-2 failed: InternalFailure: said EventBridge" in aws.topics[WEST][1]["Message"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"queue_arn": QUEUE}, "webhook_secret and queue_arn are given; allowed: one of webhook_secret, queue_arn,"),
        ({"webhook_secret": "", "queue_arn": f"{QUEUE}.fifo"}, "allowed: the ARN of a standard queue of Amazon SQS"),
        ({"webhook_secret": "", "event_bus_arn": "failover"}, "allowed: the ARN of an event bus"),
    ],
)
def test_settings_that_name_no_way_or_several_are_refused(aws, controller, wrong, words):
    with pytest.raises(MultiRegionError, match=words):
        minute(aws, controller, **wrong)
    assert aws.calls == []


def test_a_pause_holds_it_back(aws, controller):
    pause = {"version": 1, "pause": {"until": aws.now + 3600, "by": "ann", "reason": "patching", "since": aws.now}}
    aws.items[WEST][TABLE, "automation"] = pack("automation", pause, "2027-01-01T00:00:00.000000Z")
    aws.sick.add(EAST)
    assert minutes(aws, controller, 4) == ["alert", "none", "alert", "none"]
    assert "It is paused" in aws.topics[WEST][1]["Message"]
    assert controller.calls == []


def test_the_planners_obstacles_hold_it_back(aws, controller):
    move = {"version": 1, "run_id": "r1", "method": "failover", "from_region": WEST, "target_region": EAST}
    move |= {"ended_at": aws.now - 600, "acknowledged": None}
    aws.items[WEST][TABLE, "latest_move"] = pack("latest_move", move, "2027-01-01T00:00:00.000000Z")
    aws.sick.add(EAST)
    assert minutes(aws, controller, 4) == ["alert", "none", "alert", "none"]
    assert "acknowledge=r1" in aws.topics[WEST][1]["Message"]
    assert controller.calls == []


def test_where_both_regions_are_unhealthy_there_is_one_critical_alert_and_no_request(aws, controller):
    aws.sick |= {EAST, WEST}
    assert minutes(aws, controller, 5) == ["critical"] * 5
    assert controller.calls == []
    (message,) = aws.topics[WEST]
    assert message["Subject"].startswith("CRITICAL trading dev: every region is unhealthy")


def test_other_regions_tell_people_where_the_own_topic_takes_nothing(aws, controller):
    aws.sick.add(EAST)
    aws.fail("publish", aws_error("InternalError", "Publish", status=500))
    assert minute(aws, controller)["delivered"] == {EAST: f"{EAST}-1"}


def test_an_alert_that_no_topic_accepts_is_an_error_of_the_function(aws, controller):
    aws.sick.add(EAST)
    aws.fail("publish", *[aws_error("InternalError", "Publish", status=500)] * 2)
    with pytest.raises(MultiRegionError, match="No notification was sent through any of us-east-1, us-east-2: us-east"):
        minute(aws, controller)


# --- once ------------------------------------------------------------------------------------------------------------


def test_several_standbys_ask_once(build, controller):
    aws = build(EAST, WEST, EUROPE)
    aws.sick.add(EAST)
    found = []
    for _minute in range(5):
        for region in (WEST, EUROPE):
            found.append(handler.run(SETTINGS, aws.clients, region, controller)["action"])
            aws.now += 10
        aws.now += 40
    assert found.count("requested") == len(controller.calls) == 1
    assert sum(map(len, aws.topics.values())) == 2, "as many alerts as with one standby"


def test_standbys_that_come_to_it_in_the_same_second_ask_once(build, controller):
    aws = build(EAST, WEST, EUROPE)
    aws.sick.add(EAST)
    claims = []

    def meanwhile(*request):
        claims.append(handler.ask_for_failover(SETTINGS, aws.clients, seen, regions, since, "It is down.", late))
        return controller(*request)

    def late(*_request):
        raise AssertionError("the controller is asked twice")

    seen, regions, since = {"region": EUROPE, "active_region": EAST, "verdicts": {}}, [EAST, WEST, EUROPE], aws.now
    first = handler.ask_for_failover(
        SETTINGS, aws.clients, {**seen, "region": WEST}, regions, since, "It is down.", meanwhile
    )
    assert first[0] == "requested"
    assert claims == [("failover", f"It is being asked from {WEST}.", False)]


def test_a_controller_that_does_not_answer_is_asked_again_and_operators_are_notified_once(aws, controller):
    controller.faults = [MultiRegionError("awx.example did not respond: TimeoutError.")] * 2
    aws.sick.add(EAST)
    assert minutes(aws, controller, 6) == ["alert", "none", "failover", "failover", "requested", "failover"]
    assert len(controller.calls) == 3
    published = [message["Message"] for message in aws.topics[WEST]]
    assert len(published) == 3
    assert "could not be asked: awx.example did not respond: TimeoutError. The next run tries again." in published[1]
    assert "responded with status 201" in published[2]


def test_a_claim_whose_holder_has_died_is_free_after_a_while(aws, controller):
    aws.sick.add(EAST)
    minutes(aws, controller, 2)

    def die(*_request):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        minute(aws, die)
    assert aws.claim(WEST)["called_at"] is None
    aws.now += CLAIM_SECONDS - 5
    assert minute(aws, controller)["action"] == "failover", "it may still be at it"
    assert minute(aws, controller)["action"] == "requested"


def test_a_claim_goes_to_the_next_standby_where_the_first_ones_table_is_silent(build, controller):
    aws = build(EAST, WEST, EUROPE)
    aws.sick.add(EAST)
    aws.lost.add(WEST)
    assert minutes(aws, controller, 3, EUROPE)[-1] == "requested"
    assert aws.claim(EUROPE)["by"] == EUROPE and aws.claim(WEST) is None


@pytest.mark.parametrize(
    "text",
    ["", "t0ken-of-somebody", "[]", '{"url": "https://x/"}', '{"url": "http://awx.example/t0ken", "token": "t"}'],
)
def test_a_secret_that_cannot_be_used_is_reported_without_what_it_holds(aws, controller, text):
    aws.secret = text
    aws.sick.add(EAST)
    minutes(aws, controller, 2)
    done = minute(aws, controller)
    assert done["action"] == "failover" and controller.calls == []
    assert f"secret {SECRET}" in done["reason"] and "t0ken" not in done["reason"]


# --- the same code ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "module"),
    [
        (handler.MANIFEST_OPTIONS, failover_manifest_info),
        (handler.HEALTH_OPTIONS, region_health_info),
        (handler.PLAN_OPTIONS, failover_plan_info),
    ],
    ids=["manifest", "health", "plan"],
)
def test_it_asks_as_the_modules_ask(options, module):
    """As health_check.yml asks: it keeps the capacity that it sees, which the module alone does not read."""
    asked = {"capacity": True} if module is region_health_info else {}
    assert options == {name: module.ARGUMENT_SPEC[name].get("default") for name in options} | asked


@pytest.mark.parametrize("wrong", [{"quorum": 1}, {"min_healthy_ratio": "many"}, {"cool_down": -5}, {"regions": []}])
def test_settings_of_no_use_are_reported_by_name_before_the_first_call(aws, controller, wrong):
    with pytest.raises(MultiRegionError, match=f"{next(iter(wrong))} is .*; allowed: "):
        minute(aws, controller, **wrong)
    assert aws.calls == []
