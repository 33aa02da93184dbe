# SPDX-License-Identifier: GPL-3.0-or-later
"""Routing controls of Amazon Application Recovery Controller: a cluster's five endpoints, panels, controls, rules.

Follows the models of route53-recovery-control-config (control plane, in us-west-2) and route53-recovery-cluster (data
plane), and the ARC Developer Guide, "Getting and updating routing control states" and "Safety rules". A lost region
takes its endpoint with it. Everything is deployed immediately; assertion rules only, without their waiting period.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from moto.core import DEFAULT_ACCOUNT_ID

from lab.faults import Answer, error_answer
from lab.request import ApiRequest
from lab.world import WORLD

SERVICES = ("route53-recovery-cluster", "route53-recovery-control-config")
# "AWS Region availability for Amazon Application Recovery Controller": the regions of every cluster's endpoints.
ENDPOINT_REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2", "ap-northeast-1")
ON, OFF = "On", "Off"


class Refusal(Exception):
    """An error answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass
class Cell:
    """Everything there is, by ARN; `states` of routing controls."""

    clusters: dict[str, dict[str, Any]] = field(default_factory=dict)
    panels: dict[str, dict[str, Any]] = field(default_factory=dict)
    controls: dict[str, dict[str, Any]] = field(default_factory=dict)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)

    def clear(self) -> None:
        for kept in (self.clusters, self.panels, self.controls, self.rules, self.states):
            kept.clear()


CELL = Cell()


def state_of(arn: str) -> tuple[bool, str]:
    """The health of a RECOVERY_CONTROL check: On is healthy ("Creating a routing control health check in ARC")."""
    state = CELL.states.get(arn)
    return state == ON, f"routing control {arn.rpartition('/')[2]} is {state or 'not there'}"


def answer(request: ApiRequest, environ: dict[str, Any], body: bytes) -> Answer:
    """The answer to a request of one of SERVICES. The caller holds the lock."""
    operation = OPERATIONS.get(request.operation)
    if operation is None:
        raise NotImplementedError
    path = urlsplit(environ.get("RAW_URI") or environ["PATH_INFO"]).path
    given = {**(json.loads(body) if body else {}), "arn": unquote(path.rpartition("/")[2])}
    try:
        found = operation(given, environ.get("HTTP_HOST", "127.0.0.1"))
    except Refusal as refusal:
        return error_answer(request, refusal.status, refusal.code, str(refusal))
    headers = [("Content-Type", "application/json"), ("x-amzn-RequestId", str(uuid4()))]
    return Answer(200, headers, json.dumps(found).encode())


def _get(kept: dict[str, dict[str, Any]], arn: str) -> dict[str, Any]:
    if arn not in kept:
        raise Refusal(404, "ResourceNotFoundException", f"There is no {arn}")
    return kept[arn]


def _arn(rest: str) -> str:
    return f"arn:aws:route53-recovery-control::{DEFAULT_ACCOUNT_ID}:{rest}/{uuid4().hex}"


def create_cluster(given: dict[str, Any], _host: str) -> dict[str, Any]:
    arn = _arn("cluster")
    CELL.clusters[arn] = {"ClusterArn": arn, "Name": given["ClusterName"], "Status": "DEPLOYED"}
    return describe_cluster({"arn": arn}, _host)


def describe_cluster(given: dict[str, Any], host: str) -> dict[str, Any]:
    """Loopback has one address; a request's region is the one it is signed for, as everywhere in the lab."""
    cluster = _get(CELL.clusters, given["arn"])
    name = cluster["ClusterArn"].rpartition("/")[2][:8]
    places = [{"Region": region, "Endpoint": f"http://{host}/{name}/{region}"} for region in ENDPOINT_REGIONS]
    return {"Cluster": {**cluster, "ClusterEndpoints": places}}


def create_control_panel(given: dict[str, Any], _host: str) -> dict[str, Any]:
    _get(CELL.clusters, given["ClusterArn"])
    arn = _arn("controlpanel")
    names = {"ClusterArn": given["ClusterArn"], "Name": given["ControlPanelName"]}
    CELL.panels[arn] = {**names, "ControlPanelArn": arn, "DefaultControlPanel": False, "Status": "DEPLOYED"}
    return {"ControlPanel": CELL.panels[arn]}


