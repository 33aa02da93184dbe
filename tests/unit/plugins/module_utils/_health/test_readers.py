# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Readers: what they make of AWS's answers, and a probe that is a client like any other."""

from __future__ import annotations

import http.server
import threading

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._health import readers as signals
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.failover_fakes import (
    EAST,
    WEST,
    FakePlatform,
    arn_of,
)


@pytest.fixture
def aws():
    return FakePlatform()


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Answers with the status in its path and keeps what it was asked."""

    seen = []

    def do_GET(self):
        self.seen.append((self.path, self.headers["Host"]))
        self.send_response(int(self.path.rsplit("/", 1)[1]))
        self.end_headers()

    def log_message(self, *_args):
        """Say nothing."""


@pytest.fixture
def endpoint():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Endpoint.seen.clear()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_draining_targets_are_no_longer_registered(aws):
    states = ["healthy", "draining", "initial", "unused"]
    aws.describe_target_health = lambda region, **_: {
        "TargetHealthDescriptions": [{"TargetHealth": {"State": state}} for state in states]
    }
    found = signals.describe_targets(aws.clients("elbv2", WEST), "tg")
    assert (found["registered"], found["healthy"]) == (3, 1)


def test_what_does_not_exist_is_none_and_not_an_error(aws):
    aws.fail("describe_target_health", aws_error("TargetGroupNotFound"))
    aws.fail("describe_db_clusters", aws_error("DBClusterNotFoundFault"))
    aws.fail("describe_table", aws_error("ResourceNotFoundException"))
    assert signals.describe_targets(aws.clients("elbv2", WEST), "tg") is None
    assert signals.describe_cluster(aws.clients("rds", WEST), "c") is None
    assert signals.describe_session_table(aws.clients("dynamodb", WEST), "t") is None
    assert signals.get_statements(aws.clients("s3", WEST), "bucket", "key") is None
    assert signals.describe_group(aws.clients("autoscaling", WEST), "nope") is None
    assert signals.describe_global_cluster(aws.clients("rds", WEST), "another") is None


def test_an_operation_under_way_is_read_with_its_regions(aws):
    state = {
        "Status": "failing-over",
        "FromDbClusterArn": arn_of("rds", EAST, "cluster:a"),
        "ToDbClusterArn": arn_of("rds", WEST, "cluster:b"),
        "IsDataLossAllowed": True,
    }
    cluster = {"GlobalClusterIdentifier": "g", "GlobalClusterMembers": [], "FailoverState": state}
    aws.describe_global_clusters = lambda region, **_: {"GlobalClusters": [cluster]}
    found = signals.describe_global_cluster(aws.clients("rds", WEST), "g")["failover"]
    assert (found["status"], found["from_region"], found["to_region"]) == ("failing-over", EAST, WEST)


def test_statements_are_found_whatever_stands_around_them(aws):
    aws.objects["control"] = "[b claims over a]\r\nnonsense\n[a yields to b]"
    assert signals.get_statements(aws.clients("s3", WEST), "control", "k") == ["[a yields to b]", "[b claims over a]"]


@pytest.mark.parametrize("arn, region", [(arn_of("rds", EAST, "cluster:a"), EAST), ("", None), (None, None)])
def test_the_region_of_an_arn(arn, region):
    assert signals.region_of(arn) == region


@pytest.mark.parametrize("status", [200, 302, 503])
def test_a_probe_reports_the_answer_and_follows_no_redirect(endpoint, status):
    assert signals.probe(endpoint, "http", f"/health/{status}", 5)["status"] == status
    assert Endpoint.seen == [(f"/health/{status}", endpoint)]


def test_a_probe_through_a_proxy_names_the_endpoint(endpoint):
    found = signals.probe("alb.example", "http", "/200", 5, name="www.example", proxy=f"http://{endpoint}")
    assert found["status"] == 200
    assert Endpoint.seen == [("http://alb.example/200", "alb.example")]


def test_a_probe_of_an_address_asks_for_the_name(endpoint):
    assert signals.probe(endpoint, "http", "/200", 5, name="www.example")["status"] == 200
    assert Endpoint.seen == [("/200", "www.example")]


def test_a_probe_that_meets_nobody_raises():
    with pytest.raises(OSError):
        signals.probe("127.0.0.1:9", "http", "/", 1)
