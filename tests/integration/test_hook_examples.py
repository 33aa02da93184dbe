# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped examples of hooks, as a move runs them: those that ask by HTTP, and those that call AWS, in the lab."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.integration.platforms import TOP, run_playbook

REGION = "us-east-2"
EXAMPLES = TOP / "playbooks/tasks/hooks"


class Server(ThreadingHTTPServer):
    """Answers as an order gateway, an application, PagerDuty and ServiceNow do, and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.requests: list[tuple[str, str, dict]] = []
        self.open_orders = 2
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.command, self.path, json.loads(body) if body else {}))
        status = {"/v2/enqueue": 202, "/api/now/table/incident": 201}.get(self.path, 200)
        sent = json.dumps({"open_orders": self.server.open_orders}).encode()
        if self.path == "/status":
            self.server.open_orders = max(0, self.server.open_orders - 1)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST = answer

    def log_message(self, *_words) -> None:
        pass


@pytest.fixture
def server():
    server = Server()
    yield server
    server.shutdown()


def hook(file: str, moment: str, **more) -> dict:
    own = {"region": REGION, "source_region": "us-east-1", "target_region": REGION, "run_id": "run-1", "attempt": 1}
    given = {"method": "failover", "message": "It is stuck.", **own, **more}
    name = f"{file.removesuffix('.yml')}_{moment}"
    options = {"name": name, "moment": moment, "file": str(EXAMPLES / file), "time_limit_seconds": 60}
    return {"trading.multi_region.failover_hook": {**options, "required": True, "variables": given}}


def play(folder: Path, *tasks: dict) -> Path:
    """A playbook that runs hooks as a move does."""
    file = folder / "hooks.yml"
    named = [{"name": "Run a hook", **task} for task in tasks]
    file.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": named}]))
    return file


@pytest.mark.nightly
def test_the_examples_by_http_drain_test_and_report(server, tmp_path):
    variables = {
        "hook_gateway_url": server.url,
        "hook_gateway_token": "token-of-the-gateway",
        "hook_pagerduty_url": f"{server.url}/v2/enqueue",
        "hook_pagerduty_routing_key": "key-of-the-service",
        "hook_servicenow_url": server.url,
        "hook_servicenow_user": "ann",
        "hook_servicenow_password": "password-of-ann",
    }
    address = server.url.removeprefix("http://")
    traffic = {"scheme": "http", "domain": "trading.example.com", "health_path": "/health"}
    file = play(
        tmp_path,
        hook("drain_gateway.yml", "before_promotion"),
        hook("smoke_test.yml", "before_traffic", traffic=traffic, resources={"load_balancer_dns_name": address}),
        hook("incident.yml", "on_failure"),
    )
    run = run_playbook(file, "-e", json.dumps(variables), lab=None).ends_well()
    asked = [(method, path) for method, path, _body in server.requests]
    assert asked == [
        ("POST", "/drain"),
        *[("GET", "/status")] * 3,
        ("GET", "/health"),
        ("POST", "/v2/enqueue"),
        ("POST", "/api/now/table/incident"),
    ]
    event, incident = (body for _method, _path, body in server.requests[-2:])
    assert (event["event_action"], event["dedup_key"], event["payload"]["severity"]) == ("trigger", "run-1", "critical")
    assert event["payload"]["summary"].endswith("failover us-east-1 to us-east-2, on_failure. It is stuck.")
    assert incident["correlation_id"] == "run-1" and "It is stuck." in incident["short_description"]
    for secret in ("token-of-the-gateway", "key-of-the-service", "password-of-ann"):
        assert secret not in run.output


def code() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): pass")
    return file.getvalue()


@pytest.mark.nightly
def test_the_examples_that_call_aws_do_so_in_the_region_of_the_hook(platform, tmp_path):
    queue_url = platform.lab.client("sqs", REGION).create_queue(QueueName="orders")["QueueUrl"]
    attributes = platform.lab.client("sqs", REGION).get_queue_attributes(
        QueueUrl=queue_url, AttributeNames=["QueueArn"]
    )
    arn = attributes["Attributes"]["QueueArn"]
    role = platform.lab.client("iam").create_role(RoleName="orders", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    functions = platform.lab.client("lambda", REGION)
    given = {"Runtime": "python3.12", "Handler": "app.handler", "Code": {"ZipFile": code()}, "Role": role}
    functions.create_function(FunctionName="orders", **given)
    mapping = functions.create_event_source_mapping(FunctionName="orders", EventSourceArn=arn, BatchSize=7)["UUID"]
    variables = {
        "hook_lambda_sources": [
            {"function": "orders", "event_source": "sqs", "source_arn": arn.replace(REGION, "{region}")}
        ],
        "hook_ssm_parameters": {"commands": ["systemctl stop gateway"]},
        "hook_ssm_targets": [{"Key": "tag:Environment", "Values": ["dev"]}],
    }

    def run(*tasks: dict):
        return platform.run(play(tmp_path, *tasks), "-e", json.dumps(variables))

    run(hook("lambda_sources.yml", "before_promotion"), hook("ssm_command.yml", "before_promotion")).ends_well()
    found = functions.get_event_source_mapping(UUID=mapping)
    assert (found["State"], found["BatchSize"]) == ("Disabled", 7), "nothing else of the mapping is changed"
    (command,) = platform.lab.client("ssm", REGION).list_commands()["Commands"]
    assert command["Parameters"] == variables["hook_ssm_parameters"] and command["TargetCount"] > 0

    variables["hook_ssm_targets"][0]["Values"] = ["nothing"]
    nowhere = run(hook("ssm_command.yml", "before_promotion"))
    assert nowhere.code != 0 and "0 instances" in nowhere.output
    run(hook("lambda_sources.yml", "after_traffic")).ends_well()
    assert functions.get_event_source_mapping(UUID=mapping)["State"] == "Enabled"


@pytest.mark.nightly
def test_a_move_waits_for_the_answer_of_a_person(platform, tmp_path):
    answers = ("-e", "run_id=run-1", "-e", f"region={REGION}")
    question = TOP / "extensions/hooks/approve.yml"
    odd = platform.run(question, *answers, "-e", "hook=x", "-e", "answer=perhaps")
    assert odd.code != 0 and "allowed: approve or reject." in odd.output

    def approve(_process: int) -> None:
        while not any(call["operation"] == "GetParameter" for call in platform.lab.calls() if call["time"] > began):
            time.sleep(0.5)
        platform.run(question, *answers, "-e", "hook=approval_before_traffic", "-e", "answer=approve").ends_well()

    began = time.time()
    platform.run(question, *answers, "-e", "hook=approval_after_traffic", "-e", "answer=reject").ends_well()
    run = platform.run(
        play(tmp_path, hook("approval.yml", "before_traffic"), hook("approval.yml", "after_traffic")), meanwhile=approve
    )
    assert run.code != 0 and "The answer is reject; allowed: approve, to go on." in run.output
    assert "hook=approval_before_traffic" in run.output, "the output says how to answer"
    unanswered = hook("approval.yml", "before_promotion")
    unanswered["trading.multi_region.failover_hook"]["time_limit_seconds"] = 12
    late = platform.run(play(tmp_path, unanswered))
    assert late.code != 0 and "did not end within 12 s (time_limit_seconds)" in late.output
