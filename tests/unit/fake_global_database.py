# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A global database in memory: enough of the RDS and CloudWatch APIs for the modules that manage one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error

VERSION = "8.0.mysql_aurora.3.10.5"


def arn(region):
    """Return the ARN of a region's cluster."""
    return f"arn:aws:rds:{region}:123456789012:cluster:trading-{region}"


class FakeGlobalDatabase(FakeAws):
    """One global cluster, a cluster and an instance in each of its regions, and the lag metrics of the secondaries."""

    def __init__(self, regions=("us-east-1", "us-east-2"), writer="us-east-1", name="trading-global"):
        super().__init__()
        self.name = name
        self.writer = writer
        self.versions = dict.fromkeys(regions, VERSION)
        self.clusters = dict.fromkeys(regions, "available")
        self.instances = dict.fromkeys(regions, "available")
        self.operation = {}
        self.detached = set()
        self.replicates = False
        self.joins_late = False
        self.lag_ms = 40.0
        self.lag_age = timedelta(seconds=30)
        self.whole = {
            "GlobalClusterIdentifier": name,
            "GlobalClusterArn": f"arn:aws:rds::123456789012:global-cluster:{name}",
            "Status": "available",
            "Endpoint": f"{name}.global.example.com",
            "Engine": "aurora-mysql",
            "EngineVersion": VERSION,
            "DatabaseName": "trading",
            "StorageEncrypted": True,
            "DeletionProtection": False,
        }

    def describe_global_clusters(self, region, GlobalClusterIdentifier):
        if not self.whole:
            raise aws_error("GlobalClusterNotFoundFault", status=404)
        # The real API filters; that our own code does so as well is tested by the stranger.
        stranger = {"GlobalClusterIdentifier": "stranger", "GlobalClusterMembers": []}
        return {"GlobalClusters": [stranger, self.described()]}

    def described(self):
        """Return the global cluster, with which each request that changes it is answered too."""
        listed = [one for one in self.clusters if one not in self.detached]
        members = [
            {"DBClusterArn": arn(one), "IsWriter": one == self.writer, "SynchronizationStatus": "connected"}
            for one in listed
        ]
        return {**self.whole, "GlobalClusterMembers": members, "FailoverState": self.operation}

    def describe_db_clusters(self, region, DBClusterIdentifier):
        if DBClusterIdentifier != f"trading-{region}" or region not in self.clusters:
            raise aws_error("DBClusterNotFoundFault", status=404)
        # A secondary has readers only.
        writes = region in (self.writer, *self.detached)
        members = [{"DBInstanceIdentifier": f"trading-{region}-1", "IsClusterWriter": writes}]
        answer = {
            "DBClusterIdentifier": DBClusterIdentifier,
            "DBClusterArn": arn(region),
            "Endpoint": f"trading-{region}.cluster.example.com",
            "Status": self.clusters[region],
            "EngineVersion": self.versions[region],
            "DBClusterMembers": members,
            **({"ReplicationSourceIdentifier": arn(self.writer)} if self.replicates else {}),
        }
        return {"DBClusters": [answer]}

    def describe_db_instances(self, region, Filters):
        assert Filters == [{"Name": "db-cluster-id", "Values": [f"trading-{region}"]}]
        status = self.instances[region]
        identifier = f"trading-{region}"
        return {
            "DBInstances": [
                {
                    "DBClusterIdentifier": identifier,
                    "DBInstanceIdentifier": f"{identifier}-1",
                    "DBInstanceStatus": status,
                }
            ]
        }

    def get_metric_data(self, region, MetricDataQueries, **_range):
        has = self.lag_ms is not None and region != self.writer
        when = [datetime.now(UTC) - self.lag_age] if has else []
        values = [self.lag_ms] if has else []
        return {
            "MetricDataResults": [{"Id": one["Id"], "Timestamps": when, "Values": values} for one in MetricDataQueries]
        }

    def begin(self, target_arn, status="failing-over", loss=True):
        """Put an operation in flight."""
        self.operation = {
            "Status": status,
            "FromDbClusterArn": arn(self.writer),
            "ToDbClusterArn": target_arn,
            "IsDataLossAllowed": loss,
        }

    def finish(self):
        """Let the operation in flight succeed."""
        self.writer = self.operation["ToDbClusterArn"].split(":")[3]
        self.operation = {}

    def give_up(self):
        """Let the operation in flight end without the writer having moved."""
        self.operation = {}

    def failover_global_cluster(self, region, GlobalClusterIdentifier, TargetDbClusterIdentifier, AllowDataLoss):
        if self.operation or arn(self.writer) == TargetDbClusterIdentifier:
            raise aws_error("InvalidGlobalClusterStateFault")
        assert region in TargetDbClusterIdentifier and AllowDataLoss is True
        self.begin(TargetDbClusterIdentifier)
        return {"GlobalCluster": self.described()}

    def switchover_global_cluster(self, region, GlobalClusterIdentifier, TargetDbClusterIdentifier):
        if self.operation:
            raise aws_error("InvalidGlobalClusterStateFault")
        assert region == self.writer
        self.begin(TargetDbClusterIdentifier, "switching-over", loss=False)
        return {"GlobalCluster": self.described()}

    def remove_from_global_cluster(self, region, GlobalClusterIdentifier, DbClusterIdentifier):
        if self.operation:
            raise aws_error("InvalidGlobalClusterStateFault")
        assert region in DbClusterIdentifier
        self.clusters[region] = "promoting"
        return {"GlobalCluster": self.described()}

    def finish_detach(self, region):
        """Let a detach succeed."""
        self.detached.add(region)
        self.clusters[region] = "available"

    def create_global_cluster(self, region, GlobalClusterIdentifier, **settings):
        if self.whole:
            raise aws_error("GlobalClusterAlreadyExistsFault")
        source = settings.pop("SourceDBClusterIdentifier", None)
        self.source = source
        self.clusters, self.writer = {}, None
        if not self.joins_late:
            self.join_source()
        self.whole = {"GlobalClusterIdentifier": GlobalClusterIdentifier, "Status": "available", **settings}

    def join_source(self):
        """List the cluster that the global cluster was created from."""
        self.clusters = {self.source.split(":")[3]: "available"} if self.source else {}
        self.writer = next(iter(self.clusters), None)

    def modify_global_cluster(self, region, GlobalClusterIdentifier, **settings):
        self.whole.update(settings)

    def delete_global_cluster(self, region, GlobalClusterIdentifier):
        if self.clusters or self.whole["DeletionProtection"]:
            raise aws_error("InvalidGlobalClusterStateFault")
        self.whole = None
