# SPDX-License-Identifier: GPL-3.0-or-later
"""Running playbooks with the policies that are meant for them, and comparing policies with calls."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.client import Lab
from lab.iam_needs import actions_of
from tests.integration.aws import SUFFIX
from tests.integration.platforms import ACCOUNT, TOP, Platform, Run, as_user, run_playbook

KINDS = {kind: f"trading-{kind}-runner-{SUFFIX}" for kind in ("failover", "read-only", "provisioning")}
REASONS = Path(__file__).with_name("uncalled_actions.yml")

Documents = list[tuple[str, dict]]


def inventory_of(folder: Path, regions: Iterable[str]) -> Path:
    """The demo's inventory with other regions."""
    folder.mkdir()
    hosts = [f"{region} vpc_cidr=10.{number}.0.0/16" for number, region in enumerate(regions)]
    (folder / "hosts").write_text("\n".join(["[regions]", *hosts, ""]))
    (folder / "group_vars").symlink_to(TOP / "inventories" / "demo" / "group_vars")
    return folder


def write_policies(folder: Path, inventory: Path, *options: str, account: str = ACCOUNT) -> dict[str, Documents]:
    """Let policies.yml write the policies of an inventory, where no call to AWS could be made.

    Returns {kind: [(name, document)]}.
    """
    given = ("-e", f"aws_account_id={account}", "-e", f"policies_folder={folder}", *options)
    run_playbook("policies", *given, lab=None, inventory=inventory).ends_well()
    return {
        kind: [(path.stem, json.loads(path.read_text())) for path in sorted(folder.glob(f"{name}*.json"))]
        for kind, name in KINDS.items()
    }


def statements_in(documents: Documents) -> list[dict]:
    return [statement for _name, document in documents for statement in document["Statement"]]


@dataclass(frozen=True)
class Runner:
    """A user of IAM: the platform as he meets it, his policies, and his ARN."""

    platform: Platform
    documents: Documents
    arn: str

    def run(self, playbook: str, *options: str, **how) -> Run:
        return self.platform.run(playbook, *options, **how)

    def leaves(self, lab: Lab) -> None:
        """Take the policies away from the user, as an administrator: a teardown deletes none that somebody has."""
        iam, name = lab.client("iam"), self.arn.rpartition("/")[2]
        for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
            iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])


def as_runner(platform: Platform, kind: str) -> Runner:
    """A user who has the policy of this kind that is in the lab, with all its parts, and nothing else."""
    return with_policy(platform, KINDS[kind])


def parts_of(platform: Platform, *names: str) -> list[dict]:
    """The policies of the lab with these names, each with all its parts."""
    policies = platform.lab.client("iam").list_policies(Scope="Local")["Policies"]
    return [one for one in policies if one["PolicyName"].startswith(names)]


def with_policy(platform: Platform, name: str) -> Runner:
    """A user who has a policy of IAM, with all its parts, and nothing else."""
    iam = platform.lab.client("iam")
    parts = parts_of(platform, name)
    versions = (iam.get_policy_version(PolicyArn=one["Arn"], VersionId=one["DefaultVersionId"]) for one in parts)
    documents = [
        (one["PolicyName"], version["PolicyVersion"]["Document"]) for one, version in zip(parts, versions, strict=True)
    ]
    own = as_user(platform, name, [one["Arn"] for one in parts])
    return Runner(own, documents, iam.get_user(UserName=name)["User"]["Arn"])


def gaps(kind: str, documents: Documents, calls: list[dict]) -> list[str]:
    """What differs between the actions that policies allow and those that were called, as sentences.

    An action that is allowed and was not called needs a reason in uncalled_actions.yml; one that was called needs none.
    """
    groups = yaml.safe_load(REASONS.read_text())[kind]
    reasons = {action for group in groups for action in group["actions"]}
    allowed = {action for statement in statements_in(documents) for action in statement["Action"]}
    called = {action for call in calls for action in actions_of(call["service"], call["operation"])}
    return [
        *(f"{action} was called and is not allowed" for action in sorted(called - allowed)),
        *(f"{action} is allowed, was not called and has no reason" for action in sorted(allowed - called - reasons)),
        *(f"{action} has a reason and was called" for action in sorted(called & reasons)),
        *(f"{action} has a reason and is not allowed" for action in sorted(reasons - allowed)),
    ]