def create_routing_control(given: dict[str, Any], _host: str) -> dict[str, Any]:
    """A new control is Off."""
    panel = given["ControlPanelArn"]
    _get(CELL.panels, panel)
    arn = f"{panel}/routingcontrol/{uuid4().hex[:16]}"
    names = {"ControlPanelArn": panel, "Name": given["RoutingControlName"]}
    CELL.controls[arn] = {**names, "RoutingControlArn": arn, "Status": "DEPLOYED"}
    CELL.states[arn] = OFF
    return {"RoutingControl": CELL.controls[arn]}


def create_safety_rule(given: dict[str, Any], _host: str) -> dict[str, Any]:
    if "AssertionRule" not in given:
        raise NotImplementedError
    rule = given["AssertionRule"]
    _get(CELL.panels, rule["ControlPanelArn"])
    arn = f"{rule['ControlPanelArn']}/safetyrule/{uuid4().hex[:16]}"
    CELL.rules[arn] = {**rule, "SafetyRuleArn": arn, "Status": "DEPLOYED"}
    return {"AssertionRule": CELL.rules[arn]}


def get_routing_control_state(given: dict[str, Any], _host: str) -> dict[str, Any]:
    return _shown(_get(CELL.controls, given["RoutingControlArn"]))


def list_routing_controls(given: dict[str, Any], _host: str) -> dict[str, Any]:
    panel = given.get("ControlPanelArn")
    found = [one for one in CELL.controls.values() if panel in (None, one["ControlPanelArn"])]
    return {"RoutingControls": [_shown(one) for one in found]}


def _shown(control: dict[str, Any]) -> dict[str, Any]:
    arn = control["RoutingControlArn"]
    return {"RoutingControlArn": arn, "RoutingControlName": control["Name"], "RoutingControlState": CELL.states[arn]}


def update_routing_control_state(given: dict[str, Any], _host: str) -> dict[str, Any]:
    return update_routing_control_states({**given, "UpdateRoutingControlStateEntries": [given]}, _host)


def update_routing_control_states(given: dict[str, Any], _host: str) -> dict[str, Any]:
    """All or nothing, within one panel, unless an assertion about the resulting state forbids it."""
    entries = {
        one["RoutingControlArn"]: one["RoutingControlState"] for one in given["UpdateRoutingControlStateEntries"]
    }
    panels = {_get(CELL.controls, arn)["ControlPanelArn"] for arn in entries}
    if len(panels) > 1:
        raise Refusal(400, "ValidationException", "The routing controls are not all in one control panel")
    after = {**CELL.states, **entries}
    for arn, rule in CELL.rules.items():
        is_asked = not set(rule["AssertedControls"]).isdisjoint(entries) and arn not in (
            given.get("SafetyRulesToOverride") or ()
        )
        if is_asked and not _holds(rule, after):
            raise Refusal(409, "ConflictException", f"The update violates the safety rule {rule['Name']} ({arn}).")
    CELL.states.update(entries)
    return {}


def _holds(rule: dict[str, Any], states: dict[str, str]) -> bool:
    """API, RuleConfig: ATLEAST Threshold, AND or OR of the controls that are On, or the opposite of that."""
    config, on = rule["RuleConfig"], [states[arn] == ON for arn in rule["AssertedControls"]]
    found = {"ATLEAST": sum(on) >= config["Threshold"], "AND": all(on), "OR": any(on)}[config["Type"]]
    return found != config["Inverted"]


OPERATIONS = {
    "CreateCluster": create_cluster,
    "DescribeCluster": describe_cluster,
    "CreateControlPanel": create_control_panel,
    "DescribeControlPanel": lambda given, _host: {"ControlPanel": _get(CELL.panels, given["arn"])},
    "CreateRoutingControl": create_routing_control,
    "DescribeRoutingControl": lambda given, _host: {"RoutingControl": _get(CELL.controls, given["arn"])},
    "CreateSafetyRule": create_safety_rule,
    "GetRoutingControlState": get_routing_control_state,
    "ListRoutingControls": list_routing_controls,
    "UpdateRoutingControlState": update_routing_control_state,
    "UpdateRoutingControlStates": update_routing_control_states,
}


def install() -> None:
    WORLD.reset_hooks.append(CELL.clear)
