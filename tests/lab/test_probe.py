# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP probes: a request to a load balancer's or a hosted name through the lab's port."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from email.message import Message

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core import probe as ours
from lab.client import Lab
from tests.lab.stage import DOMAIN, Stage

EAST, WEST = "us-east-1", "us-east-2"


def probe(lab: Lab, name: str, timeout: float = 2.0) -> tuple[int, Message]:
    """(HTTP status, headers) of a GET through the lab as a forward proxy."""
    proxy = urllib.request.ProxyHandler({"http": lab.env()["LAB_PROBE_PROXY"]})
    try:
        with urllib.request.build_opener(proxy).open(f"http://{name}/health", timeout=timeout) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


def bare_status(lab: Lab, name: str) -> int:
    """The status that a request without a User-Agent gets."""
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=2)
    connection.request("GET", "/health", headers={"Host": name})
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_load_balancer_answers_while_it_has_a_healthy_target(stage: Stage) -> None:
    name = stage.balancers[EAST]["DNSName"]
    status, headers = probe(stage.lab, name)
    assert (status, headers["X-Lab-Load-Balancer"], headers["X-Lab-Region"]) == (200, f"alb-{EAST}", EAST)
    stage.lab.set_targets(EAST, "unhealthy", healthy=1)
    assert probe(stage.lab, name)[0] == 200
    stage.lab.set_targets(EAST, "unhealthy")
    assert probe(stage.lab, name)[0] == 503
    stage.deregister_all(EAST)
    stage.lab.set_targets(EAST, "healthy")
    assert probe(stage.lab, name)[0] == 503


def test_a_hosted_name_answers_as_the_load_balancer_it_leads_to(stage: Stage) -> None:
    stage.put(stage.failover("PRIMARY", EAST, evaluate=True), stage.failover("SECONDARY", WEST))
    assert probe(stage.lab, DOMAIN)[1]["X-Lab-Load-Balancer"] == f"alb-{EAST}"
    stage.lab.set_targets(EAST, "unhealthy")
    assert probe(stage.lab, DOMAIN)[1]["X-Lab-Load-Balancer"] == f"alb-{WEST}"


def test_the_host_header_is_enough(stage: Stage) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", stage.lab.port, timeout=2)
    connection.request("GET", "/anything", headers={"Host": stage.balancers[WEST]["DNSName"]})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["X-Lab-Load-Balancer"]) == (200, f"alb-{WEST}")
    connection.close()


@pytest.mark.parametrize(
    ("mode", "seen"), [("hang", TimeoutError), ("reset", (ConnectionError, urllib.error.URLError))]
)
def test_a_lost_regions_load_balancer_does_not_answer(stage: Stage, mode: str, seen) -> None:
    stage.lab.outage(EAST, mode)
    with pytest.raises(seen):
        probe(stage.lab, stage.balancers[EAST]["DNSName"], timeout=0.3)
    assert probe(stage.lab, stage.balancers[WEST]["DNSName"])[0] == 200


def test_a_region_that_answers_errors_has_no_healthy_target(stage: Stage) -> None:
    stage.lab.outage(EAST, "5xx")
    assert probe(stage.lab, stage.balancers[EAST]["DNSName"])[0] == 503


def test_a_name_the_lab_does_not_know_is_a_bad_gateway(stage: Stage) -> None:
    assert probe(stage.lab, "example.org")[0] == 502


def test_https_through_the_lab_is_refused_with_a_reason(stage: Stage) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", stage.lab.port, timeout=2)
    connection.request("CONNECT", f"{DOMAIN}:443")
    answer = connection.getresponse()
    assert answer.status == 501 and b"http://" in answer.read()
    connection.close()


def test_probes_are_not_api_calls(stage: Stage) -> None:
    probe(stage.lab, stage.balancers[EAST]["DNSName"])
    assert stage.lab.calls() == []


def test_a_web_acl_with_the_core_rules_blocks_who_does_not_say_who_it_is(stage: Stage) -> None:
    waf, name = stage.lab.client("wafv2", EAST), stage.balancers[EAST]["DNSName"]
    shown = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    group = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}}
    rule = {
        "Name": "core",
        "Priority": 1,
        "Statement": group,
        "OverrideAction": {"None": {}},
        "VisibilityConfig": shown,
    }
    acl = waf.create_web_acl(
        Name="acl", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=shown, Rules=[rule]
    )["Summary"]["ARN"]
    assert bare_status(stage.lab, name) == 200
    waf.associate_web_acl(WebACLArn=acl, ResourceArn=stage.balancers[EAST]["LoadBalancerArn"])
    assert bare_status(stage.lab, name) == 403
    assert ours.probe(name, "http", "/health", 2.0, proxy=stage.lab.env()["LAB_PROBE_PROXY"])["status"] == 200
