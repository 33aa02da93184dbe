# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input is refused before the first call to AWS, by variable, value and what is allowed."""

from __future__ import annotations

import json

import pytest

from tests.integration.platforms import run_playbook

LONG = "a-name-that-is-longer-than-any-load-balancer"


@pytest.mark.parametrize(
    ("playbook", "variables", "told"),
    [
        ("site", {"environment_suffix": ""}, ["environment_suffix", "undefined", "lower-case"]),
        ("site", {"environment_suffix": "Prod_1"}, ["environment_suffix", "Prod_1", "lower-case"]),
        ("site", {"vpc_cidr": "10.0.0.0/16"}, ["vpc_cidr", "10.0.0.0/16", "overlap"]),
        ("site", {"vpc_cidr": "10.0.0.0/33"}, ["vpc_cidr of us-east-1", "10.0.0.0/33", "/16 to /19"]),
        ("site", {"aws_region": "us-east-1"}, ["aws_region", "us-east-1", "each region once"]),
        ("site", {"global_database_engine_version": "8.0.35"}, ["global_database_engine_version", "8.0.35", "3.01.0"]),
        ("site", {"application_load_balancer_name": LONG}, ["application_load_balancer_name", LONG, "32"]),
        ("failover", {"target_region": "mars-1"}, ["target_region", "mars-1", "us-east-1, us-east-2"]),
        (
            "failover",
            {"target_region": "us-east-2", "expected_active_region": "us-east-2"},
            ["target_region", "us-east-2", "expected_active_region"],
        ),
        ("failover", {"max_replication_lag_ms": -1}, ["max_replication_lag_ms", "-1", "milliseconds"]),
        ("failover", {"max_replication_lag_ms": "5s"}, ["max_replication_lag_ms", "5s", "without a unit"]),
        ("failover", {"method": "teleport"}, ["method", "teleport", "failover, switchover, detach, auto"]),
        ("switchover", {"accept_data_loss": True}, ["accept_data_loss", "switchover", "loses nothing"]),
        ("failback", {"method": "detach"}, ["method", "detach", "switchover with this playbook"]),
        ("teardown", {"confirm": "production"}, ["confirm", "production", "dev"]),
    ],
)
def test_is_refused_by_name_before_the_first_call(playbook, variables, told):
    run = run_playbook(playbook, "-e", json.dumps(variables), lab=None)
    assert run.code != 0
    assert [words for words in told if words not in run.output] == []
    assert "PLAY [Provision" not in run.output


def test_fewer_than_two_regions_are_refused(tmp_path):
    (tmp_path / "hosts").write_text("[regions]\nus-east-1 vpc_cidr=10.0.0.0/16\n")
    run = run_playbook("site", "-e", "environment_suffix=dev", lab=None, inventory=tmp_path / "hosts")
    assert run.code != 0
    assert "groups['regions']" in run.output and "at least two" in run.output
