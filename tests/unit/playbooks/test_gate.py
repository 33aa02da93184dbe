# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every input of every playbook, given every kind of nonsense, as gate.yml has Ansible work it out (judge.py)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.trading.multi_region.plugins.plugin_utils.inputs import NAME_LIMITS, OF_REGIONS

TOP = Path(__file__).resolve().parents[3]
REGIONS = ["mars-1", "us-east-9", "us-east-1\n", "Ω", ["us-east-1"], {"a": 1}, 5, True, []]
FIGURES = ["5s", "many", -1, "-1", "nan", "inf", "1e999", 1e30, "9" * 5000, [1], {"a": 1}, True, " "]
BOOLEANS = ["perhaps", "", "on", 5, [], {"a": 1}, "tru"]
CHOICES = ["teleport", "\0", 5, ["auto"], {"a": 1}]
IDS = ["two words", "two\nlines", "\0", "x" * 201, ["x"], {"a": 1}, 5]
WORDS = ["\0", "x" * 10001, ["x"], {"a": 1}]
FILES = ["", "\0", "two\nlines", ["x"], {"a": 1}]
NAMES = ["", "x" * 300, "two\nlines", ["x"], {"a": 1}, 5]
# Templates that come to nothing; each variable gets them.
TEMPLATES = ["{{ nope }}", "{{", "{{ 1/0 }}", "{% if %}", "{{ [1][7] }}", "{{ lookup('no_such_lookup') }}", "{{ %s }}"]

MOVE = {"target_region": REGIONS, "expected_active_region": REGIONS, "max_replication_lag_ms": FIGURES}
# What each playbook takes, and what it sets by itself.
PLAYBOOKS = {
    "failover": {
        **MOVE,
        "method": CHOICES,
        "accept_data_loss": BOOLEANS,
        "force": BOOLEANS,
        "failover_cool_down": FIGURES,
        "failover_endpoint_wait": [*FIGURES, 2.5],
        "failover_fencing": [*CHOICES, ""],
        "failover_lease_seconds": [*FIGURES, 2.5, 9],
        "failover_outcome_file": FILES,
        "failover_owner": FILES,
        "failover_patience": FIGURES,
        "failover_reason": WORDS,
        "health_min_healthy_ratio": [*FIGURES, 1.01, ""],
        "takeover_run_id": IDS,
        "traffic_probe_proxy": ["proxy", "http://", "http://[::1", ["x"], 5],
        "wait_timeout": [*FIGURES, 0, 2.5],
    },
    "switchover": {**MOVE, "accept_data_loss": BOOLEANS, "method": CHOICES},
    "failback": {**MOVE, "rebuild": BOOLEANS, "wait_timeout": FIGURES},
    "drill": {**MOVE},
    "readiness": {
        "max_replication_lag_ms": FIGURES,
        "readiness_deadline": FIGURES,
        "readiness_report_file": FILES,
        "readiness_runner_arn": ["ann", "arn:aws:s3:::x", ["x"], 5],
    },
    "status": {"run_id": IDS, "status_file": FILES, "status_limit": [*FIGURES, 0]},
    "health_check": {
        "auto_failover": BOOLEANS,
        "auto_failover_accept_data_loss": BOOLEANS,
        "auto_failover_method": [*CHOICES, "switchover"],
        "consecutive_failures": [*FIGURES, 0],
        "health_max_gap": FIGURES,
        "health_min_interval": FIGURES,
        "health_quorum": [*FIGURES, 1],
        "health_report_file": FILES,
        "health_stream_limit": FIGURES,
        "traffic_dns_servers": ["text", ["two words"], [5], [["x"]], {"a": 1}, 5],
    },
    "controller": {
        "controller_execution_environment_image": FILES,
        "controller_folder": FILES,
        "controller_instances": ["", ["x"], 5, {"moon": ["a"]}, {"us-east-1": "a"}, {"us-east-1": ["two words"]}],
        "controller_inventory_path": FILES,
        "controller_notification_url": ["hook", "ftp://x", "http://", ["x"], 5],
        "controller_project_branch": FILES[1:],
        "controller_project_credential": FILES[1:],
        "controller_project_url": FILES,
    },
    "automation": {"acknowledge": IDS, "pause_minutes": [*FIGURES, 0], "reason": WORDS, "resume": BOOLEANS},
    "site": {
        "environment_suffix": ["", "Prod", "dev_1", "-dev", "x" * 13, ["dev"], {"a": 1}, 7, None],
        "environment_protection": BOOLEANS,
        "global_database_engine": ["", *CHOICES],
        "global_database_engine_version": ["8.0.35", "17.7-seventeen", "\0", ["x"], {"a": 1}, 8.0],
        "platform_name": ["", "Trading", "two words", "x" * 21, ["x"], {"a": 1}, 5],
        "application_load_balancer_name": [*NAMES, "x" * 33],
        "session_table_name": NAMES,
        "traffic_domain": NAMES,
        "aws_region": ["moon", "us-east-1", {"a": 1}, ["x"], 5],
        "platform_regions": ["us-east-1", ["us-east-2"], ["us-east-1", "us-west-2"], {"a": 1}, 5],
        "region_preference": ["first", 1, ["x"], {"a": 1}, True, "nan"],
        "unfence": BOOLEANS,
        "vpc_cidr": ["", "10.0.0.0/33", "10.0.0.0/16", ["x"], {"a": 1}, 5],
    },
    "retire_region": {"retire_region": ["moon", ["us-east-1"]], "confirm": WORDS},
    "teardown": {"confirm": WORDS, "environment_suffix": ["", "Prod", ["dev"]]},
    "rotate_secret": {"accept_gap": BOOLEANS, "max_age_days": FIGURES, "wait_timeout": FIGURES},
}
OWN = dict.fromkeys(("switchover", "failback"), {"move_method": "switchover"})
SILENT = ("Traceback", "is undefined", "Unexpected templating", "AnsibleUndefined", "UndefinedVariable")


