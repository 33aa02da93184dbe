# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The faces of the modules that give keys to log groups and topics."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.modules import cloudwatch_log_groups, sns_topic_encryption

TOPIC = {
    "topic_arn": "arn:aws:sns:us-east-2:123456789012:alerts",
    "kms_key_arn": "arn:aws:kms:us-east-2:123456789012:key/1",
}
GROUPS = {"names": ["/aws/rds/cluster/c/audit"]}


@pytest.mark.parametrize("option", TOPIC)
def test_a_topic_and_its_key_are_both_needed(run_main, option):
    assert (
        option
        in run_main(sns_topic_encryption, {name: value for name, value in TOPIC.items() if name != option})["msg"]
    )


def test_log_groups_need_names_and_are_left_as_they_are_without_settings(run_main):
    assert "names" in run_main(cloudwatch_log_groups, {})["msg"]
    params = run_main(cloudwatch_log_groups, GROUPS)["seen"]["params"]
    assert (params["state"], params["kms_key_arn"], params["retention_in_days"]) == ("present", None, None)


@pytest.mark.parametrize(("module", "good"), [(sns_topic_encryption, TOPIC), (cloudwatch_log_groups, GROUPS)])
def test_a_refusal_fails_with_its_sentence(run_main, module, good):
    assert run_main(module, good, error=Refused("There is no topic."))["msg"] == "There is no topic."
