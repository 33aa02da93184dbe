# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Log groups get key and retention, new ones and those that are there, and nothing is done twice."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring.log_groups import run
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error

KEY = "arn:aws:kms:us-east-2:123456789012:key/1"
AUDIT, ERROR = "/aws/rds/cluster/c/audit", "/aws/rds/cluster/c/error"


class FakeLogs(FakeAws):
    def __init__(self, **groups):
        super().__init__()
        self.groups = groups

    def describe_log_groups(self, region, logGroupNamePrefix):
        assert region == "us-east-2"
        return {
            "logGroups": [
                {"logGroupName": name, **group}
                for name, group in self.groups.items()
                if name.startswith(logGroupNamePrefix)
            ]
        }

    def create_log_group(self, region, logGroupName, **options):
        if logGroupName in self.groups:
            raise aws_error("ResourceAlreadyExistsException")
        self.groups[logGroupName] = options

    def associate_kms_key(self, region, logGroupName, kmsKeyId):
        self.groups[logGroupName]["kmsKeyId"] = kmsKeyId

    def put_retention_policy(self, region, logGroupName, retentionInDays):
        self.groups[logGroupName]["retentionInDays"] = retentionInDays

    def delete_log_group(self, region, logGroupName):
        del self.groups[logGroupName]


def ensure(logs, *names, check_mode=False, **said):
    params = {"names": list(names), "state": "present", "region": "us-east-2", "kms_key_arn": KEY, **said}
    return run(params, logs.clients, check_mode)


def test_new_groups_are_made_with_key_retention_and_tags():
    logs = FakeLogs()
    result = ensure(logs, AUDIT, ERROR, retention_in_days=30, tags={"Project": "trading"})
    assert logs.groups[ERROR] == {"kmsKeyId": KEY, "retentionInDays": 30, "tags": {"Project": "trading"}}
    assert result["log_groups"][AUDIT] == {"kms_key_arn": KEY, "retention_in_days": 30}
    assert logs.writes() == ["create_log_group", "put_retention_policy"] * 2


def test_a_group_that_is_there_gets_the_key_and_keeps_what_it_holds():
    logs = FakeLogs(**{AUDIT: {"retentionInDays": 7}, f"{AUDIT}-of-somebody": {}})
    result = ensure(logs, AUDIT)
    assert logs.groups == {AUDIT: {"retentionInDays": 7, "kmsKeyId": KEY}, f"{AUDIT}-of-somebody": {}}
    assert result["reason"] == f"Changed: {AUDIT} (kms_key_arn)."


def test_a_second_run_changes_nothing():
    logs = FakeLogs()
    ensure(logs, AUDIT, retention_in_days=30)
    logs.calls.clear()
    assert ensure(logs, AUDIT, retention_in_days=30)["changed"] is False
    assert logs.writes() == []


def test_what_is_left_out_is_left_alone():
    logs = FakeLogs(**{AUDIT: {"kmsKeyId": "another", "retentionInDays": 7}})
    assert ensure(logs, AUDIT, kms_key_arn=None)["changed"] is False


def test_groups_are_deleted_once():
    logs = FakeLogs(**{AUDIT: {}})
    assert [ensure(logs, AUDIT, ERROR, state="absent")["changed"] for _time in range(2)] == [True, False]
    assert logs.groups == {}


def test_check_mode_foresees_and_writes_nothing():
    logs = FakeLogs(**{AUDIT: {"retentionInDays": 7}})
    foreseen = ensure(logs, AUDIT, ERROR, check_mode=True)
    assert (foreseen["changed"], logs.writes()) == (True, [])
    assert foreseen["log_groups"] == ensure(logs, AUDIT, ERROR)["log_groups"]


def test_a_lost_answer_counts_when_the_change_is_there():
    logs = FakeLogs()
    logs.lose_answer("create_log_group")
    assert ensure(logs, AUDIT)["changed"] is True
    logs.lose_answer("delete_log_group")
    assert ensure(logs, AUDIT, state="absent")["changed"] is True


def test_a_group_that_somebody_makes_meanwhile_will_do():
    logs = FakeLogs()
    logs.fail("create_log_group", aws_error("ResourceAlreadyExistsException"))
    logs.put_retention_policy = lambda region, logGroupName, retentionInDays: logs.groups.update(
        {logGroupName: {"kmsKeyId": KEY, "retentionInDays": retentionInDays}}
    )
    assert ensure(logs, AUDIT, retention_in_days=30)["changed"] is True


def test_an_error_of_aws_is_passed_on():
    logs = FakeLogs()
    logs.fail("create_log_group", aws_error("InvalidParameterException", message="the key's policy"))
    with pytest.raises(AwsCallError, match="the key's policy"):
        ensure(logs, AUDIT)
