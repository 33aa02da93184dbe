# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks do the same on every machine, or refuse its setting in a sentence before the first call to AWS.

The table of all settings is docs/machines.md.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.aws import capacity, group, name_points_at, runs, writer_region, writes
from tests.integration.platforms import TOP, run_playbook

EAST, WEST = "us-east-1", "us-east-2"
VAULT = Path(sys.executable).with_name("ansible-vault")
# Each changes what Ansible does with a playbook that does not say otherwise.
SETTINGS = {
    "become": ("privilege_escalation", "become = true\nbecome_user = nobody"),
    "strategy free": ("defaults", "strategy = free"),
    "strategy host_pinned": ("defaults", "strategy = host_pinned"),
    "facts not as variables": ("defaults", "inject_facts_as_vars = false"),
    "facts gathered and cached": (
        "defaults",
        "gathering = smart\nfact_caching = jsonfile\nfact_caching_connection = {folder}/facts",
    ),
    "a callback of their own": ("defaults", "callback_plugins = {folder}/callbacks"),
    "another python": ("defaults", "interpreter_python = /usr/bin/python3"),
    "another connection and user": ("defaults", "transport = ssh\nremote_user = deploy"),
    "diff always": ("diff", "always = true"),
    "forks 1": ("defaults", "forks = 1"),
}
# A machine has one strategy.
ALL = [name for name in SETTINGS if name != "strategy host_pinned"]
CALLBACKS = {
    "talks": """
    CALLBACK_TYPE, CALLBACK_NAME = "aggregate", "talks"

    def v2_runner_on_ok(self, result):
        self._display.display(f"talks: {result._task.get_name()}")
""",
    "json_all": """
    CALLBACK_TYPE, CALLBACK_NAME = "stdout", "json_all"

    def __init__(self):
        super().__init__()
        self.tasks = []

    def v2_runner_on_ok(self, result):
        self.tasks.append(result._task.get_name())

    def v2_playbook_on_stats(self, stats):
        self._display.display(json.dumps(self.tasks))
""",
}
PLUGIN = '''
import json
from ansible.plugins.callback import CallbackBase
DOCUMENTATION = """
name: {name}
type: {type}
short_description: {name}
description: {name}
"""
class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
'''


def machine(folder: Path, *names: str) -> dict[str, str]:
    """The environment of a machine with these settings in its ansible.cfg, and the collections of this clone."""
    for name, code in CALLBACKS.items():
        file = folder / "callbacks" / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(PLUGIN.format(name=name, type="stdout" if "json" in name else "aggregate") + code)
    sections: dict[str, list[str]] = {"defaults": [f"collections_path = {TOP}/.collections"]}
    for name in names:
        section, lines = SETTINGS[name]
        sections.setdefault(section, []).append(lines.format(folder=folder))
    text = "\n".join(line for section, lines in sections.items() for line in (f"[{section}]", *lines))
    (folder / "ansible.cfg").write_text(text + "\n")
    return {"ANSIBLE_CONFIG": str(folder / "ansible.cfg")}


def refusal(playbook: str, *options: str, **how) -> str:
    """What a run prints that ends before anything is asked of AWS."""
    run = run_playbook(playbook, *options, lab=None, **how)
    assert run.code != 0, run.output
    assert [words for words in ("Traceback", "Could not connect", "Read where", "Plan |") if words in run.output] == []
    # Ansible breaks long texts into lines, and doubles quotes within quotes.
    return " ".join(run.output.split()).replace("''", "'")


def by_night(*case, name: str):
    return pytest.param(*case, marks=pytest.mark.nightly, id=name)


