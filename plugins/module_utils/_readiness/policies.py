# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the policy of a bucket or a topic lets everybody do, and what it refuses everybody. Pure.

Source: "IAM JSON policy elements reference" of the IAM User Guide. Judged for the worse: a statement that cannot be
understood refuses nothing, and one that allows something to everybody does so whatever its condition is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


def statements(policy: str | None) -> list[Mapping[str, Any]]:
    """Return the statements of a policy, given as its text; None has none."""
    return listed(json.loads(policy).get("Statement")) if policy else []


def listed(value: Any) -> list[Any]:
    """Return what IAM lets be one or several as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def is_everybody(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement is about everybody, also those without credentials."""
    principal = statement.get("Principal")
    return "*" in (listed(principal.get("AWS")) if isinstance(principal, Mapping) else listed(principal))


def public_resources(policy: str | None) -> Iterator[str]:
    """Yield "action on resource" for all that a policy allows everybody."""
    for statement in statements(policy):
        if statement.get("Effect") == "Allow" and ("NotPrincipal" in statement or is_everybody(statement)):
            actions = listed(statement.get("Action")) or [f"all but {listed(statement.get('NotAction'))}"]
            resources = listed(statement.get("Resource")) or [f"all but {listed(statement.get('NotResource'))}"]
            yield from (f"{action} on {resource}" for action in actions for resource in resources)


def refuses_plain_http(policy: str | None, action: str, resources: list[str]) -> bool:
    """Return whether a policy refuses everybody an action on all of the resources where the request has no TLS.

    action: as the policy has to name it, such as ``s3:*``.
    """
    refused: set[str] = set()
    for statement in statements(policy):
        insecure = (statement.get("Condition") or {}).get("Bool", {}).get("aws:SecureTransport")
        if (
            statement.get("Effect") == "Deny"
            and is_everybody(statement)
            and action in listed(statement.get("Action"))
            and [str(one).lower() for one in listed(insecure)] == ["false"]
            # Another condition beside it would have to hold as well.
            and len(statement["Condition"]) == 1
            and len(statement["Condition"]["Bool"]) == 1
        ):
            refused.update(listed(statement.get("Resource")))
    return refused.issuperset(resources)
