# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Readers of what belongs to no region: the name in Route 53, and the runner's permissions in IAM.

Both are control planes in us-east-1, which a recovery must not need; here their loss is a warning. One function per API
call; shapes in _readiness/seen.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.credentials import HOSTED_ZONES
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.names import Resolver
from ansible_collections.trading.multi_region.plugins.module_utils._core.principals import (
    get_policy_document,
    get_policy_version,
    get_role_arn,
    listed,
    principal_of,
    read_caller,
)
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.readers_quotas import (
    read_health_check_quota,
    read_opt_in,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.backends import traffic_of
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.checks_and_records import (
    GLOBAL_ACCELERATOR,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.health_checks import list_health_checks
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.resolve import (
    Outside,
    balancers_of,
    name_of,
    read_accelerator,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.zones import find_zone

SERVICES = ("route53", HOSTED_ZONES, "iam")
# Time-out of one DNS query, in seconds.
DNS_SECONDS = 3.0


def find_zone_of(client: Any, domain: str, is_private: bool = False) -> str | None:
    """Return the id of the hosted zone that a name lies in, the most specific public or private one, or None."""
    labels = domain.split(".")
    names = (".".join(labels[first:]) for first in range(len(labels) - 1))
    return next((found for name in names if (found := find_zone(client, name, is_private))), None)


@aws_call("ListResourceRecordSets")
def list_records(client: Any, zone_id: str, are_failover: bool = True) -> list[dict[str, Any]]:
    """Return the failover records of a zone, or the alias records of type A that are not."""
    pages = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id)
    return [
        {
            "name": one["Name"].rstrip("."),
            "identifier": one.get("SetIdentifier"),
            "failover": one.get("Failover"),
            "health_check_id": one.get("HealthCheckId"),
            "target": one.get("AliasTarget", {}).get("DNSName", "").rstrip("."),
        }
        for page in pages
        for one in page["ResourceRecordSets"]
        if bool(one.get("Failover")) == are_failover and (are_failover or (one["Type"] == "A" and "AliasTarget" in one))
    ]


def read_records(
    client: Any, domain: str, is_private: bool = False, are_failover: bool = True
) -> list[dict[str, Any]] | None:
    """Return the fact ``records``."""
    zone_id = find_zone_of(client, domain, is_private)
    return list_records(client, zone_id, are_failover) if zone_id else None


def read_policy(client: Any, arn: str) -> list[dict[str, Any]]:
    """Return the statements of a managed policy and of its further parts, whose names end in -2 and so on.

    site.yml puts what exceeds the size of a policy into another one (plugin_utils/runner_policies.py).
    """
    statements: list[dict[str, Any]] = []
    for number in itertools.count(1):
        part = arn if number == 1 else f"{arn}-{number}"
        try:
            version = get_policy_version(client, part)
        except AwsCallError as error:
            if statements and error.code == "NoSuchEntity":
                return statements
            raise
        statements += listed(get_policy_document(client, part, version).get("Statement"))


@aws_call("SimulatePrincipalPolicy")
def simulate(client: Any, principal: str, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the EvaluationResults of the IAM API."""
    pages = client.get_paginator("simulate_principal_policy").paginate(PolicySourceArn=principal, **request)
    return [one for page in pages for one in page["EvaluationResults"]]


def requests_of(statements: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return (sid, options of a simulation) for each Allow statement: its actions on its resources. Pure.

    Each condition gets its first value, so that the simulated call is one that the policy intends to allow.
    """
    for number, statement in enumerate(statements):
        if statement.get("Effect") != "Allow" or "Action" not in statement:
            continue
        context = [
            {"ContextKeyName": key, "ContextKeyValues": listed(values)[:1], "ContextKeyType": "string"}
            for conditions in (statement.get("Condition") or {}).values()
            for key, values in conditions.items()
        ]
        request = {"ActionNames": listed(statement["Action"]), "ResourceArns": listed(statement.get("Resource") or "*")}
        yield (
            statement.get("Sid") or f"statement {number + 1}",
            {**request, **({"ContextEntries": context} if context else {})},
        )


def decisions_of(result: Mapping[str, Any]) -> dict[str, str]:
    """Return {resource: decision} of one EvaluationResult. Pure.

    A denial by a service control policy is reported separately ("EvaluationResult" of the IAM API Reference).
    """
    organization = result.get("OrganizationsDecisionDetail") or {}
    if organization.get("AllowedByOrganizations") is False:
        return {result.get("EvalResourceName") or "*": "denied by the organization"}
    single = result.get("ResourceSpecificResults") or []
    if single:
        return {one["EvalResourceName"]: one["EvalResourceDecision"] for one in single}
    return {result.get("EvalResourceName") or "*": result["EvalDecision"]}


def policy_arn(cluster_arn: str, name: str) -> str:
    """Return the ARN of a managed policy in the platform's account; partition and account are a cluster's. Pure."""
    _arn, partition, _service, _region, account, *_rest = cluster_arn.split(":")
    return f"arn:{partition}:iam::{account}:policy/{name}"


def read_permissions(clients: Any, manifest: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fact ``permissions``: the runner's policy, statement by statement, simulated for the runner.

    The runner is expected.runner_arn, else the caller. The policy that site.yml creates lists what is needed.
    """
    if not expected.get("runner_policy"):
        raise MultiRegionError("expected.runner_policy is not given")
    entries = manifest["regions"]
    iam, regions = clients("iam", entries[0]["region"]), [entry["region"] for entry in entries]
    caller = expected.get("runner_arn") or read_caller(clients, regions)
    principal = principal_of(caller, lambda role: get_role_arn(iam, role))
    arn = policy_arn(entries[0]["db_cluster_arn"], expected["runner_policy"])
    statements = read_policy(iam, arn)
    simulated: dict[tuple[str, str], dict[str, str]] = {}
    errors: dict[str, str] = {}
    for sid, request in requests_of(statements):
        try:
            for result in simulate(iam, principal, request):
                decisions = simulated.setdefault((sid, result["EvalActionName"]), {})
                decisions.update(decisions_of(result))
        except AwsCallError as error:
            errors[sid] = str(error)
            if not simulated:
                # A missing permission or operation makes every simulation fail in the same way.
                break
    return {
        "principal": principal,
        "simulated": [{"sid": sid, "action": action, "decisions": found} for (sid, action), found in simulated.items()],
        "errors": errors,
    }


def read_credentials(clients: Any, regions: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the fact ``credentials``: how the runner's are found for each region, and what they need elsewhere."""
    sessions = clients.sessions
    if sessions is None:  # keys that were given to the module
        return {region: {"method": "explicit", "bound_to": {}} for region in regions}
    return {region: {"method": sessions.method(region), "bound_to": sessions.bound_to(region)} for region in regions}


def shared_readers(
    clients: Any, manifest: Mapping[str, Any], expected: Mapping[str, Any], dns_servers: list[str] | None = None
) -> dict[str, Callable[[], Any]]:
    """Return the calls that observe what belongs to no region, by fact.

    dns_servers: instead of those in the manifest.
    """
    # Both services have one endpoint for all regions; the client's region only chooses the partition.
    region = manifest["regions"][0]["region"]

    def ask_records() -> Any:
        traffic = traffic_of(manifest)
        if not traffic.get("domain"):
            raise MultiRegionError("the manifest contains no domain")
        are_failover = traffic["backend"] != GLOBAL_ACCELERATOR
        is_private = bool(traffic.get("zone_is_private"))
        return read_records(clients(HOSTED_ZONES, region), traffic["domain"], is_private, are_failover)

    def ask_checks() -> dict[str, Any]:
        return {one["Id"]: one["HealthCheckConfig"] for one in list_health_checks(clients("route53", region))}

    def ask_name() -> tuple[str, str]:
        traffic = traffic_of(manifest)
        if not traffic.get("domain"):
            raise MultiRegionError("the manifest contains no domain")
        options = {
            "load_balancers": balancers_of(manifest),
            "accelerator": traffic.get("accelerator"),
            "answer_timeout": DNS_SECONDS,
        }
        servers = dns_servers or traffic.get("name_servers") or []
        resolver = Resolver(traffic["domain"], servers, DNS_SECONDS)
        return name_of(Outside({**options, "domain": traffic["domain"]}, resolver, clients=clients).look())

    edge = traffic_of(manifest).get("accelerator")
    return {
        **({"accelerator": lambda: read_accelerator(clients, edge)} if edge else {}),
        "name": ask_name,
        "records": ask_records,
        "health_checks": ask_checks,
        "permissions": lambda: read_permissions(clients, manifest, expected),
        "health_check_quota": lambda: read_health_check_quota(clients("route53", region)),
        "region_opt_in": lambda: read_opt_in(clients, [entry["region"] for entry in manifest["regions"]]),
        "credentials": lambda: read_credentials(clients, [entry["region"] for entry in manifest["regions"]]),
    }
