# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every way in which our modules change AWS: its preparation, the module's run, and the result, read by plain boto3.

``PATHS`` has them by name. The names of all resources are unique to a place, so that many can share one lab.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import (
    cluster_settings,
    event_subscription,
    instance_class,
    snapshots,
    upgrade,
    writer,
    writer_endpoint,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora import (
    global_cluster as aurora_global_cluster,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora import password as aurora_password
from ansible_collections.trading.multi_region.plugins.module_utils._automation import decision
from ansible_collections.trading.multi_region.plugins.module_utils._automation import store as automation_store
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling import capacity, reservations
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import lease_holder
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import (
    manifest as control_table_manifest,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    AUTOSCALING,
    COMPUTE_MEMBERS,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import pause
from ansible_collections.trading.multi_region.plugins.module_utils._fence import fence as region_fence
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring import dashboard as monitoring_dashboard
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring import log_groups, topic_encryption
from ansible_collections.trading.multi_region.plugins.module_utils._network import load_balancer, route_tables
from ansible_collections.trading.multi_region.plugins.module_utils._runs import record as runs_record
from ansible_collections.trading.multi_region.plugins.module_utils._runs import sync
from ansible_collections.trading.multi_region.plugins.module_utils._stores import (
    bucket_replication,
    global_table,
    replication_probe,
    secret_replication,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import (
    accelerators,
    failover_records,
    health_checks,
    switch,
)
from lab.client import Lab
from tests.lab.failover_platform import EAST, VERSION, WEST, clients_of


def briefly(seconds: float) -> None:
    """Let a tenth of the time pass: the lab's AWS is quicker than the real one."""
    pause(seconds / 10)


RULES = [{"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": [{"CidrIp": "10.1.0.0/16"}]}]


@dataclass(frozen=True)
class Write:
    """A change about to be made. act: the module's run. seen: what is there now. wanted: what is to be there then."""

    act: Callable[[], dict[str, Any]]
    seen: Callable[[], Any]
    wanted: Any


@dataclass(frozen=True)
class Path:
    """service, operation, region: the call whose answer is lost.

    is_read_back: whether the module reads again what it read in the same region before the change, where AWS may show
        that late.
    """

    service: str
    operation: str
    region: str | None
    is_read_back: bool
    prepare: Callable[[Place], Write]


PATHS: dict[str, Path] = {}


def writes(service: str, operation: str, region: str | None = WEST, is_read_back: bool = True) -> Callable[..., Any]:
    """Decorate a function of a Place that prepares a Write."""

    def register(prepare: Callable[[Place], Write]) -> Callable[[Place], Write]:
        PATHS[prepare.__name__] = Path(service, operation, region, is_read_back, prepare)
        return prepare

    return register


class Place:
    """A lab, clients as the modules have them, and a name that nothing else in the lab has."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.name = lab, f"p{uuid.uuid4().hex[:10]}"
        self.clients = clients_of(lab)

    def aws(self, service: str, region: str = WEST) -> Any:
        """A plain client."""
        return self.lab.client(service, region)

    # --- control tables
    def make_table(self, *regions: str) -> None:
        for region in regions or (EAST, WEST):
            self.aws("dynamodb", region).create_table(
                TableName=self.name,
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )

    def items(self, region: str = WEST) -> dict[str, dict[str, Any]]:
        """The items of a region's table by their id."""
        found = self.aws("dynamodb", region).scan(TableName=self.name, ConsistentRead=True)["Items"]
        return {item["id"]["S"]: item for item in found}

    def documents(self) -> dict[str, list[Any]]:
        """The documents of both tables by id: [EAST's, WEST's]."""
        tables = [self.items(region) for region in (EAST, WEST)]
        read = [{name: json.loads(item["document"]["S"]) for name, item in table.items()} for table in tables]
        return {name: [table.get(name) for table in read] for name in sorted({*read[0], *read[1]})}

    # --- an Auto Scaling group
    def make_group(self, **sizes: int) -> None:
        self.aws("ec2").create_launch_template(
            LaunchTemplateName=self.name, LaunchTemplateData={"ImageId": "ami-12345678", "InstanceType": "t3.medium"}
        )
        self.aws("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=self.name,
            LaunchTemplate={"LaunchTemplateName": self.name, "Version": "$Latest"},
            VPCZoneIdentifier=self.aws("ec2").describe_subnets()["Subnets"][0]["SubnetId"],
            **sizes,
        )

    def sizes(self) -> tuple[int, int, int]:
        """Minimum, desired and maximum."""
        (group,) = self.aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])[
            "AutoScalingGroups"
        ]
        return group["MinSize"], group["DesiredCapacity"], group["MaxSize"]

    # --- an ECS service with its scalable target
    @property
    def service(self) -> str:
        return f"{self.name}/app"

    def make_service(self, low: int, desired: int, high: int) -> None:
        ecs = self.aws("ecs")
        ecs.create_cluster(clusterName=self.name)
        containers = [{"name": "app", "image": "app", "memory": 512}]
        ecs.register_task_definition(family=self.name, containerDefinitions=containers)
        ecs.create_service(cluster=self.name, serviceName="app", taskDefinition=self.name, desiredCount=desired)
        target = {**self.target(), "MinCapacity": low, "MaxCapacity": high}
        self.aws("application-autoscaling").register_scalable_target(**target)

    def target(self) -> dict[str, str]:
        """The names of the scalable target."""
        names = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
        return {**names, "ResourceId": f"service/{self.service}"}

    def service_sizes(self) -> tuple[int, int, int]:
        """Minimum, desired and maximum."""
        (found,) = self.aws("ecs").describe_services(cluster=self.name, services=["app"])["services"]
        targets = self.aws("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="ecs", ResourceIds=[f"service/{self.service}"]
        )["ScalableTargets"]
        return targets[0]["MinCapacity"], found["desiredCount"], targets[0]["MaxCapacity"]

    # --- a global database whose writer is in EAST
    def make_database(self) -> dict[str, str]:
        """Return the ARN of each region's cluster."""
        self.aws("rds").create_global_cluster(
            GlobalClusterIdentifier=self.name, Engine="aurora-mysql", EngineVersion=VERSION
        )
        arns = {}
        for region, login in ((EAST, {"MasterUsername": "admin", "MasterUserPassword": "not-secret"}), (WEST, {})):
            names = {"DBClusterIdentifier": f"{self.name}-{region}", "Engine": "aurora-mysql"}
            rds = self.aws("rds", region)
            made = rds.create_db_cluster(**names, GlobalClusterIdentifier=self.name, **login)["DBCluster"]
            rds.create_db_instance(
                **names, DBInstanceIdentifier=f"{self.name}-{region}-1", DBInstanceClass="db.r6g.large"
            )
            arns[region] = made["DBClusterArn"]
        return arns

    def global_cluster(self) -> dict[str, Any] | None:
        """The global cluster as AWS shows it, None where there is none."""
        found = self.aws("rds").describe_global_clusters()["GlobalClusters"]
        return next((one for one in found if one["GlobalClusterIdentifier"] == self.name), None)

    def writers(self) -> list[str]:
        """Where the global database writes, and what is in flight."""
        whole = self.global_cluster() or {}
        members = whole.get("GlobalClusterMembers", [])
        return [one["DBClusterArn"].split(":")[3] for one in members if one["IsWriter"]] + [
            *(["in flight"] if whole.get("FailoverState") else [])
        ]


# --- the control tables
def lease(place: Place, **more: Any) -> dict[str, Any]:
    params = {"table_name": place.name, "region": WEST, "state": "held", "run_id": "r1", "attempt": None}
    params |= {"owner": "ann", "method": "failover", "trigger": "by hand", "lease_seconds": 60, "resume_within": 60}
    return lease_holder.run({**params, "takeover_run_id": None, "outcome": None, **more}, place.clients)


def seen_lease(place: Place) -> dict[str, str]:
    item = place.items()["lease"]
    return {name: next(iter(item[name].values())) for name in ("run_id", "attempt", "outcome", "revision")}


@writes("dynamodb", "PutItem", is_read_back=False)
def lease_taken(place: Place) -> Write:
    place.make_table(WEST)
    wanted = {"run_id": "r1", "attempt": "1", "outcome": "running", "revision": "1"}
    return Write(lambda: lease(place), lambda: seen_lease(place), wanted)


@writes("dynamodb", "UpdateItem", is_read_back=False)
def lease_released(place: Place) -> Write:
    place.make_table(WEST)
    lease(place)
    wanted = {"run_id": "r1", "attempt": "1", "outcome": "successful", "revision": "2"}
    release = {"state": "released", "attempt": 1, "outcome": "successful"}
    return Write(lambda: lease(place, **release), lambda: seen_lease(place), wanted)


@writes("dynamodb", "PutItem", is_read_back=False)
def manifest_written(place: Place) -> Write:
    place.make_table()
    members = (*control_table_manifest.ENTRY_MEMBERS, control_table_manifest.TOPIC, *COMPUTE_MEMBERS[AUTOSCALING])
    names = {name: "x" for name in members}
    manifest = {
        "version": 1,
        "global_database": {"identifier": "g"},
        "regions": [{**names, "region": region} for region in (EAST, WEST)],
    }
    params = {"table_name": place.name, "region": WEST, "manifest": manifest}
    return Write(
        lambda: control_table_manifest.run(params, place.clients),
        place.documents,
        {"manifest": [None, manifest]},
    )


RECORD = {"outcome": "successful", "reason": "it answers", "owner": "ann", "method": "failover"}
RECORD |= {"from_region": EAST, "target_region": WEST, "started_at": 1000.0, "ended_at": 1200.0, "steps": []}


def record(place: Place, *regions: str) -> dict[str, Any]:
    params = {"table_name": place.name, "regions": regions, "required_region": WEST, "run_id": "r1", "attempt": 1}
    return runs_record.run({**params, "previous": None, "record": RECORD, "deadline": 8}, place.clients)


def recorded(place: Place) -> dict[str, list[Any]]:
    """The outcome of the run in each region's record, and the run of the latest move."""
    keys = {"run#r1": "outcome", "latest_move": "run_id"}
    return {
        name: [document and document[keys[name]] for document in documents]
        for name, documents in place.documents().items()
    }


@writes("dynamodb", "PutItem", is_read_back=False)
def record_written(place: Place) -> Write:
    place.make_table()
    wanted = {"latest_move": ["r1"] * 2, "run#r1": ["successful"] * 2}
    return Write(lambda: record(place, EAST, WEST), lambda: recorded(place), wanted)


@writes("dynamodb", "PutItem", EAST, is_read_back=False)
def record_copied(place: Place) -> Write:
    place.make_table()
    record(place, WEST)
    params = {"table_name": place.name, "regions": [EAST, WEST], "deadline": 8}
    wanted = {"latest_move": ["r1"] * 2, "run#r1": ["successful"] * 2}
    return Write(lambda: sync.run(params, place.clients), lambda: recorded(place), wanted)


def automation(place: Place, **more: Any) -> dict[str, Any]:
    params = {"table_name": place.name, "regions": [EAST, WEST], "by": "ann", "reason": "patching", "deadline": 8}
    return automation_store.run({**params, "pause_seconds": 3600, **more}, place.clients)


@writes("dynamodb", "UpdateItem", is_read_back=False)
def automation_paused(place: Place) -> Write:
    place.make_table()

    def seen() -> list[Any]:
        return [document["pause"]["by"] for document in place.documents()["automation"]]

    return Write(lambda: automation(place, state="paused"), seen, ["ann", "ann"])


@writes("dynamodb", "UpdateItem", is_read_back=False)
def move_acknowledged(place: Place) -> Write:
    place.make_table()
    record(place, EAST, WEST)

    def seen() -> list[Any]:
        return [document["acknowledged"]["by"] for document in place.documents()["latest_move"]]

    return Write(lambda: automation(place, state="acknowledged", run_id="r1"), seen, ["ann", "ann"])


@writes("dynamodb", "PutItem", is_read_back=False)
def health_counted(place: Place) -> Write:
    place.make_table()
    signals = {
        name: {"state": "healthy", "value": 1, "reason": "Said."} for name in ("load_balancer_targets", "database")
    }
    verdict = {"verdict": "healthy", "reason": "By its signals.", "signals": signals}
    params = {"table_name": place.name, "regions": [EAST, WEST], "verdicts": {EAST: verdict, WEST: verdict}}
    params |= {"active_region": EAST, "auto_failover": True, "quorum": 2, "consecutive_failures": 3, "max_gap": 300}
    params |= {"min_interval": 0, "stream_limit": 180, "obstacles": [], "deadline": 8}

    def seen() -> list[int]:
        return [document["count"] for document in place.documents()["automation#counters"]]

    return Write(lambda: decision.run(params, place.clients), seen, [0, 0])


# --- fencing
def fence(place: Place, mode: str, resource: str, state: str = "present") -> dict[str, Any]:
    params = {"region": WEST, "regions": [EAST, WEST], "state": state, "mode": mode, "traffic_region": EAST}
    names = ("security_group_id", "autoscaling_group_name", "network_acl_id", "ecs_service")
    params |= dict.fromkeys(names, resource)
    return region_fence.run({**params, "table_name": place.name, "run_id": "r1", "deadline": 12.0}, place.clients)


def fenced(place: Place) -> list[Any]:
    """State and memory of the fence documents."""
    return [
        (document["state"], bool(document["removed"]))
        for documents in place.documents().values()
        for document in documents
    ]


def prepare_ingress(place: Place, is_fenced: bool) -> Write:
    place.make_table()
    ec2 = place.aws("ec2")
    group = ec2.create_security_group(GroupName=place.name, Description=place.name)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=RULES)

    def seen() -> Any:
        (shown,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        return len(shown["IpPermissions"]), fenced(place)

    if not is_fenced:
        return Write(lambda: fence(place, "database_ingress", group), seen, (0, [("done", True)] * 2))
    fence(place, "database_ingress", group)
    return Write(lambda: fence(place, "database_ingress", group, "absent"), seen, (1, []))


def prepare_acl(place: Place, is_fenced: bool) -> Write:
    place.make_table()
    ec2 = place.aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    for egress in (False, True):
        rule = {"RuleNumber": 10, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}
        ec2.create_network_acl_entry(NetworkAclId=acl, Egress=egress, **rule)
    (default,) = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])[
        "NetworkAcls"
    ]
    association = default["Associations"][0]["NetworkAclAssociationId"]
    ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)

    def seen() -> Any:
        (shown,) = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
        return {one["RuleAction"] for one in shown["Entries"] if one["RuleNumber"] == 10}, fenced(place)

    if not is_fenced:
        return Write(lambda: fence(place, "network_acl", acl), seen, ({"deny"}, [("done", True)] * 2))
    fence(place, "network_acl", acl)
    return Write(lambda: fence(place, "network_acl", acl, "absent"), seen, ({"allow"}, []))


