# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The process that forks has the next task's module of amazon.aws, and the model of its service."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

FILE = Path(__file__).resolve().parents[3] / "playbooks" / "callback_plugins" / "modules_ahead.py"
IMPORTED = "ansible_collections.amazon.aws.plugins.modules.ec2_vpc_igw"


@pytest.fixture
def plugin(monkeypatch):
    monkeypatch.delitem(sys.modules, IMPORTED, raising=False)
    spec = importlib.util.spec_from_file_location("modules_ahead", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def started(callback, action, resolved=None):
    callback.v2_playbook_on_task_start(SimpleNamespace(action=action, resolved_action=resolved), is_conditional=False)


def test_a_module_is_there_before_the_processes_of_its_task(plugin):
    started(plugin.CallbackModule(), "amazon.aws.ec2_vpc_igw")
    assert IMPORTED in sys.modules


@pytest.mark.parametrize(
    ("module", "service"),
    [
        ("amazon.aws.ec2_vpc_net", "ec2"),
        ("amazon.aws.elb_application_lb", "elbv2"),
        ("amazon.aws.cloudwatchevent_rule", "events"),
        ("community.aws.wafv2_web_acl", "wafv2"),
    ],
)
def test_the_model_of_its_service_has_been_read(plugin, monkeypatch, module, service):
    read = []
    monkeypatch.setattr(plugin, "read_ahead", read.extend)
    started(plugin.CallbackModule(), module)
    assert read == [service]


def test_once_for_all_tasks(plugin, monkeypatch):
    read, callback = [], plugin.CallbackModule()
    monkeypatch.setattr(plugin, "read_ahead", read.extend)
    for _task in range(2):
        started(callback, "some_alias", "amazon.aws.ec2_vpc_net")
    assert read == ["ec2"]


@pytest.mark.parametrize(
    "action",
    ["ansible.builtin.debug", "debug", "{{ its_name }}", "amazon.aws.none", "trading.multi_region.x"],
)
def test_any_other_task_is_left_to_itself(plugin, monkeypatch, action):
    read = []
    monkeypatch.setattr(plugin, "read_ahead", read.extend)
    started(plugin.CallbackModule(), action)
    assert read == []
