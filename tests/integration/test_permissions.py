# SPDX-License-Identifier: GPL-3.0-or-later
"""Least privilege: who runs the playbooks can do so with exactly the policies that are made for it, and nothing else.

Provisioning with its policy is compared in test_teardown.py, where a platform's whole life is on record.
"""

from __future__ import annotations

import json
import re
import time

import pytest

from tests.integration.authorization_reference import is_writing, objections
from tests.integration.aws import GROUP, control_item, members, messages, name_points_at
from tests.integration.permissions import as_runner, gaps, inventory_of, statements_in, write_policies

EAST, WEST = "us-east-1", "us-east-2"
POLICY_SIZE = 6144  # "IAM and AWS STS quotas" of the IAM User Guide, white space not counted
POLICIES_OF_A_ROLE = 10  # the same
FOUR = "us-east-1 us-east-2 eu-west-1 ap-southeast-2"

# All that may change anything, as the Service Authorization Reference classes it.
CHANGES = {
    "failover": {
        "autoscaling:SetDesiredCapacity",
        "autoscaling:UpdateAutoScalingGroup",
        "cloudwatch:PutMetricData",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "ec2:AuthorizeSecurityGroupIngress",
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
    # Beside alerts and the count of the health check's runs, the figures of readiness on the dashboards.
    "read-only": {"cloudwatch:PutMetricData", "dynamodb:PutItem", "sns:Publish"},
}
SWITCH_IN_S3 = {"s3:DeleteObject", "s3:PutObject"}


@pytest.fixture(scope="module", params=[f"{EAST} {WEST}", FOUR], ids=["two regions", "four regions"])
def policies(request, tmp_path_factory):
    """The policies of an inventory, written before anything is there: {kind: [(name, document)]}."""
    folder = tmp_path_factory.mktemp("policies")
    return write_policies(folder, inventory_of(folder / "inventory", request.param.split()))


def test_policies_fit_into_what_iam_takes_and_a_role_can_hold(policies):
    for kind, documents in policies.items():
        sizes = {name: len(re.sub(r"\s", "", json.dumps(document))) for name, document in documents}
        assert {name: size for name, size in sizes.items() if size > POLICY_SIZE} == {}
        assert len(sizes) <= POLICIES_OF_A_ROLE, kind


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
    assert not any(action.startswith("iam:") and "User" in action for one in statements for action in one["Action"])
    assert all(one["Resource"] != ["*"] for one in statements for action in one["Action"] if is_writing(action))


CONTROLS = {
    region: f"arn:aws-us-gov:route53-recovery-control::210987654321:controlpanel/panel/routingcontrol/{region}"
    for region in (EAST, WEST)
}


@pytest.mark.parametrize(
    ("options", "turn"),
    [
        ({"traffic_switch_backend": "cloudwatch_metric"}, "cloudwatch:PutMetricData"),
        (
            {"traffic_switch_backend": "arc_routing_control", "traffic_routing_controls": CONTROLS},
            "route53-recovery-cluster:UpdateRoutingControlStates",
        ),
    ],
    ids=["metrics", "routing controls"],
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
    assert messages(platform.lab, EAST), "people were told"
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
    platform.lab.set_targets(EAST, "healthy")
    mover.run("automation", "-e", "resume=true").ends_well()
    mover.run("status").ends_well()
    mover.run("failback").ends_well()
    assert name_points_at(platform.lab) == EAST and members(platform.lab, EAST) == {EAST: True, WEST: False}
    assert gaps("failover", mover.documents, platform.lab.calls(began)) == []
