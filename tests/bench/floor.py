# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor of failover.yml: its calls and waits in one process with boto3, and nothing else.

    python -m tests.bench.floor [--hangs] [region ...]      where AWS is, the environment says

us-east-1 is left for us-east-2. --hangs: us-east-1 answers nothing; it is waited for once, at the first look and as
long as the plan waits. It prints when the name was seen in us-east-2.

The calls are those that failover.yml makes in the lab, each as often (the benchmark compares them and lists the
differences), in the same order, in parallel where the playbook's are. Nothing is evaluated, rendered or stored. Waits
are those of the modules: they poll immediately, and then every INTERVAL_S seconds.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
import urllib.parse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
import dns.nameserver
import dns.resolver
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.chaos.faults import LOST, TARGET
from tests.integration.aws import DOMAIN, GROUP, TABLE

SILENT = {LOST} if "--hangs" in sys.argv else set()
REGIONS = tuple(one for one in sys.argv[1:] if one != "--hangs") or (LOST, TARGET)
GLOBAL_CLUSTER = "trading-global-dev"
RUN_ID = "floor"
HOLD = "floor-restores-minimum-size"
# The modules' own: of rds_global_cluster_writer and autoscaling_group_capacity, and of region_traffic_info.
INTERVAL_S, NAME_INTERVAL_S = 2, 1
# failover_patience.
PATIENCE_S = 1
SERVICES = ("autoscaling", "cloudwatch", "dynamodb", "ec2", "elbv2", "rds", "s3", "sns", "ssm")
POOL = ThreadPoolExecutor(64)


def make_clients() -> dict[tuple[str, str], Any]:
    session = boto3.session.Session()
    settings = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2, "mode": "standard"})
    return {(one, region): session.client(one, region, config=settings) for one in SERVICES for region in REGIONS}


CLIENTS = make_clients()


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    return [asked.result() for asked in [POOL.submit(call) for call in calls]]


def each(*looks: Callable[[str], Any]) -> list[Any]:
    """Look at every region; return what those found that answer, in the regions' order."""
    asked = {region: [POOL.submit(look, region) for look in looks] for region in REGIONS}
    return [one.result() for region in REGIONS if region not in SILENT for one in asked[region]]


def everywhere(call: Callable[[str], Any]) -> list[Any]:
    return each(call)


def until(look: Callable[[], Any], interval: float) -> None:
    while not look():
        time.sleep(interval)


# --- the control tables ----------------------------------------------------------------------------------------------


def get(region: str, identifier: str) -> dict:
    key = {"id": {"S": identifier}}
    return CLIENTS["dynamodb", region].get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item") or {}


def put(region: str, identifier: str, **texts: str) -> None:
    item = {name: {"S": value} for name, value in {"id": identifier, **texts}.items()}
    CLIENTS["dynamodb", region].put_item(TableName=TABLE, Item=item, ReturnValues="ALL_OLD")


def read(region: str, *names: str) -> list[dict]:
    asked = {TABLE: {"Keys": [{"id": {"S": name}} for name in names], "ConsistentRead": True}}
    return CLIENTS["dynamodb", region].batch_get_item(RequestItems=asked)["Responses"][TABLE]


def fences(region: str) -> list[dict]:
    return read(region, *(f"fence#{one}" for one in REGIONS))


def control_table(region: str) -> dict[str, Any]:
    """The manifest of a region, asked for with all that the planner reads of its table."""
    items = read(region, "manifest", "lease", "latest_move", *(f"fence#{one}" for one in REGIONS))
    return next(json.loads(item["document"]["S"]) for item in items if item["id"]["S"] == "manifest")


@cache
def entries() -> dict[str, dict]:
    """The regions of the recovery manifest; every region is read, as in the playbook."""
    return {entry["region"]: entry for entry in everywhere(control_table)[0]["regions"]}


def wanted() -> int:
    return entries()[LOST]["capacity"]["desired"]


def hold() -> None:
    """Prove the lease, as every step that writes does."""
    CLIENTS["dynamodb", TARGET].update_item(
        TableName=TABLE,
        Key={"id": {"S": "lease"}},
        UpdateExpression="SET renewed_at = :now",
        ConditionExpression="run_id = :run",
        ExpressionAttributeValues={":now": {"S": str(time.time())}, ":run": {"S": RUN_ID}},
    )


