# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever runs the playbooks, with whatever credentials: no region needs another one's, and bad ones are named."""

from __future__ import annotations

import json
import re
import sys

import pytest

from tests.integration.aws import name_points_at, writer_region
from tests.integration.platforms import ACCOUNT, as_user, make_policies

LOST, TARGET = "us-east-1", "us-east-2"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
PROFILES = """
[profile base]
aws_access_key_id = test
aws_secret_access_key = test

[profile runner]
role_arn = arn:aws:iam::123456789012:role/runner
source_profile = base

[profile web]
role_arn = arn:aws:iam::123456789012:role/web
web_identity_token_file = {folder}/token

[profile process]
credential_process = {python} {folder}/process.py
"""
PROCESS = """
import json
print(json.dumps({"Version": 1, "AccessKeyId": "test", "SecretAccessKey": "test"}))
"""


def make_role(lab, name, principal=None, action="sts:AssumeRole", **condition):
    """A role that may do everything; returns its ARN."""
    trust = {"Effect": "Allow", "Principal": principal or {"AWS": "*"}, "Action": action, "Condition": condition}
    iam = lab.client("iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    return made["Role"]["Arn"]


@pytest.fixture
def machine(tmp_path):
    """The environment of a machine with profiles, and without keys."""
    (tmp_path / "config").write_text(PROFILES.format(folder=tmp_path, python=sys.executable))
    (tmp_path / "process.py").write_text(PROCESS)
    (tmp_path / "token").write_text("a token of an identity provider")
    own = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    return own | {"HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


def regions_with(platform, folder, **of):
    """The platform's inventory with variables of its regions' hosts."""
    lines = [
        f"{region} vpc_cidr=10.{number}.0.0/16 {' '.join(f'{name}={value}' for name, value in of[region].items())}"
        for number, region in enumerate(platform.regions)
    ]
    inventory = folder / "inventory"
    inventory.mkdir()
    (inventory / "hosts").write_text("\n".join(["[regions]", *lines, ""]))
    (inventory / "group_vars").symlink_to((platform.inventory / "group_vars").resolve())
    return inventory


def assumed(platform, since):
    """How often each role was assumed, by region."""
    calls = [one for one in platform.lab.calls()[since:] if one["operation"].startswith("AssumeRole")]
    return {region: sum(one["region"] == region for one in calls) for region in platform.regions}


def refusal(platform, playbook, *options, **how) -> str:
    """What a run that has changed nothing says."""
    since = len(platform.lab.calls())
    run = platform.run(playbook, *options, **how)
    assert run.code != 0, run.output[-3000:]
    changes = {one["operation"] for one in platform.lab.calls()[since:] if one["mutating"]}
    assert changes <= {"AssumeRole"}, changes
    return " ".join(run.output.split())


def test_roles_of_regions_move_the_platform_while_the_lost_regions_sts_hangs(platform, machine, tmp_path):
    lab, given = platform.lab, {}
    for region in platform.regions:
        arn = make_role(lab, f"runner-{region}", StringEquals={"sts:ExternalId": f"desk-{region}"})
        own = {"aws_profile": "base", "aws_role_arn": arn, "aws_external_id": f"desk-{region}"}
        given[region] = own | {"expected_account_id": ACCOUNT}
    inventory = regions_with(platform, tmp_path, **given)
    lab.outage(LOST, "hang")
    since = len(lab.calls())
    run = platform.run("failover", "-i", inventory, variables=machine).ends_well()
    assert (writer_region(lab, TARGET), name_points_at(lab)) == (TARGET, TARGET)
    assert assumed(platform, since)[TARGET] == 1, "once a run, and each region asks its own STS"
    print(f"{run.seconds:.1f} s, AssumeRole {assumed(platform, since)}")


@pytest.mark.nightly
@pytest.mark.parametrize("profile", ["runner", "web", "process"])
def test_every_kind_of_credentials_moves_the_platform_there_and_back(platform, machine, tmp_path, profile):
    make_role(platform.lab, "runner")
    make_role(platform.lab, "web", {"Federated": "idp.example"}, "sts:AssumeRoleWithWebIdentity")
    how = {"variables": machine}
    platform.run("site", "-e", f"aws_profile={profile}", **how).ends_well()
    platform.run("switchover", "-e", f"aws_profile={profile}", **how).ends_well()
    platform.run("failback", "-e", f"aws_profile={profile}", **how).ends_well()
    assert (writer_region(platform.lab, LOST), name_points_at(platform.lab)) == (LOST, LOST)
    platform.lab.outage(LOST, "hang")
    since = len(platform.lab.calls())
    run = platform.run("failover", "-e", f"aws_profile={profile}", **how).ends_well()
    assert writer_region(platform.lab, TARGET) == TARGET
    print(f"{profile}: {run.seconds:.1f} s, AssumeRole {assumed(platform, since)}")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"aws_profile": "gone"}, "The config profile (gone) could not be found"),
        ({"aws_profile": "base", "expected_account_id": "210987654321"}, "belong to account 123456789012"),
        ({"aws_profile": "base", "aws_role_arn": f"arn:aws:iam::{ACCOUNT}:role/nobodys"}, ":role/nobodys"),
    ],
    ids=["no profile", "wrong account", "role that cannot be assumed"],
)
@pytest.mark.parametrize("playbook", ["site", "failover"])
def test_bad_credentials_are_named_before_any_change(platform, machine, playbook, variables, sentence):
    given = [f"{name}={value}" for name, value in variables.items()]
    said = refusal(platform, playbook, *(one for each in given for one in ("-e", each)), variables=machine)
    assert sentence in said and "site.yml writes it" not in said, said[-3000:]


