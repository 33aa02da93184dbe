# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a module promises it keeps in the controller's process: options, secrets, check mode, errors, environment."""

from __future__ import annotations

import datetime
import importlib
import importlib.util
import json
import logging
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import AnsibleModule
from ansible.utils.display import Display
from ansible_collections.amazon.aws.plugins.module_utils import common
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.modules import failover_notify
from ansible_collections.trading.multi_region.plugins.plugin_utils import in_process
from ansible_collections.trading.multi_region.plugins.plugin_utils.in_process import InProcessAction

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
NORMAL = PLUGINS.parent / "playbooks/action_plugins/normal.py"
ACTIONS = sorted(path.stem for path in (PLUGINS / "action").glob("[!_]*.py"))
NOTIFY = {
    "topics": {"us-east-2": "arn:aws:sns:us-east-2:123456789012:alerts"},
    "subject": "moved",
    "msg": "to us-east-2",
}
KEYS = {"access_key": "nobody", "secret_key": "hush-hush"}
ORDINARY = {"ran": "as an ordinary module"}


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("AWS_", "ANSIBLE_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def perform(monkeypatch):
    """A function that runs a task's action: perform(options, run=..., task={}, connection={}, variables={}) -> result.

    run: takes the place of the module's run(params, clients, check_mode).
    """
    monkeypatch.setattr(InProcessAction, "_execute_module", lambda _self, **_how: ORDINARY)

    def act(options, run=None, module=failover_notify, task=None, connection=None, variables=None):
        if run:
            monkeypatch.setattr(module, "run", run)
        plugin = type("ActionModule", (InProcessAction,), {"module": module})
        facts = {"async_val": 0, "poll": 15, "check_mode": False, "diff": False, "delegate_to": None, "environment": []}
        shell = SimpleNamespace(env_prefix=lambda **_environment: "", tmpdir="kept")
        action = plugin(
            task=SimpleNamespace(action="trading.multi_region.it", args=options, **{**facts, **(task or {})}),
            connection=SimpleNamespace(**{"transport": "local", "become": None, "_shell": shell, **(connection or {})}),
            play_context=None,
            loader=SimpleNamespace(get_basedir=os.getcwd),
            templar=SimpleNamespace(template=lambda value: value),
        )
        return action.run(task_vars=variables or {})

    return act


def returns(**result):
    return lambda _params, _clients, _check_mode=False: {"changed": False, **result}


def fails(*message, **evidence):
    def run(_params, _clients, _check_mode=False):
        raise MultiRegionError(*message, **evidence)

    return run


# --- options ---------------------------------------------------------------------------------------------------------


def test_the_module_gets_its_options_with_defaults_and_types(perform):
    seen = []

    def run(params, clients, _check_mode):
        seen.append((params, clients.default_region))
        return {"changed": True}

    result = perform({**NOTIFY, **KEYS, "aws_region": "us-east-2", "deadline": "4"}, run)
    ((params, region),) = seen
    assert (params["deadline"], params["retries"], params["attributes"], region) == (4.0, 1, None, "us-east-2")
    assert result["changed"] is True
    assert result["invocation"]["module_args"]["deadline"] == 4.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({**NOTIFY, "topic": 1}, "Unsupported parameters for (trading.multi_region.it) module: topic."),
        ({"topics": {}}, "missing required arguments: msg, subject"),
        ({**NOTIFY, "deadline": "soon"}, "deadline is 'soon'; allowed: a number."),
    ],
)
def test_wrong_options_fail_with_the_words_of_an_ordinary_module(perform, options, message):
    result = perform(options, fails("never reached"))
    assert result["failed"] is True
    assert result["msg"].startswith(message)


def test_every_module_has_its_action():
    assert ACTIONS == sorted(path.stem for path in (PLUGINS / "modules").glob("[!_]*.py"))


@pytest.mark.parametrize("name", ACTIONS)
def test_each_action_runs_the_module_of_its_name_with_its_own_rules(perform, name):
    action = importlib.import_module(f"ansible_collections.trading.multi_region.plugins.action.{name}").ActionModule
    assert issubclass(action, InProcessAction)
    assert action.module.__name__.endswith(f"plugins.modules.{name}")
    result = perform({}, module=action.module)
    assert result["failed"] is True
    assert "required" in result["msg"]


def test_values_arrive_and_leave_as_json_brings_them(perform):
    day = datetime.date(2026, 3, 1)
    result = perform({**NOTIFY, **KEYS, "attributes": {"day": day, 1: (2, 3)}}, returns(seen=(1, {2: day})))
    assert result["invocation"]["module_args"]["attributes"] == {"day": "2026-03-01", "1": [2, 3]}
    assert result["seen"] == [1, {"2": "2026-03-01"}]


# --- results ---------------------------------------------------------------------------------------------------------


def test_an_error_of_ours_fails_the_task_with_its_sentence_and_its_evidence(perform):
    result = perform({**NOTIFY, **KEYS}, fails("No region was notified.", delivered={}, seconds=1.5))
    assert (result["failed"], result["msg"]) == (True, "No region was notified.")
    assert (result["delivered"], result["seconds"]) == ({}, 1.5)


