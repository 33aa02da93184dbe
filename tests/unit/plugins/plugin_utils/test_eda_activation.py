# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""extensions/eda/activation.yml fits the rulebook that it activates, and the modules of ansible.eda that take it."""

from __future__ import annotations

import re

import pytest
from ansible.parsing.dataloader import DataLoader

from tests.controller.objects import ROOT

EDA = ROOT / "extensions" / "eda"
# The modules' options, after their documentation (ansible/event-driven-ansible, plugins/modules).
OPTIONS = {
    "eda_credential_types": {"name", "description", "inputs", "injectors", "organization_name", "state"},
    "eda_credentials": {"name", "description", "credential_type_name", "inputs", "organization_name", "state"},
    "eda_decision_environments": {"name", "description", "image_url", "credential", "organization_name", "state"},
    "eda_projects": {"name", "description", "url", "credential", "organization_name", "scm_branch", "state"},
    "eda_rulebook_activations": {
        *("name", "description", "project_name", "rulebook_name", "extra_vars", "restart_policy", "organization_name"),
        *("decision_environment_name", "eda_credentials", "log_level", "restart_on_project_update", "state"),
    },
}
REFERENCES = {
    "credential_type_name": "eda_credential_types",
    "project_name": "eda_projects",
    "decision_environment_name": "eda_decision_environments",
    "eda_credentials": "eda_credentials",
}


@pytest.fixture(scope="module")
def data():
    return DataLoader().load_from_file(str(EDA / "activation.yml"))


def test_every_option_is_one_that_the_module_has(data):
    for kind, known in OPTIONS.items():
        for entry in data[kind]:
            assert entry.keys() <= known, kind


def test_every_name_is_one_of_the_file_or_built_in(data):
    names = {kind: {entry["name"] for entry in data[kind]} for kind in OPTIONS}
    names["eda_credential_types"].add("Red Hat Ansible Automation Platform")
    for entry in (one for kind in OPTIONS for one in data[kind]):
        for member, kind in REFERENCES.items():
            wanted = entry.get(member, [])
            assert {*(wanted if isinstance(wanted, list) else [wanted])} <= names[kind], entry["name"]


def test_the_activation_gives_the_rulebook_what_it_reads(data):
    (activation,) = data["eda_rulebook_activations"]
    rulebook = (EDA / "rulebooks" / activation["rulebook_name"]).read_text()
    read = set(re.findall(r"{{ (\w+)(?: \|[^}]*)? }}", rulebook))
    required = set(re.findall(r"{{ (\w+) }}", rulebook))
    given = data["eda_rulebook_variables"].keys()
    assert required <= given <= read
    assert "eda_rulebook_variables" in activation["extra_vars"]


def test_its_credential_passes_what_boto3_reads_and_the_file_contains_no_secret(data):
    (kind,) = data["eda_credential_types"]
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= kind["injectors"]["env"].keys()
    for credential in data["eda_credentials"]:
        assert all(str(value).startswith("{{ ") for value in credential["inputs"].values())