def prepare_capacity(place: Place, is_fenced: bool) -> Write:
    place.make_table()
    place.make_group(MinSize=1, DesiredCapacity=1, MaxSize=3)

    def seen() -> Any:
        return place.sizes(), fenced(place)

    if not is_fenced:
        wanted = ((0, 0, 3), [("done", True)] * 2)
        return Write(lambda: fence(place, "application_capacity", place.name), seen, wanted)
    fence(place, "application_capacity", place.name)
    return Write(lambda: fence(place, "application_capacity", place.name, "absent"), seen, ((1, 1, 3), []))


@writes("dynamodb", "PutItem", is_read_back=False)
def fence_written_down(place: Place) -> Write:
    return prepare_ingress(place, is_fenced=False)


@writes("dynamodb", "DeleteItem", is_read_back=False)
def fence_forgotten(place: Place) -> Write:
    return prepare_ingress(place, is_fenced=True)


@writes("ec2", "RevokeSecurityGroupIngress")
def ingress_taken(place: Place) -> Write:
    return prepare_ingress(place, is_fenced=False)


@writes("ec2", "AuthorizeSecurityGroupIngress")
def ingress_given_back(place: Place) -> Write:
    return prepare_ingress(place, is_fenced=True)


@writes("ec2", "ReplaceNetworkAclEntry")
def traffic_denied(place: Place) -> Write:
    return prepare_acl(place, is_fenced=False)


