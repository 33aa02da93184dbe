# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why a move to the target must not start or continue. Pure: each obstacle is a function that returns one or None.

An obstacle protects what the remaining steps could still damage. Once Aurora has accepted the promotion, continuing is
safer than stopping half-way, so the guards of the promotion no longer apply. Once writer and traffic are at the target,
only the work of another run could still be damaged.
"""

from __future__ import annotations

import typing as t

from ansible_collections.trading.multi_region.plugins.module_utils._core.obstacle import (
    ACCEPT_DATA_LOSS,
    FORCE,
    Obstacle,
)
from ansible_collections.trading.multi_region.plugins.module_utils._failover import (
    guards_database,
    guards_runs,
    guards_target,
)
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request

Guard: t.TypeAlias = "t.Callable[[Situation], Obstacle | tuple[Obstacle, ...] | None]"

GUARDS: tuple[Guard, ...] = (
    guards_runs.lease_table_missing,
    guards_runs.lease_held,
    guards_runs.expected_active_region_differs,
    guards_database.operation_in_flight,
    guards_target.target_unreadable,
    guards_target.switch_unreachable,
    guards_target.target_incomplete,
    guards_target.target_detached,
    guards_target.target_has_no_healthy_target,
    guards_target.targets_unhealthy,
    guards_target.target_capacity_suspended,
    guards_database.promotion,
    guards_database.active_region_detached,
    guards_database.writer_unreadable,
    guards_runs.primary_healthy,
    guards_runs.cool_down,
)
# An operation that moves the writer away from the target may have been requested by a run that has ended.
GUARDS_AT_TARGET: tuple[Guard, ...] = (
    guards_runs.lease_table_missing,
    guards_runs.lease_held,
    guards_database.operation_in_flight,
)


def find_obstacles(seen: Situation) -> tuple[tuple[Obstacle, ...], tuple[Obstacle, ...]]:
    """Return (obstacles that remain, obstacles that an option of the request overrides)."""
    if seen.is_complete:
        return (), ()
    guards = GUARDS_AT_TARGET if seen.is_at_target else GUARDS
    found = [obstacle for guard in guards for obstacle in _listed(guard(seen))]
    given = options_given(seen.request)
    standing = tuple(obstacle for obstacle in found if obstacle.override not in given)
    return standing, tuple(obstacle for obstacle in found if obstacle not in standing)


def _listed(found: Obstacle | tuple[Obstacle, ...] | None) -> tuple[Obstacle, ...]:
    return found if isinstance(found, tuple) else (found,) if found else ()


def options_given(request: Request) -> set[str]:
    """Return the overrides that the request sets, in the form of ``Obstacle.override``."""
    given = {FORCE: request.force, ACCEPT_DATA_LOSS: request.accept_data_loss}
    takeover = {guards_runs.takeover(request.takeover_run_id)} if request.takeover_run_id else set()
    return {option for option, is_given in given.items() if is_given} | takeover
