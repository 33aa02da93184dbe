# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Short ways to ask the planner, and to read its answer."""

from __future__ import annotations

from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.guards import AUTO
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import METHODS
from ansible_collections.trading.multi_region.plugins.module_utils._failover.planner import build_plan
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import (
    FENCINGS,
    Request,
)
from ansible_collections.trading.multi_region.tests.unit.failover_model import EAST, EUROPE, WEST
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._failover.model import Region

THREE = {EAST: Region(), WEST: Region(), EUROPE: Region()}
REQUESTS = st.builds(
    Request,
    target_region=st.none() | st.sampled_from((EAST, WEST, EUROPE, "mars-1")),
    expected_active_region=st.none() | st.sampled_from((EAST, WEST)),
    max_replication_lag_ms=st.none() | st.floats(0, 1e6),
    accept_data_loss=st.booleans(),
    force=st.booleans(),
    method=st.sampled_from((*METHODS, AUTO)),
    fencing=st.sampled_from(FENCINGS),
    cool_down=st.sampled_from((0, 3600)),
    takeover_run_id=st.sampled_from((None, "run-1")),
)


def names(plan):
    """Return the names of the steps."""
    return [step.step for step in plan.steps]


def codes(plan):
    """Return the codes of the obstacles."""
    return [obstacle.code for obstacle in plan.obstacles]


def overridden(plan):
    """Return the codes of the obstacles that were set aside."""
    return [obstacle.code for obstacle in plan.overridden]


def plan_of(model, **request):
    """Return the plan for a Model or a State."""
    return build_plan(model.state() if hasattr(model, "state") else model, Request(**request))


def only_obstacle(model, **request):
    """Return the one obstacle there is."""
    plan = plan_of(model, **request)
    assert len(plan.obstacles) == 1, codes(plan)
    return plan.obstacles[0]