@pytest.mark.parametrize(
    ("playbook", "options", "variables", "message"),
    [
        pytest.param(
            "failover",
            ["--start-at-task", "4 Move*"],
            {},
            "--start-at-task is '4 Move*'; allowed: none, because",
            id="start at task",
        ),
        by_night(
            "site",
            ["--start-at-task", "Network"],
            {},
            "--start-at-task is 'Network'; allowed: none, because",
            name="start at layer",
        ),
        by_night(
            "teardown",
            ["--skip-tags", "always"],
            {},
            "--skip-tags is 'always'; allowed: other tags than always and tagged",
            name="skip the gate",
        ),
        by_night(
            "failover",
            ["--tags", "move"],
            {},
            "--tags is 'move'; allowed: none, except with site.yml",
            name="tags of nothing",
        ),
        pytest.param(
            "failover",
            [],
            {"ANSIBLE_HASH_BEHAVIOUR": "merge"},
            "hash_behaviour is 'merge'; allowed: replace, because",
            id="merged dictionaries",
        ),
        by_night(
            "status",
            ["-i", str(TOP / "inventories/production")],
            {"ANSIBLE_INVENTORY_ENABLED": "host_list,yaml,ini"},
            "enable_plugins is ['host_list', 'yaml', 'ini']; allowed: a list with auto",
            name="no auto",
        ),
    ],
)
def test_what_cannot_work_is_refused_by_setting_and_value_before_the_first_call(playbook, options, variables, message):
    how = {"inventory": options.pop()} if "-i" in options else {}
    assert message in refusal(playbook, *(one for one in options if one != "-i"), variables=variables, **how)


@pytest.mark.nightly
def test_a_profile_that_asks_for_a_code_is_refused_instead_of_hanging(tmp_path):
    (tmp_path / "config").write_text(
        "[profile ops]\nrole_arn = arn:aws:iam::123456789012:role/ops\nsource_profile = base\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/ann\n[profile base]\nregion = us-east-1\n"
    )
    (tmp_path / "credentials").write_text("[base]\naws_access_key_id = a\naws_secret_access_key = b\n")
    variables = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    words = "is 'ops'; allowed: a profile whose roles need no MFA code, because no task can ask for one"
    output = refusal("status", variables=variables | {"AWS_PROFILE": "ops"})
    assert f"AWS_PROFILE {words}" in output and "mfa_serial is arn:aws:iam::123456789012:mfa/ann" in output


def test_every_setting_together_from_another_folder_plans_the_same_move(platform, tmp_path):
    away = tmp_path / "away"
    away.mkdir()
    run = platform.run("failover", "--check", folder=away, variables=machine(tmp_path, *ALL)).ends_well()
    assert "talks: 2 Plan | print the plan" in run.output
    assert "obstacle primary_healthy: us-east-1 is healthy" in " ".join(run.output.split())
    assert writes(platform.lab, run.began) == {}


@pytest.mark.nightly
@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_of_the_machine_changes_no_plan(platform, tmp_path, name):
    run = platform.run("failover", "--check", variables=machine(tmp_path, name)).ends_well()
    assert "obstacle primary_healthy: us-east-1 is healthy" in " ".join(run.output.split())
    assert "run_once" not in run.output, "no other strategy"


@pytest.mark.nightly
def test_a_machine_with_every_setting_provisions_nothing_anew_and_moves_the_platform(platform, tmp_path):
    how = {"folder": tmp_path, "variables": machine(tmp_path, *ALL)}
    again = platform.run("site", **how).ends_well()
    assert again.changed == {"localhost": 0, EAST: 0, WEST: 0}, again.output[-6000:]
    platform.lab.outage(EAST, "reset")
    platform.run("failover", **how).ends_well()
    assert (writer_region(platform.lab, WEST), name_points_at(platform.lab)) == (WEST, WEST)
    assert [run["outcome"] for run in runs(platform.lab, WEST)] == ["successful"]
    platform.run("status", **how).ends_well()


