# SPDX-License-Identifier: GPL-3.0-or-later
"""A hosted zone of another account: reached with a role that has the policy that policies.yml writes, nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.aws import writer_region
from tests.integration.permissions import Runner, as_runner
from tests.integration.platforms import ACCOUNT, Platform, Run, run_playbook
from tests.integration.test_teardown import left_in

EAST, WEST = "us-east-1", "us-east-2"
OWNERS = "210987654321"
ROLE = f"arn:aws:iam::{OWNERS}:role/zone"
NAME = "trade.example.com"
GIVEN = {
    "traffic_domain": NAME,
    "traffic_zone_name": "example.com",
    "traffic_zone_role_arn": ROLE,
    "traffic_zone_external_id": "desk",
}


@dataclass(frozen=True)
class Story:
    """A platform whose name moves to the zone of another account; that account's Route 53 and the zone's id."""

    platform: Platform
    route53: Any
    zone: str
    home: Path
    runners: dict[str, Runner] = field(default_factory=dict)
    options: tuple[str, ...] = ("-e", json.dumps(GIVEN))

    def runner(self, kind: str) -> Runner:
        """A user of the platform's account with the policies of this kind, and nothing else."""
        if kind not in self.runners:
            self.runners[kind] = as_runner(self.platform, kind)
        return self.runners[kind]

    def run(self, kind: str, playbook: str, *options: str) -> Run:
        """A run of such a user, on a machine of its own.

        A role's credentials are kept there for an hour, whatever account has the role then.
        """
        return self.runner(kind).run(playbook, *(options or self.options), variables={"HOME": str(self.home)})

    def records(self) -> set[str]:
        """The names in the zone besides its own."""
        found = self.route53.list_resource_record_sets(HostedZoneId=self.zone)["ResourceRecordSets"]
        return {one["Name"].rstrip(".") for one in found} - {"example.com"}


@pytest.fixture
def story(platform, tmp_path) -> Story:
    """What docs/permissions.md asks of the administrators of both accounts, before the run that moves the name."""
    lab = platform.lab
    told = ("-e", f"aws_account_id={ACCOUNT}", "-e", f"policies_folder={tmp_path}", "-e", json.dumps(GIVEN))
    run_playbook("policies", *told, lab=None, inventory=platform.inventory).ends_well()
    for path in tmp_path.glob("*-provisioning-runner-*.json"):
        arn, iam = f"arn:aws:iam::{ACCOUNT}:policy/{path.stem}", lab.client("iam")
        if arn in {one["Arn"] for one in iam.list_policies(Scope="Local")["Policies"]}:
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=path.read_text(), SetAsDefault=True)
        else:
            iam.create_policy(PolicyName=path.stem, PolicyDocument=path.read_text())
    iam, route53 = lab.client_of_account(OWNERS, "iam"), lab.client_of_account(OWNERS, "route53")
    asked = {"StringEquals": {"sts:ExternalId": "desk"}}
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole", "Condition": asked}
    iam.create_role(RoleName="zone", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    (policy,) = tmp_path.glob("*-hosted-zone-*.json")
    iam.put_role_policy(RoleName="zone", PolicyName="zone", PolicyDocument=policy.read_text())
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="owner")["HostedZone"]["Id"]
    return Story(platform, route53, zone, tmp_path)


@pytest.mark.nightly
def test_a_name_in_the_zone_of_another_account_moves_without_that_account(story):
    lab = story.platform.lab
    story.run("provisioning", "site", *story.options, "--tags", "traffic,failover_control").ends_well()
    assert NAME in story.records() and lab.resolve(NAME)["region"] == EAST
    assert story.route53.list_health_checks()["HealthChecks"] == [], "they are in the platform's account"
    zones = [one["Name"] for one in lab.client("route53").list_hosted_zones()["HostedZones"]]
    assert "example.com." not in zones
    lab.outage(EAST, "hang")
    since = len(lab.calls())
    story.run("failover", "failover").ends_well()
    assert (writer_region(lab, WEST), lab.resolve(NAME)["region"]) == (WEST, WEST)
    asked = {(one["service"], one["operation"]) for one in lab.calls()[since:]}
    assert not any(service == "route53" or operation == "AssumeRole" for service, operation in asked)


@pytest.mark.nightly
def test_the_zone_of_another_account_is_provisioned_read_and_left_as_it_was(story, tmp_path):
    lab = story.platform.lab
    story.run("provisioning", "site").ends_well()
    again = story.run("provisioning", "site").ends_well()
    assert set(again.changed.values()) == {0}
    report = tmp_path / "readiness.json"
    story.run("read-only", "readiness", *story.options, "-e", f"readiness_report_file={report}")
    (row,) = [one for one in json.loads(report.read_text())["rows"] if one["check"] == "switch_records"]
    assert (row["state"], f"records of {NAME} follow" in row["reason"]) == ("ok", True), row
    story.runner("read-only").leaves(lab)
    story.run("provisioning", "teardown", *story.options, "-e", "confirm=dev").ends_well()
    assert story.records() == set()
    assert story.route53.get_hosted_zone(Id=story.zone)["HostedZone"]["Name"] == "example.com."
    assert "route53.HealthChecks" not in left_in(lab, EAST)


@pytest.mark.nightly
def test_a_role_of_the_zone_that_cannot_be_assumed_is_named_before_any_change(story):
    story.runner("provisioning")
    since = len(story.platform.lab.calls())
    wrong = ("-e", json.dumps({**GIVEN, "traffic_zone_external_id": "other"}))
    run = story.run("provisioning", "site", *wrong, "--tags", "traffic")
    assert run.code != 0 and ROLE in " ".join(run.output.split()), run.output[-3000:]
    changes = {one["operation"] for one in story.platform.lab.calls()[since:] if one["mutating"]}
    assert changes <= {"AssumeRole"}