@pytest.mark.parametrize("playbook", ["site", "failover"])
def test_an_expired_token_is_named_before_any_change(platform, playbook):
    platform.lab.fault("expired")
    assert "token included in the request is expired. Renew the credentials" in refusal(platform, playbook)


def test_regions_in_different_accounts_are_named_before_any_change(platform, machine, tmp_path):
    theirs = "arn:aws:iam::210987654321:role/OrganizationAccountAccessRole"
    own = {"aws_profile": "base"}
    inventory = regions_with(platform, tmp_path, **{LOST: own, TARGET: own | {"aws_role_arn": theirs}})
    said = refusal(platform, "site", "-i", inventory, variables=machine)
    assert f"belong to different accounts: {{'{LOST}': '{ACCOUNT}', '{TARGET}': '210987654321'}}" in said.replace(
        "''", "'"
    )


BUT = {"Effect": "Deny", "Action": ["rds:CreateGlobalCluster", "s3:ReplicateObject"], "Resource": "*"}


def test_a_permissions_boundary_that_forbids_is_named_before_any_change(platform, machine):
    lab, iam = platform.lab, platform.lab.client("iam")
    limits = {**EVERYTHING, "Statement": [*EVERYTHING["Statement"], BUT]}
    boundary = iam.create_policy(PolicyName="limits", PolicyDocument=json.dumps(limits))["Policy"]["Arn"]
    make_role(lab, "runner")
    iam.put_role_permissions_boundary(RoleName="runner", PermissionsBoundary=boundary)
    said = refusal(platform, "site", "-e", "aws_profile=runner", variables=machine)
    assert f"This run (arn:aws:iam::{ACCOUNT}:role/runner) cannot provision." in said
    assert f"The permissions boundary {boundary} forbids rds:CreateGlobalCluster on arn:aws:rds" in said
    said = refusal(platform, "site", "-e", f"platform_permissions_boundary={boundary}")
    assert (
        f"within platform_permissions_boundary. The permissions boundary {boundary} forbids s3:ReplicateObject" in said
    )
    gone = boundary.replace("limits", "gone")
    said = refusal(platform, "site", "-e", f"platform_permissions_boundary={gone}")
    assert f"platform_permissions_boundary is {gone}; allowed: a policy that exists." in said


@pytest.mark.nightly
def test_credentials_that_end_in_the_middle_stop_the_run_at_a_step_and_fresh_ones_continue_it(platform):
    broken = "lab " + json.dumps([("faults", {"mode": "expired"})])
    how = {"break_at": "Promote | wait until the target is the writer", "breaks": broken}
    platform.lab.outage(LOST, "reset")
    first = platform.run("failover", **how)
    said = " ".join(first.output.split())
    assert first.code != 0 and "Stopped at: Promote | wait" in said
    assert "The security token included in the request is expired. Renew the credentials" in said
    platform.lab.clear_faults()
    promoted = [one for one in platform.lab.calls() if one["operation"] == "FailoverGlobalCluster"]
    run_id = re.search(r"takeover_run_id=(\S+?)\.", said)[1]
    platform.run("failover", "-e", f"takeover_run_id={run_id}").ends_well()
    assert (writer_region(platform.lab, TARGET), name_points_at(platform.lab)) == (TARGET, TARGET)
    again = [one for one in platform.lab.calls() if one["operation"] == "FailoverGlobalCluster"]
    assert len(again) == len(promoted) == 1, "what is done is not done again"


@pytest.fixture
def empty(platforms):
    """Two regions with nothing in them."""
    platform = platforms.empty(LOST, TARGET, scale=60)
    yield platform
    platform.lab.stop()


@pytest.mark.nightly
def test_site_makes_its_roles_within_the_boundary_and_under_the_path(empty, tmp_path):
    platform, iam = empty, empty.lab.client("iam")
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=json.dumps(EVERYTHING))["Policy"]["Arn"]
    given = ("-e", json.dumps({"platform_permissions_boundary": boundary, "platform_iam_path": "/desk/"}))
    policies = make_policies(platform.lab, platform.inventory, tmp_path / "policies", *given)
    provisioner = as_user(platform, "provisioner", policies)
    provisioner.run("site", *given).ends_well()
    made = [one for one in iam.list_roles()["Roles"] if one["RoleName"].startswith("trading-")]
    assert len(made) >= 2 and {one["Path"] for one in made} == {"/desk/"}
    for one in made:
        role = iam.get_role(RoleName=one["RoleName"])["Role"]
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    again = provisioner.run("site", *given).ends_well()
    assert set(again.changed.values()) == {0}
