# SPDX-License-Identifier: GPL-3.0-or-later
"""Least privilege: who runs the playbooks can do so with exactly the policies that are made for it, and nothing else.

Every platform of these tests is provisioned with the policy for that (platforms.py); test_teardown.py compares it with
the calls of a platform's whole life.
"""

from __future__ import annotations

import json
import re
import time

import pytest
from botocore.exceptions import ClientError

from tests.integration.authorization_reference import is_writing, objections
from tests.integration.aws import GROUP, SUFFIX, capacity, control_item, members, messages, name_points_at
from tests.integration.permissions import KINDS, as_runner, gaps, inventory_of, statements_in, write_policies
from tests.integration.platforms import ACCOUNT

EAST, WEST = "us-east-1", "us-east-2"
POLICY_SIZE = 6144  # "IAM and AWS STS quotas" of the IAM User Guide, white space not counted
POLICIES_OF_A_ROLE = 10  # the same
FOUR = "us-east-1 us-east-2 eu-west-1 ap-southeast-2"
TEN = (
    "us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 eu-west-1 eu-central-1 ap-southeast-1 ap-southeast-2 "
    "ap-northeast-1"
)

# All that may change anything, as the Service Authorization Reference classes it.
CHANGES = {
    "failover": {
        "autoscaling:DeleteScheduledAction",
        "autoscaling:PutScheduledUpdateGroupAction",
        "autoscaling:SetDesiredCapacity",
        "autoscaling:UpdateAutoScalingGroup",
        "cloudwatch:PutMetricData",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:ReplaceNetworkAclEntry",
        "ec2:RevokeSecurityGroupIngress",
        "kms:CreateGrant",
        "rds:AddTagsToResource",
        "rds:CopyDBClusterSnapshot",
        "rds:FailoverGlobalCluster",
        "rds:RemoveFromGlobalCluster",
        "rds:SwitchoverGlobalCluster",
        "s3:DeleteObject",
        "s3:PutObject",
        "sns:Publish",
        "ssm:PutParameter",
    },
    # Besides alerts and the count of the health check's runs, the metrics of readiness on the dashboards.
    "read-only": {"cloudwatch:PutMetricData", "dynamodb:PutItem", "sns:Publish"},
}
SWITCH_IN_S3 = {"s3:DeleteObject", "s3:PutObject"}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(f"{EAST} {WEST}", id="two regions"),
        pytest.param(FOUR, marks=pytest.mark.nightly, id="four regions"),
    ],
)
def policies(request, tmp_path_factory):
    """The policies of an inventory, written before anything is there: {kind: [(name, document)]}."""
    folder = tmp_path_factory.mktemp("policies")
    return write_policies(folder, inventory_of(folder / "inventory", request.param.split()))


@pytest.mark.nightly
def test_policies_of_ten_regions_fit_into_what_iam_takes_and_a_role_can_hold(tmp_path):
    policies = write_policies(tmp_path, inventory_of(tmp_path / "inventory", TEN.split()))
    for kind, documents in policies.items():
        sizes = {name: len(re.sub(r"\s", "", json.dumps(document))) for name, document in documents}
        assert {name: size for name, size in sizes.items() if size > POLICY_SIZE} == {}
        assert len(sizes) <= POLICIES_OF_A_ROLE, kind
    both = policies["failover"] + policies["read-only"]
    assert len(both) <= POLICIES_OF_A_ROLE, "drill.yml needs both"


def test_every_resource_that_can_be_named_is_named(policies):
    for documents in policies.values():
        assert list(objections(statements_in(documents))) == []


def test_a_runner_can_change_nothing_but_what_its_runs_change(policies):
    for kind, changes in CHANGES.items():
        actions = {action for one in statements_in(policies[kind]) for action in one["Action"]}
        assert {action for action in actions if is_writing(action)} == changes


def test_the_policy_to_provision_with_cannot_change_itself_nor_hand_out_other_rights(policies):
    statements = [one for one in statements_in(policies["provisioning"]) if any("iam:" in it for it in one["Action"])]
    names = {resource.partition(":policy/")[2] for one in statements for resource in one["Resource"]}
    assert not any("provisioning" in name for name in names)
    written = {action for one in statements for action in one["Action"] if is_writing(action)}
    assert not any(action.startswith("iam:") and "User" in action for action in written)
    assert all(one["Resource"] != ["*"] for one in statements for action in one["Action"] if is_writing(action))


CONTROLS = {
    region: f"arn:aws-us-gov:route53-recovery-control::210987654321:controlpanel/panel/routingcontrol/{region}"
    for region in (EAST, WEST)
}