def record(*more: str) -> None:
    """Write the run's items to every table."""
    hold()
    everywhere(lambda region: [put(region, name, document="{}") for name in (f"run#{RUN_ID}", *more)])


# --- looking ---------------------------------------------------------------------------------------------------------


def global_cluster(region: str) -> dict:
    rds = CLIENTS["rds", region]
    return rds.describe_global_clusters(GlobalClusterIdentifier=GLOBAL_CLUSTER)["GlobalClusters"][0]


def cluster(region: str) -> dict:
    return CLIENTS["rds", region].describe_db_clusters(DBClusterIdentifier=f"trading-{region}-dev")["DBClusters"][0]


def instances(region: str) -> list[dict]:
    filters = [{"Name": "db-cluster-id", "Values": [f"trading-{region}-dev"]}]
    return CLIENTS["rds", region].describe_db_instances(Filters=filters)["DBInstances"]


def lag(region: str) -> None:
    now = datetime.now(UTC)
    of_cluster = [{"Name": "DBClusterIdentifier", "Value": f"trading-{region}-dev"}]
    queries = [
        {
            "Id": f"lag{number}",
            "MetricStat": {
                "Metric": {"Namespace": "AWS/RDS", "MetricName": name, "Dimensions": of_cluster},
                "Period": 60,
                "Stat": "Maximum",
            },
        }
        for number, name in enumerate(("AuroraGlobalDBReplicationLag", "AuroraGlobalDBRPOLag"))
    ]
    CLIENTS["cloudwatch", region].get_metric_data(
        MetricDataQueries=queries, StartTime=now - timedelta(hours=1), EndTime=now + timedelta(minutes=1)
    )


def healthy(region: str) -> int:
    answer = CLIENTS["elbv2", region].describe_target_health(TargetGroupArn=entries()[region]["target_group_arn"])
    return sum(one["TargetHealth"]["State"] == "healthy" for one in answer["TargetHealthDescriptions"])


def group(region: str) -> dict:
    answer = CLIENTS["autoscaling", region].describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])
    return answer["AutoScalingGroups"][0]


