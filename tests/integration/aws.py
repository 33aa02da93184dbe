# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of AWS, read by boto3 from the lab and never from a playbook's output."""

from __future__ import annotations

import json
import time
from collections import Counter

from lab.client import Lab

SUFFIX = "dev"
GROUP = f"trading-asg-{SUFFIX}"
TABLE = f"trading-failover-{SUFFIX}"
DOMAIN = f"trading-platform-{SUFFIX}.example.com"


def region_of(arn: str) -> str:
    return arn.split(":")[3]


def global_cluster(lab: Lab, asked_in: str) -> dict:
    answer = lab.client("rds", asked_in).describe_global_clusters(GlobalClusterIdentifier=f"trading-global-{SUFFIX}")
    return answer["GlobalClusters"][0]


def members(lab: Lab, asked_in: str) -> dict[str, bool]:
    """Region to whether it holds the writer."""
    found = global_cluster(lab, asked_in)["GlobalClusterMembers"]
    return {region_of(member["DBClusterArn"]): member["IsWriter"] for member in found}


def writer_region(lab: Lab, asked_in: str) -> str:
    (region,) = [region for region, is_writer in members(lab, asked_in).items() if is_writer]
    return region


def cluster(lab: Lab, region: str) -> dict:
    answer = lab.client("rds", region).describe_db_clusters(DBClusterIdentifier=f"trading-{region}-{SUFFIX}")
    return answer["DBClusters"][0]


def group(lab: Lab, region: str) -> dict:
    answer = lab.client("autoscaling", region).describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])
    return answer["AutoScalingGroups"][0]


def capacity(lab: Lab, region: str) -> dict[str, int]:
    found = group(lab, region)
    return {"min": found["MinSize"], "desired": found["DesiredCapacity"], "max": found["MaxSize"]}


def healthy_targets(lab: Lab, region: str) -> int:
    elb = lab.client("elbv2", region)
    arn = elb.describe_target_groups(Names=[f"trading-tg-{SUFFIX}"])["TargetGroups"][0]["TargetGroupArn"]
    described = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return sum(target["TargetHealth"]["State"] == "healthy" for target in described)


def name_points_at(lab: Lab) -> str:
    """The region whose load balancer the platform's name answers with now."""
    return lab.resolve(DOMAIN)["region"]


def messages(lab: Lab, region: str) -> list[dict]:
    """What was published to topics in a region, oldest first."""
    return [
        call
        for call in lab.calls()
        if call["region"] == region and call["operation"] == "Publish" and call["status"] == 200
    ]


def control_item(lab: Lab, region: str, identifier: str) -> dict | None:
    """An item of a region's control table, its document parsed; None where there is none."""
    key = {"id": {"S": identifier}}
    found = lab.client("dynamodb", region).get_item(TableName=TABLE, Key=key).get("Item")
    if not found:
        return None
    plain = {name: next(iter(value.values())) for name, value in found.items()}
    return plain | (json.loads(plain["document"]) if "document" in plain else {})


def runs(lab: Lab, region: str) -> list[dict]:
    """The records of all runs as a region's control table has them."""
    pages = lab.client("dynamodb", region).get_paginator("scan").paginate(TableName=TABLE)
    items = [item for page in pages for item in page["Items"] if item["id"]["S"].startswith("run#")]
    return [json.loads(item["document"]["S"]) for item in items]


def database_ingress(lab: Lab, region: str) -> list[dict]:
    """What may reach the region's database."""
    groups = lab.client("ec2", region).describe_security_groups()["SecurityGroups"]
    (found,) = [one for one in groups if one["GroupName"] == f"trading-{SUFFIX}-database"]
    return found["IpPermissions"]


def database_acl(lab: Lab, region: str) -> dict[str, str]:
    """What the network ACL of the region's database subnets does with all traffic: {in, out: allow or deny}."""
    filters = [{"Name": "tag:Name", "Values": [f"trading-{SUFFIX}-database"]}]
    (found,) = lab.client("ec2", region).describe_network_acls(Filters=filters)["NetworkAcls"]
    rules = [one for one in found["Entries"] if one["RuleNumber"] != 32767]
    assert {(one["Protocol"], one["CidrBlock"]) for one in rules} == {("-1", "0.0.0.0/0")}
    assert len(rules) == 2 and len(found["Associations"]) == 2, "one rule a direction; a subnet in each zone"
    return {"out" if one["Egress"] else "in": one["RuleAction"] for one in rules}


def writes(lab: Lab, began: float) -> Counter[tuple[str, str, str]]:
    """Successful changes by (region, service, operation) since a time, without the records of runs."""
    return Counter(
        (call["region"], call["service"], call["operation"])
        for call in lab.calls()
        if call["time"] >= began
        and call["mutating"]
        and call["status"] < 300
        # The lease and the journal are written many times, and operators are notified of every attempt.
        and call["service"] not in ("dynamodb", "sns")
    )


class Listener:
    """A subscriber of a region's topic: a queue."""

    def __init__(self, lab: Lab, region: str) -> None:
        self.sqs, sns = lab.client("sqs", region), lab.client("sns", region)
        self.queue = self.sqs.create_queue(QueueName="people")["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]
        (topic,) = sns.list_topics()["Topics"]
        sns.subscribe(TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=attributes["QueueArn"])

    def heard(self) -> list[dict]:
        """All messages so far, oldest first: {event, run_id, Subject, Message}."""
        found = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                body = json.loads(message["Body"])
                attributes = {name: value["Value"] for name, value in body["MessageAttributes"].items()}
                found.append({**attributes, "Subject": body["Subject"], "Message": body["Message"]})
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found


def wait_for_checkers(lab: Lab, asked_in: str, *regions: str) -> None:
    """Let Route 53's checkers see that these regions do not answer: their vote is one of those that count."""
    entries = control_item(lab, asked_in, "manifest")["regions"]
    checks = [entry["health_check_id"] for entry in entries if entry["region"] in regions]
    route53, deadline = lab.client("route53"), time.monotonic() + 30

    def fails(check: str) -> bool:
        found = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
        return all(one["StatusReport"]["Status"].startswith("Failure") for one in found)

    while not all(map(fails, checks)):
        assert time.monotonic() < deadline, "the checkers still see them answer"
        time.sleep(0.2)


def wait_for_data(lab: Lab, asked_in: str) -> None:
    """Let Aurora copy to the members that it rebuilds; until then they are no place to move to."""
    deadline = time.monotonic() + 300
    while "pending-resync" in [
        one.get("SynchronizationStatus") for one in global_cluster(lab, asked_in)["GlobalClusterMembers"]
    ]:
        assert time.monotonic() < deadline, "a member still does not hold all data"
        time.sleep(0.5)
