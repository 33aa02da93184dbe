# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands, as the Makefile and people call them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import states
from lab import daemon
from lab.client import Lab
from lab.services.rds_states import CLUSTER_STATES, INSTANCE_STATES
from tests.lab.stage import DOMAIN, Stage

Run = subprocess.CompletedProcess[str]


def run(*arguments: str, directory: Path) -> Run:
    command = [sys.executable, "-m", "lab", *arguments, "--dir", str(directory)]
    return subprocess.run(command, capture_output=True, text=True, cwd=daemon.ROOT, timeout=60, check=False)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "place"
    daemon.stop(tmp_path / "place")


def test_up_calls_down(place: Path) -> None:
    up = run("up", "--scale", "60", directory=place)
    assert up.returncode == 0 and "60 AWS seconds a second" in up.stdout and "/env" in up.stdout
    exported = dict(re.findall(r"^export (\w+)=(\S+)$", (place / "env").read_text(), re.MULTILINE))
    assert exported == Lab.at(place).env()
    assert set(exported) == {
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "LAB_DNS_SERVER",
        "LAB_PROBE_PROXY",
    }
    pid = int((place / "pid").read_text())

    again = run("up", directory=place)
    assert again.returncode == 0 and "runs already" in again.stdout
    assert int((place / "pid").read_text()) == pid

    Lab.at(place).client("ec2", "eu-west-1").describe_vpcs()
    (line,) = run("calls", directory=place).stdout.splitlines()
    assert list(json.loads(line)) == ["time", "region", "service", "operation", "mutating", "status", "seconds"]

    down = run("down", directory=place)
    assert down.returncode == 0 and str(pid) in down.stdout
    assert not (place / "pid").exists() and daemon.process_start(pid) is None
    assert "No lab runs" in run("down", directory=place).stdout


def test_down_does_not_end_a_process_that_took_over_the_number(place: Path) -> None:
    place.mkdir()
    other = subprocess.Popen(["sleep", "60"])
    try:
        stale = {"pid": other.pid, "started": "1", "url": "http://127.0.0.1:9", "port": 9, "dns": 9, "scale": 1}
        (place / "state.json").write_text(json.dumps(stale))
        (place / "pid").write_text(f"{other.pid}\n")
        assert "No lab runs" in run("down", directory=place).stdout
        assert other.poll() is None and not (place / "pid").exists()
    finally:
        other.kill()
        other.wait()


def test_a_port_in_use_is_reported(lab: Lab, place: Path) -> None:
    up = run("up", "--port", str(lab.port), directory=place)
    assert up.returncode == 1
    assert f"port {lab.port}: Address already in use" in up.stderr and "Traceback" not in up.stderr


def test_commands_without_a_lab_say_how_to_start_one(place: Path) -> None:
    seen = run("calls", directory=place)
    assert seen.returncode == 1
    assert "python -m lab up" in seen.stderr


def test_outage_restore_and_targets(lab: Lab) -> None:
    out = run("outage", "--region", "us-east-2", "--mode", "reset", directory=lab.directory)
    assert "us-east-2 (reset)" in out.stdout
    run("outage", "--region", "aws-global", directory=lab.directory)
    assert lab.state()["outages"] == {"us-east-2": "reset", "aws-global": "hang"}
    assert "aws-global" in run("restore", "--region", "us-east-2", directory=lab.directory).stdout
    run("targets", "--region", "us-east-1", "--state", "unhealthy", "--healthy", "1", directory=lab.directory)
    assert lab.state()["targets"] == [{"region": "us-east-1", "target_group": None, "state": "unhealthy", "healthy": 1}]
    wrong = run("outage", "--region", "mars-1", directory=lab.directory)
    assert wrong.returncode == 1 and "mars-1" in wrong.stderr


def test_database_puts_a_cluster_and_its_instances_into_a_state(lab: Lab) -> None:
    rds, names = lab.client("rds", "us-east-1"), {"DBClusterIdentifier": "c", "Engine": "aurora-mysql"}
    rds.create_db_cluster(**names, MasterUsername="admin", MasterUserPassword="not-secret")
    rds.create_db_instance(**names, DBInstanceIdentifier="c-1", DBInstanceClass="db.r6g.large")
    where = ("--region", "us-east-1", "--cluster", "c")
    done = run("database", *where, "--status", "backing-up", "--instances", "rebooting", directory=lab.directory)
    assert (done.returncode, done.stdout) == (0, "c is backing-up; its instances: {'c-1': 'rebooting'}\n")
    assert rds.describe_db_clusters()["DBClusters"][0]["Status"] == "backing-up"
    assert rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "rebooting"
    wrong = run("database", *where, "--status", "tired", directory=lab.directory)
    assert wrong.returncode == 1 and "status is 'tired'; it must be one of" in wrong.stderr
    assert run("database", "--region", "us-east-1", "--cluster", "d", directory=lab.directory).returncode == 1


