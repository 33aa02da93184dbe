# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A platform that is ready, as the checks see it; tests take something away and look at one check's rows."""

from __future__ import annotations

import json
from copy import deepcopy

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import State
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.checks import CHECKS
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.seen import Limits, Seen
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.checks_and_records import (
    build_checks,
    build_records,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.health_checks import build_config

EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
VERSION, DOMAIN, PREFIX = "8.0.mysql_aurora.3.10.5", "trading.example.com", "trading-dev"
GLOBAL_ENDPOINT = "g.global-abc.global.rds.amazonaws.com"
NOW = 1_800_000_000.0
WRITTEN_AT = "2027-01-15T07:00:00.000000Z"  # an hour before NOW
FAR = "10.1.0.0/16"  # a network of another region
SILENT = Observation(error="no answer within 20.0 s")


def arn_of(service, region, name):
    return f"arn:aws:{service}:{region}:123456789012:{name}"


def entry_of(region):
    return {
        "region": region,
        "db_cluster_identifier": f"c-{region}",
        "db_cluster_arn": arn_of("rds", region, f"cluster:c-{region}"),
        "autoscaling_group_name": "asg",
        "target_group_arn": arn_of("elasticloadbalancing", region, "targetgroup/tg/1"),
        "load_balancer_dns_name": f"alb.{region}.example",
        "load_balancer_arn": arn_of("elasticloadbalancing", region, "loadbalancer/app/alb/1"),
        "capacity": {"min": 2, "desired": 2, "max": 6},
        "topic_arn": arn_of("sns", region, "alerts"),
        "control_bucket": f"control-{region}",
        "data_bucket": f"data-{region}",
        "session_table": "sessions",
        "health_check_id": f"endpoint-{region}",
        "database_network_acl_id": "acl-1",
        "database_subnet_ids": ["subnet-1", "subnet-2"],
        "writer_endpoint_parameter": "/trading/dev/database/writer-endpoint",
    }


def acl_entry(egress):
    """The rule of a network ACL that fencing turns."""
    return {"RuleNumber": 10, "Egress": egress, "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"}


BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def table_of(region):
    return {"kms_key_arn": arn_of("kms", region, "key/1"), "deletion_protection": True, "is_recoverable": True}


def reserved(available, kind="t3.medium", state="active"):
    """A Capacity Reservation as it was read."""
    return {"id": "cr-1", "type": kind, "state": state, "total": 4, "available": available}


def bucket_of(name):
    return f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"


def policy_of(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def permission(*resources, **more):
    """What a policy allows everybody."""
    return {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": list(resources), **more}


def refusal(action, *resources):
    """What a policy refuses everybody who does not use TLS."""
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": list(resources)}
    return {**statement, "Condition": insecure}


def rule_of(port, network="0.0.0.0/0", **more):
    """A rule of a security group; without a port it is about everything."""
    protocol = "-1" if port is None else "tcp"
    return {"protocol": protocol, "first_port": port, "last_port": port, "networks": [network], **more}


def alarms_of(region, others):
    common = {"comparison": "GreaterThanThreshold", "actions_enabled": True, "state": "OK"}
    topic = [arn_of("sns", region, "alerts")]
    lag = {"DBClusterIdentifier": f"c-{region}"}
    return [
        {**common, "name": "lag", "namespace": "AWS/RDS", "metric": "AuroraGlobalDBReplicationLag", "dimensions": lag}
        | {"actions": topic},
        {**common, "name": "cpu", "namespace": "AWS/EC2", "metric": "CPUUtilization", "dimensions": {}}
        | {"actions": topic},
        *(
            {**common, "name": f"late-from-{other}-dev", "namespace": "AWS/S3", "metric": "ReplicationLatency"}
            | {"dimensions": {}, "actions": topic}
            for other in others
        ),
    ]


def configs_of(specs):
    """Health checks as Route 53 shows them, by id."""
    return {
        f"id-{spec['name']}": {
            **build_config(spec),
            **({"ChildHealthChecks": [f"id-{name}" for name in spec["child_names"]]} if "child_names" in spec else {}),
        }
        for spec in specs
    }


class World:
    """Facts by region and of no region, all as they should be; ``us-east-1`` is active."""

    def __init__(self, *order):
        self.order = order or (EAST, WEST)
        self.manifest = {
            "version": 1,
            "environment": "dev",
            "global_database": {"identifier": "g", "engine_version": VERSION},
            "traffic": {"backend": "s3_object", "domain": DOMAIN, "switch_key": "active-region", "scheme": "http"},
            "regions": [entry_of(region) for region in self.order],
        }
        copy = {"document": deepcopy(self.manifest), "written_at": WRITTEN_AT}
        self.copies = {region: Observation(deepcopy(copy)) for region in self.order}
        self.facts = {region: self._facts_of(region) for region in self.order}
        self.shared = {
            "records": self._records(),
            "health_checks": self._checks(),
            "permissions": self._permissions(),
            "health_check_quota": {"limit": 200, "used": 9},
            "region_opt_in": dict.fromkeys(self.order, "opt-in-not-required"),
        }
        self.shared["name"] = (EAST, f"It points at the load balancer of {EAST}.")
        self.shared["credentials"] = {region: {"method": "env", "bound_to": {}} for region in self.order}
        self.expected = {
            "secret_name": "secret",
            "key_alias": "alias/key",
            "vpc_name": "vpc",
            "alarm_prefix": "",
            "switch_prefix": PREFIX,
            "protection": True,
            "last_snapshot": True,
            "placeholder": False,
        }
        self.limits = {}
        self.traffic_region = EAST
        self.regions = self.order

    def _others(self, region):
        return [other for other in self.order if other != region]

    def _facts_of(self, region):
        number, others = self.order.index(region), self._others(region)
        return {
            "global_cluster": {
                "status": "available",
                "engine_version": VERSION,
                "endpoint": GLOBAL_ENDPOINT,
                "members": [
                    {
                        "arn": arn_of("rds", name, f"cluster:c-{name}"),
                        "region": name,
                        "is_writer": name == EAST,
                        "synchronization_status": "connected",
                    }
                    for name in self.order
                ],
                "failover_state": {},
            },
            "cluster": {
                "identifier": f"c-{region}",
                "status": "available",
                "engine_version": VERSION,
                "endpoint": f"c-{region}.cluster.example",
                "writers": [],
            },
            "instances": [
                {"identifier": f"c-{region}-{n}", "status": "available", "engine_version": VERSION} for n in (1, 2)
            ],
            "lag": {"value_ms": 100.0, "age_seconds": 20.0, "sampled_at": "", "metric": "m"} if number else None,
            "targets": {"registered": 2, "healthy": 2, "states": {"healthy": 2}},
            "group": {"min": 2, "desired": 2, "max": 6, "in_service": 2, "suspended": []},
            "writer_endpoint": GLOBAL_ENDPOINT,
            "statements": None,
            "public_statements": None,
            "account_block": dict.fromkeys(BLOCKS, False),
            "control_table": "trading-failover-dev",
            "lease": None,
            "latest_move": None,
            "fences": dict.fromkeys(self.order),
            "automation": None,
            "database": {
                "engine": "aurora-mysql",
                "engine_version": VERSION,
                "identifier": f"c-{region}",
                "parameter_group": f"c-{region}",
                "deletion_protection": True,
                "backup_retention_days": 7,
                "kms_key_arn": arn_of("kms", region, "key/1"),
                "instances": [
                    {"identifier": f"c-{region}-{n}", "class": "db.r6g.large", "is_public": False}
                    | {"parameter_groups": [f"c-{region}"]}
                    for n in (1, 2)
                ],
                "pending_reboot": [],
            },
            "rescue_snapshots": [],
            "engine_support": {
                "engine": "aurora-mysql",
                "version": VERSION,
                "status": "available",
                "targets": ["8.0.mysql_aurora.3.12.0"],
                "ends_at": NOW + 500 * 86400,
            },
            "parameters": {"cluster": {"require_secure_transport": "ON"}, "instance": {"long_query_time": "2"}},
            "instance_types": {"t3.medium": 2},
            "capacity_reservations": {
                "preference": "capacity-reservations-first",
                "capacity_reservation_ids": ["cr-1"],
                "reservations": [reserved(2)],
            },
            "vcpu_quota": {"limit": 32.0, "used": 8.0, "used_error": None},
            "target_quota": 1000,
            "elastic_ip_quota": {"limit": 5, "used": 1},
            "vpc_quota": {"limit": 5, "used": 2},
            "session_table_settings": table_of(region),
            "control_table_settings": table_of(region),
            "data_bucket": {
                "kms_key_arn": arn_of("kms", region, "key/1"),
                "is_versioned": True,
                "public_access_block": dict.fromkeys(BLOCKS, True),
                "policy": policy_of(refusal("s3:*", *bucket_of(f"data-{region}"))),
            },
            "control_bucket": {
                "kms_key_arn": None,
                "is_versioned": False,
                "public_access_block": {
                    **dict.fromkeys(BLOCKS, False),
                    "BlockPublicAcls": True,
                    "IgnorePublicAcls": True,
                },
                "policy": policy_of(
                    permission(f"arn:aws:s3:::control-{region}/active-region"),
                    refusal("s3:*", *bucket_of(f"control-{region}")),
                ),
            },
            "topic": {
                "kms_key_arn": arn_of("kms", region, "key/1"),
                "policy": policy_of(refusal("sns:Publish", arn_of("sns", region, "alerts"))),
            },
            "load_balancer": {
                "security_group_ids": ["sg-front"],
                "drops_invalid_headers": True,
                "log_bucket": f"audit-{region}",
                "deletion_protection": True,
            },
            "launch_templates": {
                f"lt-1 version {n}": {"http_tokens": "required", "security_group_ids": ["sg-app"]} for n in (1, 2)
            },
            "security_groups": {
                "sg-front": {"name": "front", "ingress": [rule_of(80), rule_of(443)], "egress": [rule_of(8080, FAR)]},
                "sg-app": {"name": "app", "ingress": [], "egress": [rule_of(443), rule_of(3306, FAR)]},
                "sg-data": {"name": "data", "ingress": [rule_of(3306, FAR)], "egress": []},
            },
            "network_acl": {
                "NetworkAclId": "acl-1",
                "Associations": [{"SubnetId": f"subnet-{n}", "NetworkAclId": "acl-1"} for n in (1, 2)],
                "Entries": [acl_entry(egress) for egress in (False, True)],
            },
            "log_groups": {f"/aws/rds/cluster/c-{region}/audit": arn_of("kms", region, "key/1")},
            "table": {"status": "ACTIVE", "replicas": dict.fromkeys(others, "ACTIVE")},
            "secret": {
                "arn": "s",
                "primary_region": EAST,
                "is_deleted": False,
                "replicas": {} if number else {name: {"status": "InSync", "message": ""} for name in others},
            },
            "key": {"arn": arn_of("kms", region, "key/1"), "state": "Enabled"},
            "network": {
                "vpc_id": f"vpc-{region}",
                "cidr": f"10.{number}.0.0/16",
                "peerings": [
                    {"id": self._peering(region, name), "status": "active", "vpc_ids": [f"vpc-{region}", f"vpc-{name}"]}
                    for name in others
                ],
                "tables": {
                    table: {
                        f"10.{self.order.index(name)}.0.0/16": {"via": self._peering(region, name), "state": "active"}
                        for name in others
                    }
                    for table in ("private", "database")
                },
            },
            "alarms": alarms_of(region, others),
            "replication": {
                "Role": "r",
                "Rules": [
                    {"ID": f"to-{name}", "Status": "Enabled", "Destination": {"Bucket": f"arn:aws:s3:::data-{name}"}}
                    for name in others
                ],
            },
            "probe_objects": {
                name: {
                    "version": "v1",
                    "status": "COMPLETED" if name == region else "REPLICA",
                    "written_at": NOW - 3600,
                }
                for name in self.order
            },
            "probe_items": {name: {"version": "i1", "status": None, "written_at": NOW - 3600} for name in self.order},
            "subscriptions": {"confirmed": 1, "pending": 0},
        }

    @staticmethod
    def _peering(one, other):
        return "pcx-" + "-".join(sorted((one, other)))

    def _records(self):
        balancers = {name: {"dns_name": f"alb.{name}.example", "zone_id": ""} for name in self.order}
        return [
            {
                "name": record["name"],
                "identifier": record["identifier"],
                "failover": record["failover"],
                "health_check_id": f"id-{record['check_name']}" if record["check_name"] else None,
                "target": record["target"],
            }
            for record in build_records(self.order, DOMAIN, "", balancers, PREFIX)
        ]

    def _checks(self):
        buckets = {name: f"control-{name}" for name in self.order}
        checks = configs_of(build_checks(self.order, buckets, PREFIX))
        for region in self.order:
            config = {"type": "HTTP", "fqdn": f"alb.{region}.example", "inverted": False}
            checks[f"endpoint-{region}"] = build_config(config)
        return checks

    @staticmethod
    def _permissions():
        return {
            "principal": arn_of("iam", "", "role/runner"),
            "simulated": [{"sid": "Move", "action": "rds:FailoverGlobalCluster", "decisions": {"arn": "allowed"}}],
            "errors": {},
        }

    def each(self, fact, change):
        """Change a fact of every region by a function of its value."""
        for facts in self.facts.values():
            change(facts[fact])
        return self

    def lose(self, region):
        """Let a region answer nothing, and the others' views stay."""
        self.facts[region] = {name: SILENT for name in self.facts[region]}
        self.copies[region] = SILENT
        return self

    def seen(self):
        def observed(facts):
            return {
                name: value if isinstance(value, Observation) else Observation(value) for name, value in facts.items()
            }

        facts = {region: Facts(region, observed(values)) for region, values in self.facts.items()}
        return Seen(
            manifest=self.manifest,
            manifest_region=WEST,
            copies=self.copies,
            facts=facts,
            shared=Facts("shared", observed(self.shared)),
            state=State(self.order, facts, self.traffic_region),
            regions=self.regions,
            expected=self.expected,
            limits=Limits(**self.limits),
            now=NOW,
        )

    def rows(self, check):
        """Return {region: (state, reason)} of one check; the worst row where a region has several."""
        rows = {}
        for finding in CHECKS[check](self.seen()):
            assert finding.reason.endswith("."), finding
            assert bool(finding.remedy) == (finding.state != "ok"), finding
            assert finding.state != "ok" or not finding.is_unknown
            if finding.region not in rows or finding.state != "ok":
                rows[finding.region] = (finding.state, finding.reason)
        return rows
