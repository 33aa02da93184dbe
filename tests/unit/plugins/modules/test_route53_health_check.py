# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module's face: its arguments, its defaults and its one way to fail."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.modules import route53_health_check as module


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({}, "type"),
        ({"type": "HTTP"}, "fqdn"),
        ({"type": "TCP"}, "ip_address"),
        ({"type": "HTTPS_STR_MATCH", "fqdn": "x.example"}, "search_string"),
        ({"type": "CALCULATED", "child_health_checks": ["a"]}, "health_threshold"),
        ({"type": "CLOUDWATCH_METRIC"}, "alarm"),
        ({"type": "CLOUDWATCH_METRIC", "alarm": {"name": "x"}}, "region"),
        ({"type": "RECOVERY_CONTROL"}, "routing_control_arn"),
    ],
)
def test_each_type_names_what_it_lacks(run_main, options, missing):
    result = run_main(module, {"name": "check", **options})
    assert result["failed"] and missing in result["msg"]


@pytest.mark.parametrize(
    "options",
    [
        {"type": "HTTP", "ip_address": "192.0.2.1"},
        {"type": "CALCULATED", "child_health_checks": ["a"], "health_threshold": 0},
        {"type": "CLOUDWATCH_METRIC", "alarm": {"region": "us-east-2", "name": "x"}},
        {"state": "absent"},
    ],
)
def test_what_is_complete_runs(run_main, options):
    assert run_main(module, {"name": "check", **options})["exit_code"] == 0


@pytest.mark.parametrize(
    ("option", "value", "allowed"), [("type", "PING", "HTTPS_STR_MATCH"), ("request_interval", 20, "10, 30")]
)
def test_a_wrong_value_is_refused_with_what_is_allowed(run_main, option, value, allowed):
    base = {"name": "check", "type": "HTTP", "fqdn": "x.example"}
    assert allowed in run_main(module, {**base, option: value})["msg"]


def test_a_refusal_fails_with_its_sentence(run_main):
    result = run_main(module, {"name": "check", "state": "absent"}, error=Refused("More than one."))
    assert result["msg"] == "More than one."
