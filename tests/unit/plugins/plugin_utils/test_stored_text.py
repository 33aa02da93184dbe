# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts are read with the credentials of their region, as everything else is, and no playbook reads them otherwise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.plugin_utils.stored_text import texts
from tests.unit.wire import Endpoint

TOP = Path(__file__).resolve().parents[4]
OTHERS_LOOKUP = re.compile(r"""(?:lookup|query|q)\(\s*['"](?:amazon|community)\.aws""")
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "nothing"}
PROFILE = "[profile desk]\naws_access_key_id = AKIADESK\naws_secret_access_key = nothing\n"
EAST = "us-east-1"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    (tmp_path / "config").write_text(PROFILE)
    files = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    for name, value in {**KEYS, **files, "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return monkeypatch


def read(machine, aws, store, settings):
    machine.setenv("AWS_URL", aws.url)
    return texts(store, EAST, ["name"], settings)


@pytest.mark.parametrize(
    ("store", "answer"),
    [("parameter", b'{"Parameter": {"Value": "text"}}'), ("secret", b'{"SecretString": "text"}')],
)
@pytest.mark.parametrize(
    ("settings", "signer"), [({}, "AKIAEXAMPLE"), ({EAST: {"profile": "desk"}}, "AKIADESK")], ids=["keys", "profile"]
)
def test_a_text_is_read_with_the_credentials_of_its_region(machine, store, answer, settings, signer):
    with Endpoint((answer, 0.0)) as aws:
        assert read(machine, aws, store, settings) == ["text"]
        assert aws.signers == [signer]


def test_credentials_that_could_not_be_had_are_named(machine):
    with Endpoint() as aws, pytest.raises(MultiRegionError, match="The config profile \\(gone\\) could not be found"):
        read(machine, aws, "parameter", {EAST: {"profile": "gone"}})


def test_no_playbook_and_no_role_reads_by_a_lookup_that_does_not_know_the_credentials_of_regions():
    files = [*(TOP / "roles").rglob("*.yml"), *(TOP / "playbooks").rglob("*.*"), *(TOP / "group_vars").rglob("*.yml")]
    assert len(files) > 100
    assert [path.name for path in files if OTHERS_LOOKUP.search(path.read_text())] == []
