# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module's face: its arguments, its defaults and its one way to fail."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused
from ansible_collections.trading.multi_region.plugins.modules import rds_global_cluster_writer as module

GOOD = {"global_cluster_identifier": "trading-global", "writer_region": "us-east-2", "method": "failover"}


def test_defaults_are_the_documented_ones(run_main):
    params = run_main(module, GOOD)["seen"]["params"]
    assert {name: params[name] for name in ("accept_data_loss", "wait", "wait_timeout", "max_lag_sample_age")} == {
        "accept_data_loss": False,
        "wait": True,
        "wait_timeout": 600,
        "max_lag_sample_age": 420,
    }
    assert (params["connect_timeout"], params["read_timeout"], params["retries"]) == (2.0, 3.0, 1)


@pytest.mark.parametrize("option", GOOD)
def test_what_has_no_safe_default_is_required(run_main, option):
    result = run_main(module, {name: value for name, value in GOOD.items() if name != option})
    assert (result["failed"], result["seen"]) == (True, {})
    assert option in result["msg"]


def test_an_unknown_method_is_refused_with_what_is_allowed(run_main):
    result = run_main(module, {**GOOD, "method": "promote"})
    assert "failover, switchover, detach, auto" in result["msg"]


@pytest.mark.parametrize("method", ["failover", "switchover", "detach", "auto"])
def test_every_method_is_passed_on(run_main, method):
    assert run_main(module, {**GOOD, "method": method})["seen"]["params"]["method"] == method


def test_the_lease_is_an_option(run_main):
    lease = {"table_name": "control", "region": "us-east-2", "run_id": "r", "attempt": 1}
    assert run_main(module, {**GOOD, "lease": lease})["seen"]["params"]["lease"]["lease_seconds"] == 60


def test_success_leaves_through_the_one_exit(run_main):
    result = run_main(module, GOOD, result={"changed": True, "reason": "done"})
    assert (result["changed"], result["reason"], result["exit_code"]) == (True, "done", 0)


def test_a_refusal_fails_with_its_sentence_and_its_evidence(run_main):
    result = run_main(module, GOOD, error=Refused("The lag is unknown.", changed=False, lag={"value_ms": None}))
    assert (result["failed"], result["msg"], result["changed"]) == (True, "The lag is unknown.", False)
    assert result["lag"] == {"value_ms": None}
    assert result["exit_code"] == 1


def test_an_error_of_aws_fails_with_its_code(run_main):
    error = AwsCallError("FailoverGlobalCluster", "AccessDenied", "no", region="us-east-2")
    result = run_main(module, GOOD, error=error)
    assert result["error_code"] == "AccessDenied"
    assert "FailoverGlobalCluster in us-east-2" in result["msg"]


def test_check_mode_is_passed_on(run_main):
    assert run_main(module, GOOD, check_mode=True)["seen"]["check_mode"] is True


def test_timeouts_reach_the_clients(run_main):
    clients = run_main(module, {**GOOD, "connect_timeout": 1, "region": "us-east-1"})["seen"]["clients"]
    assert clients("rds", "us-east-2").meta.config.connect_timeout == 1.0


def test_a_timeout_that_makes_no_sense_fails_in_words(run_main):
    assert "read_timeout is 0.0" in run_main(module, {**GOOD, "read_timeout": 0, "region": "us-east-1"})["msg"]