@pytest.mark.nightly
@pytest.mark.parametrize(
    "command", [("failover", "--check"), ("site", "--check", "--tags", "network"), ("switchover",)]
)
def test_a_program_reads_nothing_but_json_from_the_standard_output(platform, tmp_path, command):
    callbacks = machine(tmp_path) | {
        "ANSIBLE_CALLBACK_PLUGINS": str(tmp_path / "callbacks"),
        "ANSIBLE_STDOUT_CALLBACK": "json_all",
        "ANSIBLE_CALLBACKS_ENABLED": "trading.multi_region.move_progress",
    }
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAB_", "ANSIBLE_"))}
    playbook, *options = command
    done = subprocess.run(
        [VAULT.with_name("ansible-playbook"), TOP / f"playbooks/{playbook}.yml", "-i", platform.inventory, *options],
        env=kept | platform.lab.env() | callbacks,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    tasks = [line for line in done.stdout.splitlines() if not line.startswith("talks: ")]
    assert len(json.loads("\n".join(tasks))) > 3
    said = {
        "failover": "",
        "site": "Plan of provisioning",
        "switchover": "switchover us-east-1 -> us-east-2, successful",
    }
    assert said[playbook] in done.stderr


@pytest.mark.nightly
def test_variables_from_vault_files_and_vault_texts_work(platform, tmp_path):
    inventory, password = tmp_path / "inventory", tmp_path / "password"
    shutil.copytree(platform.inventory, inventory)
    password.write_text("for this test\n")
    by = ["--vault-password-file", password]
    suffix = subprocess.run(
        [VAULT, "encrypt_string", *by, "dev", "--name", "environment_suffix"],
        capture_output=True,
        text=True,
        check=True,
    )
    own = inventory / "group_vars/all/90_vault.yml"
    own.write_text(suffix.stdout)
    secret = inventory / "group_vars/all/91_vault.yml"
    secret.write_text("platform_tags: {Project: trading, Environment: dev, ManagedBy: trading.multi_region}\n")
    subprocess.run([VAULT, "encrypt", *by, secret], check=True)
    for command in (("status",), ("readiness",), ("failover", "--check")):
        run_playbook(*command, *map(str, by), lab=platform.lab, inventory=inventory).ends_well()
    again = run_playbook("site", "--tags", "network", *map(str, by), lab=platform.lab, inventory=inventory).ends_well()
    assert again.changed == {"localhost": 0, EAST: 0, WEST: 0}
    assert "dev" not in own.read_text()


@pytest.mark.nightly
def test_tags_that_are_numbers_and_dates_are_set_once(platform, tmp_path):
    (tmp_path / "tags.yml").write_text(
        "platform_tags: {Project: trading, Environment: dev, ManagedBy: trading.multi_region,"
        " CostCenter: 42, Since: 2026-01-01, Share: 1.5, Critical: true}\n"
    )
    given = ("-e", f"@{tmp_path / 'tags.yml'}")
    platform.run("site", *given).ends_well()
    tags = {tag["Key"]: tag["Value"] for tag in group(platform.lab, EAST)["Tags"]}
    assert (tags["CostCenter"], tags["Since"], tags["Share"]) == ("42", "2026-01-01", "1.5")
    again = platform.run("site", *given).ends_well()
    assert again.changed == {"localhost": 0, EAST: 0, WEST: 0}, again.output[-6000:]


@pytest.mark.nightly
def test_a_suspended_process_is_a_warning_where_the_capacity_suffices_and_else_an_obstacle(platform):
    scaling = platform.lab.client("autoscaling", WEST)
    name = group(platform.lab, WEST)["AutoScalingGroupName"]
    scaling.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["Launch"])
    enough = " ".join(platform.run("failover", "--check").ends_well().output.split())
    assert "Launch of the Auto Scaling group of us-east-2 is suspended; it runs enough, but replaces none." in enough

    wanted = 3 * capacity(platform.lab, WEST)["desired"]
    active = platform.lab.client("autoscaling", EAST)
    active.update_auto_scaling_group(AutoScalingGroupName=name, MaxSize=wanted, DesiredCapacity=wanted)
    scaling.update_auto_scaling_group(AutoScalingGroupName=name, MaxSize=wanted)
    short = platform.run("failover", "-e", "failover_cool_down=0")
    assert short.code != 0
    assert "Launch of the Auto Scaling group of us-east-2 is suspended, so it gets no more" in " ".join(
        short.output.split()
    )
    assert writer_region(platform.lab, EAST) == EAST
    assert writes(platform.lab, short.began) == {}


@pytest.mark.nightly
def test_a_failover_run_again_with_another_method_is_one_run_whose_clock_and_loss_are_the_first_attempts(platform):
    platform.lab.outage(EAST, "reset")
    failed = platform.run("failover", break_at="turn the switch in the target's own region", breaks="kill")
    assert failed.code != 0
    (before,) = runs(platform.lab, WEST)
    is_dead = f"takeover_run_id={before['run_id']}"
    platform.run("failover", "-e", "method=switchover", "-e", f"target_region={WEST}", "-e", is_dead).ends_well()
    (after,) = runs(platform.lab, WEST)
    assert [one["outcome"] for one in after["attempts"]] == ["lost", "successful"]
    assert (after["run_id"], after["started_at"]) == (before["run_id"], before["started_at"])
    assert (after["method"], after["rpo_bound_ms"]) == ("failover", before["rpo_bound_ms"])
    assert after["safe_instant"] == before["safe_instant"]
    assert after["rto_seconds"] > after["attempts"][1]["started_at"] - before["started_at"]
    assert name_points_at(platform.lab) == WEST