@pytest.mark.parametrize(
    ("options", "turn"),
    [
        pytest.param({"traffic_switch_backend": "cloudwatch_metric"}, "cloudwatch:PutMetricData", id="metrics"),
        pytest.param(
            {"traffic_switch_backend": "arc_routing_control", "traffic_routing_controls": CONTROLS},
            "route53-recovery-cluster:UpdateRoutingControlStates",
            id="routing controls",
            marks=pytest.mark.nightly,
        ),
        pytest.param(
            {"traffic_switch_backend": "global_accelerator"},
            "globalaccelerator:UpdateEndpointGroup",
            id="traffic dials",
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_another_switch_account_and_partition_have_their_own_rights(tmp_path, options, turn):
    inventory = inventory_of(tmp_path / "inventory", CONTROLS)
    given = json.dumps({"aws_partition": "aws-us-gov", **options})
    found = write_policies(tmp_path, inventory, "-e", given, account="210987654321")
    assert "123456789012" not in json.dumps(found) and "arn:aws:" not in json.dumps(found)
    for documents in found.values():
        assert list(objections(statements_in(documents))) == []
    actions = {action for one in statements_in(found["failover"]) for action in one["Action"]}
    assert {action for action in actions if is_writing(action)} == CHANGES["failover"] - SWITCH_IN_S3 | {turn}


APPLICATION = f"trading-app-{SUFFIX}"
# What the environment's name bounds, {} in its place: the action that must be denied, and a call that needs it.
BY_NAME = [
    ("autoscaling:DeleteAutoScalingGroup", "delete_auto_scaling_group", {"AutoScalingGroupName": "trading-asg-{}"}),
    ("cloudwatch:DeleteDashboards", "delete_dashboards", {"DashboardNames": [f"trading-{EAST}-{{}}"]}),
    ("dynamodb:DeleteTable", "delete_table", {"TableName": "trading-failover-{}"}),
    ("iam:DeleteRole", "delete_role", {"RoleName": "trading-app-{}"}),
    (
        "iam:PassRole",
        "add_role_to_instance_profile",
        {"InstanceProfileName": APPLICATION, "RoleName": "trading-app-{}"},
    ),
    ("rds:DeleteDBCluster", "delete_db_cluster", {"DBClusterIdentifier": f"trading-{EAST}-{{}}"}),
    ("rds:DeleteGlobalCluster", "delete_global_cluster", {"GlobalClusterIdentifier": "trading-global-{}"}),
    ("s3:DeleteBucket", "delete_bucket", {"Bucket": f"trading-data-{EAST}-{{}}"}),
    ("s3:DeleteObject", "delete_object", {"Bucket": f"trading-data-{EAST}-{{}}", "Key": "one"}),
    ("secretsmanager:GetSecretValue", "get_secret_value", {"SecretId": "trading-database-{}"}),
    ("sns:DeleteTopic", "delete_topic", {"TopicArn": f"arn:aws:sns:{EAST}:{ACCOUNT}:trading-alerts-{{}}"}),
    ("ssm:DeleteParameter", "delete_parameter", {"Name": "/trading/{}/outputs"}),
]


def denied(lab, service: str, method: str, **parameters) -> str:
    """The action that a call is denied; empty when it is not, even if it fails."""
    try:
        getattr(lab.client(service), method)(**parameters)
    except ClientError as error:
        found = re.search(r"is not authorized to perform: (\S+)", str(error))
        return found[1] if found else ""
    return ""


@pytest.fixture(scope="module")
def account(platforms):
    """The account of a platform, and the same for a user with the provisioning policy."""
    copy = platforms.copy(EAST, WEST)
    yield copy.lab, as_runner(copy, "provisioning").platform.lab
    copy.lab.stop()


@pytest.mark.parametrize(("action", "method", "parameters"), BY_NAME, ids=[action for action, *_call in BY_NAME])
def test_whoever_provisions_can_touch_nothing_that_another_environment_has(account, action, method, parameters):
    _lab, own = account
    service = action.partition(":")[0]
    text = json.dumps(parameters)
    theirs, ours = (json.loads(text.replace("{}", environment)) for environment in ("prod", "dev"))
    assert denied(own, service, method, **theirs) == action
    assert denied(own, service, method, **ours) == ""


def test_what_amazon_aws_never_tags_has_the_platforms_tags_too(account):
    lab, _own = account
    addresses = lab.client("ec2", EAST).describe_addresses()["Addresses"]
    assert addresses and all({"Key": "Project", "Value": "trading"} in one["Tags"] for one in addresses)


def test_whoever_provisions_can_touch_nothing_that_has_the_tags_of_another_environment(account):
    lab, own = account
    found = {}
    for environment in ("prod", "dev"):
        tags = {"Project": "trading", "Environment": environment}
        vpc = lab.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        lab.client("ec2").create_tags(Resources=[vpc], Tags=[{"Key": key, "Value": one} for key, one in tags.items()])
        listed = [{"TagKey": key, "TagValue": one} for key, one in tags.items()]
        key = lab.client("kms").create_key(Tags=listed)["KeyMetadata"]["KeyId"]
        ours = [{"Key": "Project", "Value": "trading"}, {"Key": "Environment", "Value": "dev"}]
        subnet = {"CidrBlock": "10.0.0.0/24", "TagSpecifications": [{"ResourceType": "subnet", "Tags": ours}]}
        found[environment] = [
            denied(own, "ec2", "create_subnet", VpcId=vpc, **subnet),
            denied(own, "ec2", "create_tags", Resources=[vpc], Tags=ours),
            denied(own, "ec2", "delete_vpc", VpcId=vpc),
            denied(own, "kms", "schedule_key_deletion", KeyId=key),
        ]
    assert found == {
        "prod": ["ec2:CreateSubnet", "ec2:CreateTags", "ec2:DeleteVpc", "kms:ScheduleKeyDeletion"],
        "dev": ["", "", "", ""],
    }


def test_whoever_provisions_can_give_neither_himself_nor_others_more(account):
    _lab, own = account
    policy = f"arn:aws:iam::{ACCOUNT}:policy/{KINDS['provisioning']}"
    everything = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    )
    version = {"PolicyDocument": everything, "SetAsDefault": True}
    assert denied(own, "iam", "create_policy_version", PolicyArn=policy, **version) == "iam:CreatePolicyVersion"
    inline = {"UserName": KINDS["provisioning"], "PolicyName": "more", "PolicyDocument": everything}
    assert denied(own, "iam", "put_user_policy", **inline) == "iam:PutUserPolicy"
    replication = {
        "Role": f"arn:aws:iam::{ACCOUNT}:role/anybodys",
        "Rules": [{"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::anybodys"}}],
    }
    asked = {"Bucket": f"trading-data-{EAST}-dev", "ReplicationConfiguration": replication}
    assert denied(own, "s3", "put_bucket_replication", **asked) == "iam:PassRole"


def test_whoever_may_only_look_sees_all_and_moves_nothing(platform, tmp_path):
    mover, looker = as_runner(platform, "failover"), as_runner(platform, "read-only")
    report, health, began = tmp_path / "readiness.json", tmp_path / "health.json", time.time()
    options = {"readiness_report_file": str(report), "readiness_runner_arn": mover.arn}
    looker.run("readiness", "-e", json.dumps(options)).ends_well()
    rows = json.loads(report.read_text())["rows"]
    assert [row for row in rows if row["is_unknown"]] == []
    assert [row["state"] for row in rows if row["check"] == "runner_permissions"] == ["ok"]

    platform.lab.set_targets(WEST, "unhealthy")
    looker.run("health_check", "-e", f"health_report_file={health}").ends_well()
    platform.lab.set_targets(WEST, "healthy")
    assert "AccessDenied" not in health.read_text()
    assert control_item(platform.lab, WEST, "automation#counters"), "the run was counted"
    assert messages(platform.lab, EAST), "operators were notified"
    looker.run("status").ends_well()
    assert gaps("read-only", looker.documents, platform.lab.calls(began)) == []

    before, began = platform.lab.timeline(), time.time()
    refused = looker.run("switchover")
    assert refused.code != 0 and "AccessDenied" in refused.output
    assert platform.lab.timeline() == before, "nothing was moved"
    carried_out = {one["operation"] for one in platform.lab.calls(began) if one["mutating"] and one["status"] == 200}
    assert carried_out <= {"Publish"}


def test_a_failover_and_the_way_back_need_no_other_right(platform):
    mover = as_runner(platform, "failover")
    group = {"AutoScalingGroupName": GROUP, "MinSize": 1, "DesiredCapacity": 1}
    platform.lab.client("autoscaling", WEST).update_auto_scaling_group(**group)
    platform.lab.set_targets(EAST, "unhealthy")
    began = time.time()
    mover.run("failover").ends_well()
    assert name_points_at(platform.lab) == WEST and members(platform.lab, WEST) == {EAST: False, WEST: True}
    assert capacity(platform.lab, WEST) == {"min": 2, "desired": 2, "max": 6}, "no scaling policy lowers it now"
    platform.lab.set_targets(EAST, "healthy")
    mover.run("automation", "-e", "resume=true").ends_well()
    mover.run("status").ends_well()
    mover.run("failback").ends_well()
    assert name_points_at(platform.lab) == EAST and members(platform.lab, EAST) == {EAST: True, WEST: False}
    assert capacity(platform.lab, WEST) == {"min": 1, "desired": 2, "max": 6}, "its minimum size is restored"
    assert gaps("failover", mover.documents, platform.lab.calls(began)) == []
