# SPDX-License-Identifier: GPL-3.0-or-later
"""The check inside AWS: its package alone in a process of its own, with the rights of its role, against a lab."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer

import pytest

from ansible_collections.trading.multi_region.plugins.lookup.lambda_package import COLLECTION, read
from ansible_collections.trading.multi_region.plugins.plugin_utils.lambda_package import build_package, collect
from tests.integration.authorization_reference import objections
from tests.integration.aws import TABLE, Listener, control_item, messages, wait_for_checkers
from tests.integration.permissions import Runner, gaps, statements_in, with_policy
from tests.integration.platforms import TOP, Platform

# Every day: its decisions (tests/unit/plugins/module_utils/_cloud_trigger), and how it asks (tests/lab).
pytestmark = pytest.mark.nightly

EAST, WEST = "us-east-1", "us-east-2"
NAME, SECRET, COUNT = "trading-trigger-dev", "trading-controller-dev", "automation#cloud_trigger"
HANDLER = f"{COLLECTION}.plugins.module_utils._cloud_trigger.handler.handler"
WANTED = {"cloud_trigger_enabled": True, "cloud_trigger_webhook_secret": SECRET}
ON = ("--tags", "cloud_trigger", "-e", json.dumps(WANTED))
OFF = ("--tags", "cloud_trigger")


@pytest.fixture(scope="module")
def provisioned(platforms) -> Iterator[Platform]:
    platform = platforms.copy(EAST, WEST)
    platform.run("site", *ON).ends_well()
    yield platform
    platform.lab.stop()


@pytest.fixture
def watched(provisioned, tmp_path) -> Iterator[Platform]:
    """A platform with the check, to break."""
    lab = provisioned.lab.fork(tmp_path / "lab")
    yield replace(provisioned, lab=lab)
    lab.stop()


class Controller(TCPServer):
    """A webhook on loopback that writes down what it was sent."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.calls.append((self.headers["Authorization"], body["extra_vars"]))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_words):
            pass

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self.Answer)
        self.calls: list[tuple[str, dict]] = []


@pytest.fixture
def controller() -> Iterator[Controller]:
    with Controller() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def task(provisioned, tmp_path_factory) -> Path:
    """The package that Lambda has, unpacked in an empty directory."""
    folder = tmp_path_factory.mktemp("task")
    package = build_package(collect(read, HANDLER.rpartition(".")[0], COLLECTION))
    function = provisioned.lab.client("lambda", WEST).get_function(FunctionName=NAME)["Configuration"]
    assert function["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode(), (
        "packed here it differs"
    )
    zipfile.ZipFile(io.BytesIO(package)).extractall(folder)
    return folder