def test_the_product_knows_every_state_that_the_lab_can_set() -> None:
    assert set(CLUSTER_STATES) <= set(states.CLUSTER_STATES)
    assert set(INSTANCE_STATES) <= set(states.INSTANCE_STATES)


def test_advance_ends_what_takes_minutes(lab: Lab) -> None:
    lab.client("ec2", "eu-west-1").create_vpc(CidrBlock="10.0.0.0/16")
    lab.settings(nat_gateway_create_s=6000)
    ec2 = lab.client("ec2", "eu-west-1")
    subnet = ec2.create_subnet(VpcId=ec2.describe_vpcs()["Vpcs"][-1]["VpcId"], CidrBlock="10.0.0.0/24")["Subnet"]
    gateway = ec2.create_nat_gateway(SubnetId=subnet["SubnetId"], ConnectivityType="private")["NatGateway"]

    def state() -> str:
        found = ec2.describe_nat_gateways(NatGatewayIds=[gateway["NatGatewayId"]])["NatGateways"]
        return found[0]["State"]

    assert state() == "pending"
    done = run("advance", "--seconds", "6000", directory=lab.directory)
    assert (done.returncode, done.stdout) == (0, "6000 AWS seconds have passed.\n")
    assert state() == "available"


@pytest.mark.parametrize("seconds", ["-1", "soon", "nan", "31536001"])
def test_advance_refuses_what_is_no_span_of_time(lab: Lab, seconds: str) -> None:
    wrong = run("advance", "--seconds", seconds, directory=lab.directory)
    assert wrong.returncode == 2 and f"seconds is {seconds}; it must be from 0 to 31536000" in wrong.stderr
    for value in (-1, "soon", True, None):
        with pytest.raises(daemon.LabError, match="seconds is .*; it must be a number of AWS seconds"):
            daemon.ask(lab.url, "POST", "advance", seconds=value)


def test_faults(lab: Lab) -> None:
    options = ["--mode", "latency", "--service", "rds", "--seconds", "2", "--count", "3"]
    added = json.loads(run("fault", "add", *options, directory=lab.directory).stdout)
    assert (added["service"], added["seconds"], added["count"]) == ("rds", 2.0, 3)
    assert json.loads(run("fault", "list", directory=lab.directory).stdout) == added
    run("fault", "clear", directory=lab.directory)
    assert lab.state()["faults"] == []


def test_resolve_prints_where_and_why(stage: Stage) -> None:
    stage.put(stage.failover("PRIMARY", "us-east-1", evaluate=True), stage.failover("SECONDARY", "us-east-2"))
    seen = run("resolve", DOMAIN, directory=stage.lab.directory)
    assert seen.returncode == 0
    assert seen.stdout.startswith(f"{DOMAIN} -> load balancer alb-us-east-1 in us-east-1")
    assert "PRIMARY" in seen.stdout and "target health: healthy" in seen.stdout
    shown = json.loads(run("resolve", DOMAIN, "--json", directory=stage.lab.directory).stdout)
    assert shown["region"] == "us-east-1"
    missing = run("resolve", f"no.{DOMAIN}", directory=stage.lab.directory)
    assert missing.returncode == 1 and f"no.{DOMAIN}" in missing.stderr


def test_timeline_prints_an_entry_a_line_whenever_something_changed(stage: Stage) -> None:
    stage.put(stage.alias("us-east-1"))
    lines = run("timeline", directory=stage.lab.directory).stdout.splitlines()
    assert [json.loads(line) for line in lines] == stage.lab.timeline()
    assert [json.loads(line)["name"] for line in lines] == [{}, {DOMAIN: "us-east-1"}]
    assert run("timeline", "--since", "9999999999", directory=stage.lab.directory).stdout == ""


def test_fork_and_reset(lab: Lab, tmp_path: Path) -> None:
    lab.client("sns").create_topic(Name="topic")
    into = tmp_path / "copy"
    assert os.fspath(into) in run("fork", "--into", str(into), directory=lab.directory).stdout
    with Lab.at(into) as copy:
        run("reset", directory=into)
        assert copy.client("sns").list_topics()["Topics"] == []
        assert len(lab.client("sns").list_topics()["Topics"]) == 1
