# SPDX-License-Identifier: GPL-3.0-or-later
"""The states that Aurora clusters and instances can be in, for who puts one into a state.

Follows: Aurora User Guide, "Viewing DB cluster status in an Aurora DB cluster" and "Viewing DB instance status in an
Aurora DB cluster"; `switching-over` is the cluster's status during a switchover (API reference FailoverState).
"""

from __future__ import annotations

CLUSTER_STATES = tuple(
    (
        "available backing-up backtracking cloning-failed creating deleting failing-over "
        "inaccessible-encryption-credentials inaccessible-encryption-credentials-recoverable maintenance migrating "
        "migration-failed modifying preparing-data-migration promoting renaming resetting-master-credentials starting "
        "stopped stopping storage-optimization switching-over update-iam-db-auth upgrading"
    ).split()
)
INSTANCE_STATES = tuple(
    (
        "available backing-up configuring-enhanced-monitoring configuring-iam-database-auth configuring-log-exports "
        "converting-to-vpc creating delete-precheck deleting failed inaccessible-encryption-credentials "
        "inaccessible-encryption-credentials-recoverable incompatible-network incompatible-option-group "
        "incompatible-parameters incompatible-restore insufficient-capacity maintenance modifying moving-to-vpc "
        "rebooting resetting-master-credentials renaming restore-error starting stopped stopping "
        "storage-config-upgrade storage-full storage-initialization storage-optimization upgrading"
    ).split()
)
