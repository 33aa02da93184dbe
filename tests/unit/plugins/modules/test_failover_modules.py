# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The shells of the failover modules: what they ask for, what they default to, and how they fail."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.modules import (
    autoscaling_group_capacity,
    ecs_service_capacity,
    failover_lease,
    failover_manifest,
    failover_manifest_info,
    failover_notify,
    failover_plan_info,
    failover_record,
    failover_record_info,
    provisioning_plan_info,
    region_health_info,
)

REGIONS = ["us-east-1", "us-east-2"]
TARGET_GROUP = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/trading/1"
ENOUGH = {
    autoscaling_group_capacity: {"name": "asg", "at_least": 2, "target_group_arn": TARGET_GROUP},
    ecs_service_capacity: {"service": "trading/orders", "at_least": 2, "target_group_arn": TARGET_GROUP},
    failover_lease: {"table_name": "control", "region": "us-east-2", "run_id": "r", "owner": "ann"},
    failover_manifest: {"table_name": "control", "manifest": {"version": 1}},
    failover_manifest_info: {"table_name": "control", "regions": REGIONS},
    failover_notify: {"topics": {"us-east-1": "arn:aws:sns:us-east-1:123456789012:alerts"}, "subject": "s", "msg": "m"},
    failover_plan_info: {"table_name": "control", "regions": REGIONS},
    failover_record: {
        "table_name": "control",
        "regions": REGIONS,
        "required_region": "us-east-2",
        "run_id": "r",
        "record": {"a": 1},
    },
    failover_record_info: {"table_name": "control", "regions": REGIONS},
    provisioning_plan_info: {
        "table_name": "control",
        "regions": REGIONS,
        "vpc_name": "trading-dev",
        "vpc_cidrs": {"us-east-1": "10.0.0.0/16"},
        "secret_name": "s",
        "global_cluster_identifier": "g",
    },
    region_health_info: {"manifest": {"version": 1}},
}
MODULES = pytest.mark.parametrize("module", ENOUGH, ids=lambda module: module.__name__.rsplit(".", 1)[1])


@pytest.fixture
def main(run_main, monkeypatch):
    """Call a module's main(); the one whose function has another name gets it under the name the fixture replaces."""

    def call(module, *args, **kwargs):
        def run_info(params, clients):
            return module.run(params, clients)

        if module is failover_manifest_info:
            monkeypatch.setattr(module, "run", None, raising=False)
            monkeypatch.setattr(module, "run_info", run_info)
        return run_main(module, *args, **kwargs)

    return call


@MODULES
def test_each_returns_what_its_function_returns(main, module):
    done = main(module, ENOUGH[module], result={"changed": True, "reason": "because"})
    assert (done["exit_code"], done["changed"], done["reason"]) == (0, True, "because")


@MODULES
def test_each_fails_with_the_sentence_and_the_evidence(main, module):
    done = main(module, ENOUGH[module], error=MultiRegionError("Not today.", copies={"us-east-1": "unknown"}))
    assert (done["exit_code"], done["msg"], done["copies"]) == (1, "Not today.", {"us-east-1": "unknown"})


@MODULES
@pytest.mark.parametrize("option", ["connect_timeout", "read_timeout", "retries"])
def test_each_gives_up_on_a_dead_region_within_seconds(main, module, option):
    params = main(module, ENOUGH[module])["seen"]["params"]
    assert params[option] == {"connect_timeout": 2.0, "read_timeout": 3.0, "retries": 1}[option]


@pytest.mark.parametrize(
    "module",
    [
        autoscaling_group_capacity,
        ecs_service_capacity,
        failover_lease,
        failover_manifest,
        failover_notify,
        failover_record,
    ],
    ids=str,
)
def test_modules_that_write_get_check_mode(main, module):
    assert main(module, ENOUGH[module], check_mode=True)["seen"]["check_mode"] is True


def test_a_plan_enforces_no_lag_and_forces_nothing_by_default(main):
    params = main(failover_plan_info, ENOUGH[failover_plan_info])["seen"]["params"]
    assert params["max_replication_lag_ms"] is None
    assert (params["accept_data_loss"], params["force"]) == (False, False)
    assert (params["deadline"], params["patience"], params["min_healthy_ratio"]) == (4, 2.5, 0.5)
    assert (params["method"], params["fencing"]) == ("failover", "network_acl")
    assert (params["cool_down"], params["resume_within"], params["takeover_run_id"]) == (3600, 21600, None)


def test_health_is_decided_by_targets_and_database_by_default(main):
    params = main(region_health_info, ENOUGH[region_health_info])["seen"]["params"]
    assert params["deciding_signals"] == ["load_balancer_targets", "database"]
    assert (params["deadline"], params["min_healthy_ratio"]) == (8, 0.5)


def test_health_needs_regions_from_somewhere(main):
    assert "manifest, regions" in main(region_health_info, {})["msg"]


def test_waiting_for_capacity_has_its_old_name_too_and_needs_no_target_group(main):
    asked = main(autoscaling_group_capacity, {"name": "asg", "at_least": 2, "wait_for_healthy": False})
    assert asked["seen"]["params"]["wait"] is False
    assert main(autoscaling_group_capacity, {"name": "asg", "at_least": 2})["seen"]["params"]["wait"]


def test_a_lease_is_taken_by_somebody_and_released_by_an_attempt_with_an_outcome(main):
    bare = {"table_name": "control", "region": "us-east-2", "run_id": "r"}
    assert "owner" in main(failover_lease, bare)["msg"]
    assert "attempt, outcome" in main(failover_lease, {**bare, "state": "released"})["msg"]
    params = main(failover_lease, ENOUGH[failover_lease])["seen"]["params"]
    assert (params["state"], params["lease_seconds"], params["resume_within"]) == ("held", 60, 21600)


def test_capacity_takes_the_lease_that_it_acts_under(main):
    handle = {"table_name": "control", "region": "us-east-2", "run_id": "r", "attempt": 1}
    params = main(autoscaling_group_capacity, {**ENOUGH[autoscaling_group_capacity], "lease": handle})["seen"]["params"]
    assert params["lease"] == {**handle, "lease_seconds": 60, "step": None}