@writes("ec2", "ReplaceNetworkAclEntry")
def traffic_allowed_again(place: Place) -> Write:
    return prepare_acl(place, is_fenced=True)


@writes("autoscaling", "UpdateAutoScalingGroup")
def capacity_taken(place: Place) -> Write:
    return prepare_capacity(place, is_fenced=False)


@writes("autoscaling", "UpdateAutoScalingGroup")
def capacity_given_back(place: Place) -> Write:
    return prepare_capacity(place, is_fenced=True)


@writes("autoscaling", "SetDesiredCapacity")
def capacity_raised(place: Place) -> Write:
    place.make_group(MinSize=0, DesiredCapacity=0, MaxSize=3)
    params = {"region": WEST, "name": place.name, "at_least": 2, "target_group_arn": None, "wait": False}
    return Write(lambda: capacity.run(params, place.clients), place.sizes, (0, 2, 3))


@writes("autoscaling", "UpdateAutoScalingGroup")
def reservations_preferred(place: Place) -> Write:
    place.make_group(MinSize=0, DesiredCapacity=0, MaxSize=3)
    wanted = {"preference": "capacity-reservations-first", "capacity_reservation_ids": []}
    params = {"region": WEST, "name": place.name, **wanted}
    scaling = place.clients("autoscaling", WEST)
    return Write(
        lambda: reservations.run(params, place.clients),
        lambda: reservations.get_specification(scaling, place.name),
        wanted,
    )


def prepare_hold(place: Place, is_held: bool) -> Write:
    place.make_group(MinSize=0, DesiredCapacity=0, MaxSize=3)
    params = {"region": WEST, "name": place.name, "target_group_arn": None, "wait": False}
    scaling = place.clients("autoscaling", WEST)

    def seen() -> Any:
        found = scaling.describe_scheduled_actions(AutoScalingGroupName=place.name)["ScheduledUpdateGroupActions"]
        return place.sizes(), [one["MinSize"] for one in found]

    def request(at_least: int, seconds: int) -> dict[str, Any]:
        return capacity.run({**params, "at_least": at_least, "min_size_hold": seconds}, place.clients)

    if not is_held:
        return Write(lambda: request(2, 3600), seen, ((2, 2, 3), [0]))
    request(2, 3600)
    return Write(lambda: request(0, 0), seen, ((0, 2, 3), []))


@writes("autoscaling", "PutScheduledUpdateGroupAction")
def minimum_held(place: Place) -> Write:
    return prepare_hold(place, is_held=False)


@writes("autoscaling", "UpdateAutoScalingGroup")
def minimum_raised(place: Place) -> Write:
    return prepare_hold(place, is_held=False)


@writes("autoscaling", "DeleteScheduledAction")
def minimum_given_back(place: Place) -> Write:
    return prepare_hold(place, is_held=True)


# --- an ECS service
def prepare_service_fence(place: Place, is_fenced: bool) -> Write:
    place.make_table()
    place.make_service(1, 1, 3)

    def seen() -> Any:
        return place.service_sizes(), fenced(place)

    if not is_fenced:
        wanted = ((0, 0, 3), [("done", True)] * 2)
        return Write(lambda: fence(place, "service_capacity", place.service), seen, wanted)
    fence(place, "service_capacity", place.service)
    return Write(lambda: fence(place, "service_capacity", place.service, "absent"), seen, ((1, 1, 3), []))


@writes("ecs", "UpdateService")
def service_taken(place: Place) -> Write:
    return prepare_service_fence(place, is_fenced=False)


@writes("application-autoscaling", "RegisterScalableTarget")
def service_bounds_given_back(place: Place) -> Write:
    return prepare_service_fence(place, is_fenced=True)


@writes("ecs", "UpdateService")
def service_raised(place: Place) -> Write:
    place.make_service(0, 0, 3)
    params = {"region": WEST, "service": place.service, "at_least": 2, "target_group_arn": None, "wait": False}
    return Write(lambda: capacity.run_service(params, place.clients), place.service_sizes, (0, 2, 3))


def prepare_service_hold(place: Place, is_held: bool) -> Write:
    place.make_service(0, 0, 3)
    params = {"region": WEST, "service": place.service, "target_group_arn": None, "wait": False}
    scaling = place.clients("application-autoscaling", WEST)

    def seen() -> Any:
        found = scaling.describe_scheduled_actions(**place.target())["ScheduledActions"]
        return place.service_sizes(), [one["ScalableTargetAction"]["MinCapacity"] for one in found]

    def request(at_least: int, seconds: int) -> dict[str, Any]:
        return capacity.run_service({**params, "at_least": at_least, "min_size_hold": seconds}, place.clients)

    if not is_held:
        return Write(lambda: request(2, 3600), seen, ((2, 2, 3), [0]))
    request(2, 3600)
    return Write(lambda: request(0, 0), seen, ((0, 2, 3), []))


@writes("application-autoscaling", "PutScheduledAction")
def service_minimum_held(place: Place) -> Write:
    return prepare_service_hold(place, is_held=False)


@writes("application-autoscaling", "RegisterScalableTarget")
def service_minimum_raised(place: Place) -> Write:
    return prepare_service_hold(place, is_held=False)


@writes("application-autoscaling", "DeleteScheduledAction")
def service_minimum_given_back(place: Place) -> Write:
    return prepare_service_hold(place, is_held=True)


# --- the global database
def move(place: Place, method: str, arns: Mapping[str, str]) -> dict[str, Any]:
    params = {"global_cluster_identifier": place.name, "writer_region": WEST, "method": method, "db_cluster_arns": arns}
    params |= {"accept_data_loss": True, "wait": True, "wait_timeout": 30, "poll_interval": 1.0}
    return writer.run(params, place.clients, sleep=briefly)


@writes("rds", "FailoverGlobalCluster")
def writer_failed_over(place: Place) -> Write:
    arns = place.make_database()
    return Write(lambda: move(place, "failover", arns), place.writers, [WEST])


@writes("rds", "SwitchoverGlobalCluster", EAST, is_read_back=False)
def writer_switched_over(place: Place) -> Write:
    arns = place.make_database()
    return Write(lambda: move(place, "switchover", arns), place.writers, [WEST])


@writes("rds", "RemoveFromGlobalCluster")
def writer_detached(place: Place) -> Write:
    arns = place.make_database()

    def seen() -> Any:
        (cluster,) = place.aws("rds").describe_db_clusters(DBClusterIdentifier=f"{place.name}-{WEST}")["DBClusters"]
        members = [one["DBClusterArn"] for one in (place.global_cluster() or {})["GlobalClusterMembers"]]
        return members, cluster["Status"], cluster["DBClusterMembers"][0]["IsClusterWriter"]

    return Write(lambda: move(place, "detach", arns), seen, ([arns[EAST]], "available", True))


def global_cluster(place: Place, **more: Any) -> dict[str, Any]:
    params = {"region": WEST, "global_cluster_identifier": place.name, "engine": "aurora-mysql", **more}
    return aurora_global_cluster.run(params, place.clients, sleep=briefly)


@writes("rds", "CreateGlobalCluster")
def global_cluster_created(place: Place) -> Write:
    def seen() -> Any:
        whole = place.global_cluster()
        return whole and whole["Status"]

    return Write(lambda: global_cluster(place), seen, "available")


