# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a bucket or topic policy allows everyone, and what it denies everyone. Pure.

Source: "IAM JSON policy elements reference" of the IAM User Guide. The worst case counts: a statement that cannot be
interpreted denies nothing, and one that allows everyone something does so whatever its condition is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


def statements(policy: str | None) -> list[Mapping[str, Any]]:
    """Return the statements of a policy, given as text; None has no statements."""
    return listed(json.loads(policy).get("Statement")) if policy else []


def listed(value: Any) -> list[Any]:
    """Return as a list what IAM accepts as one value or several."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def is_everybody(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement applies to everyone, including requests without credentials."""
    principal = statement.get("Principal")
    return "*" in (listed(principal.get("AWS")) if isinstance(principal, Mapping) else listed(principal))


def public_resources(policy: str | None) -> Iterator[str]:
    """Yield "action on resource" for everything that a policy allows everyone."""
    for statement in statements(policy):
        if statement.get("Effect") == "Allow" and ("NotPrincipal" in statement or is_everybody(statement)):
            actions = listed(statement.get("Action")) or [f"all but {listed(statement.get('NotAction'))}"]
            resources = listed(statement.get("Resource")) or [f"all but {listed(statement.get('NotResource'))}"]
            yield from (f"{action} on {resource}" for action in actions for resource in resources)


def refuses_plain_http(policy: str | None, action: str, resources: list[str]) -> bool:
    """Return whether a policy denies everyone an action on all of the resources if the request does not use TLS.

    action: as the policy writes it, such as ``s3:*``.
    """
    refused: set[str] = set()
    for statement in statements(policy):
        insecure = (statement.get("Condition") or {}).get("Bool", {}).get("aws:SecureTransport")
        if (
            statement.get("Effect") == "Deny"
            and is_everybody(statement)
            and action in listed(statement.get("Action"))
            and [str(one).lower() for one in listed(insecure)] == ["false"]
            # Any other condition would also have to be met.
            and len(statement["Condition"]) == 1
            and len(statement["Condition"]["Bool"]) == 1
        ):
            refused.update(listed(statement.get("Resource")))
    return refused.issuperset(resources)
