# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Route 53 health checks of every type, found again by their name.

Facts used: CreateHealthCheck, UpdateHealthCheck and HealthCheckConfig of the Route 53 API Reference. A caller reference
that was used once can be used again only for a check that still exists with the same settings, so a deleted check's
reference is spent. Type, request interval, latency measurement and routing control cannot be changed.
"""

from __future__ import annotations

import time
import uuid

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    pause,
    poll,
    retry_transient,
    timed,
    wait_until_visible,
)

# A caller reference has 64 characters; some are kept for telling apart a check from a deleted one of the same name.
NAME_LIMIT = 50
SEPARATOR = "@"
# Option of the module -> member of HealthCheckConfig, for those that are passed on as they are.
MEMBERS = {
    "fqdn": "FullyQualifiedDomainName",
    "ip_address": "IPAddress",
    "port": "Port",
    "resource_path": "ResourcePath",
    "search_string": "SearchString",
    "failure_threshold": "FailureThreshold",
    "inverted": "Inverted",
    "enable_sni": "EnableSNI",
    "child_health_checks": "ChildHealthChecks",
    "health_threshold": "HealthThreshold",
}
# The same for what is decided at creation for good.
FIXED = {
    "type": "Type",
    "request_interval": "RequestInterval",
    "measure_latency": "MeasureLatency",
    "routing_control_arn": "RoutingControlArn",
}
# What Route 53 leaves out of its answers when it was never set.
DEFAULTS = {"Inverted": False, "MeasureLatency": False, "EnableSNI": False}
# How long one goes on where another is changing the same check, and between two tries, in seconds.
CONTEST_SECONDS, TRY_SECONDS = 10, 1


@aws_call("ListHealthChecks")
def list_health_checks(client):
    """Return all HealthChecks of the account."""
    pages = client.get_paginator("list_health_checks").paginate()
    return [check for page in pages for check in page["HealthChecks"]]


@aws_call("GetHealthCheck", missing=("NoSuchHealthCheck",))
def get_health_check(client, identifier):
    """Return one HealthCheck, or None."""
    return client.get_health_check(HealthCheckId=identifier)["HealthCheck"]


@aws_call("CreateHealthCheck")
def create_health_check(client, reference, config):
    """Create a check and return it. The same reference and settings again return the same check."""
    return client.create_health_check(CallerReference=reference, HealthCheckConfig=config)["HealthCheck"]


@aws_call("UpdateHealthCheck")
def update_health_check(client, identifier, version, changes):
    """Change a check, provided that nobody else has since ``version``."""
    client.update_health_check(HealthCheckId=identifier, HealthCheckVersion=version, **changes)


@aws_call("DeleteHealthCheck", missing=("NoSuchHealthCheck",))
def delete_health_check(client, identifier):
    """Delete a check; nothing happens where it is gone."""
    client.delete_health_check(HealthCheckId=identifier)


@aws_call("ListTagsForResource", missing=("NoSuchHealthCheck",))
def list_tags(client, identifier):
    """Return {key: value}."""
    answer = client.list_tags_for_resource(ResourceType="healthcheck", ResourceId=identifier)
    return {tag["Key"]: tag["Value"] for tag in answer["ResourceTagSet"].get("Tags", [])}


@aws_call("ChangeTagsForResource")
def add_tags(client, identifier, tags):
    """Add or change tags."""
    wanted = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    client.change_tags_for_resource(ResourceType="healthcheck", ResourceId=identifier, AddTags=wanted)


def is_named(check, name):
    """Return True for a check whose caller reference was made of the name. Pure."""
    reference = check["CallerReference"]
    return reference == name or reference.startswith(name + SEPARATOR)


def build_config(wanted):
    """Return the HealthCheckConfig of what is given; what is left out is not in it. Pure."""
    config = {
        member: wanted[option] for option, member in {**FIXED, **MEMBERS}.items() if wanted.get(option) is not None
    }
    alarm = wanted.get("alarm")
    if alarm:
        config["AlarmIdentifier"] = {"Region": alarm["region"], "Name": alarm["name"]}
        if alarm.get("insufficient_data_health_status"):
            config["InsufficientDataHealthStatus"] = alarm["insufficient_data_health_status"]
    return config


def creation_config(wanted):
    """Return the HealthCheckConfig of a new check. Pure.

    A check by HTTPS sends the host name unless told otherwise: without it a bucket's or a load balancer's certificate
    cannot be chosen.
    """
    config = build_config(wanted)
    if config.get("Type", "").startswith("HTTPS") and "FullyQualifiedDomainName" in config:
        config.setdefault("EnableSNI", True)
    return config


def alike(member, current, wanted):
    """Return True where a member has the value wanted; the order of children means nothing. Pure."""
    if member == "ChildHealthChecks":
        return sorted(current or []) == sorted(wanted)
    return (DEFAULTS.get(member) if current is None else current) == wanted


def build_changes(current, wanted, name):
    """Return only the members that differ; raise Refused where one cannot be changed. Pure.

    current: HealthCheckConfig as read. wanted: HealthCheckConfig of what is given.
    """
    changes = {member: value for member, value in wanted.items() if not alike(member, current.get(member), value)}
    options = {member: option for option, member in FIXED.items()}
    fixed = [member for member in changes if member in options]
    if fixed:
        said = "; ".join(f"{options[one]} is {current.get(one)}, {changes[one]} was asked for" for one in fixed)
        raise Refused(
            f"Route 53 cannot change this of the health check {name}: {said}. Delete it first, or give the new "
            "one another name."
        )
    return changes


def tag_changes(current, wanted):
    """Return the tags to add or change; others stay. Pure."""
    return {key: str(value) for key, value in wanted.items() if current.get(key) != str(value)}


def facts_of(check, tags):
    """Return a check in the shape our module returns it, {} for None. Pure."""
    if check is None:
        return {}
    return {
        "id": check["Id"],
        "caller_reference": check["CallerReference"],
        "version": check.get("HealthCheckVersion"),
        "config": {key: check["HealthCheckConfig"][key] for key in sorted(check["HealthCheckConfig"])},
        "tags": tags,
    }


class HealthCheck:
    """The health check of one name."""

    def __init__(self, client, name, clock=time.monotonic, sleep=pause):
        self.client = client
        self.name = name
        self.time = {"clock": clock, "sleep": sleep}

    def ask(self, call, *arguments):
        """Return what the call returns, waiting where Route 53 throttles."""
        return retry_transient(lambda: call(self.client, *arguments), **self.time)

    def find(self):
        """Return the check, or None. Raises Refused where two have the name."""
        found = [check for check in self.ask(list_health_checks) if is_named(check, self.name)]
        if len(found) > 1:
            raise Refused(
                f"More than one health check is named {self.name}: {', '.join(sorted(one['Id'] for one in found))}. "
                "Delete all but the one that is in use."
            )
        return found[0] if found else None

    def observe(self):
        """Return the facts, {} where there is none."""
        check = self.find()
        return facts_of(check, self.ask(list_tags, check["Id"]) or {}) if check else {}

    def read(self, identifier):
        """Return the facts of a check that is known to exist."""
        return facts_of(self.ask(get_health_check, identifier), self.ask(list_tags, identifier) or {})

    def create(self, config):
        """Return the identifier of a new check.

        The name itself is the caller reference, so that two concurrent creators, or one whose answer was lost, end with
        one check. Where a deleted check has spent it, a random part makes it new.
        """
        try:
            return self.ask(create_health_check, self.name, config)["Id"]
        except AwsCallError as error:
            if error.code != "HealthCheckAlreadyExists":
                raise
        check = self.find()
        if check:
            return check["Id"]
        return self.ask(create_health_check, f"{self.name}{SEPARATOR}{uuid.uuid4().hex[:8]}", config)["Id"]

    def update(self, identifier, wanted):
        """Bring the settings to what is wanted, looking again where somebody else was faster."""

        def ask():
            check = self.ask(get_health_check, identifier)
            changes = build_changes(check["HealthCheckConfig"], wanted, self.name)
            if changes:
                try:
                    self.ask(update_health_check, identifier, check["HealthCheckVersion"], changes)
                except AwsCallError as error:
                    # Also after a lost answer: the version has risen, and reading shows nothing left to do.
                    if error.code != "HealthCheckVersionMismatch":
                        raise
                    return False
            return True

        try:
            poll(ask, bool, CONTEST_SECONDS, TRY_SECONDS, **self.time)
        except WaitTimeout as late:
            raise MultiRegionError(
                f"The health check {self.name} is being changed by somebody else all the time; run again."
            ) from late

    def read_settled(self, identifier, wanted, tags):
        """Return the facts once they show the settings and tags that were written."""

        def shows(now):
            return not (build_changes(now["config"], wanted, self.name) or tag_changes(now["tags"], tags))

        return wait_until_visible(
            lambda: self.read(identifier), shows, done=f"The health check {self.name} was written", **self.time
        )


def ensure_present(check, before, params, check_mode):
    """Create or change. Returns (changed, reason, facts)."""
    name = check.name
    wanted, tags = build_config(params), {**(params.get("tags") or {}), "Name": name}
    missing = tag_changes(before.get("tags", {}), tags)
    changes = build_changes(before["config"], wanted, name) if before else creation_config(params)
    if before and not changes and not missing:
        return False, f"The health check {name} is as asked for.", before
    words = ", ".join(sorted([*changes, *(["tags"] if missing else [])]))
    reason = f"The health check {name} is changed: {words}." if before else f"The health check {name} is created."
    if check_mode:
        known = before or {"id": None, "caller_reference": name, "version": None, "config": {}, "tags": {}}
        return True, reason, {**known, "config": {**known["config"], **changes}, "tags": {**known["tags"], **missing}}
    identifier = before["id"] if before else check.create(changes)
    if before and changes:
        check.update(identifier, wanted)
    if missing:
        check.ask(add_tags, identifier, missing)
    return True, reason, check.read_settled(identifier, wanted, tags)


def ensure_absent(check, before, params, check_mode):
    """Delete. Returns (changed, reason, facts)."""
    if not before:
        return False, f"There is no health check {check.name}.", {}
    if not check_mode:
        check.ask(delete_health_check, before["id"])
    return True, f"The health check {check.name} is deleted.", {}


@timed
def run(params, clients, check_mode=False, clock=time.monotonic, sleep=pause):
    """Bring the health check of a name to the wanted state.

    Returns {changed, reason, health_check_id, health_check, diff, seconds}; the id is None where there is none (and in
    check mode for one that would be created). Raises Refused, AwsCallError or MultiRegionError.
    """
    name = params["name"]
    if not 1 <= len(name) <= NAME_LIMIT or SEPARATOR in name:
        raise Refused(f"name is {name!r}; it must have 1 to {NAME_LIMIT} characters and no {SEPARATOR}.")
    check = HealthCheck(clients("route53", params.get("region")), name, clock, sleep)
    before = check.observe()
    ensure = ensure_present if params.get("state", "present") == "present" else ensure_absent
    changed, reason, after = ensure(check, before, params, check_mode)
    return {
        "changed": changed,
        "reason": reason,
        "health_check_id": after.get("id"),
        "health_check": after,
        "diff": {"before": before, "after": after},
    }
