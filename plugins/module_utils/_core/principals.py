# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who calls AWS, and what IAM knows of users, roles and managed policies."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
)

ASSUMED_ROLE = re.compile(r"^arn:[^:]+:sts::[0-9]+:assumed-role/(?P<role>[^/]+)/")
ROOT = re.compile(r"^arn:[^:]+:iam::[0-9]+:root$")


@aws_call("GetCallerIdentity")
def get_caller(client: Any) -> str:
    """Return the ARN of the caller."""
    return client.get_caller_identity()["Arn"]


@aws_call("GetRole")
def get_role(client: Any, name: str) -> dict[str, Any]:
    """Return a role."""
    return client.get_role(RoleName=name)["Role"]


@aws_call("GetUser")
def get_user(client: Any, name: str) -> dict[str, Any]:
    """Return a user."""
    return client.get_user(UserName=name)["User"]


def get_role_arn(client: Any, name: str) -> str:
    """Return a role's ARN; unlike a session's ARN it contains the role's path."""
    return get_role(client, name)["Arn"]


@aws_call("GetPolicy")
def get_policy_version(client: Any, arn: str) -> str:
    """Return the id of a managed policy's default version."""
    return client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]


@aws_call("GetPolicyVersion")
def get_policy_document(client: Any, arn: str, version: str) -> dict[str, Any]:
    """Return a managed policy's document."""
    document = client.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    # botocore has already decoded it, unless the response is not as documented.
    return json.loads(urllib.parse.unquote(document)) if isinstance(document, str) else document


def principal_of(caller: str, role_arn: Callable[[str], str]) -> str:
    """Return the user or role whose policies apply to a caller.

    role_arn: returns the ARN for a role's name. Raises MultiRegionError for callers that IAM cannot simulate.
    """
    if ROOT.match(caller):
        raise MultiRegionError("this run uses the account's root user, whose permissions IAM does not simulate")
    session = ASSUMED_ROLE.match(caller)
    return role_arn(session["role"]) if session else caller


def read_caller(clients: Any, regions: Iterable[str]) -> str:
    """Return the caller's ARN from the first region whose STS responds."""
    failure: MultiRegionError = MultiRegionError("there is no region to query")
    for region in regions:
        try:
            return get_caller(clients("sts", region))
        except AwsCallError as error:
            failure = error
    raise failure


def listed(value: Any) -> list[Any]:
    """Return as a list what IAM accepts as one value or several. Pure."""
    return list(value) if isinstance(value, (list, tuple)) else [value] if value is not None else []
