# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Upgrade a global database, one step after the other. What the steps are is in ``upgrade_plan.py``.

Each step reads what is done and does the rest, so a step that was interrupted goes on: AWS finishes an upgrade that it
has begun whatever becomes of the one who asked for it.

Facts used: ModifyDBCluster, ModifyGlobalCluster, ModifyDBInstance, RebootDBInstance, DescribeDBEngineVersions and
DescribeDBClusterParameters of the RDS API Reference. amazon.aws.rds_cluster can ask for a version, but neither waits
for one nor holds a lease meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import engines
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.api import (
    describe_db_cluster,
    describe_db_instances,
    get_cluster_parameters,
    modify_global_cluster,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.cluster_settings import modify_db_cluster
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.facts import read_global_cluster
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.states import (
    cluster_serves,
    instance_serves,
    is_settled,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.upgrade_plan import (
    GLOBAL,
    GROUPS,
    UPGRADING,
    Seen,
    has_begun,
    kind_of,
    obstacle,
    steps_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.versions import is_available
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import lease_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    poll,
    retry_transient,
    timed,
    wait_until_visible,
)

# Deadline in seconds for the parallel calls to all regions.
LOOK_SECONDS = 15
# How long a request may take to show.
BEGIN_SECONDS = 120
BUSY = ("InvalidDBClusterStateFault", "InvalidGlobalClusterStateFault", "InvalidDBInstanceState")
PENDING_REBOOT = "pending-reboot"


@aws_call("DescribeDBEngineVersions")
def describe_versions(client: Any, engine: str) -> list[dict[str, Any]]:
    """Return every DBEngineVersion of the engine that the region knows, also those that it no longer offers."""
    pages = client.get_paginator("describe_db_engine_versions").paginate(Engine=engine, IncludeAll=True)
    return [camel_dict_to_snake_dict(one) for page in pages for one in page["DBEngineVersions"]]


@aws_call("ModifyDBInstance")
def set_parameter_group(client: Any, identifier: str, group: str) -> None:
    """Give an instance another parameter group, which it applies when it is restarted."""
    client.modify_db_instance(DBInstanceIdentifier=identifier, DBParameterGroupName=group, ApplyImmediately=True)


@aws_call("RebootDBInstance")
def restart(client: Any, identifier: str) -> None:
    """Restart an instance."""
    client.reboot_db_instance(DBInstanceIdentifier=identifier)


def read_bound(client: Any, cluster: Mapping[str, Any]) -> str | None:
    """Return the value of the parameter that bounds the loss, in the cluster's own parameter group; None: not set."""
    name = engines.of(cluster["Engine"]).rpo_parameter
    return get_cluster_parameters(client, cluster["DBClusterParameterGroup"]).get(name) if name else None


def read_member_fully(client: Any, member: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the same as ``read_member`` with ``bound``, what ``read_bound`` returns."""
    cluster = describe_db_cluster(client, member["identifier"])
    return cluster and {**_member(client, member, cluster), "bound": read_bound(client, cluster)}


def read_member(client: Any, member: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a member of the global cluster as its own region shows it; None if that region has no such cluster."""
    cluster = describe_db_cluster(client, member["identifier"])
    return cluster and _member(client, member, cluster)


def _member(client: Any, member: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, Any]:
    listed = {one["DBInstanceIdentifier"]: one for one in cluster.get("DBClusterMembers", [])}
    return {
        **{name: member[name] for name in ("region", "identifier", "is_writer", "synchronization_status")},
        "engine_version": cluster.get("EngineVersion"),
        "status": cluster.get("Status"),
        "parameter_group": cluster.get("DBClusterParameterGroup"),
        "instances": [
            _instance(one, listed.get(one["DBInstanceIdentifier"], {}))
            for one in describe_db_instances(client, member["identifier"])
        ],
    }


def _instance(shown: Mapping[str, Any], listed: Mapping[str, Any]) -> dict[str, Any]:
    groups = shown.get("DBParameterGroups", [])
    states = [listed.get("DBClusterParameterGroupStatus"), *(one.get("ParameterApplyStatus") for one in groups)]
    return {
        "identifier": shown["DBInstanceIdentifier"],
        "status": shown.get("DBInstanceStatus"),
        "is_writer": bool(listed.get("IsClusterWriter")),
        "parameter_group": next((one.get("DBParameterGroupName") for one in groups), None),
        "is_pending": PENDING_REBOOT in states,
    }


def serves(member: Mapping[str, Any]) -> bool:
    """Return whether the status of a cluster and of its writer instance say that it takes writes. Pure."""
    writers = [one for one in member["instances"] if one["is_writer"]] or member["instances"]
    return cluster_serves(member["status"]) and any(instance_serves(one["status"]) for one in writers)


class Stop:
    """How long the writer did not serve, as its status shows it between two polls: at most so many seconds."""

    def __init__(self, clock: Callable[[], float]):
        self.clock = clock
        self.served_at: float | None = None
        self.stopped_at: float | None = None
        self.seconds: float | None = None

    def note(self, is_serving: bool) -> None:
        """Take in what a poll has shown. A stop whose beginning was not seen has no length."""
        now = self.clock()
        if not is_serving:
            self.stopped_at = self.stopped_at or self.served_at
            return
        if self.stopped_at is not None:
            self.seconds = round((self.seconds or 0.0) + now - self.stopped_at, 1)
        self.served_at, self.stopped_at = now, None


class Upgrade:
    """The steps; each can be repeated."""

    def __init__(self, params: Mapping[str, Any], clients: Any, lease: Any, clock: Callable[[], float]):
        self.params, self.clients, self.lease, self.clock = params, clients, lease, clock
        self.name, self.wanted = params["global_cluster_identifier"], params["engine_version"]
        self.groups = params.get("parameter_groups") or {}
        self.stop = Stop(clock)
        self.pace = {"clock": clock, "sleep": lease.sleep}

    def look(self) -> Seen:
        """Ask all regions in parallel. Raises Refused if the database cannot be upgraded to the version now."""
        regions = list(self.params["regions"])
        asked = {region: self._call(read_global_cluster, region, self.name) for region in regions}
        answers = observe_all(asked, LOOK_SECONDS)
        view = next((one.value for one in answers.values() if one.known and one.value), None)
        if view is None:
            told = "; ".join(f"{region}: {one.error or 'it has none'}" for region, one in answers.items())
            raise Refused(f"global_cluster_identifier is {self.name}; no region has such a global database ({told}).")
        members = {one["region"]: one for one in view["members"] if one["region"] in regions}
        calls: dict[tuple[str, str], Callable[[], Any]] = {}
        for region in regions:
            calls["versions", region] = self._call(describe_versions, region, view["engine"])
            if region in members:
                calls["member", region] = self._call(read_member_fully, region, members[region])
        facts = observe_all(calls, LOOK_SECONDS)
        seen = self._seen(view, facts)
        if why := obstacle(seen, self.wanted, self.name):
            raise Refused(f"engine_version is {self.wanted}. {why} Nothing has been changed.", problem=why)
        return seen

    def _seen(self, view: Mapping[str, Any], facts: Mapping[tuple[str, str], Any]) -> Seen:
        unread = {region: one.error for (_kind, region), one in facts.items() if not one.known}
        read = {region: one.value for (kind, region), one in facts.items() if kind == "member" and one.known}
        unread |= {region: "it has no such cluster" for region, member in read.items() if member is None}
        versions = {region: one.value for (kind, region), one in facts.items() if kind == "versions" and one.known}
        known = versions.get(view["writer_region"]) or next(iter(versions.values()), [])
        targets = {one["engine_version"]: one.get("valid_upgrade_target", []) for one in known}
        offers = {region: [one for one in found if is_available(one)] for region, found in versions.items()}
        return Seen(view, [one for one in read.values() if one], unread, offers, targets)

    def _call(self, function: Callable[..., Any], region: str, argument: Any) -> Callable[[], Any]:
        return lambda: function(self.clients("rds", region), argument)

    def member(self, region: str) -> dict[str, Any]:
        """Return a member as it is now."""
        client = self.clients("rds", region)

        def read() -> dict[str, Any]:
            view = read_global_cluster(client, self.name) or {"members": ()}
            listed = next((one for one in view["members"] if one["region"] == region), None)
            found = read_member(client, listed) if listed else None
            if found is None:
                raise Refused(f"{region} has left {self.name} since the upgrade began. Run again to see what is left.")
            if found["is_writer"]:
                self.stop.note(serves(found))
            return {**found, "global_status": view["status"], "global_version": view["engine_version"]}

        return retry_transient(read, **self.pace)

    def take(self, step: Mapping[str, Any], seen: Seen) -> None:
        """Take a step, or go on with it."""
        self.lease.hold()
        if step["kind"] == GROUPS:
            self.apply_groups(step["region"])
        elif step["kind"] == GLOBAL:
            self.upgrade_all([one["region"] for one in seen.members], step["region"])
        else:
            self.upgrade_member(step["region"])

    def upgrade_member(self, region: str) -> None:
        """Have a member run the version, as its own region shows it, and the global cluster for the writer."""
        client, changes = self.clients("rds", region), {"EngineVersion": self.wanted}
        self._upgrade(region, lambda name: modify_db_cluster(client, name, changes))
        self._wait(region, self._is_done, "upgraded")

    def upgrade_all(self, regions: list[str], writer: str) -> None:
        """Have every member run another major version, as their own regions show it."""
        client, changes = self.clients("rds", writer), {"EngineVersion": self.wanted, "AllowMajorVersionUpgrade": True}
        self._upgrade(writer, lambda _name: modify_global_cluster(client, self.name, changes))
        for region in [writer, *(one for one in regions if one != writer)]:
            self._wait(region, lambda now: self._is_done(now) and is_settled(now["global_status"]), "upgraded")

    def _upgrade(self, region: str, request: Callable[[str], None]) -> None:
        def shows(now: Mapping[str, Any]) -> bool:
            return now["status"] == UPGRADING or now["engine_version"] == self.wanted

        before = self.member(region)
        if not shows(before):
            self._ask(region, lambda: request(before["identifier"]), shows, f"The upgrade to {self.wanted}")

    def _is_done(self, now: Mapping[str, Any]) -> bool:
        is_shown = not now["is_writer"] or now["global_version"] == self.wanted
        is_serving = is_settled(now["status"]) and all(instance_serves(one["status"]) for one in now["instances"])
        return now["engine_version"] == self.wanted and is_serving and is_shown

    def apply_groups(self, region: str) -> None:
        """Give a member its parameter groups, and restart its instances, the writer last, so that they apply."""
        client, group = self.clients("rds", region), self.groups[region]
        before, what = self.member(region), f"The parameter group {group}"
        if before["parameter_group"] != group:
            changes = {"DBClusterParameterGroupName": group}
            self._ask(
                region,
                lambda: modify_db_cluster(client, before["identifier"], changes),
                lambda now: now["parameter_group"] == group,
                what,
            )
        names = [one["identifier"] for one in sorted(before["instances"], key=lambda one: one["is_writer"])]
        for name in names:
            if _instance_of(before, name)["parameter_group"] != group:
                self._ask(
                    region,
                    lambda name=name: set_parameter_group(client, name, group),
                    lambda now, name=name: _instance_of(now, name)["parameter_group"] == group,
                    what,
                )
        self._wait(region, self._is_done, "given its parameter groups")
        for name in names:
            if _instance_of(self.member(region), name)["is_pending"]:
                self.lease.hold()
                self._ask(
                    region,
                    lambda name=name: restart(client, name),
                    lambda now, name=name: not (serves(now) and _instance_of(now, name)["is_pending"]),
                    f"The restart of {name}",
                )
                self._wait(region, lambda now, name=name: self._is_done(now) and _is_applied(now, name), "restarted")

    def _ask(
        self, region: str, request: Callable[[], None], shows: Callable[[Mapping[str, Any]], bool], what: str
    ) -> None:
        """Ask AWS once; if its answer is lost, or says that it is busy, the state read back decides."""
        failure = None
        try:
            request()
        except AwsCallError as error:
            if not (error.ambiguous or error.code in BUSY):
                raise
            failure = error
        wait_until_visible(
            lambda: self.member(region),
            shows,
            failure,
            f"{what} was accepted in {region}",
            min(BEGIN_SECONDS, self.params["wait_timeout"]),
            min(2, self.params["poll_interval"]),
            **self.pace,
        )

    def _wait(self, region: str, done: Callable[[Mapping[str, Any]], bool], what: str) -> None:
        timeout, interval = self.params["wait_timeout"], self.params["poll_interval"]
        try:
            poll(lambda: self.member(region), done, timeout, interval, **self.pace)
        except WaitTimeout as late:
            state = late.state or {}
            raise WaitTimeout(
                late.state,
                late.error,
                late.seconds,
                f"The member in {region} was not {what} after {late.seconds:.0f} s (wait_timeout); it is "
                f"{state.get('status')} and runs {state.get('engine_version')}. Run again to go on.",
            ) from late


def _instance_of(member: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an instance of a member; one that is gone has nothing left to do. Pure."""
    gone = {"parameter_group": None, "is_pending": False}
    return next((one for one in member["instances"] if one["identifier"] == name), gone)


def _is_applied(member: Mapping[str, Any], name: str) -> bool:
    """Return whether an instance has its parameter groups applied. Pure."""
    return not _instance_of(member, name)["is_pending"]


def chosen_steps(steps: list[dict[str, Any]], wanted: str | None) -> list[dict[str, Any]]:
    """Return the steps to take: all, or the one of the name; raise Refused while another comes before it. Pure."""
    if wanted is None:
        return steps
    names = [one["name"] for one in steps]
    if wanted in names[1:]:
        raise Refused(f"step is {wanted}; allowed: {names[0]}, which comes before it.", steps=steps)
    return steps[:1] if wanted in names else []


def sentence(params: Mapping[str, Any], taken: list[str], left: int, check_mode: bool) -> str:
    """Return what was done, or would be. Pure."""
    name, wanted = params["global_cluster_identifier"], params["engine_version"]
    if not taken:
        return f"The step {params['step']} is done." if left else f"{name} runs {wanted} in every region."
    verb = "would be upgraded" if check_mode else "was upgraded"
    rest = f"; {left} steps are left" if left and not check_mode else ""
    return f"{name} {verb} to {wanted}: {', '.join(taken)}{rest}."


@timed
def run(
    params: Mapping[str, Any],
    clients: Any,
    check_mode: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Take the steps that are left to the version, or one of them.

    Raises Refused, AwsCallError or WaitTimeout.
    """
    upgrade = Upgrade(params, clients, lease_of(params, clients), clock)
    seen = upgrade.look()
    steps = steps_of(seen, upgrade.wanted, upgrade.groups)
    taken = chosen_steps(steps, params.get("step"))
    if not check_mode:
        for step in taken:
            upgrade.take(step, seen)
    return {
        "changed": bool(taken),
        "reason": sentence(params, [one["name"] for one in taken], len(steps) - len(taken), check_mode),
        "kind": kind_of(seen, upgrade.wanted),
        "steps": steps,
        "begun": has_begun(seen, upgrade.wanted, steps),
        "engine": seen.view["engine"],
        "writer_region": seen.view["writer_region"],
        "members": [
            {name: one[name] for name in ("region", "identifier", "is_writer", "engine_version", "status")}
            for one in seen.members
        ],
        "seconds_without_writes": upgrade.stop.seconds,
    }
