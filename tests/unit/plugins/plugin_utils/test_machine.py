# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the gate says of a machine's settings, and that the playbooks set everything else themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.trading.multi_region.plugins.plugin_utils import machine

TOP = Path(__file__).resolve().parents[4]
PLAYS = [
    (path.stem, play)
    for path in sorted((TOP / "playbooks").glob("*.yml"))
    for play in yaml.safe_load(path.read_text())
    if "hosts" in play
]
PLAYBOOKS = ["failover", "site", "status"]
REGIONS = ["us-east-1", "us-east-2"]
KEYS = {"AWS_ACCESS_KEY_ID": "x"}


# --- what the command omits


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start_at_task": "Network"}, "--start-at-task is 'Network'; allowed: none, because it omits the check"),
        ({"skip_tags": ["network", "always"]}, "--skip-tags is 'always'; allowed: other tags than always and tagged"),
        ({"skip_tags": ["tagged"]}, "--skip-tags is 'tagged'; allowed:"),
        (
            {"subset": "orders", "args": ["x/portfolio.yml"]},
            "--limit is 'orders'; allowed: none, because the portfolio",
        ),
    ],
)
def test_a_command_that_omits_the_gate_is_refused(options, words):
    (problem,) = machine.bypass_problems(options)
    assert problem.startswith(words)


@pytest.mark.parametrize("options", [{}, {"start_at_task": None, "skip_tags": []}, {"skip_tags": ["network", "all"]}])
def test_a_command_that_omits_other_tasks_is_not(options):
    assert machine.bypass_problems(options) == []


@pytest.mark.parametrize("name", ["playbooks/failover.yml", "trading.multi_region.failover", "/x/failover.yaml"])
def test_tags_with_which_nothing_would_be_done_are_refused(name):
    assert machine.tag_problems({"tags": ["network", "x"], "args": [name]}, PLAYBOOKS) == [
        "--tags is 'network, x'; allowed: none, except with site.yml, because it omits all tasks."
    ]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tags": ["all"], "args": ["failover.yml"]},
        {"tags": ["always"], "args": ["failover.yml"]},
        {"tags": ["network"], "args": ["playbooks/site.yml"]},
        {"tags": ["network"], "args": ["trading.multi_region.site"]},
        {"tags": ["ours"], "args": ["a_users_own_playbook.yml"]},
    ],
)
def test_tags_that_select_something_are_not(options):
    assert machine.tag_problems(options, PLAYBOOKS) == []


# --- what cannot be set by a playbook


def test_dictionaries_that_would_be_merged_are_refused_with_the_names_of_the_setting():
    assert machine.setting_problems("replace") == []
    (problem,) = machine.setting_problems("merge")
    assert problem.startswith("hash_behaviour is 'merge'; allowed: replace, because")
    assert "ANSIBLE_HASH_BEHAVIOUR" in problem


def test_an_inventory_that_no_plugin_can_read_names_the_plugin_that_does():
    (problem,) = machine.plugin_problems(["host_list", "yaml", "ini"])
    assert problem.startswith("enable_plugins is ['host_list', 'yaml', 'ini']; allowed: a list with auto or trading.")
    assert machine.plugin_problems(["ini", "auto"]) == machine.plugin_problems(["ini", machine.DEFAULTS]) == []


# --- profiles

CONFIG = """\
[profile base]
region = us-east-1
[profile plain]
role_arn = arn:aws:iam::123456789012:role/plain
source_profile = base
[profile code]
role_arn = arn:aws:iam::123456789012:role/code
source_profile = base
mfa_serial = arn:aws:iam::123456789012:mfa/ann
[profile behind]
role_arn = arn:aws:iam::123456789012:role/behind
source_profile = code
[profile keys]
mfa_serial = arn:aws:iam::123456789012:mfa/ann
"""


@pytest.fixture
def profiles(monkeypatch, tmp_path):
    (tmp_path / "config").write_text(CONFIG)
    (tmp_path / "credentials").write_text("[base]\naws_access_key_id = a\naws_secret_access_key = b\n")
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize("profile", ["code", "behind"])
def test_a_profile_whose_role_asks_for_a_code_is_refused_by_variable_value_and_device(profile):
    (problem,) = machine.profile_problems({"us-east-2": {"profile": profile}}, REGIONS, {}, KEYS)
    assert problem.startswith(f"aws_profile of us-east-2 is '{profile}'; allowed: a profile whose roles need no MFA")
    assert "mfa_serial is arn:aws:iam::123456789012:mfa/ann" in problem
    (problem,) = machine.profile_problems({}, REGIONS, {}, {"AWS_PROFILE": profile})
    assert problem.startswith(f"AWS_PROFILE is '{profile}'; allowed:")


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize("profile", ["base", "plain", "keys", "missing", ""])
def test_a_profile_that_asks_for_nothing_is_not(profile):
    credentials = {"us-east-2": {"profile": profile}, "hosted_zones": {"role_arn": "x"}}
    assert machine.profile_problems(credentials, REGIONS, {}, KEYS) == []
    assert machine.profile_problems({}, REGIONS, {}, {"AWS_PROFILE": profile}) == []


@pytest.mark.usefixtures("profiles")
def test_keys_of_the_environment_come_before_its_profile():
    assert machine.profile_problems({}, REGIONS, {}, {**KEYS, "AWS_PROFILE": "code"}) == []


@pytest.mark.usefixtures("profiles")
def test_the_environments_profile_counts_unless_every_region_has_its_own():
    own = {region: {"profile": "plain"} for region in REGIONS}
    assert machine.profile_problems(own, REGIONS, {}, {"AWS_PROFILE": "code"}) == []
    del own["us-east-2"]
    assert len(machine.profile_problems(own, REGIONS, {}, {"AWS_PROFILE": "code"})) == 1


@pytest.mark.usefixtures("profiles")
def test_an_administrators_profile_may_ask_for_a_code_where_nothing_is_asked_of_aws():
    options = {"args": ["playbooks/policies.yml"]}
    assert machine.profile_problems({}, REGIONS, options, {"AWS_PROFILE": "code"}) == []


# --- what every playbook sets itself


@pytest.mark.parametrize(("name", "play"), PLAYS, ids=[f"{name}-{play['name']}" for name, play in PLAYS])
def test_no_play_takes_its_strategy_or_facts_from_the_machine(name, play):
    assert (play.get("strategy"), play.get("gather_facts")) == ("linear", False)


def test_every_play_runs_as_the_user_who_runs_ansible():
    own = yaml.safe_load((TOP / "group_vars/all/platform.yml").read_text())
    assert (own["ansible_become"], own["ansible_connection"]) == (False, "local")