@writes("rds", "AddTagsToResource")
def global_cluster_tagged(place: Place) -> Write:
    arn = global_cluster(place)["global_cluster"]["global_cluster_arn"]

    def seen() -> Any:
        return place.aws("rds").list_tags_for_resource(ResourceName=arn)["TagList"]

    return Write(lambda: global_cluster(place, tags={"Owner": "us"}), seen, [{"Key": "Owner", "Value": "us"}])


@writes("rds", "CopyDBClusterSnapshot", EAST)
def old_volume_kept(place: Place) -> Write:
    move(place, "failover", place.make_database())
    params = {"region": EAST, "db_cluster_identifier": f"{place.name}-{EAST}", "wait": True, "wait_timeout": 60}
    params |= {"global_cluster_identifier": place.name, "poll_interval": 1.0}

    def seen() -> list[str]:
        shown = place.aws("rds", EAST).describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
        return [one["Status"] for one in shown if one["DBClusterIdentifier"] == f"{place.name}-{EAST}"]

    return Write(lambda: snapshots.run(params, place.clients, sleep=briefly), seen, ["available"])


@writes("rds", "ModifyGlobalCluster")
def global_cluster_protected(place: Place) -> Write:
    global_cluster(place)

    def seen() -> Any:
        whole = place.global_cluster()
        return whole and whole["DeletionProtection"]

    return Write(lambda: global_cluster(place, deletion_protection=True), seen, True)


@writes("rds", "DeleteGlobalCluster")
def global_cluster_deleted(place: Place) -> Write:
    global_cluster(place)
    return Write(lambda: global_cluster(place, state="absent"), place.global_cluster, None)


@writes("rds", "ModifyDBCluster")
def cluster_settings_changed(place: Place) -> Write:
    place.make_database()
    params = {"region": WEST, "db_cluster_identifier": f"{place.name}-{WEST}", "storage_type": "aurora-iopt1"}

    def seen() -> str:
        (cluster,) = place.aws("rds").describe_db_clusters(DBClusterIdentifier=f"{place.name}-{WEST}")["DBClusters"]
        return cluster["StorageType"]

    return Write(lambda: cluster_settings.run(params, place.clients), seen, "aurora-iopt1")


def classes_changed(place: Place) -> Write:
    """Both instances of the writer's cluster get another class, and the second one becomes the writer."""
    place.make_database()
    rds, name = place.aws("rds", EAST), f"{place.name}-{EAST}"
    more = {"Engine": "aurora-mysql", "DBInstanceClass": "db.r6g.large"}
    rds.create_db_instance(DBInstanceIdentifier=f"{name}-2", DBClusterIdentifier=name, **more)
    params = {"region": EAST, "db_cluster_identifier": name, "db_instance_class": "db.r6g.xlarge", "is_writer": True}
    params |= {"wait_timeout": 60, "poll_interval": 0.1}

    def seen() -> list[tuple[str, str, bool]]:
        found = instance_class.read(rds, name, True)
        return [(one["identifier"].removeprefix(name), one["class"], one["is_writer"]) for one in found]

    wanted = [("-1", "db.r6g.xlarge", False), ("-2", "db.r6g.xlarge", True)]
    return Write(lambda: instance_class.run(params, place.clients), seen, wanted)


@writes("rds", "ModifyDBInstance", EAST)
def instance_given_another_class(place: Place) -> Write:
    return classes_changed(place)


@writes("rds", "FailoverDBCluster", EAST)
def writer_moved_to_another_instance(place: Place) -> Write:
    return classes_changed(place)


# --- an upgrade of a global database
NEWER, NEW_MAJOR, FAMILY = "8.0.mysql_aurora.3.12.0", "8.4.mysql_aurora.8.4.8", "aurora-mysql8.4"


def upgraded(place: Place, version: str, **options: Any) -> dict[str, Any]:
    names = {"global_cluster_identifier": place.name, "engine_version": version, "regions": [EAST, WEST]}
    params = {**names, "wait_timeout": 60, "poll_interval": 0.1, **options}
    return upgrade.run(params, place.clients)


def version_and_groups(place: Place) -> tuple[str, list[tuple[str, str]]]:
    """Version of WEST's cluster, and the parameter group of its instance with its state."""
    rds, name = place.aws("rds"), f"{place.name}-{WEST}"
    (cluster,) = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier=f"{name}-1")["DBInstances"]
    groups = [(one["DBParameterGroupName"], one["ParameterApplyStatus"]) for one in instance["DBParameterGroups"]]
    return cluster["EngineVersion"], groups


@writes("rds", "ModifyDBCluster")
def member_upgraded(place: Place) -> Write:
    place.make_database()
    step = {"step": f"secondary {WEST}"}
    return Write(lambda: upgraded(place, NEWER, **step), lambda: version_and_groups(place)[0], NEWER)


@writes("rds", "ModifyGlobalCluster", EAST)
def members_upgraded(place: Place) -> Write:
    place.make_database()
    return Write(lambda: upgraded(place, NEW_MAJOR), lambda: version_and_groups(place)[0], NEW_MAJOR)


def prepare_groups(place: Place) -> Write:
    """The groups of a database that has just been upgraded to another major version."""
    place.make_database()
    upgraded(place, NEW_MAJOR)
    for kind in ("db_parameter_group", "db_cluster_parameter_group"):
        name = {"db_parameter_group": "DBParameterGroupName"}.get(kind, "DBClusterParameterGroupName")
        made = {name: place.name, "DBParameterGroupFamily": FAMILY, "Description": "new"}
        getattr(place.aws("rds"), f"create_{kind}")(**made)
    wanted = (NEW_MAJOR, [(place.name, "in-sync")])
    groups = {"parameter_groups": {WEST: place.name}}
    return Write(lambda: upgraded(place, NEW_MAJOR, **groups), lambda: version_and_groups(place), wanted)


@writes("rds", "ModifyDBInstance")
def instance_given_its_group(place: Place) -> Write:
    return prepare_groups(place)


@writes("rds", "RebootDBInstance")
def instance_restarted(place: Place) -> Write:
    return prepare_groups(place)


@writes("ssm", "PutParameter")
def writer_endpoint_set(place: Place) -> Write:
    place.make_database()
    names = {"db_cluster_identifier": f"{place.name}-{WEST}", "parameter_name": f"/{place.name}/writer"}
    params = {"region": WEST, "global_cluster_identifier": place.name, **names}
    whole = place.global_cluster() or {}

    def seen() -> str:
        return place.aws("ssm").get_parameter(Name=f"/{place.name}/writer")["Parameter"]["Value"]

    return Write(lambda: writer_endpoint.run(params, place.clients, sleep=briefly), seen, whole["Endpoint"])


# --- replicas of a table
def replicas(place: Place, *wanted: dict[str, Any], **more: Any) -> dict[str, Any]:
    params = {"table_name": place.name, "region": WEST, "replicas": list(wanted), "wait_timeout": 60, **more}
    return global_table.run(params, place.clients, sleep=briefly)


def seen_replicas(place: Place) -> tuple[list[str], bool]:
    """Regions of the ACTIVE replicas besides WEST, and whether there is a stream."""
    table = place.aws("dynamodb").describe_table(TableName=place.name)["Table"]
    states = {one["RegionName"]: one["ReplicaStatus"] for one in table.get("Replicas", [])}
    assert set(states.values()) <= {"ACTIVE"}
    return [region for region in states if region != WEST], bool(table.get("StreamSpecification"))


@writes("dynamodb", "UpdateTable")
def replica_added(place: Place) -> Write:
    place.make_table(WEST)
    tagged = {"region": EAST, "tags": {"Project": "trading"}}
    return Write(lambda: replicas(place, tagged), lambda: seen_replicas(place), ([EAST], True))


@writes("dynamodb", "UpdateTable")
def replica_removed(place: Place) -> Write:
    place.make_table(WEST)
    replicas(place, {"region": EAST})
    return Write(lambda: replicas(place, purge_replicas=True), lambda: seen_replicas(place), ([], True))


