# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Method auto: the least loss that is possible, and the sentence why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.trading.multi_region.tests.unit import failover_model as platform
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.ask import (
    codes,
    names,
    only_obstacle,
    plan_of,
)
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.model import EAST, WEST, Model

OTHER_VERSION = "8.0.mysql_aurora.3.12.0"


def auto(model, **request):
    return plan_of(model, method="auto", **request)


def test_a_healthy_region_is_left_by_switchover():
    plan = auto(Model())
    assert (plan.method, plan.obstacles) == ("switchover", ())
    assert plan.method_reason.startswith("Method auto is a switchover: us-east-1 is healthy (2 of 2 registered targets")


def test_a_switchover_stays_without_loss_although_loss_was_accepted():
    assert auto(Model(), accept_data_loss=True).rpo_bound_ms == 0


def test_a_lost_region_is_left_by_the_managed_failover():
    plan = auto(Model().lose(EAST))
    assert (plan.method, plan.obstacles) == ("failover", ())
    assert plan.method_reason.startswith("Method auto is a managed failover: us-east-1 is unknown (")


def test_a_healthy_region_whose_standby_is_no_match_says_why_no_switchover():
    plan = auto(Model().change(WEST, resync=True))
    assert (plan.method, codes(plan)) == ("failover", ["target_not_synchronized", "primary_healthy"])
    assert "but a switchover is not possible (The cluster of us-east-2 is pending-resync" in plan.method_reason


def test_where_the_managed_failover_is_impossible_a_detach_is_proposed_and_not_made():
    model = Model().lose(EAST).change(WEST, version=OTHER_VERSION)
    found = only_obstacle(model, method="auto")
    assert (found.code, found.override) == ("managed_failover_impossible", "accept_data_loss: true")
    assert "can only be detached" in found.sentence


def test_where_the_managed_failover_is_impossible_an_accepted_loss_makes_it_a_detach():
    plan = auto(Model().lose(EAST).change(WEST, version=OTHER_VERSION), accept_data_loss=True)
    assert (plan.method, plan.obstacles) == ("detach", ())
    assert "a managed failover is impossible" in plan.method_reason
    assert {"promote_request", "repoint"} < set(names(plan))


@pytest.mark.parametrize("change, code", [({"lag_ms": None}, "lag_unknown"), ({"lag_age": 421}, "lag_sample_old")])
def test_an_unplanned_move_of_our_choice_needs_a_fresh_lag_even_without_a_limit(change, code):
    model = Model().lose(EAST).change(WEST, **change)
    assert only_obstacle(model, method="auto").code == code
    assert not auto(model, accept_data_loss=True).obstacles


@pytest.mark.parametrize("status, method", [("failing-over", "failover"), ("switching-over", "switchover")])
def test_an_operation_under_way_is_gone_on_with(status, method):
    plan = auto(replace(Model().lose(EAST), moving_to=WEST, moving_status=status))
    assert (plan.method, plan.obstacles) == (method, ())
    assert status in plan.method_reason


def test_a_detach_under_way_is_gone_on_with():
    leaving = Model().lose(EAST).change(WEST, cluster_status="promoting", lease="failed")
    plan = auto(leaving)
    assert (plan.method, plan.obstacles) == ("detach", ())
    assert "promote_request" not in names(plan)


def test_the_method_of_the_run_that_stopped_is_kept_once_the_writer_has_moved():
    state = replace(Model(), writer=WEST).change(WEST, lease="failed").state()
    state = platform.with_values(state, WEST, run={"run_id": "run-1", "method": "failover", "from_region": EAST})
    plan = auto(state)
    assert (plan.method, plan.method_reason) == ("failover", "Method auto continues the failover of run run-1.")
    assert auto(replace(Model(), writer=WEST)).method == "switchover"


def test_a_method_that_was_asked_for_is_kept():
    plan = plan_of(Model(), force=True)
    assert (plan.method, plan.method_reason) == ("failover", "Method failover was requested.")
