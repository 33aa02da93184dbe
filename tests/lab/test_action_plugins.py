"""Modules of the recovery path run in the controller's process: Ansible itself tells no difference, only the time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.client import Lab

TOP = Path(__file__).resolve().parents[2]
REGION = "us-east-2"
TABLE = "trading-failover-dev"
NO_TOPIC = f"arn:aws:sns:{REGION}:123456789012:no-such-topic"
RECORD = {"table_name": TABLE, "regions": [REGION], "required_region": REGION, "run_id": "1", "record": {"tries": 1}}
NOTIFY = {"topics": {REGION: NO_TOPIC}, "subject": "moved", "msg": "to us-east-2"}
GROUP = {"name": "no-such-group", "at_least": 1, "wait": False}
# The same Python by another path is another Python to Ansible, so the module runs as an ordinary one.
HERE, ORDINARY = "{{ ansible_playbook_python }}", "{{ ansible_playbook_python | dirname }}/../bin/python3"
CASES: dict[str, dict[str, Any]] = {
    "done before": {"failover_record": RECORD},
    "only tried": {"failover_record": RECORD | {"run_id": "2"}, "check_mode": True},
    "secret": {"failover_record": RECORD | {"run_id": "hush-hush", "secret_key": "hush-hush"}, "check_mode": True},
    "failed with evidence": {"failover_notify": NOTIFY},
    "unknown option": {"failover_notify": NOTIFY | {"topic": NO_TOPIC}},
    "keywords": {"autoscaling_group_capacity": GROUP, "environment": {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}},
}


def play(said: Path) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = [{"trading.multi_region.failover_record": RECORD}]
    for number, case in enumerate(CASES.values()):
        (module, options), *keywords = case.items()
        for way, python in (("here", HERE), ("ordinary", ORDINARY)):
            tasks.append(
                {
                    f"trading.multi_region.{module}": options,
                    "register": f"{way}_{number}",
                    "ignore_errors": True,
                    "vars": {"ansible_python_interpreter": python},
                    **dict(keywords),
                }
            )
    later = {"async": 30, "poll": 1, "register": "later"}
    tasks.append({"trading.multi_region.failover_record": RECORD | {"run_id": "3"}, **later})
    ways = {way: [f"{{{{ {way}_{number} }}}}" for number in range(len(CASES))] for way in ("here", "ordinary")}
    content = {**ways, "later": "{{ later }}"}
    tasks.append(
        {"ansible.builtin.copy": {"content": "{{ said | to_json }}", "dest": str(said)}, "vars": {"said": content}}
    )
    defaults = {"group/trading.multi_region.all": {"region": REGION, "retries": 0}}
    return [{"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}]


@pytest.fixture(scope="module")
def said(empty_server: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every case said in both ways, and how many modules ran as ordinary ones."""
    folder = tmp_path_factory.mktemp("ways")
    (folder / "play.yml").write_text(json.dumps(play(folder / "said.json")))
    with empty_server.fork(folder / "lab") as lab:
        lab.client("dynamodb", REGION).create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ANSIBLE_"))}
        # Where HOME is not the user's own directory, Ansible writes a job's result to one of them and reads the other.
        environment |= {"ANSIBLE_ASYNC_DIR": str(folder / "async"), "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")}
        ran = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-vvv", folder / "play.yml"],
            cwd=TOP,
            env={**environment, **lab.env()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout[-4000:]
    ordinary = [
        line for line in ran.stdout.splitlines() if "Using module file" in line and "trading/multi_region" in line
    ]
    return {**json.loads((folder / "said.json").read_text()), "ordinary_runs": len(ordinary)}


@pytest.mark.parametrize("case", CASES)
def test_the_result_is_the_same_in_both_ways(said: dict[str, Any], case: str) -> None:
    number = list(CASES).index(case)
    here, ordinary = (
        {key: type(value) if key in ("seconds", "ended_at") else value for key, value in said[way][number].items()}
        for way in ("here", "ordinary")
    )
    assert here == ordinary


def test_the_cases_are_what_they_are_named_for(said: dict[str, Any]) -> None:
    done, tried, secret, failed, unknown, keywords = said["here"]
    assert not done["changed"] and tried["changed"] and tried["written_to"] == []
    assert secret["changed"] and "hush-hush" not in json.dumps(secret)
    assert failed["failed"] and "NotFound" in failed["not_delivered"][REGION]
    assert "Unsupported parameters" in unknown["msg"]
    assert f"in {REGION} failed: EndpointConnectionError" in keywords["msg"]


def test_who_asks_for_async_or_another_python_gets_an_ordinary_module(said: dict[str, Any]) -> None:
    assert said["later"]["changed"]
    assert said["later"]["finished"]
    assert said["ordinary_runs"] == len(CASES) + 1
