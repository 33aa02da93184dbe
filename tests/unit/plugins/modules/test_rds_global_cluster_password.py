# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The face of rds_global_cluster_password: arguments, defaults, one way to fail."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.modules import rds_global_cluster_password

GOOD = {
    "secret_name": "trading-database-dev",
    "global_cluster_identifier": "trading-global-dev",
    "regions": ["us-east-1", "us-east-2"],
}


@pytest.mark.parametrize("option", GOOD)
def test_what_has_no_safe_default_is_required(run_main, option):
    given = {name: value for name, value in GOOD.items() if name != option}
    result = run_main(rds_global_cluster_password, given)
    assert (result["failed"], result["seen"]) == (True, {})
    assert option in result["msg"]


@pytest.mark.parametrize(
    "wrong", [{"password_length": 7}, {"password_length": 42}, {"max_age_days": -1}, {"secret_name": "two words"}]
)
def test_what_aws_would_refuse_is_refused_by_name_before_the_first_call(run_main, wrong):
    result = run_main(rds_global_cluster_password, GOOD | wrong)
    assert (result["failed"], result["seen"]) == (True, {})
    (option,) = wrong
    assert option in result["msg"]


def test_defaults_accept_no_gap_and_keep_no_password(run_main):
    params = run_main(rds_global_cluster_password, GOOD, check_mode=True)["seen"]["params"]
    shown = ("accept_gap", "max_age_days", "password_length", "replica_timeout", "settle_seconds", "wait_timeout")
    assert [params[name] for name in shown] == [False, 0, 32, 60, 60, 600]


def test_success_refusal_and_check_mode_are_passed_on(run_main):
    done = run_main(rds_global_cluster_password, GOOD, result={"changed": True, "reason": "done"}, check_mode=True)
    assert (done["reason"], done["seen"]["check_mode"]) == ("done", True)
    refused = run_main(rds_global_cluster_password, GOOD, error=Refused("No.", changed=False))
    assert (refused["msg"], refused["exit_code"]) == ("No.", 1)