@dataclass
class Function:
    """The functions of a platform, run as Lambda runs them, with the rights of their role."""

    platform: Platform
    task: Path
    runner: Runner
    calls: list[dict] = field(default_factory=list)

    def invoke(self, region: str) -> dict:
        function = self.platform.lab.client("lambda", region).get_function(FunctionName=NAME)["Configuration"]
        environment = {**self.runner.platform.lab.env(), **function["Environment"]["Variables"], "AWS_REGION": region}
        began = time.time()
        done = subprocess.run(
            [sys.executable, "-I", TOP / "tests/lambda_runtime.py", self.task, function["Handler"]],
            cwd=self.task,
            env=environment,
            capture_output=True,
            text=True,
            timeout=function["Timeout"],
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.calls += self.platform.lab.calls(began)
        assert "AccessDenied" not in done.stdout
        return json.loads(done.stdout)

    def minutes(self, region: str, count: int) -> list[str]:
        """The actions of so many runs, a minute apart."""
        actions = []
        for _run in range(count):
            actions.append(self.invoke(region)["action"])
            self._let_a_minute_pass()
        return actions

    def _let_a_minute_pass(self) -> None:
        found = control_item(self.platform.lab, WEST, COUNT)
        if not found:
            return
        document = json.loads(found["document"])
        document["counted_at"] -= 60
        for region in set(self.platform.regions) - set(self.platform.lab.state()["outages"]):
            self.platform.lab.client("dynamodb", region).update_item(
                TableName=TABLE,
                Key={"id": {"S": COUNT}},
                UpdateExpression="SET document = :document",
                ExpressionAttributeValues={":document": {"S": json.dumps(document)}},
            )


@pytest.fixture
def function(watched, task, controller) -> Function:
    text = json.dumps({"url": f"http://127.0.0.1:{controller.server_address[1]}/launch/", "token": "t0ken"})
    for region in watched.regions:
        watched.lab.client("secretsmanager", region).create_secret(Name=SECRET, SecretString=text)
    return Function(watched, task, with_policy(watched, NAME))


def test_an_outage_is_reported_and_asks_the_controller_once(function, controller):
    lab = function.platform.lab
    listener = Listener(lab, WEST)
    lab.outage(EAST, "reset")
    wait_for_checkers(lab, WEST, EAST)
    assert function.minutes(WEST, 4) == ["alert", "none", "requested", "failover"]
    ((authorization, asked),) = controller.calls
    assert authorization == "Bearer t0ken"
    assert (asked["move_method"], asked["expected_active_region"]) == ("failover", EAST)
    received = listener.heard()
    assert [message["event"] for message in received] == ["cloud_trigger_alert", "cloud_trigger_requested"]
    assert received[0]["Subject"] == "trading dev: us-east-1 down, us-east-2 healthy"
    assert "t0ken" not in json.dumps(received)
    assert gaps("cloud-trigger", function.runner.documents, function.calls) == []
    assert list(objections(statements_in(function.runner.documents))) == []


def test_where_both_regions_are_unhealthy_operators_are_notified_once_and_no_controller_is_called(function, controller):
    lab = function.platform.lab
    listener = Listener(lab, WEST)
    for region in (EAST, WEST):
        lab.set_targets(region, "unhealthy")
    wait_for_checkers(lab, WEST, EAST, WEST)
    assert function.minutes(WEST, 3) == ["critical", "critical", "critical"]
    (message,) = listener.heard()
    assert message["event"] == "cloud_trigger_critical" and message["Subject"].startswith("CRITICAL trading dev")
    assert controller.calls == []


def test_a_healthy_platform_is_left_alone(function, controller):
    assert function.minutes(WEST, 2) == ["none", "none"]
    assert controller.calls == [] and messages(function.platform.lab, WEST) == []


def test_in_the_active_region_it_does_nothing(function, controller):
    lab = function.platform.lab
    lab.set_targets(EAST, "unhealthy")
    done = function.invoke(EAST)
    assert (done["action"], done["active_region"]) == ("none", EAST)
    assert controller.calls == [] and messages(lab, EAST) == []
    assert control_item(lab, EAST, COUNT) is None


def left(platform: Platform) -> list[str]:
    """What of the check is there."""
    found = []
    for region in platform.regions:
        client = platform.lab.client
        found += [one["FunctionName"] for one in client("lambda", region).list_functions()["Functions"]]
        found += [one["Name"] for one in client("events", region).list_rules()["Rules"]]
        found += [one["logGroupName"] for one in client("logs", region).describe_log_groups()["logGroups"]]
        alarms = client("cloudwatch", region).describe_alarms()["MetricAlarms"]
        found += [one["AlarmName"] for one in alarms if "cloud-trigger" in one["AlarmName"]]
    iam = platform.lab.client("iam")
    names = [one["RoleName"] for one in iam.list_roles()["Roles"]]
    names += [one["PolicyName"] for one in iam.list_policies(Scope="Local")["Policies"]]
    return [name for name in found if "/aws/rds/" not in name] + [name for name in names if name.startswith(NAME)]


def test_a_second_run_changes_nothing_and_switched_off_nothing_is_left(watched):
    assert len(left(watched)) == 2 * (1 + 1 + 1 + 2) + 2
    assert set(watched.run("site", *ON).ends_well().changed.values()) == {0}
    watched.run("site", *OFF).ends_well()
    assert left(watched) == []
    began = time.time()
    assert set(watched.run("site", *OFF).ends_well().changed.values()) == {0}
    assert [call["operation"] for call in watched.lab.calls(began) if call["mutating"]] == []


# Where a private controller is: none of the platform's regions.
AWAY, ACCOUNT = "us-west-2", "123456789012"
QUEUE = f"arn:aws:sqs:{AWAY}:{ACCOUNT}:failover"
BUS = f"arn:aws:events:{AWAY}:{ACCOUNT}:event-bus/failover"


def networks(platform: Platform) -> dict[str, dict[str, list[str]]]:
    """A subnet and a security group of each region's own network, as variables of its host."""
    found = {}
    for region in platform.regions:
        ec2 = platform.lab.client("ec2", region)
        (subnet, *_others) = ec2.describe_subnets(Filters=[{"Name": "tag:Tier", "Values": ["private"]}])["Subnets"]
        groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [subnet["VpcId"]]}])
        (group, *_more) = [one["GroupId"] for one in groups["SecurityGroups"] if one["GroupName"] != "default"]
        found[region] = {"subnets": [subnet["SubnetId"]], "groups": [group]}
    return found


@pytest.mark.parametrize(
    "way", [{"cloud_trigger_queue_arn": QUEUE}, {"cloud_trigger_event_bus_arn": BUS}], ids=["queue", "bus"]
)
def test_in_a_vpc_it_asks_a_private_controller_with_no_right_more(watched, task, way):
    lab, network = watched.lab, networks(watched)
    url = lab.client("sqs", AWAY).create_queue(QueueName="failover")["QueueUrl"]
    events = lab.client("events", AWAY)
    events.create_event_bus(Name="failover")
    events.put_rule(Name="all", EventBusName="failover", EventPattern=json.dumps({"source": ["trading.multi_region"]}))
    events.put_targets(Rule="all", EventBusName="failover", Targets=[{"Id": "queue", "Arn": QUEUE}])
    given = {
        "cloud_trigger_enabled": True,
        "networks": network,
        "cloud_trigger_subnet_ids": "{{ networks[aws_region].subnets | default([]) }}",
        "cloud_trigger_security_group_ids": "{{ networks[aws_region].groups | default([]) }}",
        **way,
    }
    options = ("--tags", "cloud_trigger", "-e", json.dumps(given))
    watched.run("site", *options).ends_well()
    assert set(watched.run("site", *options).ends_well().changed.values()) == {0}
    for region in watched.regions:
        shown = lab.client("lambda", region).get_function(FunctionName=NAME)["Configuration"]["VpcConfig"]
        assert (shown["SubnetIds"], shown["SecurityGroupIds"]) == tuple(network[region].values())
    function = Function(watched, task, with_policy(watched, NAME))
    assert list(objections(statements_in(function.runner.documents))) == []
    lab.outage(EAST, "reset")
    wait_for_checkers(lab, WEST, EAST)
    assert function.minutes(WEST, 4) == ["alert", "none", "requested", "failover"]
    messages_sent = lab.client("sqs", AWAY).receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    (body,) = (json.loads(one["Body"]) for one in messages_sent)
    asked = body.get("detail", body)["extra_vars"]
    assert (asked["move_method"], asked["expected_active_region"]) == ("failover", EAST)
