# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A stage whose name follows the traffic switch, and our modules run in this process; one class for each backend."""

from __future__ import annotations

import importlib
import json
import time
from typing import Any, NamedTuple

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.trading.multi_region.plugins.module_utils._traffic import checks_and_records as checks
from tests.lab.stage import DOMAIN, Stage, wait

EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
MODULES = "ansible_collections.trading.multi_region.plugins.modules"
# What a switch of 10 s times 3, or of a period of 60 s, takes at the stage's scale, and a margin.
MOVED_WITHIN = 5.0


class Made(NamedTuple):
    """Ids of health checks by name, and of those that count no others."""

    ids: dict[str, str]
    leaves: list[str]


class Platform:
    """Backend s3_object."""

    backend = checks.S3_OBJECT
    # Seconds, longer than its switch takes: what has not moved by then stays.
    long_enough = 0.5

    def __init__(self, stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
        self.stage, self.lab, self.capsys = stage, stage.lab, capsys

    def build(self) -> Platform:
        """Make what the checks read, the checks with our module, and the records."""
        self.prepare()
        self.build_records(self.build_checks())
        assert self.leads_to(self.stage.regions[0])
        return self

    def build_checks(self) -> Made:
        """Make the checks with our module."""
        ids: dict[str, str] = {}
        for check in self.checks():
            options = {name: value for name, value in check.items() if name not in ("tier", "child_names")}
            if "child_names" in check:
                options["child_health_checks"] = [ids[child] for child in check["child_names"]]
            ids[check["name"]] = self.run("route53_health_check", region=EAST, **options)["health_check_id"]
        return Made(ids, [ids[check["name"]] for check in self.checks() if "child_names" not in check])

    def build_records(self, made: Made) -> None:
        """Make the records, in the order in which the role does."""
        zone = self.stage.zone_id.rpartition("/")[2]
        targets = {
            region: {"dns_name": one["DNSName"], "zone_id": one["CanonicalHostedZoneId"]}
            for region, one in self.stage.balancers.items()
        }
        for record in checks.build_records(self.stage.regions, DOMAIN, zone, targets, backend=self.backend):
            self.stage.put(self._record(record, made.ids))

    def prepare(self) -> None:
        """Make what the checks read, beyond the stage."""

    def checks(self) -> list[dict[str, Any]]:
        """The health checks, children first."""
        return checks.build_checks(self.stage.regions, {region: Stage.bucket(region) for region in self.stage.regions})

    def options(self) -> dict[str, Any]:
        """The backend's own options of region_traffic."""
        return {"regions": [{"region": region, "bucket": Stage.bucket(region)} for region in self.stage.regions]}

    @staticmethod
    def _record(record: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
        target = {"HostedZoneId": record["target_zone_id"], "DNSName": record["target"], "EvaluateTargetHealth": False}
        checked = {"HealthCheckId": ids[record["check_name"]]} if record["check_name"] else {}
        return {
            "Name": record["name"],
            "Type": "A",
            "SetIdentifier": record["identifier"],
            "Failover": record["failover"],
            "AliasTarget": target,
            **checked,
        }

    def on(self, stage: Stage) -> Platform:
        """The same platform in a copy of its lab."""
        return type(self)(stage, self.capsys)

    def run(self, module: str, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
        """Run a module of ours; its JSON."""
        loaded = importlib.import_module(f"{MODULES}.{module}")
        self.capsys.readouterr()
        with patch_module_args({**arguments, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
            loaded.main()
        return json.loads(self.capsys.readouterr().out)

    def traffic(self, active_region: str | None = None, **options: Any) -> dict[str, Any]:
        """Move the switch, or update regions that missed a move."""
        given = {"backend": self.backend, **self.options(), **options}
        return self.run("region_traffic", region=EAST, active_region=active_region, **given)

    def outside(self, **options: Any) -> dict[str, Any]:
        """Resolve the name as a client does."""
        balancers = {region: one["DNSName"] for region, one in self.stage.balancers.items()}
        env = self.lab.env()
        servers, proxy = [env["LAB_DNS_SERVER"]], env["LAB_PROBE_PROXY"]
        asked = {"domain": DOMAIN, "load_balancers": balancers, "dns_servers": servers, **options}
        return self.run("region_traffic_info", region=EAST, probe_path="/health", probe_proxy=proxy, **asked)

    def leads_to(self, region: str) -> bool:
        """Whether the name leads to the region soon, and still does after longer than a switch takes."""
        wait(lambda: self.stage.region(), lambda now: now == region, MOVED_WITHIN)
        until = time.monotonic() + self.long_enough
        while time.monotonic() < until:
            if self.stage.region() != region:
                return False
            time.sleep(0.02)
        return True

    def said(self, region: str) -> str | None:
        """The text of a region's object, None where there is none."""
        s3 = self.lab.client("s3", region)
        if not s3.list_objects_v2(Bucket=Stage.bucket(region)).get("Contents"):
            return None
        return s3.get_object(Bucket=Stage.bucket(region), Key="active-region")["Body"].read().decode()


class MetricPlatform(Platform):
    """Backend cloudwatch_metric."""

    backend = checks.CLOUDWATCH_METRIC

    def prepare(self) -> None:
        for region in self.stage.regions:
            for alarm in checks.statement_alarms(region, self.stage.regions):
                self.lab.client("cloudwatch", region).put_metric_alarm(
                    AlarmName=alarm["name"],
                    Namespace=alarm["namespace"],
                    MetricName=alarm["metric"],
                    Dimensions=[{"Name": name, "Value": value} for name, value in alarm["dimensions"].items()],
                    Statistic=alarm["statistic"],
                    Period=alarm["period"],
                    EvaluationPeriods=alarm["evaluation_periods"],
                    Threshold=alarm["threshold"],
                    ComparisonOperator=alarm["comparison"],
                    TreatMissingData=alarm["treat_missing_data"],
                )

    def checks(self) -> list[dict[str, Any]]:
        return checks.build_metric_checks(self.stage.regions)

    def options(self) -> dict[str, Any]:
        return {"platform": "switch", "regions": [{"region": region} for region in self.stage.regions]}


class ControlPlatform(Platform):
    """Backend arc_routing_control, on a cluster with a rule that one control at least stays On."""

    backend = checks.ARC_ROUTING_CONTROL
    long_enough = 0.05

    def prepare(self) -> None:
        config = self.lab.client("route53-recovery-control-config", "us-west-2")
        cluster = config.create_cluster(ClusterName="cluster")["Cluster"]["ClusterArn"]
        # The addresses of the endpoints are those of the called lab, and this one may be a copy.
        self.endpoints = [
            {"region": place["Region"], "endpoint": place["Endpoint"]}
            for place in config.describe_cluster(ClusterArn=cluster)["Cluster"]["ClusterEndpoints"]
        ]
        made = config.create_control_panel(ClusterArn=cluster, ControlPanelName="panel")
        panel = made["ControlPanel"]["ControlPanelArn"]
        self.controls = {
            region: config.create_routing_control(ClusterArn=cluster, ControlPanelArn=panel, RoutingControlName=region)[
                "RoutingControl"
            ]["RoutingControlArn"]
            for region in self.stage.regions
        }
        self.traffic(EAST)
        self.rule = config.create_safety_rule(
            AssertionRule={
                "AssertedControls": list(self.controls.values()),
                "ControlPanelArn": panel,
                "Name": "one-at-least",
                "RuleConfig": {"Type": "ATLEAST", "Threshold": 1, "Inverted": False},
                "WaitPeriodMs": 5000,
            }
        )["AssertionRule"]["SafetyRuleArn"]

    def checks(self) -> list[dict[str, Any]]:
        return checks.build_control_checks(self.stage.regions, self.controls)

    def options(self) -> dict[str, Any]:
        return {
            "regions": [{"region": region, "routing_control_arn": arn} for region, arn in self.controls.items()],
            "cluster_endpoints": self.endpoints,
        }


class DialPlatform(Platform):
    """Backend global_accelerator: an accelerator of our module, and an alias of it."""

    backend = checks.GLOBAL_ACCELERATOR
    long_enough = 0.2

    def prepare(self) -> None:
        self.edge = self.accelerate()["accelerator"]

    def accelerate(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        """Run our module as the role does."""
        groups = [
            {"region": region, "endpoint_arn": one["LoadBalancerArn"]} for region, one in self.stage.balancers.items()
        ]
        given = {"name": "switch", "ports": [80], "endpoint_groups": groups, "initial_region": EAST, "tags": {"a": "b"}}
        return self.run("global_accelerator", check_mode, **{**given, **options})

    def checks(self) -> list[dict[str, Any]]:
        return []

    def build_records(self, made: Made) -> None:
        target = {"HostedZoneId": "Z2BJ6XQ5FK7U4H", "DNSName": self.edge["dns_name"], "EvaluateTargetHealth": False}
        self.stage.put({"Name": DOMAIN, "Type": "A", "AliasTarget": target})

    def options(self) -> dict[str, Any]:
        groups = self.edge["endpoint_groups"]
        return {"regions": [{"region": region, "endpoint_group_arn": arn} for region, arn in groups.items()]}

    def leads_to(self, region: str) -> bool:
        """Whether it does once the last change is deployed: a move is two, and clients are divided between them."""
        api = self.lab.client("globalaccelerator", "us-west-2")
        wait(
            lambda: api.describe_accelerator(AcceleratorArn=self.edge["arn"])["Accelerator"]["Status"],
            lambda status: status == "DEPLOYED",
            MOVED_WITHIN,
        )
        return super().leads_to(region)

    def accelerator(self) -> dict[str, Any]:
        """The manifest's member, and the option of region_traffic_info."""
        return {name: self.edge[name] for name in ("arn", "dns_name", "addresses", "endpoint_groups")}

    def on(self, stage: Stage) -> Platform:
        copy = DialPlatform(stage, self.capsys)
        copy.edge = self.edge
        return copy

    def dials(self) -> dict[str, float]:
        """As AWS shows them."""
        api = self.lab.client("globalaccelerator", "us-west-2")
        return {
            region: api.describe_endpoint_group(EndpointGroupArn=arn)["EndpointGroup"]["TrafficDialPercentage"]
            for region, arn in self.edge["endpoint_groups"].items()
        }
