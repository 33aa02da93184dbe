# SPDX-License-Identifier: GPL-3.0-or-later
"""A relative path is one from where the command was given; Ansible itself takes it from the folder of the playbooks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"
# A file or a folder that an input names.
NAMED = re.compile(r"^\s*(?:dest|path): (?P<where>.*_(?:file|folder)\b.*)$", re.MULTILINE)
# The last one is made by the module of the hook, and absolute.
FROM_HERE = ("lookup('ansible.builtin.env', 'PWD')", "portfolio_started_in", "adopt_to", "failover_hook_reason_file")
WRITTEN = {(path, where) for path in PLAYBOOKS.rglob("*.yml") for where in NAMED.findall(path.read_text())}


@pytest.mark.parametrize(("path", "where"), sorted(WRITTEN), ids=lambda one: one.name if isinstance(one, Path) else "")
def test_a_file_that_an_input_names_is_relative_to_the_command(path, where):
    assert any(one in where for one in FROM_HERE), f"{path.name}: {where}"


def test_the_files_of_moves_health_status_and_readiness_are_found():
    named = {name for _path, where in WRITTEN for name in re.findall(r"\w+_file\b", where)}
    assert {"failover_report_file", "health_report_file", "readiness_report_file", "status_file"} <= named