@pytest.fixture(scope="module")
def judge():
    """Return a function [(given, own)] -> what the gate says of each; one process answers all."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAB_", "ANSIBLE_"))}
    with subprocess.Popen(
        [sys.executable, TOP / "tests/unit/playbooks/judge.py", TOP / "inventories/demo"],
        env={**environment, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")},
        cwd=TOP,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:

        def ask(given, own):
            print(json.dumps({"given": given, "own": own}), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield lambda cases: [ask(given, own) for given, own in cases]
        process.stdin.close()


def waves(playbook):
    """Return variables to pass together: [{variable: bad value}], each pair in one of them.

    The gate reports all problems together. Names are validated once all else is valid, and templates keep the rest from
    being judged, so these come by themselves.
    """
    inputs = PLAYBOOKS[playbook]
    names = {name: values for name, values in inputs.items() if name in NAME_LIMITS}
    regions = {name: values for name, values in inputs.items() if name in OF_REGIONS}
    others = {name: values for name, values in inputs.items() if name not in {*names, *regions}}
    columns = [names, others, *({name: values} for name, values in regions.items())]
    found = [
        {name: values[row] for name, values in column.items() if row < len(values)}
        for column in columns
        for row in range(max(map(len, column.values()), default=0))
    ]
    for template in TEMPLATES:
        found += [{name: template.replace("%s", name) for name in column} for column in (names, {**others, **regions})]
    return [wave for wave in found if wave]


def slips(name):
    """Return how a name is mistyped: two letters swapped, one omitted, one doubled."""
    middle = len(name) // 2
    return [
        name[:middle] + name[middle + 1] + name[middle] + name[middle + 2 :],
        name[: middle + 1] + name[middle + 2 :],
        name[: middle + 1] + name[middle:],
    ]


def is_reported(sentences, variable, value):
    """Return whether one of the sentences names the variable with its value and with what is allowed."""
    if not isinstance(sentences, list) or any(word in sentence for word in SILENT for sentence in sentences):
        return False
    shown = ("not given",) if value is None else (str(value)[:60], repr(value)[:60], "thousands of digits")
    is_list = isinstance(value, list | dict)
    return any(
        variable in sentence.partition(" is ")[0]
        and "; allowed: " in sentence
        and (is_list or any(text in sentence for text in shown))
        for sentence in sentences
    )


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_bad_input_is_reported_by_its_name_its_value_and_what_is_allowed(judge, playbook, record_property):
    tried = waves(playbook)
    answers = judge([(wave, OWN.get(playbook, {})) for wave in tried])
    missed = [
        f"{variable}={value!r}: {sentences}"
        for wave, sentences in zip(tried, answers, strict=True)
        for variable, value in wave.items()
        if not is_reported(sentences, variable, value)
    ]
    record_property("inputs", {f"{playbook}.yml": sum(map(len, tried))})
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize(
    ("playbook", "given", "sentences"),
    [
        ("switchover", {"accept_data_loss": True}, "accept_data_loss is True; allowed: false with method switchover"),
        ("failback", {"accept_data_loss": "yes"}, "accept_data_loss is 'yes'; allowed: false with method switchover"),
        ("switchover", {"method": "detach"}, "method is 'detach'; allowed: switchover with this playbook"),
        ("failover", {"method": "detach"}, "accept_data_loss is not given; allowed: true with method detach"),
        ("failover", {"ansible_limit": "us-east-1"}, "--limit is 'us-east-1'; allowed: none"),
        (
            "failover",
            {"target_region": "us-east-2", "expected_active_region": "us-east-2"},
            "target_region is 'us-east-2'; allowed: a region other than expected_active_region",
        ),
    ],
)
def test_reports_inputs_that_exclude_each_other(judge, playbook, given, sentences):
    (answer,) = judge([(given, OWN.get(playbook, {}))])
    assert [sentence for sentence in answer if sentence.startswith(sentences)], answer


def test_a_slip_of_the_pen_is_reported_with_the_name_that_was_meant(judge, record_property):
    names = sorted(
        {name for inputs in PLAYBOOKS.values() for name in inputs}
        - {"aws_region", "vpc_cidr", "platform_regions", "region_preference"}
    )
    tried = {slip: name for name in names for slip in slips(name) if slip not in names}
    (sentences,) = judge([(dict.fromkeys(tried, "x"), {})])
    missed = {
        slip: name
        for slip, name in tried.items()
        if not any(one.startswith(f"{slip} is not a ") and f"did you mean {name}?" in one for one in sentences)
    }
    record_property("inputs", {"misspelt names": len(tried)})
    assert not missed, (missed, sentences)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"target_region": "us-east-2", "expected_active_region": "us-east-1", "max_replication_lag_ms": "500"},
        {"target_region": "{{ platform_regions | last }}", "force": "yes", "accept_data_loss": "true"},
        {"target_region": "", "max_replication_lag_ms": "", "wait_timeout": "", "run_id": "", "acknowledge": ""},
        {"pause_minutes": "0.5", "reason": "patching, ann's idea: Ω", "failover_reason": "two\nlines"},
        {"status_limit": "5", "status_file": "/tmp/status of today.json", "readiness_deadline": 20.5},
        {"ansible_python_interpreter": "/usr/bin/python3", "awx_job_id": 7, "tower_user_name": "ann"},
        {"my_own_variable": "{{ nope }}", "owner_of_the_ticket": "ann"},
        {"traffic_dns_servers": ["127.0.0.1:53"], "traffic_probe_proxy": "http://127.0.0.1:3128"},
        {"readiness_runner_arn": "arn:aws:iam::123456789012:role/runner", "auto_failover": True},
    ],
)
def test_what_operators_rightly_give_passes(judge, given):
    assert judge([(given, {})]) == [[]]


def test_no_option_of_a_role_and_no_input_of_a_playbook_is_taken_for_a_slip(judge):
    specs = [yaml.safe_load(path.read_text()) for path in (TOP / "roles").glob("*/meta/argument_specs.yml")]
    entries = [entry for spec in specs for entry in spec["argument_specs"].values()]
    options = {name for entry in entries for name in entry.get("options", {})}
    texts = [path.read_text() for path in (TOP / "playbooks").rglob("*.yml")]
    inputs = {
        name for text in texts for name in re.findall(r"\{\{ (\w+) \| default\(|(?<=when: )(\w+)(?= is defined)", text)
    }
    inputs = {one for pair in inputs for one in pair if one}
    assert {"target_region", "status_file"} <= inputs and "application_image" in options
    (sentences,) = judge([(dict.fromkeys(options | inputs, "x"), {})])
    assert [sentence for sentence in sentences if "did you mean" in sentence] == []


def test_a_hook_that_is_missing_unknown_or_no_task_file_is_refused(judge):
    good = {"name": "smoke", "moment": "before_traffic", "file": "tasks/hooks/smoke_test.yml", "required": True}
    places = f"{TOP / 'inventories/demo'} or {TOP / 'playbooks'}"
    cases = {
        "failover_hooks[0].file is 'gone.yml'; allowed: a task file, absolute or relative to "
        f"{places}; there is none.": {**good, "file": "gone.yml"},
        "failover_hooks[0].file is 'site.yml'; allowed: a file with a list of tasks; this one is a playbook.": {
            **good,
            "file": "site.yml",
        },
        "failover_hooks[0].moment is 'later'; allowed: one of before_promotion, after_promotion, before_traffic, "
        "after_traffic, on_failure, on_refusal.": {**good, "moment": "later"},
        "failover_hooks[0].required is not given; allowed: true (if the hook fails, the move stops) or false (it "
        "goes on); there is no default.": {name: value for name, value in good.items() if name != "required"},
    }
    found = judge([({"failover_hooks": [hook]}, {}) for hook in cases.values()])
    assert [[sentence] for sentence in cases] == found
    twice, fine = judge([({"failover_hooks": [good, good]}, {}), ({"failover_hooks": [good]}, {})])
    assert fine == [] and "each name once" in twice[0]
