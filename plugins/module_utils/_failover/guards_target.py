# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Guards on the fitness of the region that is to take over. Pure."""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import DETACH
from ansible_collections.trading.multi_region.plugins.module_utils._core.obstacle import ACCEPT_DATA_LOSS, Obstacle
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import REQUIRED, Situation

# What a region consists of, in the words of the sentence that says it is not there.
PARTS = {
    "global_cluster": "global database",
    "cluster": "database cluster",
    "targets": "target group",
    "group": "Auto Scaling group",
}


def target_unreadable(seen: Situation) -> Obstacle | None:
    """Unknown is not good enough for the region that is to take over."""
    required = (*REQUIRED, seen.state.switch_fact)
    unknown = seen.facts.unknown(required)
    if not unknown:
        return None
    shown = "; ".join(f"{name}: {error}" for name, error in unknown.items())
    return Obstacle("target_unreadable", f"{len(unknown)} of {len(required)} facts of {seen.target} unknown: {shown}.")


def target_incomplete(seen: Situation) -> Obstacle | None:
    """Something the target needs does not exist."""
    missing = [words for name, words in PARTS.items() if seen.facts[name].known and seen.facts[name].value is None]
    if seen.view and seen.target not in (seen.members or ()) and not seen.is_detached:
        members = ", ".join(member["region"] for member in seen.view["members"])
        missing.append(f"member of the global database (members: {members or 'none'})")
    if not missing:
        return None
    return Obstacle("target_incomplete", f"{seen.target} has no {', no '.join(missing)}.")


def target_detached(seen: Situation) -> Obstacle | None:
    """The target's cluster stands alone: what was written elsewhere since is not in it.

    A run that detached it, and stopped, accepted that; so did whoever accepts the loss now.
    """
    if not seen.is_detached:
        return None
    words = (
        f"The cluster of {seen.target} was detached: it is no member of the global database and gets no writes of it."
    )
    if seen.method != DETACH:
        remedy = "method=detach goes on with it as it is; playbooks/failback.yml builds the global database again."
        return Obstacle("target_detached", f"{words} A {seen.method} is impossible: {remedy}")
    if seen.is_resumed:
        return None
    return Obstacle("target_detached", f"{words} Going on with it loses what was written elsewhere.", ACCEPT_DATA_LOSS)


def target_has_no_healthy_target(seen: Situation) -> Obstacle | None:
    """Traffic would reach nobody. A region whose capacity fencing took gets it back first, and is waited for."""
    targets = seen.facts.value("targets")
    if not seen.is_promotion_open or not targets or targets["healthy"] or seen.own_sizes:
        return None
    return Obstacle(
        "target_has_no_healthy_target",
        f"{seen.target} has no healthy target: 0 of {targets['registered']} registered ones; at least 1 is needed.",
    )
