# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What each check of readiness promises: ok on a whole platform, and a named warning or blocker for each fault."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._readiness import control
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.checks import (
    CHECKS,
    judge,
    ready_regions,
    summary,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.checks_and_records import (
    build_control_checks,
    build_metric_checks,
    statement_alarms,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.traffic_dials import Group
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._readiness.world import (
    DOMAIN,
    EAST,
    EUROPE,
    NOW,
    PREFIX,
    SILENT,
    VERSION,
    WEST,
    WRITTEN_AT,
    World,
    arn_of,
    configs_of,
    permission,
    policy_of,
    refusal,
    reserved,
    rule_of,
)

ALL, OK, WARNING, BLOCKER = "all", "ok", "warning", "blocker"
ONLY_RESERVED = "capacity-reservations-only"
EVERYTHING, TLS_ELSEWHERE = policy_of(permission("everything")), policy_of(refusal("sns:Publish", "elsewhere"))
NEWER = "8.0.mysql_aurora.3.12.0"


@pytest.fixture(autouse=True)
def plan(monkeypatch):
    """The planner's answer; its own tests are elsewhere."""
    answer = SimpleNamespace(obstacles=(), warnings=(), steps=("promote", "traffic"))
    asked = []
    monkeypatch.setattr(control, "build_plan", lambda state, request: asked.append(request) or answer)
    answer.asked = asked
    return answer


@pytest.mark.parametrize("order", [(EAST, WEST), (EAST, WEST, EUROPE)], ids=len)
def test_a_whole_platform_is_ready(order):
    seen = World(*order).seen()
    rows = judge(seen)
    assert [row for row in rows if row["state"] != OK] == []
    assert {row["check"] for row in rows} == set(CHECKS)
    assert ready_regions(seen, rows) == list(order[1:])
    assert summary(rows) == {"ok": len(rows), "warnings": 0, "blockers": 0, "unknown": 0}


def test_nothing_that_could_not_be_read_is_ok():
    world = World()
    for region in world.order:
        world.lose(region)
    world.shared = dict.fromkeys(world.shared, SILENT)
    rows = judge(world.seen())
    # The planner's answer is a fake here, the switch's backend is in the manifest, and the application is an option.
    not_observed = {"planner", "switch_alarms", "switch_accelerator", "application"}
    assert {row["check"] for row in rows if row["state"] == OK} <= not_observed
    assert {row["check"] for row in rows} == set(CHECKS)
    assert all(row["is_unknown"] for row in rows if row["check"] not in not_observed)
    assert ready_regions(world.seen(), rows) == []


@pytest.mark.parametrize("check", sorted(set(CHECKS) - {"planner", "switch_records", "runner_permissions"}))
def test_a_silent_standby_blocks_only_what_a_move_there_needs(check):
    vital = {"members", "engine_parity", "instances", "target_health", "capacity", "manifest", "lease"}
    rows = World().lose(WEST).rows(check)
    states = {state for region, (state, _reason) in rows.items() if region == WEST}
    assert (BLOCKER in states) == (check in vital - {"members"})


def test_a_lost_active_region_blocks_nothing():
    world = World().lose(EAST)
    rows = judge(world.seen())
    assert [row for row in rows if row["state"] == BLOCKER] == []
    assert {row["check"] for row in rows if row["is_unknown"]} >= {"target_health", "secret", "lease", "manifest"}
    assert ready_regions(world.seen(), rows) == [WEST]


# What the second region publishes once it has taken over.
MOVED = ["[us-east-2 claims over us-east-1]"]


def change(region, fact, **values):
    """Return a fault: members of a region's fact get other values."""
    return lambda world: world.facts[region][fact].update(values)


def become(region, fact, value):
    """Return a fault: a region's fact is something else."""
    return lambda world: world.facts[region].update({fact: value})


def left_over(**values):
    """What Aurora keeps of a volume that was given up, not copied."""
    return {
        "identifier": "rds:unplanned-global-failover-c-2026-11-29-08-15-30",
        "status": "available",
        "created_at": "2026-11-29T08:15:30+00:00",
        "expires_at": "2026-12-06T08:15:30+00:00",
        "copy": "c-rescue-20261129081530",
        "copy_status": None,
        **values,
    }


def test_what_a_failover_gave_up_is_ready_once_it_is_copied():
    world = World()
    world.facts[WEST]["rescue_snapshots"] = [left_over(copy_status="available")]
    rows = [row for row in judge(world.seen()) if row["check"] == "rescue_snapshots"]
    assert [row["state"] for row in rows] == ["ok", "ok"]
    assert "c-rescue-20261129081530" in rows[1]["reason"]


def expect(**values):
    """Return a fault: the environment asks for something else than what is there."""
    return lambda world: world.expected.update(values)


def opened(group, side, *what, **more):
    """Return a fault: a security group of the second region has a rule more."""
    return lambda world: world.facts[WEST]["security_groups"][group][side].append(rule_of(*what, **more))


def tokens(wanted):
    """Return a fault: what an older launch template, of which instances run, says of tokens."""
    return lambda world: world.facts[WEST]["launch_templates"]["lt-1 version 1"].update(http_tokens=wanted)


def member(status):
    def fault(world):
        world.each("global_cluster", lambda view: view["members"][1].update(synchronization_status=status))

    return fault


def no_member(world):
    world.each("global_cluster", lambda view: view["members"].pop())


def moving(world):
    state = {"status": "failing-over", "from_region": EAST, "to_region": WEST, "data_loss_allowed": True}
    world.each("global_cluster", lambda view: view.update(failover_state=state))


def exposed(world):
    world.facts[WEST]["database"]["instances"][0].update(is_public=True)


def no_writer(world):
    world.each("global_cluster", lambda view: view["members"][0].update(is_writer=False))


def traffic(region):
    return lambda world: setattr(world, "traffic_region", region)


def limit(**values):
    return lambda world: world.limits.update(values)


def both(*faults):
    def fault(world):
        for one in faults:
            one(world)

    return fault


def instances(*states):
    return become(WEST, "instances", [{"identifier": f"c-{n}", "status": s} for n, s in enumerate(states)])


def other_class(world):
    for one in world.facts[WEST]["database"]["instances"]:
        one["class"] = "db.t4g.medium"


def rule(region, **values):
    return lambda world: world.facts[region]["replication"]["Rules"][0].update(values)


def probe(region, source=EAST, kind="probe_objects", **values):
    return lambda world: world.facts[region][kind][source].update(values)


def replica(status):
    return lambda world: world.facts[EAST]["secret"]["replicas"].update({WEST: {"status": status, "message": "why"}})


def peering_is(status):
    return lambda world: world.each("network", lambda network: network["peerings"][0].update(status=status))


def route(region, table, **values):
    def fault(world):
        (destination,) = world.facts[region]["network"]["tables"][table].values()
        destination.update(values)

    return fault


def no_route(world):
    world.facts[WEST]["network"]["tables"]["private"].clear()


def lag_alarm(**values):
    return lambda world: world.facts[WEST]["alarms"][0].update(values)


def no_lag_alarm(world):
    world.facts[WEST]["alarms"].pop(0)


def no_alarm(name):
    return lambda world: world.facts[WEST].update(
        alarms=[one for one in world.facts[WEST]["alarms"] if one["name"] != name]
    )


def no_alarms(world):
    world.each("alarms", lambda alarms: alarms.clear())


def record(index, **values):
    """Index 0 is the SECONDARY, 1 the PRIMARY."""
    return lambda world: world.shared["records"][index].update(values)


def no_record(world):
    world.shared["records"].pop(1)


def check_of(name, **values):
    return lambda world: world.shared["health_checks"][name].update(values)


def no_check(name):
    return lambda world: world.shared["health_checks"].pop(name)


def shared(fact, **values):
    return lambda world: world.shared[fact].update(values)


def backend(name, **more):
    return lambda world: world.manifest["traffic"].update(backend=name, **more)


EDGE = "a1234567890abcdef.awsglobalaccelerator.com"
BALANCER = arn_of("elasticloadbalancing", WEST, "loadbalancer/app/alb/1")


def accelerated(world):
    """The switch is an accelerator, and all is well."""
    groups = {region: f"listener/endpoint-group/{region}" for region in world.order}
    member = {"arn": "accelerator", "dns_name": EDGE, "addresses": ["192.0.2.1"], "endpoint_groups": groups}
    for manifest in (world.manifest, *(copy.value["document"] for copy in world.copies.values())):
        manifest["traffic"].update(backend="global_accelerator", accelerator=member)
    record = {"name": DOMAIN, "identifier": None, "failover": None, "health_check_id": None, "target": EDGE}
    endpoints = {entry["region"]: entry["load_balancer_arn"] for entry in world.manifest["regions"]}
    seen = {region: Group(100.0 * (region == EAST), {arn: "HEALTHY"}) for region, arn in endpoints.items()}
    for region, group in seen.items():
        world.facts[region]["traffic_dial"] = group.as_fact()
    world.shared.update(records=[record], accelerator={"status": "DEPLOYED", "enabled": True, "groups": seen})


def edge(**values):
    """Return a fault of the accelerator."""
    return both(accelerated, lambda world: world.shared["accelerator"].update(values))


def group_of(region, *endpoints):
    """Return a fault: a region's endpoint group has these endpoints, as (ARN, state)."""
    return both(
        accelerated,
        lambda world: world.shared["accelerator"]["groups"].update({region: Group(0.0, dict(endpoints))}),
    )


def alias_of(*targets):
    """Return a fault: the name is an alias of something else."""
    named = [{"name": DOMAIN, "target": target} for target in targets]
    return both(accelerated, lambda world: world.shared.update(records=named))


def copy_is(region, value):
    return lambda world: world.copies.update({region: value})


def stale(member_name, value):
    def fault(world):
        world.copies[WEST].value["document"]["regions"][0][member_name] = value

    return fault


def lease(**values):
    base = {
        "run_id": "run-1",
        "owner": "somebody",
        "method": "failover",
        "step": "traffic",
        "outcome": "running",
        "is_live": False,
        "is_unfinished": True,
        "age_seconds": 600.0,
        "renewed_at": NOW - 600,
        "expires_in_seconds": 0.0,
    }
    return become(WEST, "lease", {**base, **values})


def fence(state, region=WEST):
    measure = {"mode": "database_ingress", "security_group_id": "sg-1", "run_id": "r", "state": state}
    item = {"document": {"version": 1, "region": region, **measure, "earlier": []}, "written_at": WRITTEN_AT}
    return lambda world: world.facts[region]["fences"].update({region: item})


def no_acl(world):
    entries = world.manifest["regions"]
    next(one for one in entries if one["region"] == WEST).pop("database_network_acl_id")


def acl(**values):
    return lambda world: world.facts[WEST]["network_acl"].update(values)


def move(**values):
    latest = {"run_id": "run-0", "method": "failover", "target_region": EAST, "ended_at": NOW - 600}
    return become(WEST, "latest_move", {**latest, "acknowledged": None, "age_seconds": 600.0, **values})


def pause(until):
    pause_details = {"until": until, "by": "somebody", "reason": "a patch"}
    return become(WEST, "automation", {"document": {"version": 1, "pause": pause_details}, "written_at": WRITTEN_AT})


def pause_ended(world):
    pause(NOW + 1200)(world)
    later = WRITTEN_AT.replace("07:00", "07:30")
    become(EAST, "automation", {"document": {"version": 1, "pause": None}, "written_at": later})(world)


def bound(region, regions):
    """Return a fault: the credentials for a region need others."""
    return lambda world: world.shared["credentials"][region].update(bound_to=regions)


def permissions(decisions, errors=None):
    simulated = [{"sid": "Move", "action": "rds:FailoverGlobalCluster", "decisions": decisions}] if decisions else []
    value = {"principal": "role/runner", "simulated": simulated, "errors": errors or {}}
    return lambda world: world.shared.update(permissions=value)


def not_given(name):
    return lambda world: world.expected.pop(name)


LAST_SEEN = {"document": {"version": 1, "regions": {EAST: 9}}, "written_at": "2026-01-01T03:00:00.000000Z"}
FEW = {"min": 0, "desired": 0, "max": 6, "in_service": 0, "suspended": []}
AHEAD = f"id-{PREFIX}-ahead-use1-use2"
UNCLAIMED = f"id-{PREFIX}-unclaimed-use1-use2"
FAULTS = [
    ("writer_known", moving, ALL, BLOCKER, "failing-over"),
    ("writer_known", no_writer, ALL, BLOCKER, "No member"),
    ("writer_known", traffic(WEST), ALL, WARNING, "a move was not finished"),
    ("writer_known", traffic(None), ALL, WARNING, "Unknown"),
    ("members", member("pending-resync"), WEST, BLOCKER, "pending-resync"),
    ("members", member(None), WEST, WARNING, "Unknown"),
    ("members", no_member, WEST, BLOCKER, "is not a member"),
    (
        "engine_parity",
        change(WEST, "cluster", engine_version=NEWER),
        WEST,
        BLOCKER,
        f"runs {NEWER}, the writer {VERSION}",
    ),
    ("engine_parity", become(WEST, "cluster", None), WEST, BLOCKER, "c-us-east-2 does not exist"),
    (
        "engine_support",
        change(WEST, "engine_support", status="deprecated"),
        WEST,
        WARNING,
        f"{VERSION} is deprecated: AWS no longer creates clusters with it.",
    ),
    ("engine_support", change(WEST, "engine_support", status=None, targets=[]), WEST, WARNING, "is unknown to AWS"),
    ("engine_support", change(EAST, "engine_support", ends_at=NOW + 90 * 86400), EAST, WARNING, "in 90 days"),
    ("engine_support", change(WEST, "engine_support", ends_at=NOW - 1), WEST, WARNING, "ended on 2027-01-15"),
    ("engine_support", become(WEST, "engine_support", SILENT), WEST, WARNING, "Unknown"),
    (
        "tls_only",
        both(
            change(WEST, "database", engine="aurora-postgresql", engine_version="17.7"),
            change(WEST, "parameters", cluster={"rds.force_ssl": "0"}),
        ),
        WEST,
        WARNING,
        "rds.force_ssl is 0",
    ),
    ("instances", instances(), WEST, BLOCKER, "0 of 0 instances"),
    ("instances", instances("creating", "rebooting"), WEST, BLOCKER, "0 of 2 instances"),
    ("instances", change(WEST, "cluster", status="stopped"), WEST, BLOCKER, "the cluster is stopped"),
    ("instances", instances("available"), WEST, WARNING, "us-east-1 has 2 instances"),
    ("instances", other_class, WEST, WARNING, "db.t4g.medium; us-east-1 runs db.r6g.large"),
    ("instances", become(WEST, "database", SILENT), WEST, WARNING, "Unknown"),
    ("replication_lag", change(WEST, "lag", value_ms=5000.0), WEST, WARNING, "5000 ms"),
    ("replication_lag", become(WEST, "lag", None), WEST, WARNING, "Unknown: There is no lag sample"),
    ("replication_lag", change(WEST, "lag", age_seconds=900.0), WEST, WARNING, "older than 420 s"),
    ("replication_lag", both(limit(max_replication_lag_ms=50.0)), WEST, BLOCKER, "max_replication_lag_ms is 50"),
    ("replication_lag", both(limit(max_sampled_lag_ms=50.0)), WEST, BLOCKER, "max_sampled_lag_ms is 50"),
    (
        "replication_lag",
        both(limit(max_replication_lag_ms=500.0), become(WEST, "lag", None)),
        WEST,
        BLOCKER,
        "Unknown: There is no lag sample",
    ),
    (
        "parameter_groups",
        change(WEST, "parameters", cluster={}),
        WEST,
        WARNING,
        "ON in us-east-1, default in us-east-2",
    ),
    (
        "parameter_groups",
        change(WEST, "parameters", instance={"long_query_time": "9"}),
        WEST,
        WARNING,
        "9 in us-east-2",
    ),
    ("parameter_groups", change(WEST, "database", pending_reboot=["c-1"]), WEST, WARNING, "c-1 must be restarted"),
    ("writer_endpoint", become(WEST, "writer_endpoint", None), WEST, BLOCKER, "There is no parameter"),
    ("writer_endpoint", become(EAST, "writer_endpoint", None), EAST, WARNING, "There is no parameter"),
    ("writer_endpoint", become(WEST, "writer_endpoint", "elsewhere"), WEST, WARNING, "is elsewhere"),
    ("rescue_snapshots", become(WEST, "rescue_snapshots", [left_over()]), WEST, WARNING, "expires on 2026-12-06"),
    (
        "rescue_snapshots",
        become(WEST, "rescue_snapshots", [left_over(status="creating", expires_at=None)]),
        WEST,
        WARNING,
        "(creating) expires on a day that is not known",
    ),
    (
        "rescue_snapshots",
        become(WEST, "rescue_snapshots", [left_over(copy_status="creating")]),
        WEST,
        WARNING,
        "Not copied yet",
    ),
    ("rescue_snapshots", become(WEST, "rescue_snapshots", SILENT), WEST, WARNING, "Unknown"),
    ("protection", change(WEST, "database", deletion_protection=False), WEST, WARNING, "deletion: the cluster."),
    (
        "protection",
        both(
            change(EAST, "load_balancer", deletion_protection=False),
            change(EAST, "control_table_settings", deletion_protection=False),
        ),
        EAST,
        WARNING,
        "Not protected from deletion: the control table, the load balancer.",
    ),
    ("protection", become(WEST, "control_table_settings", SILENT), WEST, WARNING, "Unknown"),
    ("protection", expect(last_snapshot=False), WEST, WARNING, "No final snapshot of the cluster would be taken"),
    ("backups", change(WEST, "database", backup_retention_days=0), WEST, WARNING, "backups of the cluster"),
    ("backups", change(WEST, "data_bucket", is_versioned=False), WEST, WARNING, "versions in the data bucket"),
    (
        "backups",
        change(WEST, "session_table_settings", is_recoverable=False),
        WEST,
        WARNING,
        "point-in-time recovery of the session table",
    ),
    ("backups", become(WEST, "control_table_settings", SILENT), WEST, WARNING, "Unknown"),
    ("open_ports", opened("sg-data", "ingress", 3306), WEST, WARNING, "Open to the internet: tcp 3306 (data)."),
    ("open_ports", opened("sg-front", "ingress", 8080), WEST, WARNING, "Open to the internet: tcp 8080 (front)."),
    ("open_ports", opened("sg-app", "ingress", 443), WEST, WARNING, "Open to the internet: tcp 443 (app)."),
    ("open_ports", opened("sg-app", "ingress", None), WEST, WARNING, "Open to the internet: everything (app)."),
    ("open_ports", opened("sg-front", "ingress", 80, last_port=90), WEST, WARNING, "tcp 80-90 (front)"),
    ("open_ports", opened("sg-front", "ingress", 80, protocol="udp"), WEST, WARNING, "udp 80 (front)"),
    ("open_ports", opened("sg-data", "ingress", 22, "128.0.0.0/1"), WEST, WARNING, "tcp 22 (data)"),
    ("open_ports", opened("sg-data", "ingress", 22, "::/0"), WEST, WARNING, "tcp 22 (data)"),
    ("open_ports", become(WEST, "load_balancer", None), WEST, WARNING, "tcp 443 (front), tcp 80 (front)"),
    ("open_ports", become(WEST, "security_groups", None), WEST, WARNING, "There is no VPC vpc."),
    ("open_ports", become(WEST, "load_balancer", SILENT), WEST, WARNING, "Unknown"),
    ("fence_prepared", no_acl, WEST, WARNING, "would leave connections that are open"),
    ("fence_prepared", become(WEST, "network_acl", None), WEST, WARNING, "acl-1 does not exist"),
    ("fence_prepared", become(WEST, "network_acl", SILENT), WEST, WARNING, "Unknown"),
    ("fence_prepared", acl(Entries=[]), WEST, WARNING, "acl-1 has no inbound rule 10"),
    ("fence_prepared", acl(Associations=[]), WEST, WARNING, "not associated with subnet-1, subnet-2"),
    ("egress", opened("sg-app", "egress", None), WEST, WARNING, "Allowed to reach the internet: everything (app)."),
    ("egress", opened("sg-data", "egress", 443), WEST, WARNING, "Allowed to reach the internet: tcp 443 (data)."),
    ("egress", expect(egress_ports=[8443]), WEST, WARNING, "tcp 443 (app)"),
    ("egress", become(WEST, "security_groups", None), WEST, WARNING, "There is no VPC vpc."),
    ("egress", become(WEST, "launch_templates", SILENT), WEST, WARNING, "Unknown"),
    ("instance_metadata", tokens("optional"), WEST, WARNING, "Instances of lt-1 version 1 return metadata without"),
    ("instance_metadata", tokens(None), WEST, WARNING, "Instances of lt-1 version 1 return"),
    ("instance_metadata", become(WEST, "launch_templates", SILENT), WEST, WARNING, "Unknown"),
    ("load_balancer", become(WEST, "load_balancer", None), WEST, WARNING, "The load balancer does not exist."),
    ("load_balancer", change(WEST, "load_balancer", log_bucket=None), WEST, WARNING, "writes no access logs"),
    ("load_balancer", become(WEST, "load_balancer", SILENT), WEST, WARNING, "Unknown"),
    (
        "load_balancer",
        change(WEST, "load_balancer", drops_invalid_headers=False),
        WEST,
        WARNING,
        "forwards headers with invalid names",
    ),
    (
        "encryption_at_rest",
        change(WEST, "database", kms_key_arn=None),
        WEST,
        WARNING,
        "The cluster is encrypted with a key",
    ),
    (
        "encryption_at_rest",
        change(EAST, "session_table_settings", kms_key_arn=None),
        EAST,
        WARNING,
        "The session table",
    ),
    (
        "encryption_at_rest",
        change(WEST, "control_table_settings", kms_key_arn="k"),
        WEST,
        WARNING,
        "encrypted with k, not",
    ),
    (
        "encryption_at_rest",
        change(WEST, "data_bucket", kms_key_arn=None),
        WEST,
        WARNING,
        "The data bucket is encrypted",
    ),
    (
        "encryption_at_rest",
        change(WEST, "topic", kms_key_arn=None),
        WEST,
        WARNING,
        "The topic is encrypted with a key of AWS",
    ),
    ("encryption_at_rest", become(WEST, "log_groups", {"general": None}), WEST, WARNING, "The log group general is"),
    ("encryption_at_rest", become(WEST, "topic", None), WEST, WARNING, "The topic does not exist"),
    ("encryption_at_rest", become(WEST, "key", None), WEST, WARNING, "There is no key to compare with"),
    ("encryption_at_rest", become(WEST, "log_groups", SILENT), WEST, WARNING, "Unknown"),
    ("tls_only", change(WEST, "parameters", cluster={}), WEST, WARNING, "its default, OFF"),
    (
        "tls_only",
        change(WEST, "data_bucket", policy=None),
        WEST,
        WARNING,
        "The data bucket accepts requests without TLS",
    ),
    ("tls_only", change(WEST, "control_bucket", policy=None), WEST, WARNING, "The control bucket accepts requests"),
    ("tls_only", change(WEST, "topic", policy=TLS_ELSEWHERE), WEST, WARNING, "The topic accepts messages without TLS"),
    (
        "public_access",
        change(WEST, "data_bucket", public_access_block={"BlockPublicAcls": False}),
        WEST,
        WARNING,
        "not block",
    ),
    ("public_access", change(WEST, "data_bucket", policy=EVERYTHING), WEST, WARNING, "s3:GetObject on everything"),
    ("public_access", change(WEST, "control_bucket", policy=EVERYTHING), WEST, WARNING, "s3:GetObject on everything"),
    (
        "public_access",
        change(WEST, "control_bucket", public_access_block={}),
        WEST,
        WARNING,
        "lets ACLs make objects public",
    ),
    ("public_access", exposed, WEST, WARNING, "C-us-east-2-1 can be reached from the internet"),
    ("switch_readable", become(WEST, "control_bucket", None), WEST, BLOCKER, "control-us-east-2 does not exist"),
    ("switch_readable", become(EAST, "control_bucket", None), EAST, WARNING, "control-us-east-1 does not exist"),
    ("switch_readable", change(WEST, "control_bucket", policy=None), WEST, BLOCKER, "not let health checkers read"),
    (
        "switch_readable",
        change(WEST, "control_bucket", public_access_block={"RestrictPublicBuckets": True}),
        WEST,
        BLOCKER,
        "denies access without credentials",
    ),
    ("switch_readable", become(WEST, "control_bucket", SILENT), WEST, WARNING, "Unknown"),
    ("switch_readable", change(WEST, "account_block", RestrictPublicBuckets=True), WEST, BLOCKER, "does not let"),
    ("switch_readable", change(WEST, "account_block", BlockPublicPolicy=True), WEST, BLOCKER, "BlockPublicPolicy"),
    ("switch_readable", become(WEST, "account_block", SILENT), WEST, WARNING, "Unknown"),
    ("switch_seen", become(WEST, "statements", MOVED), WEST, BLOCKER, "cannot read the switch of us-east-2"),
    ("switch_seen", become(WEST, "public_statements", MOVED), WEST, BLOCKER, "which contains nothing"),
    ("switch_seen", become(EAST, "public_statements", SILENT), EAST, WARNING, "Unknown"),
    ("switch_seen", both(*(become(region, "statements", SILENT) for region in (EAST, WEST))), ALL, WARNING, "Unknown"),
    ("switch_seen", lambda world: world.shared.update(name=SILENT), ALL, WARNING, "Unknown: where the name leads"),
    ("switch_seen", lambda world: world.shared.update(name=(WEST, "There.")), ALL, BLOCKER, "leads to us-east-2, but"),
    ("target_health", change(WEST, "targets", healthy=0), WEST, BLOCKER, "0 of 2 registered"),
    ("target_health", change(EAST, "targets", healthy=0), EAST, WARNING, "0 of 2 registered"),
    ("target_health", change(WEST, "targets", healthy=1, registered=4), WEST, WARNING, "1 of 4 registered"),
    ("capacity", change(EAST, "group", desired=8), WEST, BLOCKER, "may run 6; us-east-1 runs 8"),
    ("capacity", change(WEST, "group", suspended=["Launch"]), WEST, WARNING, "is enough, but Launch is suspended"),
    ("capacity", change(WEST, "group", suspended=["Launch"], desired=1), WEST, BLOCKER, "Launch is suspended"),
    ("capacity", change(WEST, "group", suspended=["Launch"], in_service=1), WEST, BLOCKER, "Launch is suspended"),
    (
        "capacity",
        both(become(EAST, "group", SILENT), become(WEST, "capacity_seen", LAST_SEEN)),
        WEST,
        BLOCKER,
        "us-east-1 ran 9 when a health check last saw it",
    ),
    ("capacity", become(WEST, "group", None), WEST, BLOCKER, "asg does not exist"),
    (
        "capacity",
        both(become(EAST, "group", SILENT), change(WEST, "group", max=1)),
        WEST,
        BLOCKER,
        "us-east-1 should run 2 by the manifest",
    ),
    (
        "capacity_reservations",
        both(become(WEST, "group", FEW), change(WEST, "capacity_reservations", reservations=[reserved(1)])),
        WEST,
        WARNING,
        "1 of 4 reserved instances (cr-1) are free for t3.medium; a failover starts 2. The others need other capacity",
    ),
    (
        "capacity_reservations",
        both(
            become(WEST, "group", FEW),
            change(WEST, "capacity_reservations", preference=ONLY_RESERVED, reservations=[reserved(1)]),
        ),
        WEST,
        BLOCKER,
        "a failover starts 2.",
    ),
    (
        "capacity_reservations",
        both(
            become(WEST, "group", FEW),
            change(
                WEST,
                "capacity_reservations",
                reservations=[reserved(4, kind="m5.large"), reserved(4, state="cancelled")],
            ),
        ),
        WEST,
        WARNING,
        "0 of 0 reserved instances",
    ),
    (
        "capacity_reservations",
        change(WEST, "capacity_reservations", reservations=None),
        WEST,
        BLOCKER,
        "Not all of cr-1",
    ),
    ("capacity_reservations", become(WEST, "capacity_reservations", SILENT), WEST, WARNING, "Unknown"),
    (
        "vcpu_quota",
        both(become(WEST, "group", FEW), change(WEST, "vcpu_quota", limit=10.0)),
        WEST,
        BLOCKER,
        "A move starts 2 instances of 2 vCPUs; the quota L-1216C47A is 10, 8 are used",
    ),
    (
        "vcpu_quota",
        both(become(WEST, "group", FEW), change(WEST, "vcpu_quota", used=None, used_error="no sample")),
        WEST,
        WARNING,
        "but its use",
    ),
    ("vcpu_quota", both(become(WEST, "group", FEW), become(WEST, "vcpu_quota", SILENT)), WEST, WARNING, "Unknown"),
    (
        "vcpu_quota",
        both(become(WEST, "group", FEW), become(WEST, "instance_types", {"g5.xlarge": 4})),
        WEST,
        WARNING,
        "only the quota of the standard families",
    ),
    ("target_quota", become(WEST, "target_quota", 1), WEST, BLOCKER, "may have 1 targets"),
    ("target_quota", become(WEST, "target_quota", 4), WEST, WARNING, "may have 4 targets, the region 6"),
    (
        "elastic_ip_quota",
        change(WEST, "elastic_ip_quota", used=5),
        WEST,
        WARNING,
        "5 of 5 Elastic IP addresses",
    ),
    ("elastic_ip_quota", become(WEST, "elastic_ip_quota", SILENT), WEST, WARNING, "Unknown"),
    ("vpc_quota", change(WEST, "vpc_quota", used=6), WEST, WARNING, "6 of 5 VPCs are used"),
    ("vpc_quota", become(WEST, "vpc_quota", SILENT), WEST, WARNING, "Unknown"),
    ("health_check_quota", shared("health_check_quota", used=200), ALL, WARNING, "200 of 200 health checks"),
    ("health_check_quota", lambda world: world.shared.update(health_check_quota=SILENT), ALL, WARNING, "Unknown"),
    ("region_enabled", shared("region_opt_in", **{WEST: "not-opted-in"}), WEST, BLOCKER, "not-opted-in"),
    ("region_enabled", shared("region_opt_in", **{EAST: "not-opted-in"}), EAST, WARNING, "not-opted-in"),
    ("region_enabled", lambda world: world.shared["region_opt_in"].pop(WEST), WEST, BLOCKER, "AWS does not list it"),
    ("region_enabled", lambda world: world.shared.update(region_opt_in=SILENT), WEST, WARNING, "Unknown"),
    ("application", lambda world: world.expected.update(placeholder=True), ALL, WARNING, "nothing about the database"),
    ("application", not_given("placeholder"), ALL, WARNING, "expected.placeholder is not given"),
    ("session_table", change(WEST, "table", status="CREATING"), WEST, BLOCKER, "is CREATING"),
    ("session_table", change(WEST, "table", replicas={}), WEST, BLOCKER, "not replicated to us-east-1"),
    ("session_table", change(EAST, "table", replicas={}), EAST, WARNING, "not replicated to us-east-2"),
    ("session_table", change(EAST, "table", replicas={WEST: "CREATING"}), EAST, WARNING, "us-east-2 is CREATING"),
    ("session_table", become(WEST, "table", None), WEST, BLOCKER, "does not exist"),
    ("bucket_replication", rule(EAST, Status="Disabled"), WEST, BLOCKER, "the rule to data-us-east-2 is disabled"),
    ("bucket_replication", become(EAST, "replication", None), WEST, BLOCKER, "no rule leads to data-us-east-2"),
    (
        "bucket_replication",
        rule(EAST, Destination={"Bucket": "arn:aws:s3:::data-us-east-2-old"}),
        WEST,
        BLOCKER,
        "no rule leads to data-us-east-2",
    ),
    ("bucket_replication", become(WEST, "replication", None), EAST, WARNING, "no rule leads to data-us-east-1"),
    ("object_arrival", probe(WEST, version="v0"), WEST, BLOCKER, "60 minutes ago, is not here."),
    (
        "object_arrival",
        both(probe(WEST, version="v0"), probe(EAST, status="PENDING", written_at=NOW - 60)),
        WEST,
        WARNING,
        "1 minutes ago, is not here yet",
    ),
    (
        "object_arrival",
        both(probe(WEST, version="v0"), probe(EAST, status="FAILED", written_at=NOW - 60)),
        WEST,
        BLOCKER,
        "its replication failed",
    ),
    ("object_arrival", probe(EAST, WEST, version="v0"), EAST, WARNING, "us-east-2 wrote to see whether it arrives"),
    ("object_arrival", become(EAST, "probe_objects", {}), WEST, WARNING, "No object has been written in us-east-1"),
    ("object_arrival", become(EAST, "probe_objects", SILENT), WEST, WARNING, "Unknown: whether objects of us-east-1"),
    ("item_arrival", probe(WEST, kind="probe_items", version="i0"), WEST, BLOCKER, "last item that us-east-1 wrote"),
    ("item_arrival", become(WEST, "probe_items", SILENT), WEST, WARNING, "Unknown: whether items of us-east-1"),
    ("secret", replica("Failed"), WEST, BLOCKER, "Failed (why)"),
    ("secret", replica("InProgress"), WEST, WARNING, "InProgress"),
    ("secret", change(EAST, "secret", replicas={}), WEST, WARNING, "not as a replica"),
    ("secret", change(WEST, "secret", primary_region=None), WEST, BLOCKER, "was promoted"),
    ("secret", change(WEST, "secret", arn="another"), WEST, BLOCKER, "is a replica of another"),
    ("secret", become(WEST, "secret", None), WEST, BLOCKER, "There is no secret"),
    ("secret", change(WEST, "secret", is_deleted=True), WEST, BLOCKER, "marked for deletion"),
    ("secret", become(EAST, "secret", SILENT), WEST, WARNING, "whether it is in sync"),
    ("secret", not_given("secret_name"), ALL, WARNING, "expected.secret_name is not given"),
    ("encryption_key", change(WEST, "key", state="PendingDeletion"), WEST, BLOCKER, "PendingDeletion"),
    ("encryption_key", change(EAST, "key", state="Disabled"), EAST, WARNING, "Disabled"),
    ("encryption_key", become(WEST, "key", None), WEST, BLOCKER, "There is no key"),
    ("encryption_key", change(WEST, "database", kms_key_arn="another"), WEST, WARNING, "another one"),
    ("encryption_key", not_given("key_alias"), ALL, WARNING, "expected.key_alias is not given"),
    ("switch_records", record(1, health_check_id=None), ALL, BLOCKER, "has no health check"),
    ("switch_records", record(1, health_check_id="gone"), ALL, BLOCKER, "gone, which does not exist"),
    ("switch_records", record(1, health_check_id=UNCLAIMED), ALL, BLOCKER, "has Type HTTPS_STR_MATCH, not CALCULATED"),
    ("switch_records", record(0, target="alb.elsewhere"), ALL, BLOCKER, "points at alb.elsewhere"),
    (
        "switch_records",
        record(0, failover="PRIMARY"),
        ALL,
        BLOCKER,
        "SECONDARY us-east-2 of trading.example.com is missing",
    ),
    ("switch_records", record(0, health_check_id=AHEAD), ALL, BLOCKER, "would give the traffic back"),
    ("switch_records", no_record, ALL, BLOCKER, f"PRIMARY us-east-1 of {DOMAIN} is missing"),
    ("switch_records", check_of(AHEAD, HealthThreshold=3), ALL, BLOCKER, "has HealthThreshold 3, not 2"),
    ("switch_records", check_of(AHEAD, Disabled=True), ALL, BLOCKER, "is disabled, which counts as healthy"),
    ("switch_records", check_of(UNCLAIMED, Inverted=False), ALL, BLOCKER, "does not include a check like"),
    ("switch_records", no_check(UNCLAIMED), ALL, BLOCKER, "does not include a check like"),
    ("switch_records", lambda world: world.shared.update(records=None), ALL, BLOCKER, "no hosted zone"),
    ("switch_records", lambda world: world.shared.update(records=SILENT), ALL, WARNING, "Unknown"),
    ("switch_records", backend("another"), ALL, WARNING, "Unknown"),
    ("switch_records", backend("cloudwatch_metric"), ALL, BLOCKER, "does not include a check like"),
    ("switch_alarms", backend("cloudwatch_metric"), WEST, BLOCKER, "1 of 1 alarms of the switch are missing"),
    (
        "switch_alarms",
        both(backend("cloudwatch_metric"), become(WEST, "alarms", SILENT)),
        WEST,
        WARNING,
        "Unknown",
    ),
    ("switch_accelerator", edge(enabled=False), ALL, BLOCKER, "is disabled"),
    ("switch_accelerator", edge(status="IN_PROGRESS"), ALL, WARNING, "is being deployed"),
    ("switch_accelerator", group_of(WEST), WEST, BLOCKER, "has no endpoint"),
    ("switch_accelerator", group_of(WEST, ("another", "HEALTHY")), WEST, BLOCKER, "has another, not the load balancer"),
    ("switch_accelerator", group_of(WEST, (BALANCER, "UNHEALTHY")), WEST, BLOCKER, "no healthy load balancer"),
    (
        "switch_accelerator",
        both(accelerated, lambda world: world.shared.update(accelerator=SILENT)),
        ALL,
        WARNING,
        "Un",
    ),
    ("switch_records", alias_of("alb.elsewhere"), ALL, BLOCKER, "points at alb.elsewhere, not at the accelerator"),
    ("switch_records", alias_of(), ALL, BLOCKER, "points at nothing"),
    ("switch_records", both(accelerated, lambda world: world.shared.update(records=SILENT)), ALL, WARNING, "Unknown"),
    ("endpoint_checks", no_check("endpoint-us-east-2"), WEST, WARNING, "does not exist"),
    ("endpoint_checks", check_of("endpoint-us-east-2", Type="TCP"), WEST, WARNING, "has Type TCP, not HTTP"),
    ("endpoint_checks", check_of("endpoint-us-east-2", Inverted=True), WEST, WARNING, "has Inverted True"),
    ("peering", peering_is("pending-acceptance"), WEST, WARNING, "is pending-acceptance"),
    ("peering", no_route, WEST, WARNING, "No active route to 10.0.0.0/16 in us-east-1: private"),
    ("peering", route(EAST, "database", state="blackhole"), EAST, WARNING, "database"),
    ("peering", route(EAST, "database", via="igw-1"), EAST, WARNING, "database"),
    ("peering", become(WEST, "network", None), EAST, WARNING, "no VPC"),
    ("lag_alarm", no_lag_alarm, WEST, WARNING, "There is no alarm on the replication lag of c-us-east-2"),
    (
        "lag_alarm",
        lag_alarm(dimensions={"DBClusterIdentifier": "c-us-east-1"}),
        WEST,
        WARNING,
        "there is one for c-us-east-1 instead",
    ),
    ("lag_alarm", lag_alarm(actions_enabled=False), WEST, WARNING, "actions disabled"),
    ("lag_alarm", lag_alarm(actions=[arn_of("sns", EAST, "alerts")]), WEST, WARNING, "does not notify"),
    ("lag_alarm", lag_alarm(comparison="LessThanThreshold"), WEST, WARNING, "is not triggered above"),
    ("lag_alarm", lag_alarm(state="ALARM"), WEST, WARNING, "is in state ALARM"),
    ("alarms", no_lag_alarm, WEST, WARNING, "missing: lag"),
    ("alarms", no_alarm("late-from-us-east-1-dev"), WEST, WARNING, "missing: late-from-us-east-1-dev"),
    ("alarms", no_alarms, WEST, WARNING, "no alarms in any region"),
    ("alarms", lag_alarm(actions_enabled=False), WEST, WARNING, "lag has its actions disabled"),
    ("subscriptions", change(WEST, "subscriptions", confirmed=0, pending=1), WEST, WARNING, "(1 pending)"),
    ("manifest", copy_is(WEST, Observation(None)), WEST, BLOCKER, "no manifest"),
    ("manifest", copy_is(EAST, Observation(None)), EAST, WARNING, "no manifest"),
    ("manifest", stale("target_group_arn", "old"), WEST, BLOCKER, "differs from the most recent one"),
    ("manifest", stale("capacity", {"desired": 1}), WEST, WARNING, "us-east-1.capacity.desired"),
    ("manifest", lambda world: setattr(world, "regions", (EAST,)), ALL, WARNING, "differ in us-east-2"),
    ("manifest_facts", change(EAST, "group", desired=5), EAST, WARNING, "desired 2, observed 5"),
    ("manifest_facts", change(WEST, "cluster", engine_version=NEWER), WEST, WARNING, f"observed {NEWER}"),
    ("lease", lease(is_live=True, expires_in_seconds=42.0), WEST, BLOCKER, "run-1 of somebody"),
    ("lease", lease(is_live=True, expires_in_seconds=42.0, method="upgrade"), WEST, BLOCKER, "(upgrade, step traffic)"),
    ("lease", lease(), WEST, WARNING, "was killed 10 minutes ago"),
    ("lease", lease(outcome="failed"), WEST, WARNING, "failed 10 minutes ago"),
    ("lease", become(WEST, "control_table", None), WEST, BLOCKER, "no control table"),
    ("fences", fence("done"), WEST, WARNING, "was fenced"),
    ("fences", fence("intended", EAST), EAST, WARNING, "may have been fenced"),
    ("cool_down", move(), ALL, WARNING, "refused for 50 minutes more"),
    ("automation", pause(NOW + 1200), ALL, WARNING, "paused for 20 minutes more by somebody: a patch"),
    ("credentials", bound(WEST, {EAST: "IAM Identity Center"}), WEST, WARNING, "IAM Identity Center in us-east-1"),
    ("credentials", lambda world: world.shared.update(credentials=SILENT), ALL, WARNING, "Unknown"),
    ("runner_permissions", permissions({"a": "implicitDeny"}), ALL, BLOCKER, "may not: rds:FailoverGlobalCluster"),
    ("runner_permissions", permissions({"a": "allowed", "b": "explicitDeny"}), ALL, WARNING, "may not, on b"),
    ("runner_permissions", permissions({}, {"Move": "AccessDenied"}), ALL, WARNING, "Unknown"),
    ("runner_permissions", permissions({}), ALL, WARNING, "Unknown"),
    ("runner_permissions", lambda world: world.shared.update(permissions=SILENT), ALL, WARNING, "Unknown"),
]


@pytest.mark.parametrize(("check", "fault", "region", "state", "words"), FAULTS)
def test_a_fault_is_named_with_its_region_and_state(check, fault, region, state, words):
    world = World()
    fault(world)
    found, reason = world.rows(check)[region]
    assert found == state, reason
    assert words in reason


def test_every_check_has_a_fault_that_it_finds():
    assert {check for check, *_rest in FAULTS} | {"planner"} == set(CHECKS)


@pytest.mark.parametrize(
    ("check", "harmless"),
    [
        ("engine_support", change(WEST, "engine_support", ends_at=NOW + 92 * 86400)),
        ("engine_support", change(WEST, "engine_support", ends_at=None)),
        (
            "tls_only",
            both(
                change(WEST, "database", engine="aurora-postgresql", engine_version="17.7"),
                change(WEST, "parameters", cluster={}),
            ),
        ),
        ("cool_down", move(acknowledged={"by": "somebody"})),
        ("cool_down", move(method="switchover")),
        ("cool_down", move(age_seconds=7200.0)),
        ("automation", pause(NOW - 1)),
        ("automation", pause_ended),
        ("fences", fence("failed")),
        ("lease", lease(outcome="successful", is_unfinished=False)),
        ("lease", lease(method="upgrade")),
        ("protection", expect(protection=False)),
        ("protection", expect(last_snapshot=None)),
        ("open_ports", opened("sg-data", "ingress", 3306, "10.0.0.0/8")),
        ("open_ports", opened("sg-front", "ingress", 443, "::/0")),
        ("egress", both(expect(egress_ports=[80, 443]), opened("sg-app", "egress", 80))),
        ("tls_only", change(WEST, "parameters", cluster={"require_secure_transport": "1"})),
        ("switch_readable", both(backend("cloudwatch_metric"), become(WEST, "control_bucket", SILENT))),
        ("public_access", both(backend("cloudwatch_metric"), become(WEST, "control_bucket", SILENT))),
        ("tls_only", both(backend("cloudwatch_metric"), become(WEST, "control_bucket", SILENT))),
        ("vcpu_quota", become(WEST, "vcpu_quota", SILENT)),
        ("vcpu_quota", become(WEST, "group", FEW)),
        ("capacity_reservations", become(WEST, "group", FEW)),
        ("capacity_reservations", change(WEST, "capacity_reservations", reservations=[reserved(0)])),
        ("capacity", become(WEST, "group", FEW)),
        ("capacity", change(WEST, "group", suspended=["AZRebalance"])),
        ("writer_endpoint", become(WEST, "writer_endpoint", "c-us-east-1.cluster.example")),
        ("replication_lag", limit(max_sampled_lag_ms=500.0)),
    ],
)
def test_what_holds_nothing_up_is_ok(check, harmless):
    world = World()
    harmless(world)
    assert {state for state, _reason in world.rows(check).values()} == {OK}


def test_a_group_that_prefers_no_reservations_has_no_row_of_them():
    world = World()
    world.facts[WEST]["capacity_reservations"] = None
    assert world.rows("capacity_reservations") == {}


def test_a_manifest_without_a_network_acl_says_what_to_run_and_nothing_is_asked_of_aws():
    world = World()
    for entry in world.manifest["regions"]:
        del entry["database_network_acl_id"], entry["database_subnet_ids"]
    for facts in world.facts.values():
        del facts["network_acl"]  # of_entry reads nothing where the entry names nothing
    found = list(CHECKS["fence_prepared"](world.seen()))
    assert [(one.region, one.state, one.is_unknown) for one in found] == [(r, WARNING, False) for r in (EAST, WEST)]
    for one in found:
        assert one.remedy.index("policies.yml") < one.remedy.index("site.yml")


OWN = {region: f"c-{region}.cluster.example" for region in (EAST, WEST, EUROPE)}


def detached(world, region=WEST, serves=True):
    """A region left the global database, and has the traffic if it serves."""
    for facts in world.facts.values():
        view = facts["global_cluster"]
        view["members"] = [one for one in view["members"] if one["region"] != region]
    world.traffic_region = region if serves else world.traffic_region
    for each in world.order:
        world.facts[each]["writer_endpoint"] = OWN[region] if serves else world.facts[each]["writer_endpoint"]
    return world


@pytest.mark.parametrize("order", [(EAST, WEST), (EAST, WEST, EUROPE)], ids=len)
def test_after_a_detach_every_region_must_write_to_the_detached_cluster(order):
    world = detached(World(*order))
    assert {state for state, _reason in world.rows("writer_endpoint").values()} == {OK}
    for region in order:
        for wrong in (world.facts[WEST]["global_cluster"]["endpoint"], OWN[EAST]):
            become(region, "writer_endpoint", wrong)(world)
            found = {one.region: one for one in CHECKS["writer_endpoint"](world.seen())}
            assert {name: one.state for name, one in found.items()} == dict.fromkeys(order, OK) | {region: WARNING}
            assert f"is {wrong}, but the writer is at {OWN[WEST]}." in found[region].reason
            assert found[region].remedy == "Run failback.yml with rebuild=true."
        become(region, "writer_endpoint", OWN[WEST])(world)


def test_after_a_detach_nobody_is_sent_back_to_the_old_writer():
    """The remedy of an unfinished move, to follow the global database's writer, would leave the current data."""
    finding = next(iter(CHECKS["writer_known"](detached(World()).seen())))
    assert (finding.state, finding.remedy) == (BLOCKER, "Run failback.yml with rebuild=true.")
    assert finding.reason.startswith(f"{WEST} has the traffic and a writer of its own")


def test_a_standby_outside_the_global_database_reaches_the_writer_by_the_global_endpoint():
    world = detached(World(), serves=False)
    assert {state for state, _reason in world.rows("writer_endpoint").values()} == {OK}
    become(EAST, "writer_endpoint", OWN[WEST])(world)
    assert world.rows("writer_endpoint")[EAST][0] == WARNING


def test_the_writers_endpoint_is_unknown_where_the_detached_cluster_does_not_respond():
    world = detached(World())
    world.facts[WEST]["cluster"] = SILENT
    become(EAST, "writer_endpoint", world.facts[WEST]["global_cluster"]["endpoint"])(world)
    assert all("Unknown" in reason for _state, reason in world.rows("writer_endpoint").values())


def test_lag_is_reported_with_the_loss_it_bounds():
    assert World().rows("replication_lag")[WEST][1].endswith("would lose at most 20100 ms of writes.")


def test_the_planner_is_asked_for_each_standby_and_its_obstacles_block(plan):
    world = World(EAST, WEST, EUROPE)
    assert {region: state for region, (state, _reason) in world.rows("planner").items()} == {WEST: OK, EUROPE: OK}
    assert [(request.target_region, request.force) for request in plan.asked] == [(WEST, True), (EUROPE, True)]
    plan.warnings = ("Too little capacity.",)
    assert world.rows("planner")[WEST] == (WARNING, "failover.yml would move here, with warnings: Too little capacity.")
    plan.obstacles = (SimpleNamespace(sentence="No instance.", override="accept_data_loss: true"),)
    assert world.rows("planner")[WEST] == (BLOCKER, "failover.yml would refuse to move here: No instance.")


def test_a_blocker_of_one_standby_leaves_the_other_one_ready():
    world = World(EAST, WEST, EUROPE)
    become(WEST, "instances", [])(world)
    seen = world.seen()
    assert ready_regions(seen, judge(seen)) == [EUROPE]


def test_a_third_regions_peering_and_records_are_checked_too():
    world = World(EAST, WEST, EUROPE)
    world.facts[EUROPE]["network"]["tables"]["private"].pop("10.1.0.0/16")
    assert world.rows("peering")[EUROPE] == (WARNING, "No active route to 10.1.0.0/16 in us-east-2: private.")
    world.shared["records"] = [one for one in world.shared["records"] if one["name"] == DOMAIN]
    assert world.rows("switch_records")[ALL][0] == BLOCKER


def metric_world():
    """A platform whose switch is made of metrics."""
    world = World()
    world.manifest["traffic"].update(backend="cloudwatch_metric", platform=PREFIX, metric_namespace="Switch")
    specs = build_metric_checks(world.order, PREFIX)
    endpoints = {name: config for name, config in world.shared["health_checks"].items() if name.startswith("endpoint")}
    world.shared["health_checks"] = {**endpoints, **configs_of(specs)}
    for region in world.order:
        for alarm in statement_alarms(region, world.order, PREFIX, "Switch"):
            shown = {"actions_enabled": True, "actions": [], "state": "OK"}
            world.facts[region]["alarms"].append({**alarm, **shown})
    return world


def test_a_switch_of_metrics_is_checked_by_its_alarms():
    world = metric_world()
    assert {state for state, _reason in world.rows("switch_records").values()} == {OK}
    assert {state for state, _reason in world.rows("switch_alarms").values()} == {OK}
    # The switch's alarms differ from region to region and tell no topic: that is as it should be.
    assert {state for state, _reason in world.rows("alarms").values()} == {OK}
    world.facts[EAST]["alarms"][-1]["dimensions"]["Platform"] = "another"
    assert world.rows("switch_alarms")[EAST][0] == WARNING


def test_a_switch_of_routing_controls_is_checked_by_its_types():
    world, controls = World(), {EAST: "arn:east", WEST: "arn:west"}
    world.manifest["traffic"].update(backend="arc_routing_control", routing_controls=controls)
    assert world.rows("switch_records")[ALL][0] == BLOCKER
    specs = build_control_checks(world.order, controls, PREFIX)
    world.shared["health_checks"].update(configs_of(specs))
    world.shared["records"][1]["health_check_id"] = f"id-{specs[0]['name']}"
    assert world.rows("switch_records")[ALL][0] == OK
    world.shared["records"][1]["health_check_id"] = f"id-{specs[1]['name']}"
    assert "has RoutingControlArn arn:west, not arn:east" in world.rows("switch_records")[ALL][1]


def test_a_platform_behind_an_accelerator_is_ready():
    world = World()
    accelerated(world)
    assert [row for row in judge(world.seen()) if row["state"] != OK] == []


def test_a_region_whose_loss_would_take_the_switch_along_is_named():
    world = World(EAST, "us-west-2")
    accelerated(world)
    (row,) = [row for row in judge(world.seen()) if row["state"] != OK]
    assert (row["check"], row["region"], row["state"]) == ("switch_accelerator", "us-west-2", WARNING)
    assert "a move is refused unless force is set" in row["reason"]


def test_records_of_others_are_as_good_whatever_their_identifiers():
    world = World()
    record(0, identifier="ohio")(world)
    record(1, identifier="virginia", target=f"dualstack.{world.shared['records'][1]['target']}")(world)
    assert world.rows("switch_records")[ALL][0] == OK


def test_records_of_automatic_dns_failover_are_as_good():
    world = World()
    record(1, target=f"us-east-1.{DOMAIN}")(world)
    assert world.rows("switch_records")[ALL][0] == OK


STORES = ("session_table", "object_storage")
OF_STORES = ("table", "session_table_settings", "probe_items", "data_bucket", "replication", "probe_objects")


def with_layers(**layers):
    """A platform whose manifest says so, in every region."""
    world = World()
    world.manifest["layers"] = layers
    for copy in world.copies.values():
        copy.value["document"]["layers"] = layers
    return world


def test_a_platform_without_stores_and_keys_is_ready_and_says_so():
    world = with_layers(**dict.fromkeys((*STORES, "encryption"), "absent"))
    for region in world.order:
        world.facts[region] |= dict.fromkeys((*OF_STORES, "secret", "key"), SILENT)
    rows = judge(world.seen())
    assert [row for row in rows if row["state"] != OK] == []
    said = {row["check"]: row["reason"] for row in rows if "This platform has no layer" in row["reason"]}
    assert set(said) == {
        *("session_table", "item_arrival", "bucket_replication", "object_arrival"),
        *("secret", "encryption_key", "encryption_at_rest"),
    }


def test_a_platform_without_monitoring_is_ready_without_alarms_topics_and_subscriptions():
    world = with_layers(monitoring="absent")
    for region in world.order:
        world.facts[region] |= dict.fromkeys(("topic", "alarms", "subscriptions"), SILENT)
    for document in (world.manifest, *(copy.value["document"] for copy in world.copies.values())):
        for entry in document["regions"]:
            entry.pop("topic_arn", None)
    rows = judge(world.seen())
    assert [row for row in rows if row["state"] != OK] == []
    said = {row["check"] for row in rows if row["reason"] == "This platform has no layer monitoring (platform_layers)."}
    assert said == {"lag_alarm", "alarms", "subscriptions"}


def test_a_store_that_is_missing_by_accident_is_not_taken_for_an_absent_layer():
    world = with_layers(object_storage="absent")
    world.facts[WEST] |= dict.fromkeys(OF_STORES, SILENT)
    unknown = {row["check"] for row in judge(world.seen()) if row["is_unknown"]}
    assert {"session_table", "item_arrival", "protection", "backups"} <= unknown
    assert not unknown & {"bucket_replication", "object_arrival"}


def test_a_key_that_others_have_made_is_judged_by_the_manifest_and_their_secret_is_not():
    world = with_layers(encryption="existing")
    for document in (world.manifest, *(copy.value["document"] for copy in world.copies.values())):
        for entry in document["regions"]:
            entry["key_arn"] = world.facts[entry["region"]]["key"]["arn"]
    become(WEST, "secret", SILENT)(world)
    become(WEST, "key", {"arn": world.manifest["regions"][1]["key_arn"], "state": "Disabled"})(world)
    (row,) = [row for row in judge(world.seen()) if row["state"] != OK]
    arn = world.manifest["regions"][1]["key_arn"]
    assert (row["check"], row["region"], row["reason"]) == ("encryption_key", WEST, f"The key {arn} is Disabled.")


def test_what_others_have_made_is_judged_and_its_remedy_is_not_site_yml():
    world = with_layers(**dict.fromkeys(("network", "global_database", "application"), "existing"))
    change(WEST, "load_balancer", drops_invalid_headers=False, deletion_protection=False)(world)
    become(WEST, "network_acl", None)(world)
    become(WEST, "network", SILENT)(world)
    found = [row for row in judge(world.seen()) if row["state"] != OK]
    assert {row["check"] for row in found} == {"load_balancer", "protection", "fence_prepared"}
    assert all("site.yml leaves it alone" in row["remedy"] for row in found)
