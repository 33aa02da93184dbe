# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules run in the controller's process, ours and amazon.aws's: Ansible shows no difference but the time."""

from __future__ import annotations

import json
import os
import re
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
NOTIFY = {"topics": {REGION: NO_TOPIC}, "subject": "moved", "msg": "to us-east-2", "retries": 0}
GROUP = {"name": "no-such-group", "at_least": 1, "wait": False, "retries": 0}
# The same Python by another path is another Python to Ansible, so the module runs as an ordinary one.
HERE, ORDINARY = "{{ ansible_playbook_python }}", "{{ ansible_playbook_python | dirname }}/../bin/python3"
NOWHERE = {"environment": {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}}
CASES: dict[str, dict[str, Any]] = {
    "done before": {"trading.multi_region.failover_record": RECORD},
    "only tried": {"trading.multi_region.failover_record": RECORD | {"run_id": "2"}, "check_mode": True},
    "secret": {
        "trading.multi_region.failover_record": RECORD | {"run_id": "hush-hush", "secret_key": "hush-hush"},
        "check_mode": True,
    },
    "failed with evidence": {"trading.multi_region.failover_notify": NOTIFY},
    "unknown option": {"trading.multi_region.failover_notify": NOTIFY | {"topic": NO_TOPIC}},
    "keywords": {"trading.multi_region.autoscaling_group_capacity": GROUP, **NOWHERE},
    "theirs, read": {"amazon.aws.ec2_vpc_net_info": {}},
    "theirs, done before": {"community.aws.sns_topic": {"name": "orders"}},
    "theirs, only tried": {
        "amazon.aws.ec2_vpc_net": {"name": "office", "cidr_block": "10.0.0.0/16", "tags": {"Stage": "dev"}},
        "check_mode": True,
        "diff": True,
    },
    "theirs, refused by AWS": {"amazon.aws.ec2_vpc_subnet": {"vpc_id": "vpc-0", "cidr": "10.0.0.0/24"}},
    "theirs, unknown option": {"amazon.aws.ec2_vpc_net_info": {"cidr": "10.0.0.0/24"}},
    "theirs, keywords": {"amazon.aws.iam_role_info": {"name": "nobody"}, **NOWHERE},
    "theirs, deprecated": {"amazon.aws.lambda_info": {"query": "all"}},
    "not of AWS": {"ansible.builtin.slurp": {"src": "/etc/passwd"}},
}


def play(said: Path) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = [
        {"trading.multi_region.failover_record": RECORD},
        {"community.aws.sns_topic": {"name": "orders"}},
    ]
    for number, case in enumerate(CASES.values()):
        (module, options), *keywords = case.items()
        for way, python in (("here", HERE), ("ordinary", ORDINARY)):
            tasks.append(
                {
                    module: options,
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
    defaults = {"group/trading.multi_region.all": {"region": REGION}}
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
        # The play is in another folder; beside site.yml, Ansible finds this by itself.
        environment |= {"ANSIBLE_ACTION_PLUGINS": str(TOP / "playbooks/action_plugins")}
        ran = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-vvv", folder / "play.yml"],
            cwd=TOP,
            env={**environment, **lab.env()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout[-4000:]
    aws = re.compile(r"Using module file .*/(trading/multi_region|amazon/aws|community/aws)/plugins/modules/")
    ordinary = aws.findall(ran.stdout)
    return {**json.loads((folder / "said.json").read_text()), "ordinary_runs": len(ordinary)}


# Of any two runs.
OWN = ("seconds", "ended_at", "response_metadata")


@pytest.mark.parametrize("case", CASES)
def test_the_result_is_the_same_in_both_ways(said: dict[str, Any], case: str) -> None:
    number = list(CASES).index(case)
    here, ordinary = (
        {key: type(value) if key in OWN else value for key, value in said[way][number].items()}
        for way in ("here", "ordinary")
    )
    assert here == ordinary


def test_the_cases_are_what_they_are_named_for(said: dict[str, Any]) -> None:
    done, tried, secret, failed, unknown, keywords, *theirs = said["here"]
    assert not done["changed"] and tried["changed"] and tried["written_to"] == []
    assert secret["changed"] and "hush-hush" not in json.dumps(secret)
    assert failed["failed"] and "NotFound" in failed["not_delivered"][REGION]
    assert "Unsupported parameters" in unknown["msg"]
    assert f"in {REGION} failed: EndpointConnectionError" in keywords["msg"]
    read, done, tried, refused, unknown, keywords, deprecated, other = theirs
    assert read["vpcs"][0]["is_default"]
    assert not done["changed"] and tried["changed"]
    assert refused["error"]["code"] == "InvalidVpcID.NotFound"
    assert "Unsupported parameters" in unknown["msg"]
    assert "Could not connect" in keywords["msg"]
    assert deprecated["deprecations"]
    assert other["content"]


def test_who_asks_for_async_or_another_python_gets_an_ordinary_module(said: dict[str, Any]) -> None:
    assert said["later"]["changed"]
    assert said["later"]["finished"]
    # Each case but the one that is not of AWS, and what is asked after.
    assert said["ordinary_runs"] == len(CASES) - 1 + 1
