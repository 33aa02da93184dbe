# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The faces of modules around the writer: arguments, defaults, one way to fail."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.modules import (
    rds_global_cluster_synchronization_info,
    writer_endpoint,
    writer_endpoint_info,
)

GOOD = {
    writer_endpoint: {"parameter_name": "/p", "global_cluster_identifier": "g", "db_cluster_identifier": "c"},
    writer_endpoint_info: {"global_cluster_identifier": "g", "db_cluster_identifier": "c"},
    rds_global_cluster_synchronization_info: {"global_cluster_identifier": "g", "member_region": "us-east-1"},
}
REQUIRED = [(module, option) for module, options in GOOD.items() for option in options]


@pytest.mark.parametrize(("module", "option"), REQUIRED)
def test_what_has_no_safe_default_is_required(run_main, module, option):
    result = run_main(module, {name: value for name, value in GOOD[module].items() if name != option})
    assert (result["failed"], result["seen"]) == (True, {})
    assert option in result["msg"]


@pytest.mark.parametrize("module", GOOD)
def test_success_and_refusal_leave_through_the_one_exit(run_main, module):
    assert run_main(module, GOOD[module], result={"changed": True, "reason": "done"})["reason"] == "done"
    refused = run_main(module, GOOD[module], error=Refused("No.", changed=False))
    assert (refused["msg"], refused["exit_code"]) == ("No.", 1)


@pytest.mark.parametrize("module", GOOD)
def test_check_mode_and_lease_are_passed_on(run_main, module):
    lease = {"table_name": "control", "region": "us-east-2", "run_id": "r", "attempt": 1}
    seen = run_main(module, {**GOOD[module], "lease": lease}, check_mode=True)["seen"]
    assert (seen["check_mode"], seen["params"]["lease"]["run_id"]) == (True, "r")


def test_defaults_are_the_documented_ones(run_main):
    module = rds_global_cluster_synchronization_info
    params = run_main(module, GOOD[module])["seen"]["params"]
    assert (params["wait"], params["wait_timeout"], params["poll_interval"]) == (False, 3600, 10.0)
    params = run_main(writer_endpoint_info, GOOD[writer_endpoint_info])["seen"]["params"]
    assert (params["wait_timeout"], params["poll_interval"], params["answer_timeout"]) == (0, 1.0, 2.0)