@writes("dynamodb", "UpdateTable")
def table_protected(place: Place) -> Write:
    place.make_table(WEST)

    def seen() -> bool:
        return place.aws("dynamodb").describe_table(TableName=place.name)["Table"]["DeletionProtectionEnabled"]

    return Write(lambda: replicas(place, {"region": WEST, "deletion_protection": True}), seen, True)


@writes("dynamodb", "UpdateContinuousBackups")
def recovery_enabled(place: Place) -> Write:
    place.make_table(WEST)

    def seen() -> str:
        shown = place.aws("dynamodb").describe_continuous_backups(TableName=place.name)
        return shown["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]

    return Write(lambda: replicas(place, {"region": WEST, "point_in_time_recovery": True}), seen, "ENABLED")


@writes("dynamodb", "TagResource")
def table_tagged(place: Place) -> Write:
    place.make_table(WEST)

    def seen() -> list[dict[str, str]]:
        dynamodb = place.aws("dynamodb")
        arn = dynamodb.describe_table(TableName=place.name)["Table"]["TableArn"]
        return dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]

    wanted = [{"Key": "Project", "Value": "trading"}]
    return Write(lambda: replicas(place, {"region": WEST, "tags": {"Project": "trading"}}), seen, wanted)


# --- replication of a bucket
def replication(place: Place, **more: Any) -> dict[str, Any]:
    params = {"region": WEST, "bucket": place.name, "rule_id": "all", "role_arn": "arn:aws:iam::123456789012:role/r"}
    destination = {"destination_bucket_arn": f"arn:aws:s3:::{place.name}-copy"}
    return bucket_replication.run({**params, **destination, **more}, place.clients, sleep=briefly)


