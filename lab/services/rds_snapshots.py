# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of clusters, and what an identifier of RDS may be.

Follows: API reference CreateDBClusterSnapshot, CopyDBClusterSnapshot and DBClusterSnapshot
(SourceDBClusterSnapshotArn), with InvalidDBClusterSnapshotStateFault for a source that is not `available`; "Naming
constraints in Amazon Aurora" of the Aurora User Guide (1 to 63 letters, digits and hyphens, first a letter, no hyphen
at the end, no two in a row), and the words of the refusal in terraform-provider-aws, issue 2150. Aurora's own snapshots
(`rds:...`) are not named by these constraints. "Using switchover or failover in Amazon Aurora Global Database": the
snapshot of what a failover gave up is taken once the old region is back.
"""

from __future__ import annotations

import re
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.rds.exceptions import InvalidParameterValue, RDSClientError
from moto.rds.models import DBCluster, DBClusterSnapshot

from lab.clock import CLOCK
from lab.data_plane import PLANE
from lab.services.creations import MADE_AT
from lab.services.settings import SETTINGS

LEGAL = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")
LONGEST = 63


def check_identifier(parameter: str, value: str) -> None:
    """Refuse what is no identifier of a cluster, an instance, a snapshot or a global cluster."""
    if not (LEGAL.fullmatch(value) and len(value) <= LONGEST):
        raise InvalidParameterValue(
            f"The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; must contain "
            "only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive "
            f"hyphens. They have at most {LONGEST} characters."
        )


def keep_old_volume(cluster: DBCluster) -> None:
    """Begin the snapshot of the volume that an unplanned failover gave up."""
    stamp = utcnow().strftime("%Y-%m-%d-%H-%M-%S")
    name = f"rds:unplanned-global-failover-{cluster.db_cluster_identifier}-{stamp}"
    PLANE.here.keep_volume(cluster.backend.region_name, name)
    snapshot = cluster.backend.create_auto_cluster_snapshot(cluster.db_cluster_identifier, name)
    vars(snapshot)[MADE_AT] = CLOCK.after(SETTINGS.rescue_snapshot_create_s)


class SnapshotRules:
    """Mixed into moto's RDSResponse, whose `params` and `backend` it uses."""

    params: Any
    backend: Any

    def create_db_cluster_snapshot(self) -> ActionResult:
        check_identifier("DBClusterSnapshotIdentifier", self.params["DBClusterSnapshotIdentifier"])
        return super().create_db_cluster_snapshot()  # type: ignore[misc]

    def copy_db_cluster_snapshot(self) -> ActionResult:
        name = self.params["TargetDBClusterSnapshotIdentifier"]
        check_identifier("TargetDBClusterSnapshotIdentifier", name)
        source: DBClusterSnapshot = self.backend.get_db_cluster_snapshot(
            self.params["SourceDBClusterSnapshotIdentifier"]
        )
        if source.status != "available":
            raise RDSClientError(
                "InvalidDBClusterSnapshotStateFault",
                f"Cannot copy the snapshot {source.resource_id} because it is {source.status}.",
            )
        result = super().copy_db_cluster_snapshot()  # type: ignore[misc]
        self.backend.cluster_snapshots[name].source_db_cluster_snapshot_arn = source.arn
        return result
