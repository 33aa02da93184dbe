# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The states of Aurora clusters and instances, and what each one means. Pure.

Sources: "Viewing DB cluster status in an Aurora DB cluster" and "Viewing DB instance status in an Aurora DB cluster" of
the Aurora User Guide list the states. Which of them serve follows from their descriptions there. `switching-over` is
not on the list; it is the status of a cluster during a switchover (FailoverState of the RDS API Reference).
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """What a state means for clients.

    SERVES: reads and writes are served. CHANGES: they are served while something about the cluster changes.
    PASSES: they may not be served; the state ends by itself. DOWN: they are not served, and waiting does not help.
    """

    SERVES = "serves"
    CHANGES = "changes"
    PASSES = "passes"
    DOWN = "down"


def _table(**names: str) -> dict[str, State]:
    return {name: State(state) for state, text in names.items() for name in text.split()}


CLUSTER_STATES = _table(
    serves="available backing-up storage-optimization",
    changes="modifying maintenance resetting-master-credentials update-iam-db-auth",
    passes=(
        "backtracking creating failing-over migrating preparing-data-migration promoting renaming starting "
        "switching-over upgrading"
    ),
    down=(
        "cloning-failed deleting failed inaccessible-encryption-credentials "
        "inaccessible-encryption-credentials-recoverable incompatible-parameters migration-failed stopped stopping"
    ),
)
INSTANCE_STATES = _table(
    serves=(
        "available backing-up configuring-enhanced-monitoring configuring-iam-database-auth configuring-log-exports "
        "storage-config-upgrade storage-optimization"
    ),
    passes=(
        "converting-to-vpc creating maintenance modifying moving-to-vpc rebooting renaming "
        "resetting-master-credentials starting storage-initialization upgrading"
    ),
    down=(
        "delete-precheck deleting failed inaccessible-encryption-credentials "
        "inaccessible-encryption-credentials-recoverable incompatible-network incompatible-option-group "
        "incompatible-parameters incompatible-restore insufficient-capacity restore-error stopped stopping storage-full"
    ),
)
# The status of a cluster that is being detached; it may still be listed as a member meanwhile.
PROMOTING = "promoting"


def cluster_state(status: str | None) -> State:
    """Return what a cluster's status means. A status that AWS adds one day is taken for one that passes."""
    return CLUSTER_STATES.get(status or "", State.PASSES)


def instance_state(status: str | None) -> State:
    """Return what an instance's status means, with the same rule for a new status."""
    return INSTANCE_STATES.get(status or "", State.PASSES)


def cluster_serves(status: str | None) -> bool:
    """Return True for a cluster whose writer instance serves, if it has one that does."""
    return cluster_state(status) in (State.SERVES, State.CHANGES)


def cluster_is_down(status: str | None) -> bool:
    """Return True for a cluster that does not serve and will not by itself."""
    return cluster_state(status) is State.DOWN


def cluster_passes(status: str | None) -> bool:
    """Return True for a status that ends by itself, whether instances serve meanwhile or not."""
    return cluster_state(status) in (State.CHANGES, State.PASSES)


def instance_serves(status: str | None) -> bool:
    """Return True for an instance that serves."""
    return instance_state(status) is State.SERVES


def is_settled(status: str | None) -> bool:
    """Return True for the one status in which AWS is known to accept any operation."""
    return status == "available"