def make_buckets(place: Place) -> Callable[[], Any]:
    """Make two versioned buckets; return what reads the rules of the first."""
    s3 = place.aws("s3")
    for bucket in (place.name, f"{place.name}-copy"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": WEST})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def seen() -> list[str]:
        try:
            rules = s3.get_bucket_replication(Bucket=place.name)["ReplicationConfiguration"]["Rules"]
        except s3.exceptions.ClientError:
            return []
        return [rule["ID"] for rule in rules]

    return seen


@writes("s3", "PutBucketReplication", is_read_back=False)
def replication_set(place: Place) -> Write:
    return Write(lambda: replication(place), make_buckets(place), ["all"])


@writes("s3", "DeleteBucketReplication", is_read_back=False)
def replication_removed(place: Place) -> Write:
    seen = make_buckets(place)
    replication(place)
    return Write(lambda: replication(place, state="absent"), seen, [])


# --- what shows whether data arrives
ROLE_RIGHTS = [
    *("s3:GetReplicationConfiguration", "s3:ListBucket", "s3:GetObjectVersion*"),
    *("s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"),
]


def probe(place: Place, **more: Any) -> dict[str, Any]:
    nothing = {"bucket": None, "table_name": None, "destinations": [], "state": "present", "renew": False}
    params = {"region": WEST, "wait_timeout": 60, **nothing, **more}
    return replication_probe.run(params, place.clients, sleep=briefly)


def make_copied_bucket(place: Place) -> dict[str, Any]:
    """Make a bucket in each region, the first one replicated to the second; return the options that name them."""
    iam, names = place.aws("iam"), {region: f"{place.name}-{region}" for region in (WEST, EAST)}
    trust = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
    rights = {"Effect": "Allow", "Action": ROLE_RIGHTS, "Resource": "*"}
    trusted, allowed = (json.dumps({"Version": "2012-10-17", "Statement": [one]}) for one in (trust, rights))
    role = iam.create_role(RoleName=place.name, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    iam.put_role_policy(RoleName=place.name, PolicyName="rights", PolicyDocument=allowed)
    for region, name in names.items():
        where = {} if region == EAST else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        place.aws("s3", region).create_bucket(Bucket=name, **where)
        place.aws("s3", region).put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    there = {"destination_bucket_arn": f"arn:aws:s3:::{names[EAST]}", "role_arn": role}
    replication(place, bucket=names[WEST], **there)
    return {"bucket": names[WEST], "destinations": [{"region": EAST, "bucket": names[EAST]}]}


def probe_objects(place: Place) -> list[str]:
    """The regions that have the object."""
    found = {
        region: place.aws("s3", region).list_objects_v2(Bucket=f"{place.name}-{region}").get("Contents", [])
        for region in (EAST, WEST)
    }
    return [region for region, objects in found.items() if objects]


@writes("s3", "PutObject", is_read_back=False)
def probe_object_written(place: Place) -> Write:
    named = make_copied_bucket(place)
    return Write(lambda: probe(place, **named), lambda: probe_objects(place), [EAST, WEST])


@writes("s3", "DeleteObjects", is_read_back=False)
def probe_objects_removed(place: Place) -> Write:
    named = make_copied_bucket(place)
    probe(place, **named)
    return Write(lambda: probe(place, **named, state="absent"), lambda: probe_objects(place), [EAST])


def probe_items(place: Place, *regions: str) -> list[str]:
    """The regions of these that have the item."""
    asked = {"TableName": place.name, "ConsistentRead": True}
    return [region for region in regions if place.aws("dynamodb", region).scan(**asked)["Items"]]


@writes("dynamodb", "PutItem", is_read_back=False)
def probe_item_written(place: Place) -> Write:
    place.make_table(WEST)
    replicas(place, {"region": EAST})
    named = {"table_name": place.name, "destinations": [{"region": EAST}]}
    return Write(lambda: probe(place, **named), lambda: probe_items(place, EAST, WEST), [EAST, WEST])


@writes("dynamodb", "DeleteItem", is_read_back=False)
def probe_item_removed(place: Place) -> Write:
    place.make_table(WEST)
    place.aws("dynamodb").put_item(
        TableName=place.name,
        Item={"id": {"S": f"replication-probe/{WEST}"}, "probe": {"S": "mark"}, "written_at": {"N": "1"}},
    )
    return Write(lambda: probe(place, table_name=place.name, state="absent"), lambda: probe_items(place, WEST), [])


# --- health checks
def health_check(place: Place, **more: Any) -> dict[str, Any]:
    params = {"name": place.name, "type": "HTTP", "fqdn": "a.example.com", "failure_threshold": 3, **more}
    return health_checks.run(params, place.clients, sleep=briefly)


def seen_checks(place: Place) -> list[tuple[int, list[str]]]:
    """Threshold and tags of every check whose reference begins with the name."""
    route53, found = place.aws("route53"), []
    for check in route53.list_health_checks(MaxItems="1000")["HealthChecks"]:
        if check["CallerReference"].startswith(place.name):
            tags = route53.list_tags_for_resource(ResourceType="healthcheck", ResourceId=check["Id"])
            names = sorted(tag["Value"] for tag in tags["ResourceTagSet"]["Tags"])
            found.append((check["HealthCheckConfig"]["FailureThreshold"], names))
    return found


@writes("route53", "CreateHealthCheck", None, is_read_back=False)
def health_check_created(place: Place) -> Write:
    return Write(lambda: health_check(place), lambda: seen_checks(place), [(3, [place.name])])


@writes("route53", "CreateHealthCheck", None, is_read_back=False)
def health_check_created_anew(place: Place) -> Write:
    """Its name has been used for a caller reference before."""
    health_check(place)
    health_check(place, state="absent")
    return Write(lambda: health_check(place, failure_threshold=2), lambda: seen_checks(place), [(2, [place.name])])


@writes("route53", "UpdateHealthCheck", None)
def health_check_changed(place: Place) -> Write:
    health_check(place)
    return Write(lambda: health_check(place, failure_threshold=2), lambda: seen_checks(place), [(2, [place.name])])


@writes("route53", "ChangeTagsForResource", None)
def health_check_tagged(place: Place) -> Write:
    health_check(place)
    wanted = [(3, sorted([place.name, "trading"]))]
    return Write(lambda: health_check(place, tags={"Project": "trading"}), lambda: seen_checks(place), wanted)


@writes("route53", "DeleteHealthCheck", None, is_read_back=False)
def health_check_deleted(place: Place) -> Write:
    health_check(place)
    return Write(lambda: health_check(place, state="absent"), lambda: seen_checks(place), [])


# --- failover records
def failover_pair(zone: str, name: str, *order: str) -> dict[str, Any]:
    """The options for a name with two records, the first one PRIMARY."""
    target = {"target": "x.us-east-2.elb.amazonaws.com", "target_zone_id": "Z3AADJGX6KTTL2"}
    roles = zip(order, ("PRIMARY", "SECONDARY"), strict=False)
    records = [{"name": name, "identifier": one, "failover": role, **target} for one, role in roles]
    return {"hosted_zone_id": zone, "names": [name], "records": records, "wait_timeout": 30}


@writes("route53", "ChangeResourceRecordSets", None, is_read_back=False)
def failover_records_replaced(place: Place) -> Write:
    """The second record gets the role of the first one, which goes."""
    route53, name = place.aws("route53"), f"{place.name}.example.com"
    made = route53.create_hosted_zone(Name=name, CallerReference=place.name)["HostedZone"]["Id"]
    zone = made.rpartition("/")[2]
    failover_records.run(failover_pair(zone, name, "a", "b"), place.clients, sleep=briefly)

    def seen() -> list[tuple[str, str]]:
        found = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        return sorted((one["SetIdentifier"], one["Failover"]) for one in found if one["Type"] == "A")

    wanted = [("b", "PRIMARY"), ("c", "SECONDARY")]
    return Write(
        lambda: failover_records.run(failover_pair(zone, name, "b", "c"), place.clients, sleep=briefly), seen, wanted
    )


# --- the dashboard
BODY = {"widgets": [{"type": "text", "x": 0, "y": 0, "width": 6, "height": 6, "properties": {"markdown": "Hello"}}]}


def dashboard(place: Place, state: str) -> dict[str, Any]:
    params = {"region": WEST, "name": place.name, "state": state, "body": BODY if state == "present" else None}
    return monitoring_dashboard.run(params, place.clients)


def seen_dashboards(place: Place) -> list[str]:
    found = place.aws("cloudwatch").list_dashboards(DashboardNamePrefix=place.name)["DashboardEntries"]
    return [one["DashboardName"] for one in found]


@writes("cloudwatch", "PutDashboard")
def dashboard_written(place: Place) -> Write:
    return Write(lambda: dashboard(place, "present"), lambda: seen_dashboards(place), [place.name])


@writes("cloudwatch", "DeleteDashboards")
def dashboard_deleted(place: Place) -> Write:
    dashboard(place, "present")
    return Write(lambda: dashboard(place, "absent"), lambda: seen_dashboards(place), [])


# --- the traffic switch
def traffic(place: Place, active_region: str, **more: Any) -> dict[str, Any]:
    params = {"active_region": active_region, "deadline": 8.0, **more}
    return switch.run(params, place.clients)


def prepare_objects(place: Place) -> tuple[dict[str, Any], Callable[[], Any]]:
    """Return the switch's options, and what reads both regions' objects."""
    buckets = {region: f"{place.name}-{region}" for region in (EAST, WEST)}
    for region, bucket in buckets.items():
        where = {} if region == EAST else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        place.aws("s3", region).create_bucket(Bucket=bucket, **where)
    entries = [{"region": region, "bucket": bucket} for region, bucket in buckets.items()]

    def seen() -> list[bool]:
        return [
            "Contents" in place.aws("s3", region).list_objects_v2(Bucket=bucket) for region, bucket in buckets.items()
        ]

    return {"backend": "s3_object", "object_key": "active-region", "regions": entries}, seen


@writes("s3", "PutObject", is_read_back=False)
def traffic_moved_by_object(place: Place) -> Write:
    options, seen = prepare_objects(place)
    return Write(lambda: traffic(place, WEST, **options), seen, [True, True])


@writes("s3", "DeleteObject", is_read_back=False)
def traffic_moved_back_by_object(place: Place) -> Write:
    options, seen = prepare_objects(place)
    traffic(place, WEST, **options)
    return Write(lambda: traffic(place, EAST, **options), seen, [False, False])


@writes("cloudwatch", "PutMetricData", is_read_back=False)
def traffic_moved_by_metric(place: Place) -> Write:
    regions = [{"region": region} for region in (EAST, WEST)]
    options = {"backend": "cloudwatch_metric", "platform": place.name, "metric_namespace": "Switch", "regions": regions}

    def said(region: str) -> dict[str, list[float]]:
        cloudwatch, now, found = place.aws("cloudwatch", region), datetime.now(UTC), {}
        for metric in cloudwatch.list_metrics(Dimensions=[{"Name": "Platform", "Value": place.name}])["Metrics"]:
            dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            window = {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(hours=1), "Period": 60}
            points = cloudwatch.get_metric_statistics(**metric, **window, Statistics=["Maximum"])["Datapoints"]
            found[dimensions["Statement"]] = [point["Maximum"] for point in points]
        return found

    def seen() -> Any:
        return [said(EAST), said(WEST)]

    wanted = [{f"[{EAST} yields to {WEST}]": [1.0]}, {f"[{WEST} claims over {EAST}]": [1.0]}]
    return Write(lambda: traffic(place, WEST, **options), seen, wanted)


@writes("route53-recovery-cluster", "UpdateRoutingControlStates", None, is_read_back=False)
def traffic_moved_by_control(place: Place) -> Write:
    config = place.aws("route53-recovery-control-config", "us-west-2")
    cluster = config.create_cluster(ClusterName=place.name)["Cluster"]["ClusterArn"]
    places = config.describe_cluster(ClusterArn=cluster)["Cluster"]["ClusterEndpoints"]
    panel = config.create_control_panel(ClusterArn=cluster, ControlPanelName=place.name)["ControlPanel"]
    arns = [
        config.create_routing_control(
            ClusterArn=cluster, ControlPanelArn=panel["ControlPanelArn"], RoutingControlName=region
        )["RoutingControl"]["RoutingControlArn"]
        for region in (EAST, WEST)
    ]
    options = {
        "backend": "arc_routing_control",
        "regions": [
            {"region": region, "routing_control_arn": arn} for region, arn in zip((EAST, WEST), arns, strict=True)
        ],
        "cluster_endpoints": [{"region": one["Region"], "endpoint": one["Endpoint"]} for one in places],
    }
    traffic(place, EAST, **options)

    def seen() -> list[str]:
        client = place.clients("route53-recovery-cluster", places[0]["Region"], places[0]["Endpoint"])
        return [client.get_routing_control_state(RoutingControlArn=arn)["RoutingControlState"] for arn in arns]

    return Write(lambda: traffic(place, WEST, **options), seen, ["Off", "On"])


# --- accelerators
API = "us-west-2"


def balancers(place: Place) -> dict[str, str]:
    """Make a load balancer in both regions; their ARNs."""
    found = {}
    for region in (EAST, WEST):
        subnets = [one["SubnetId"] for one in place.aws("ec2", region).describe_subnets()["Subnets"][:2]]
        made = place.aws("elbv2", region).create_load_balancer(Name=place.name, Subnets=subnets)["LoadBalancers"][0]
        found[region] = made["LoadBalancerArn"]
    return found


def accelerator(place: Place, arns: Mapping[str, str], **more: Any) -> dict[str, Any]:
    params = {
        "name": place.name,
        "state": "present",
        "ports": [80],
        "endpoint_groups": [{"region": region, "endpoint_arn": arn} for region, arn in arns.items()],
        "initial_region": EAST,
        "tags": {"Project": "trading"},
        "wait_timeout": 60,
        **more,
    }
    return accelerators.run(params, place.clients, sleep=briefly)


def seen_accelerators(place: Place) -> list[tuple[bool, list[str], list[int], dict[str, tuple[float, int]]]]:
    """Whether each with the name is enabled, its tags, ports, and dial and number of endpoints by region."""
    api, found = place.aws("globalaccelerator", API), []
    for page in api.get_paginator("list_accelerators").paginate():
        for one in page["Accelerators"]:
            if one["Name"] != place.name:
                continue
            arn = one["AcceleratorArn"]
            listeners = api.list_listeners(AcceleratorArn=arn)["Listeners"]
            groups = [
                group
                for listener in listeners
                for group in api.list_endpoint_groups(ListenerArn=listener["ListenerArn"])["EndpointGroups"]
            ]
            tags = sorted(tag["Value"] for tag in api.list_tags_for_resource(ResourceArn=arn)["Tags"])
            ports = [span["FromPort"] for listener in listeners for span in listener["PortRanges"]]
            shown = {
                group["EndpointGroupRegion"]: (group["TrafficDialPercentage"], len(group["EndpointDescriptions"]))
                for group in groups
            }
            found.append((one["Enabled"], tags, ports, shown))
    return found


ACCELERATOR = (True, ["trading"], [80], {EAST: (100.0, 1), WEST: (0.0, 1)})


@writes("globalaccelerator", "CreateAccelerator", API, is_read_back=False)
def accelerator_created(place: Place) -> Write:
    arns = balancers(place)
    return Write(lambda: accelerator(place, arns), lambda: seen_accelerators(place), [ACCELERATOR])


@writes("globalaccelerator", "CreateListener", API, is_read_back=False)
def accelerator_given_a_listener(place: Place) -> Write:
    return accelerator_created(place)


@writes("globalaccelerator", "CreateEndpointGroup", API, is_read_back=False)
def accelerator_given_endpoint_groups(place: Place) -> Write:
    return accelerator_created(place)


@writes("globalaccelerator", "UpdateListener", API, is_read_back=False)
def accelerator_with_other_ports(place: Place) -> Write:
    arns = balancers(place)
    accelerator(place, arns)
    wanted = [(True, ["trading"], [443], ACCELERATOR[3])]
    return Write(lambda: accelerator(place, arns, ports=[443]), lambda: seen_accelerators(place), wanted)


@writes("globalaccelerator", "TagResource", API, is_read_back=False)
def accelerator_tagged(place: Place) -> Write:
    arns = balancers(place)
    accelerator(place, arns)
    wanted = [(True, ["other"], [80], ACCELERATOR[3])]
    return Write(lambda: accelerator(place, arns, tags={"Project": "other"}), lambda: seen_accelerators(place), wanted)


@writes("globalaccelerator", "UpdateEndpointGroup", API, is_read_back=False)
def accelerator_with_another_load_balancer(place: Place) -> Write:
    arns = balancers(place)
    before = accelerator(place, arns)["accelerator"]
    api = place.aws("globalaccelerator", API)
    api.update_endpoint_group(EndpointGroupArn=before["endpoint_groups"][WEST], EndpointConfigurations=[])
    return Write(lambda: accelerator(place, arns), lambda: seen_accelerators(place), [ACCELERATOR])


def accelerator_removed(place: Place) -> Write:
    arns = balancers(place)
    accelerator(place, arns)
    return Write(lambda: accelerator(place, arns, state="absent"), lambda: seen_accelerators(place), [])


@writes("globalaccelerator", "UpdateAccelerator", API, is_read_back=False)
def accelerator_disabled(place: Place) -> Write:
    return accelerator_removed(place)


@writes("globalaccelerator", "DeleteEndpointGroup", API, is_read_back=False)
def accelerator_without_endpoint_groups(place: Place) -> Write:
    return accelerator_removed(place)


@writes("globalaccelerator", "DeleteListener", API, is_read_back=False)
def accelerator_without_a_listener(place: Place) -> Write:
    return accelerator_removed(place)


@writes("globalaccelerator", "DeleteAccelerator", API, is_read_back=False)
def accelerator_deleted(place: Place) -> Write:
    return accelerator_removed(place)


@writes("globalaccelerator", "UpdateEndpointGroup", API, is_read_back=False)
def traffic_moved_by_dial(place: Place) -> Write:
    groups = accelerator(place, balancers(place))["accelerator"]["endpoint_groups"]
    regions = [{"region": region, "endpoint_group_arn": arn} for region, arn in groups.items()]
    wanted = [(True, ["trading"], [80], {EAST: (0.0, 1), WEST: (100.0, 1)})]

    def act() -> dict[str, Any]:
        return traffic(place, WEST, backend="global_accelerator", regions=regions)

    return Write(act, lambda: seen_accelerators(place), wanted)


# --- log groups and topics
def log_group(place: Place, **more: Any) -> dict[str, Any]:
    params = {"region": WEST, "names": [place.name], "state": "present", **more}
    return log_groups.run(params, place.clients)


def seen_log_groups(place: Place) -> list[tuple[Any, Any]]:
    found = place.aws("logs").describe_log_groups(logGroupNamePrefix=place.name)["logGroups"]
    return [(one.get("kmsKeyId"), one.get("retentionInDays")) for one in found]


@writes("logs", "CreateLogGroup")
def log_group_created(place: Place) -> Write:
    return Write(lambda: log_group(place, retention_in_days=30), lambda: seen_log_groups(place), [(None, 30)])


@writes("logs", "PutRetentionPolicy")
def log_group_kept(place: Place) -> Write:
    log_group(place)
    return Write(lambda: log_group(place, retention_in_days=30), lambda: seen_log_groups(place), [(None, 30)])


@writes("logs", "AssociateKmsKey")
def log_group_encrypted(place: Place) -> Write:
    log_group(place)
    key = place.aws("kms").create_key()["KeyMetadata"]["Arn"]
    return Write(lambda: log_group(place, kms_key_arn=key), lambda: seen_log_groups(place), [(key, None)])


@writes("logs", "DeleteLogGroup")
def log_group_deleted(place: Place) -> Write:
    log_group(place)
    return Write(lambda: log_group(place, state="absent"), lambda: seen_log_groups(place), [])


@writes("sns", "SetTopicAttributes")
def topic_encrypted(place: Place) -> Write:
    arn, key = place.aws("sns").create_topic(Name=place.name)["TopicArn"], "alias/aws/sns"
    params = {"region": WEST, "topic_arn": arn, "kms_key_arn": key}

    def seen() -> str:
        return place.aws("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["KmsMasterKeyId"]

    return Write(lambda: topic_encryption.run(params, place.clients), seen, key)


# --- route tables and load balancers
def routed(place: Place, operation: str) -> Write:
    """A subnet, its table (for AssociateRouteTable it has none), another table and a gateway endpoint of the first."""
    ec2 = place.aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.0.0/24")["Subnet"]["SubnetId"]
    old, new = (ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _table in range(2))
    if operation != "AssociateRouteTable":
        ec2.associate_route_table(SubnetId=subnet, RouteTableId=old)
    service = {"VpcId": vpc, "ServiceName": f"com.amazonaws.{WEST}.s3", "RouteTableIds": [old]}
    endpoint = ec2.create_vpc_endpoint(**service)["VpcEndpoint"]["VpcEndpointId"]
    table = old if operation == "ModifyVpcEndpoint" else new
    params = {"region": WEST, "vpc_id": vpc, "associations": [{"route_table_id": table, "subnet_ids": [subnet]}]}
    if operation == "ModifyVpcEndpoint":
        params["associations"].append({"route_table_id": new, "subnet_ids": []})
        params["gateway_endpoint_ids"] = [endpoint]

    def seen() -> tuple[str | None, list[str]]:
        tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
        own = [one["RouteTableId"] for one in tables for used in one["Associations"] if used.get("SubnetId") == subnet]
        (shown,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]
        return own[0] if own else None, sorted(shown["RouteTableIds"])

    connected = sorted([old, new]) if operation == "ModifyVpcEndpoint" else [old]
    return Write(lambda: route_tables.run(params, place.clients), seen, (table, connected))


@writes("ec2", "ReplaceRouteTableAssociation")
def subnet_given_another_table(place: Place) -> Write:
    return routed(place, "ReplaceRouteTableAssociation")


@writes("ec2", "AssociateRouteTable")
def subnet_given_a_table(place: Place) -> Write:
    return routed(place, "AssociateRouteTable")


@writes("ec2", "ModifyVpcEndpoint")
def endpoint_given_a_table(place: Place) -> Write:
    return routed(place, "ModifyVpcEndpoint")


@writes("elbv2", "ModifyLoadBalancerAttributes")
def keep_alive_shortened(place: Place) -> Write:
    subnets = [one["SubnetId"] for one in place.aws("ec2").describe_subnets()["Subnets"][:2]]
    (made,) = place.aws("elbv2").create_load_balancer(Name=place.name, Subnets=subnets)["LoadBalancers"]
    arn = made["LoadBalancerArn"]
    params = {"region": WEST, "load_balancer_arn": arn, "client_keep_alive_seconds": 60}

    def seen() -> str:
        found = place.aws("elbv2").describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
        return {one["Key"]: one["Value"] for one in found}["client_keep_alive.seconds"]

    return Write(lambda: load_balancer.run(params, place.clients), seen, "60")


# --- event subscriptions
def subscription(place: Place, wanted: Any, **options: Any) -> Write:
    """Change the subscription of this name, and see its categories and sources."""
    params = {"region": WEST, "name": place.name, **options}

    def seen() -> Any:
        found = place.aws("rds").describe_event_subscriptions()["EventSubscriptionsList"]
        shown = {one["CustSubscriptionId"]: [one["EventCategoriesList"], one["SourceIdsList"]] for one in found}
        return shown.get(place.name)

    return Write(lambda: event_subscription.run(params, place.clients), seen, wanted)


def subscribed(place: Place, *sources: str) -> str:
    """Make a topic, a database, and a subscription to sources; return the topic's ARN."""
    place.make_database()
    topic = place.aws("sns").create_topic(Name=place.name)["TopicArn"]
    if sources:
        place.aws("rds").create_event_subscription(
            SubscriptionName=place.name,
            SnsTopicArn=topic,
            SourceType="db-cluster",
            SourceIds=list(sources),
            EventCategories=["maintenance"],
        )
    return topic


@writes("rds", "CreateEventSubscription")
def events_subscribed(place: Place) -> Write:
    topic = subscribed(place)
    return subscription(place, [["failure"], []], sns_topic_arn=topic, event_categories=["failure"])


@writes("rds", "ModifyEventSubscription")
def events_subscribed_otherwise(place: Place) -> Write:
    source = f"{place.name}-{WEST}"
    subscribed(place, source)
    return subscription(place, [["failure"], [source]], event_categories=["failure"])


@writes("rds", "AddSourceIdentifierToSubscription")
def events_of_one_more_subscribed(place: Place) -> Write:
    source = f"{place.name}-{WEST}"
    subscribed(place, source)
    place.aws("rds").remove_source_identifier_from_subscription(SubscriptionName=place.name, SourceIdentifier=source)
    options = {"source_type": "db-cluster", "source_ids": [source]}
    return subscription(place, [["maintenance"], [source]], **options)


@writes("rds", "RemoveSourceIdentifierFromSubscription")
def events_of_one_less_subscribed(place: Place) -> Write:
    subscribed(place, f"{place.name}-{WEST}")
    return subscription(place, [["maintenance"], []], source_type="db-cluster", source_ids=[])


@writes("rds", "DeleteEventSubscription")
def events_no_longer_subscribed(place: Place) -> Write:
    subscribed(place, f"{place.name}-{WEST}")
    return subscription(place, None, state="absent")


# --- replicas and tags of a secret
def replicate(place: Place, **options: Any) -> Write:
    """Change the secret of this name, and see its tags, and the regions of its replicas."""
    params = {"region": WEST, "name": place.name, "tags": {"Owner": "us"}, "replicas": [{"region": EAST}], **options}

    def seen() -> tuple[list[str], list[str], bool]:
        found = place.aws("secretsmanager").describe_secret(SecretId=place.name)
        tags = [tag["Value"] for tag in found.get("Tags", [])]
        return tags, [one["Region"] for one in found.get("ReplicationStatus", [])], "DeletedDate" in found

    regions = [one["region"] for one in params["replicas"]]
    return Write(lambda: secret_replication.run(params, place.clients), seen, (["us"], regions, False))


@writes("secretsmanager", "ReplicateSecretToRegions")
def secret_replicated(place: Place) -> Write:
    place.aws("secretsmanager").create_secret(Name=place.name, SecretString="s")
    return replicate(place)


@writes("secretsmanager", "TagResource")
def secret_tagged(place: Place) -> Write:
    place.aws("secretsmanager").create_secret(Name=place.name, SecretString="s")
    return replicate(place)


@writes("secretsmanager", "RestoreSecret")
def secret_restored(place: Place) -> Write:
    secrets = place.aws("secretsmanager")
    secrets.create_secret(Name=place.name, SecretString="s")
    secrets.delete_secret(SecretId=place.name, RecoveryWindowInDays=7)
    return replicate(place, restore=True)


@writes("secretsmanager", "RemoveRegionsFromReplication")
def secret_replicas_removed(place: Place) -> Write:
    secrets = place.aws("secretsmanager")
    secrets.create_secret(Name=place.name, SecretString="s", AddReplicaRegions=[{"Region": EAST}])
    return replicate(place, replicas=[], purge_replicas=True)


@writes("secretsmanager", "StopReplicationToReplica")
def secret_promoted(place: Place) -> Write:
    copies = [{"Region": WEST}]
    place.aws("secretsmanager", EAST).create_secret(Name=place.name, SecretString="s", AddReplicaRegions=copies)
    params = {"region": WEST, "name": place.name, "promote": True}

    def seen() -> tuple[str | None, str]:
        secrets = place.aws("secretsmanager")
        found = secrets.describe_secret(SecretId=place.name)
        return found.get("PrimaryRegion"), secrets.get_secret_value(SecretId=place.name)["SecretString"]

    return Write(lambda: secret_replication.run(params, place.clients), seen, (None, "s"))


# --- the database's password
def prepare_rotation(place: Place) -> Write:
    place.make_database()
    secrets = place.aws("secretsmanager")
    value = json.dumps({"username": "admin", "password": "not-secret"})
    secrets.create_secret(Name=place.name, SecretString=value, AddReplicaRegions=[{"Region": EAST}])
    params = {"secret_name": place.name, "global_cluster_identifier": place.name, "regions": [EAST, WEST]}
    params |= {"max_age_days": 1, "password_length": 41, "accept_gap": False, "replica_timeout": 10}
    params |= {"settle_seconds": 5, "wait_timeout": 30, "poll_interval": 1.0}
    days = iter((2, 0))

    def rotate() -> dict[str, Any]:
        later = time.time() + 86400 * next(days)
        return aurora_password.run(params, place.clients, sleep=briefly, now=lambda: later)

    def seen() -> tuple[list[str], bool]:
        labels = secrets.describe_secret(SecretId=place.name)["VersionIdsToStages"].values()
        password = json.loads(secrets.get_secret_value(SecretId=place.name)["SecretString"])["password"]
        cluster = f"{place.name}-{EAST}"
        return sorted(sum(labels, [])), place.lab.accepts_password(EAST, cluster, password)

    return Write(rotate, seen, (["AWSCURRENT", "AWSPREVIOUS"], True))


@writes("secretsmanager", "PutSecretValue")
def password_put_away(place: Place) -> Write:
    return prepare_rotation(place)


@writes("rds", "ModifyDBCluster", EAST)
def password_set(place: Place) -> Write:
    return prepare_rotation(place)


@writes("secretsmanager", "UpdateSecretVersionStage")
def password_made_current(place: Place) -> Write:
    return prepare_rotation(place)
