# SPDX-License-Identifier: GPL-3.0-or-later
"""A global database for the lab's tests, and what can be asked of it."""

from __future__ import annotations

from typing import Any

from tests.lab.in_process import EUROPE, Aws

VERSION = "8.0.mysql_aurora.3.10.5"


class Global:
    """A global database `g` with a cluster `c-<region>` of one instance in each region; the first is the writer."""

    def __init__(self, aws: Aws, *regions: str) -> None:
        self.aws = aws
        self.arns: dict[str, str] = {}
        aws.client("rds", EUROPE).create_global_cluster(
            GlobalClusterIdentifier="g", Engine="aurora-mysql", EngineVersion=VERSION, DatabaseName="tradingdb"
        )
        for region in regions:
            self.add(region, **({} if self.arns else {"MasterUsername": "admin", "MasterUserPassword": "not-secret"}))

    def add(self, region: str, instances: int = 1, **parameters: Any) -> None:
        rds = self.aws.client("rds", region)
        cluster = rds.create_db_cluster(
            DBClusterIdentifier=f"c-{region}", Engine="aurora-mysql", GlobalClusterIdentifier="g", **parameters
        )["DBCluster"]
        self.arns[region] = cluster["DBClusterArn"]
        for number in range(instances):
            rds.create_db_instance(
                DBInstanceIdentifier=f"c-{region}-{number}",
                DBClusterIdentifier=f"c-{region}",
                Engine="aurora-mysql",
                DBInstanceClass="db.r6g.large",
            )

    def read(self, region: str = EUROPE) -> dict[str, Any]:
        return self.aws.client("rds", region).describe_global_clusters(GlobalClusterIdentifier="g")["GlobalClusters"][0]

    def member(self, region: str) -> dict[str, Any]:
        return next(one for one in self.read()["GlobalClusterMembers"] if one["DBClusterArn"] == self.arns[region])

    def cluster(self, region: str) -> dict[str, Any]:
        rds = self.aws.client("rds", region)
        return rds.describe_db_clusters(DBClusterIdentifier=f"c-{region}")["DBClusters"][0]

    def writer(self) -> str:
        (writer,) = [one["DBClusterArn"] for one in self.read()["GlobalClusterMembers"] if one["IsWriter"]]
        return writer.split(":")[3]

    def fail_over(self, region: str, **more: Any) -> Any:
        call = self.aws.client("rds", more.pop("called_in", region)).failover_global_cluster
        return call(GlobalClusterIdentifier="g", TargetDbClusterIdentifier=self.arns[region], **more)

    def switch_over(self, region: str, called_in: str) -> Any:
        call = self.aws.client("rds", called_in).switchover_global_cluster
        return call(GlobalClusterIdentifier="g", TargetDbClusterIdentifier=self.arns[region])

    def wait_idle(self) -> dict[str, Any]:
        shown = self.aws.wait(self.read, lambda one: "FailoverState" not in one)
        assert "FailoverState" not in shown
        return shown