def statements(region: str) -> None:
    try:
        CLIENTS["s3", region].get_object(Bucket=entries()[region]["control_bucket"], Key="active-region")["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise


def endpoint_parameter(region: str) -> None:
    CLIENTS["ssm", region].get_parameter(Name=entries()[region]["writer_endpoint_parameter"])


def observe(*more: Callable[[str], Any]) -> None:
    each(global_cluster, cluster, instances, healthy, group, statements, endpoint_parameter, *more)


def observe_at_first() -> None:
    """The target is yet to be chosen, and a region that is silent is waited for."""
    began = time.monotonic()
    observe(lag)
    if SILENT:
        time.sleep(max(0.0, began + PATIENCE_S - time.monotonic()))


def observe_again() -> None:
    lag_of_target = POOL.submit(lag, TARGET)
    observe()
    lag_of_target.result()


def probe() -> int:
    proxy = urllib.parse.urlsplit(os.environ["LAB_PROBE_PROXY"])
    connection = http.client.HTTPConnection(proxy.hostname, proxy.port, timeout=3)
    connection.request("GET", f"http://{DOMAIN}/health", headers={"Host": DOMAIN, "Connection": "close"})
    return connection.getresponse().status


def name_points_at_target() -> bool:
    host, port = os.environ["LAB_DNS_SERVER"].split(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver(host, int(port))]
    names = [DOMAIN, *(entries()[region]["load_balancer_dns_name"] for region in REGIONS)]
    found = at_once(*(lambda name=name: {row.address for row in resolver.resolve(f"{name}.", "A")} for name in names))
    return bool(found[0] & found[1 + REGIONS.index(TARGET)]) and probe() < 400


# --- the steps -------------------------------------------------------------------------------------------------------


def take_lease() -> None:
    get(TARGET, "lease")
    put(TARGET, "lease", run_id=RUN_ID)


def fence() -> None:
    """Read, write down what is taken, take it, see it, write down that it is done; both tables know."""
    hold()
    everywhere(lambda region: get(region, f"fence#{LOST}"))
    ec2, acl = CLIENTS["ec2", LOST], entries()[LOST]["database_network_acl_id"]

    def rules() -> list[dict]:
        found = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Entries"]
        return [one for one in found if one["RuleNumber"] == 10]

    before = rules()
    everywhere(lambda region: put(region, f"fence#{LOST}", document="{}"))
    for one in before:
        ec2.replace_network_acl_entry(NetworkAclId=acl, **{**one, "RuleAction": "deny"})
    rules()
    everywhere(lambda region: put(region, f"fence#{LOST}", document="{}"))


def writer() -> bool:
    """Whether the target is the writer and serves, as the module looks: one call after the other."""
    found = global_cluster(TARGET)
    serves = cluster(TARGET)["Status"] == "available" and instances(TARGET)[0]["DBInstanceStatus"] == "available"
    is_writer = any(one["IsWriter"] and TARGET in one["DBClusterArn"] for one in found["GlobalClusterMembers"])
    return is_writer and not found.get("FailoverState") and serves


def moved() -> bool:
    """The same while it waits: the cluster and its instances are not looked at before the target is the writer."""
    members = global_cluster(TARGET)["GlobalClusterMembers"]
    return any(one["IsWriter"] and TARGET in one["DBClusterArn"] for one in members) and writer()


def request_move() -> None:
    writer()
    lag(TARGET)
    hold()
    CLIENTS["rds", TARGET].failover_global_cluster(
        GlobalClusterIdentifier=GLOBAL_CLUSTER,
        TargetDbClusterIdentifier=entries()[TARGET]["db_cluster_arn"],
        AllowDataLoss=True,
    )


def minimum_size_held(region: str) -> None:
    CLIENTS["autoscaling", region].describe_scheduled_actions(AutoScalingGroupName=GROUP, ScheduledActionNames=[HOLD])


def ask_for_capacity() -> None:
    """Have AWS restore the minimum size later, raise it, and see both."""
    client, before = CLIENTS["autoscaling", TARGET], group(TARGET)
    minimum_size_held(TARGET)
    hold()
    client.put_scheduled_update_group_action(
        AutoScalingGroupName=GROUP,
        ScheduledActionName=HOLD,
        StartTime=datetime.now(UTC) + timedelta(days=1),
        MinSize=before["MinSize"],
    )
    minimum_size_held(TARGET)
    client.update_auto_scaling_group(AutoScalingGroupName=GROUP, MinSize=wanted(), DesiredCapacity=wanted())
    group(TARGET)


def wait_for_capacity() -> None:
    group(TARGET)
    minimum_size_held(TARGET)
    until(lambda: healthy(TARGET) >= wanted(), INTERVAL_S)


def tell() -> None:
    everywhere(lambda region: CLIENTS["sns", region].publish(TopicArn=entries()[region]["topic_arn"], Message="moved"))


def state(region: str, statement: str) -> None:
    bucket = entries()[region]["control_bucket"]
    CLIENTS["s3", region].put_object(Bucket=bucket, Key="active-region", Body=statement.encode())
    statements(region)


def move_traffic() -> None:
    writer()
    everywhere(statements)
    hold()
    state(TARGET, f"[{TARGET} claims over {LOST}]\n")
    told = POOL.submit(state, LOST, f"[{LOST} yields to {TARGET}]\n")
    if LOST not in SILENT:
        told.result()


def write_down() -> None:
    each(global_cluster, cluster, instances, healthy)
    each(fences, lambda region: CLIENTS["rds", region].describe_events(Duration=2))
    read(TARGET, f"run#{RUN_ID}", "latest_move")
    record("latest_move")
    get(TARGET, "lease")
    hold()


def main() -> None:
    entries()
    observe_at_first()
    take_lease()
    everywhere(control_table)
    observe_again()
    fencing = POOL.submit(fence)
    request_move()
    ask_for_capacity()
    tell()
    record()
    if not writer():
        until(moved, INTERVAL_S)
    wait_for_capacity()
    move_traffic()
    until(name_points_at_target, NAME_INTERVAL_S)
    print(f"verified at {time.time()}", flush=True)
    tell()
    write_down()
    if not SILENT:
        fencing.result()
    # The calls that hang are not waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
