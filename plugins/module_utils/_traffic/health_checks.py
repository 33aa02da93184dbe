# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Route 53 health checks of every type, identified by name.

Facts used: CreateHealthCheck, UpdateHealthCheck and HealthCheckConfig of the Route 53 API Reference. A caller reference
can be reused only while its check exists with the same settings, so the reference of a deleted check can never be used
again. Type, request interval, latency measurement and routing control cannot be changed.
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

# A caller reference has up to 64 characters; some are reserved to distinguish a check from a deleted one with its name.
NAME_LIMIT = 50
SEPARATOR = "@"
# Option of the module -> member of HealthCheckConfig, for those that are passed unchanged.
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
# The same for members that cannot be changed after creation.
FIXED = {
    "type": "Type",
    "request_interval": "RequestInterval",
    "measure_latency": "MeasureLatency",
    "routing_control_arn": "RoutingControlArn",
}
# Members that Route 53 omits from responses if they were never set.
DEFAULTS = {"Inverted": False, "MeasureLatency": False, "EnableSNI": False}
# How long to retry while another run changes the same check, and the time between two tries, in seconds.
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
    """Create a check and return it. A repeated call with the same reference and settings returns the same check."""
    return client.create_health_check(CallerReference=reference, HealthCheckConfig=config)["HealthCheck"]


@aws_call("UpdateHealthCheck")
def update_health_check(client, identifier, version, changes):
    """Change a check, provided that it has not been changed since ``version``."""
    client.update_health_check(HealthCheckId=identifier, HealthCheckVersion=version, **changes)


@aws_call("DeleteHealthCheck", missing=("NoSuchHealthCheck",))
def delete_health_check(client, identifier):
    """Delete a check. Does nothing if it does not exist."""
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
    """Return True for a check whose caller reference contains the name. Pure."""
    reference = check["CallerReference"]
    return reference == name or reference.startswith(name + SEPARATOR)


def build_config(wanted):
    """Return the HealthCheckConfig with the given options only. Pure."""
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

    An HTTPS check sends the host name unless the options say otherwise, because without it a bucket or load balancer
    cannot choose its certificate.
    """
    config = build_config(wanted)
    if config.get("Type", "").startswith("HTTPS") and "FullyQualifiedDomainName" in config:
        config.setdefault("EnableSNI", True)
    return config


def alike(member, current, wanted):
    """Return True if a member has the wanted value; the order of children does not matter. Pure."""
    if member == "ChildHealthChecks":
        return sorted(current or []) == sorted(wanted)
    return (DEFAULTS.get(member) if current is None else current) == wanted


def build_changes(current, wanted, name):
    """Return only the members that differ. Raises Refused if one cannot be changed. Pure.

    current: HealthCheckConfig as read. wanted: HealthCheckConfig with the given options.
    """
    changes = {member: value for member, value in wanted.items() if not alike(member, current.get(member), value)}
    options = {member: option for option, member in FIXED.items()}
    fixed = [member for member in changes if member in options]
    if fixed:
        words = "; ".join(f"{options[one]} is {current.get(one)}, {changes[one]} was requested" for one in fixed)
        raise Refused(
            f"Route 53 cannot change this of the health check {name}: {words}. Delete it first, or use another name "
            "for the new one."
        )
    return changes


def tag_changes(current, wanted):
    """Return the tags to add or change; other tags are kept. Pure."""
    return {key: str(value) for key, value in wanted.items() if current.get(key) != str(value)}


def facts_of(check, tags):
    """Return a check in the shape that the module returns, {} for None. Pure."""
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
    """The health check with one name."""

    def __init__(self, client, name, clock=time.monotonic, sleep=pause):
        self.client = client
        self.name = name
        self.time = {"clock": clock, "sleep": sleep}

    def ask(self, call, *arguments):
        """Return what the call returns, retrying while Route 53 throttles."""
        return retry_transient(lambda: call(self.client, *arguments), **self.time)

    def find(self):
        """Return the check, or None. Raises Refused if two checks have the name."""
        found = [check for check in self.ask(list_health_checks) if is_named(check, self.name)]
        if len(found) > 1:
            raise Refused(
                f"More than one health check is named {self.name}: {', '.join(sorted(one['Id'] for one in found))}. "
                "Delete all but the one that is in use."
            )
        return found[0] if found else None

    def observe(self):
        """Return the facts, {} if there is no check."""
        check = self.find()
        return facts_of(check, self.ask(list_tags, check["Id"]) or {}) if check else {}

    def read(self, identifier):
        """Return the facts of a check that is known to exist."""
        return facts_of(self.ask(get_health_check, identifier), self.ask(list_tags, identifier) or {})

    def create(self, config):
        """Return the identifier of a new check.

        The name itself is the caller reference, so that two concurrent runs, or one whose response was lost, create
        only one check. If a deleted check has used it, a random part makes the reference unique.
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
        """Change the settings to the wanted ones; if another run changed the check in between, read it again."""

        def ask():
            check = self.ask(get_health_check, identifier)
            changes = build_changes(check["HealthCheckConfig"], wanted, self.name)
            if changes:
                try:
                    self.ask(update_health_check, identifier, check["HealthCheckVersion"], changes)
                except AwsCallError as error:
                    # Also after a lost response: then the version has increased, and the next try finds no difference.
                    if error.code != "HealthCheckVersionMismatch":
                        raise
                    return False
            return True

        try:
            poll(ask, bool, CONTEST_SECONDS, TRY_SECONDS, **self.time)
        except WaitTimeout as late:
            raise MultiRegionError(f"Other runs keep changing the health check {self.name}; run again.") from late

    def read_settled(self, identifier, wanted, tags):
        """Return the facts once they show the written settings and tags."""

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
        return False, f"The health check {name} is as requested.", before
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
    """Create, change or delete the health check with a name.

    Returns {changed, reason, health_check_id, health_check, diff, seconds}; the id is None if there is none (and in
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
