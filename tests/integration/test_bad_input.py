# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input is refused before the first call to AWS, by variable, value and what is allowed.

Every value of every input is tried in tests/unit/playbooks/test_gate.py; here is what a user sees of each playbook.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.integration.platforms import TOP, run_playbook

# What an operator must never see, and words that only appear after a call to AWS.
NEVER = ("Traceback", "unhandled exception", "is undefined", "Unexpected templating", "AnsibleUndefinedVariable")
ASKED = ("Could not connect", "NoCredentials", "failed: EndpointConnectionError")


def refusal(playbook, given, *options, **how):
    """Return what a run prints that is refused before anything is asked of AWS."""
    run = run_playbook(
        playbook, "-e", given if isinstance(given, str) else json.dumps(given), *options, lab=None, **how
    )
    assert run.code != 0, run.output
    assert [words for words in (*NEVER, *ASKED) if words in run.output] == [], run.output
    # Ansible breaks long texts into lines.
    return " ".join(run.output.split())


@pytest.mark.parametrize(
    ("playbook", "given", "message"),
    [
        (
            "site",
            {"environment_suffix": "Prod_1", "vpc_cidr": "10.0.0.0/33", "global_database_engine_version": "8.0.35"},
            ["environment_suffix is 'Prod_1'", "vpc_cidr of us-east-1 is '10.0.0.0/33'", "8.0.mysql_aurora.3.10.5"],
        ),
        (
            "failover",
            {"target_region": {"a": 1}, "max_replication_lag_ms": "5s", "force": "perhaps", "method": "teleport"},
            ["target_region is", "us-east-1, us-east-2", "'5s'", "without a unit", "force is 'perhaps'", "'teleport'"],
        ),
        ("failover", "target_regoin=us-east-2", ["target_regoin is not a variable", "did you mean target_region?"]),
        ("switchover", {"accept_data_loss": True}, ["accept_data_loss is True", "switchover", "loses no data"]),
        ("failback", {"method": "detach", "rebuild": []}, ["method is 'detach'", "this playbook", "rebuild is []"]),
        ("drill", {"target_region": "mars-1"}, ["target_region is 'mars-1'", "us-east-1, us-east-2"]),
        ("readiness", {"readiness_deadline": "soon"}, ["readiness_deadline is 'soon'", "a number of seconds"]),
        ("status", {"status_limit": "{{ 1/0 }}"}, ["status_limit is '{{ 1/0 }}'", "evaluate"]),
        ("health_check", {"force": True}, ["force is True", "started by hand"]),
        ("automation", {"resume": "true", "acknowledge": "r-1"}, ["resume and acknowledge", "exactly one"]),
        ("teardown", {"confirm": "production"}, ["confirm is production", "dev"]),
    ],
)
def test_is_refused_by_name_before_the_first_call(playbook, given, message):
    output = refusal(playbook, given)
    # The output is YAML, in which a quote within quotes is doubled.
    assert [words for words in message if words not in output.replace("''", "'")] == [], output


def test_fewer_than_two_regions_are_refused(tmp_path):
    (tmp_path / "hosts").write_text("[regions]\nus-east-1 vpc_cidr=10.0.0.0/16\n")
    message = refusal("site", "environment_suffix=dev", inventory=tmp_path / "hosts")
    assert "groups['regions']" in message.replace("''", "'") and "at least two" in message


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["make", "lab-outage"], "lab-outage needs REGION, for example: make lab-outage REGION=us-east-1"),
        (["make", "lab-outage", "REGION=us-east-1", "MODE=gently"], "invalid choice: 'gently'"),
        (["make", "lab-targets", "REGION=us-east-1"], "lab-targets needs STATE"),
        (["make", "lab-targets", "REGION=us-east-1", "STATE=poorly"], "invalid choice: 'poorly'"),
        (["make", "lab-resolve"], "lab-resolve needs NAME"),
        (["make", "lab-up", "SCALE=fast"], "scale is fast; it must be above 0"),
        ([sys.executable, "-m", "lab", "calls", "--dir", "nowhere"], "nowhere"),
        ([sys.executable, "-m", "lab", "dance"], "invalid choice: 'dance'"),
    ],
)
def test_the_lab_says_in_a_line_what_it_is_not_given(command, message, tmp_path):
    place = {"LAB_DIR": str(tmp_path), "PYTHONPATH": str(TOP)}
    done = subprocess.run(command, cwd=TOP, env={**os.environ, **place}, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert message in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