def test_an_error_that_is_not_ours_is_not_hidden(perform):
    with pytest.raises(ZeroDivisionError):
        perform({**NOTIFY, **KEYS}, lambda *_arguments: 1 / 0)
    assert AnsibleAWSModule.default_settings["module_class"] is AnsibleModule


def test_secrets_are_censored_wherever_they_show_up(perform):
    options = {**NOTIFY, **KEYS, "subject": "hush-hush", "attributes": {"why": "it is hush-hush"}}
    for run in (returns(reason="hush-hush was said"), fails("not hush-hush", why=["hush-hush"])):
        assert "hush-hush" not in str(perform(options, run))


def test_a_secret_that_reads_like_a_flag_does_not_turn_flags_into_text(perform):
    result = perform({**NOTIFY, "access_key": "a", "secret_key": "True"}, returns(changed=True, reason="True"))
    assert result["changed"] is True
    assert result["reason"] != "True"


def test_warnings_are_reported_once_each(perform):
    def main():
        module = AnsibleAWSModule(argument_spec={})
        for warning in ("old", "old", "slow"):
            module.warn(warning)
        module.exit_json(changed=False)

    assert perform({}, module=SimpleNamespace(main=main))["warnings"] == ["old", "slow"]


def test_a_module_that_never_says_how_it_ended_is_a_failure(perform):
    with pytest.raises(in_process.AnsibleActionFail, match="without a result"):
        perform({}, module=SimpleNamespace(main=lambda: None))


# --- keywords of the task --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [True, False])
def test_check_mode_is_passed(perform, check_mode):
    result = perform(
        {**NOTIFY, **KEYS}, lambda _params, _clients, check: {"check": check}, task={"check_mode": check_mode}
    )
    assert result["check"] is check_mode


def test_a_module_without_check_mode_is_skipped_in_it(perform):
    def main():
        AnsibleAWSModule(argument_spec={}).exit_json(changed=True)

    result = perform({}, module=SimpleNamespace(main=main), task={"check_mode": True})
    assert result["skipped"] is True
    assert "changed" not in result


@pytest.mark.parametrize("diff", [True, False])
def test_diff_mode_is_passed(perform, diff):
    def main():
        module = AnsibleAWSModule(argument_spec={})
        module.exit_json(diff_mode=module._diff)

    assert perform({}, module=SimpleNamespace(main=main), task={"diff": diff})["diff_mode"] is diff


def test_the_environment_of_the_task_holds_for_the_module_and_no_longer(perform):
    def run(_params, clients, _check_mode):
        return {"region": clients.default_region, "proxy": os.environ["HTTP_PROXY"]}

    environment = [{"AWS_REGION": "eu-west-1", "HTTP_PROXY": 1}, {"HTTP_PROXY": "proxy.example"}]
    result = perform({**NOTIFY, **KEYS}, run, task={"environment": environment})
    assert (result["region"], result["proxy"]) == ("eu-west-1", "proxy.example")
    assert "AWS_REGION" not in os.environ


def test_a_worker_that_is_forked_while_ansible_writes_its_log_does_not_wait_for_it(perform, tmp_path, monkeypatch):
    def run(_params, _clients, _check_mode=False):
        logging.getLogger("botocore.credentials").warning("Found credentials in environment variables.")
        return {"changed": False}

    full = tmp_path / "log"
    os.mkfifo(full)
    reader = os.open(full, os.O_RDWR)  # which reads nothing
    handler = logging.FileHandler(full)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    threading.Thread(target=lambda: handler.stream.buffer.write(b"x" * 1_000_000), daemon=True).start()
    time.sleep(0.5)
    worker = multiprocessing.get_context("fork").Process(target=perform, args=(NOTIFY, run))
    worker.start()
    worker.join(20)
    code = worker.exitcode
    worker.kill()
    os.set_blocking(reader, False)
    with suppress(BlockingIOError):
        while True:
            os.read(reader, 65536)
            time.sleep(0.001)
    assert code == 0, "it waits for the lock of the file's buffer"


def test_the_endpoint_may_come_from_the_environment_of_the_task(perform):
    def run(_params, clients, _check_mode):
        return {"endpoint": clients("sns", "us-east-2").meta.endpoint_url}

    environment = [{"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}]
    assert perform({**NOTIFY, **KEYS}, run, task={"environment": environment})["endpoint"] == "http://127.0.0.1:9"


# --- where it runs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        {"task": {"async_val": 60}},
        {"task": {"async_val": 60, "poll": 0, "check_mode": True}},
        {"connection": {"transport": "ssh"}},
        {"connection": {"become": object()}},
        {"variables": {"ansible_python_interpreter": "/opt/other/bin/python3"}},
        {
            "task": {"delegate_to": "far"},
            "variables": {"ansible_delegated_vars": {"far": {"ansible_python_interpreter": "/opt/other/bin/python3"}}},
        },
    ],
    ids=[
        "async",
        "async and only tried",
        "another machine",
        "another user",
        "another Python",
        "another Python where it is delegated to",
    ],
)
def test_what_would_not_run_in_this_process_is_an_ordinary_module(perform, other):
    assert perform({**NOTIFY, **KEYS}, fails("never reached"), **other) == ORDINARY


