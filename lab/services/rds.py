# SPDX-License-Identifier: GPL-3.0-or-later
"""RDS of the lab: moto's, with global databases, engine defaults and the rules moto lacks."""

from __future__ import annotations

from typing import Any

import moto.rds.urls
from moto.core.responses import TYPE_RESPONSE
from moto.rds.models import DBCluster, DBInstance, RDSBackend
from moto.rds.responses import RDSResponse

from lab.services.rds_classes import advance_classes, pending_class
from lab.services.rds_clusters import ClusterRules
from lab.services.rds_events import EventOperations
from lab.services.rds_global import advance_all, global_databases, membership
from lab.services.rds_global_api import GlobalDatabaseOperations
from lab.services.rds_parameters import ParameterOperations
from lab.services.rds_passwords import advance_resets, pending_values
from lab.services.rds_quotas import QuotaRules
from lab.services.rds_snapshots import SnapshotRules
from lab.services.rds_subscriptions import SubscriptionOperations
from lab.services.rds_subscriptions import install as install_subscriptions
from lab.services.rds_upgrades import advance_upgrades, group_status
from lab.services.rds_upgrades import install as install_upgrades
from lab.services.settings import SETTINGS


class LabRDSResponse(
    EventOperations,
    SubscriptionOperations,
    GlobalDatabaseOperations,
    ClusterRules,
    SnapshotRules,
    QuotaRules,
    ParameterOperations,
    RDSResponse,
):
    """Dispatches every RDS request; global databases are brought up to the present before each."""

    def call_action(self) -> TYPE_RESPONSE:
        advance_all(self.current_account)
        advance_resets(self.current_account)
        advance_upgrades(self.current_account)
        advance_classes(self.current_account)
        return super().call_action()


def _is_secondary(cluster: DBCluster) -> bool:
    _, member = membership(cluster)
    return member is not None and not member.is_writer


def install() -> None:
    install_subscriptions()
    install_upgrades()
    moto.rds.urls.url_paths["{0}/$"] = LabRDSResponse.dispatch
    stock_members = DBCluster.db_cluster_members.fget

    def db_cluster_members(self: DBCluster) -> list[dict[str, Any]]:
        """A secondary cluster has readers only (Aurora User Guide, "Overview of Amazon Aurora global databases").

        Whether it says so of itself no document settles; the setting has it call one instance its writer.
        """
        shown = [
            one | {"DBClusterParameterGroupStatus": group_status(instance, "cluster")}
            for one, instance in zip(stock_members(self), self.members, strict=True)
        ]
        if not _is_secondary(self) or SETTINGS.secondary_claims_writer:
            return shown
        return [one | {"IsClusterWriter": False} for one in shown]

    def replication_source_identifier(self: DBCluster) -> str | None:
        """A secondary names the primary, until it is a cluster of its own (terraform-provider-aws, issue 40921)."""
        database, member = membership(self)
        if member is None or member.is_writer:
            return None
        return database.writer.arn if database.writer else None

    def global_write_forwarding_status(self: DBCluster) -> str | None:
        """Only secondaries show the field (API reference DBCluster)."""
        _, member = membership(self)
        if member is None or member.is_writer:
            return None
        return "enabled" if member.write_forwarding else "disabled"

    stock_resource = RDSBackend._get_resource_for_tagging

    def resource_for_tagging(self: RDSBackend, arn: str) -> Any:
        """Global databases have tags too (API reference CreateGlobalCluster, AddTagsToResource)."""
        if ":global-cluster:" in arn:
            return global_databases(self.account_id).get(arn.rsplit(":", 1)[-1])
        return stock_resource(self, arn)

    RDSBackend._get_resource_for_tagging = resource_for_tagging
    DBCluster.db_cluster_members = property(db_cluster_members)

    def multi_az(self: DBCluster) -> bool:
        """Whether its instances are in several zones (API reference DBCluster); moto says so of every replica."""
        return len({instance.availability_zone for instance in self._members}) > 1

    DBCluster.multi_az = property(multi_az)
    DBCluster.replication_source_identifier = property(replication_source_identifier, lambda self, value: None)
    DBCluster.pending_modified_values = property(pending_values)
    DBInstance.pending_modified_values = property(pending_class)
    DBCluster.global_write_forwarding_status = property(global_write_forwarding_status)
