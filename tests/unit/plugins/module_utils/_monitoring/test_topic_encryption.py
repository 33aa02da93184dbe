# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A topic gets its key once, and a change that was not carried out is reported."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring.topic_encryption import run
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error

TOPIC, KEY = "arn:aws:sns:us-east-2:123456789012:alerts", "arn:aws:kms:us-east-2:123456789012:key/1"


class FakeTopic(FakeAws):
    def __init__(self, key=None):
        super().__init__()
        self.attributes = {"TopicArn": TOPIC, **({"KmsMasterKeyId": key} if key else {})}

    def get_topic_attributes(self, region, TopicArn):
        if self.attributes is None:
            raise aws_error("NotFound", status=404)
        return {"Attributes": dict(self.attributes)}

    def set_topic_attributes(self, region, TopicArn, AttributeName, AttributeValue):
        assert region == "us-east-2"
        self.attributes[AttributeName] = AttributeValue


def encrypt(topic, check_mode=False):
    return run({"topic_arn": TOPIC, "kms_key_arn": KEY, "region": "us-east-2"}, topic.clients, check_mode)


@pytest.mark.parametrize(("before", "words"), [(None, "had no key"), ("alias/aws/sns", "encrypted with alias/aws/sns")])
def test_a_topic_gets_the_key_in_place_and_once(before, words):
    topic = FakeTopic(before)
    result = encrypt(topic)
    assert result["changed"] and topic.attributes["KmsMasterKeyId"] == result["kms_key_arn"] == KEY
    assert words in result["reason"]
    assert encrypt(topic)["changed"] is False
    assert topic.writes() == ["set_topic_attributes"]


def test_check_mode_writes_nothing_also_before_the_topic_is_there():
    topic = FakeTopic()
    assert encrypt(topic, check_mode=True)["changed"] is True
    topic.attributes = None
    assert encrypt(topic, check_mode=True)["changed"] is True
    assert topic.writes() == []


def test_a_lost_answer_counts_when_the_key_is_there():
    topic = FakeTopic()
    topic.lose_answer("set_topic_attributes")
    assert encrypt(topic)["changed"] is True


def test_a_topic_that_is_not_there_is_refused_by_name():
    topic = FakeTopic()
    topic.attributes = None
    with pytest.raises(Refused, match=f"no topic {TOPIC} .topic_arn."):
        encrypt(topic)


def test_an_error_of_aws_is_passed_on():
    topic = FakeTopic()
    topic.fail("set_topic_attributes", aws_error("AuthorizationError"))
    with pytest.raises(AwsCallError, match="AuthorizationError"):
        encrypt(topic)