def test_a_task_without_a_wait_starts_in_the_background(perform, tmp_path):
    shell = SimpleNamespace(env_prefix=lambda **_environment: "", get_option={"async_dir": str(tmp_path)}.get)
    task, connection = {"async_val": 60, "poll": 0}, {"_shell": shell}
    result = perform({**NOTIFY, **KEYS}, returns(seen=1), task=task, connection=connection)
    assert (result["started"], result["finished"]) == (True, False)
    assert Path(result["results_file"]).parent == tmp_path


def test_what_cannot_start_in_the_background_fails_and_says_so(perform, tmp_path):
    (tmp_path / "file").touch()
    shell = SimpleNamespace(env_prefix=lambda **_environment: "", get_option=lambda _name: str(tmp_path / "file"))
    with pytest.raises(AnsibleActionFail, match="was not started"):
        perform({**NOTIFY, **KEYS}, returns(), task={"async_val": 60, "poll": 0}, connection={"_shell": shell})


def test_without_boto3_beside_ansible_it_is_an_ordinary_module(perform, monkeypatch):
    monkeypatch.setattr(in_process, "HAS_BOTO3", False)
    assert perform({**NOTIFY, **KEYS}, fails("never reached")) == ORDINARY


@pytest.mark.parametrize("chosen", [sys.executable, str(Path(sys.executable).with_name("python")), "auto_silent"])
def test_the_python_of_ansible_itself_is_no_other_python(perform, chosen):
    result = perform({**NOTIFY, **KEYS}, returns(seen=1), variables={"ansible_python_interpreter": chosen})
    assert result["seen"] == 1


@pytest.mark.parametrize(
    ("named", "resolved", "here"),
    [
        ("amazon.aws.ec2_vpc_net", "amazon.aws.ec2_vpc_net", True),
        ("community.aws.sns_topic", None, True),
        ("amazon.aws.ec2_metadata_facts", "amazon.aws.ec2_metadata_facts", False),
        ("ansible.builtin.stat", "ansible.builtin.stat", False),
    ],
    ids=["of amazon.aws", "named by a template", "not built on AnsibleAWSModule", "not of AWS"],
)
def test_beside_the_playbooks_only_what_is_built_on_ansibleawsmodule_runs_here(monkeypatch, named, resolved, here):
    monkeypatch.setattr(InProcessAction, "belongs_here", lambda *_arguments: True)
    specification = importlib.util.spec_from_file_location("beside_the_playbooks", NORMAL)
    normal = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(normal)
    action = normal.ActionModule.__new__(normal.ActionModule)
    action._task = SimpleNamespace(action=named, resolved_action=resolved)
    assert action.belongs_here({}) is here


# --- amazon.aws ------------------------------------------------------------------------------------------------------


@pytest.fixture
def warnings(monkeypatch):
    said = []
    monkeypatch.setattr(Display, "warning", lambda _self, message, *_how, **_more: said.append(message))
    return said


@pytest.mark.parametrize("version", ["12.0.0", "12.0.0-dev0", "13.1.2", ""])
def test_an_untested_amazon_aws_is_warned_of_once_when_the_plugin_is_loaded(monkeypatch, warnings, version):
    monkeypatch.setattr(common, "AMAZON_AWS_COLLECTION_VERSION", version)
    load_again()
    (said,) = warnings
    assert f"not tested with amazon.aws {version or 'of an unknown version'}" in said
    assert "'amazon.aws:<12'" in said


def test_an_amazon_aws_that_does_not_tell_its_version_is_warned_of(monkeypatch, warnings):
    monkeypatch.delattr(common, "AMAZON_AWS_COLLECTION_VERSION")
    load_again()
    assert len(warnings) == 1


@pytest.mark.parametrize("version", ["10.1.2", "11.4.0", "11.99.0"])
def test_an_amazon_aws_of_a_tested_major_version_is_no_matter(monkeypatch, warnings, version):
    monkeypatch.setattr(common, "AMAZON_AWS_COLLECTION_VERSION", version)
    load_again()
    assert warnings == []


def load_again():
    """What Ansible does before it forks; the module that others imported stays as it is."""
    specification = importlib.util.spec_from_file_location("loaded_again", in_process.__file__)
    specification.loader.exec_module(importlib.util.module_from_spec(specification))


def test_every_fork_finds_the_filters_loaded():
    """In a process that finds collections as Ansible's commands do, which has them from Ansible's own loader."""
    code = (
        "import json, sys; from ansible.plugins import loader; loader.init_plugin_loader([sys.argv[1]]);"
        f"import {in_process.__name__}; print(json.dumps(list(loader.filter_loader._module_cache)))"
    )
    command = [sys.executable, "-c", code, str(PLUGINS.parent / ".collections")]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    loaded = {Path(path).name for path in found if "multi_region" in path}
    assert loaded == {path.name for path in (PLUGINS / "filter").glob("[!_]*.py")}
