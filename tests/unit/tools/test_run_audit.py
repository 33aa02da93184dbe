# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of the locked packages: a known vulnerability fails, a service without a response is only reported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import run_audit  # noqa: E402  (a tool is a script, found by its directory)

LOCK = "one==1.0 \\\n    --hash=sha256:aa\ntwo==2.0 ; python_version < '4' \\\n    --hash=sha256:bb\n    # via one\n"
SOUND = '{"name": "one", "version": "1.0", "vulns": []}'
SKIPPED = '{"name": "one", "skip_reason": "not found"}'
WEAK = '{"name": "two", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}'


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "a.lock"
    path.write_text(LOCK)
    return path


@pytest.fixture
def answers(monkeypatch):
    """What pip-audit prints for each service; an exception is raised."""
    given = {}

    def run(command, **_how):
        answer = given[command[command.index("--vulnerability-service") + 1]]
        if isinstance(answer, Exception):
            raise answer
        return subprocess.CompletedProcess(command, 1, stdout=answer, stderr="no route to host")

    monkeypatch.setattr(run_audit.subprocess, "run", run)
    return given


def of(*packages: str) -> str:
    return f'{{"dependencies": [{", ".join(packages)}]}}'


def test_a_known_vulnerability_fails_and_names_the_version_that_mends_it(lock, answers):
    answers.update(pypi=of(SOUND, WEAK))
    found = run_audit.audit(lock)
    assert found.exit_code == 1
    assert found.known == ["two 2.0: PYSEC-1, fixed in 2.1"]


def test_what_one_service_does_not_know_the_next_is_asked(lock, answers):
    answers.update(pypi=of(SKIPPED), osv=of(SOUND, WEAK))
    assert run_audit.audit(lock).exit_code == 1


@pytest.mark.parametrize("silence", ["", subprocess.TimeoutExpired("pip-audit", 1)])
def test_a_service_that_cannot_be_reached_fails_nothing_and_is_reported(lock, answers, silence):
    answers.update(pypi=silence, osv=silence)
    found = run_audit.audit(lock)
    assert found.exit_code == 0
    assert "NOT looked up, because no advisory service answered for them: 2 packages" in found.last_line()


def test_the_line_tells_when_every_package_was_looked_up(lock, answers):
    answers.update(pypi=of(SOUND, '{"name": "two", "version": "2.0", "vulns": []}'))
    assert run_audit.audit(lock).last_line() == "2 packages looked up, 0 vulnerabilities known"


def test_the_locks_of_this_project_name_packages():
    for name in run_audit.LOCKS:
        assert run_audit.locked_packages((run_audit.ROOT / name).read_text())
