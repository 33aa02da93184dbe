# SPDX-License-Identifier: GPL-3.0-or-later
"""The moves as AWX runs them: a private data directory, sent through ansible-runner's transmit, worker and process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.integration.platforms import TOP

BIN = Path(sys.executable).parent
RUNNER = BIN / "ansible-runner"


def run_job(platform, folder: Path, playbook: str, **extravars) -> tuple[int, str, dict]:
    """The job's exit code, its stdout and its artifacts."""
    job, worker = folder / "job", folder / "worker"
    shutil.copytree(platform.inventory, job / "inventory")
    for name in ("env", "project"):
        (job / name).mkdir()
    paths = {"ANSIBLE_COLLECTIONS_PATH": str(TOP / ".collections"), "ANSIBLE_NOCOLOR": "1"}
    (job / "env" / "envvars").write_text(json.dumps(platform.lab.env() | paths))
    (job / "env" / "extravars").write_text(json.dumps(extravars))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAB_", "ANSIBLE_"))}
    environment = kept | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    piped = b""
    for command in (
        ["transmit", job, "--playbook", f"trading.multi_region.{playbook}", "--ident", "1"],
        ["worker", "--private-data-dir", worker],
        ["process", job, "--ident", "1"],
    ):
        how = {"input": piped, "env": environment, "cwd": folder, "timeout": 300}
        done = subprocess.run([RUNNER, *command], stdout=subprocess.PIPE, check=False, **how)
        piped = done.stdout
    artifacts = job / "artifacts" / "1"
    events = [json.loads(path.read_text()) for path in (artifacts / "job_events").glob("*.json")]
    (stats,) = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"]
    return int((artifacts / "rc").read_text()), (artifacts / "stdout").read_text(), stats["artifact_data"]


def test_a_failover_hands_its_outcome_regions_and_figures_to_the_workflow_in_a_readable_log(platform, tmp_path):
    code, stdout, artifacts = run_job(platform, tmp_path, "failover", method="switchover")
    assert code == 0, stdout[-3000:]
    assert artifacts["outcome"] == "successful"
    assert artifacts["active_region"] == "us-east-2"
    assert artifacts["run_id"] == artifacts["failover"]["run_id"]
    assert artifacts["rto_seconds"] > 0
    assert artifacts["rpo_seconds"] is None or artifacts["rpo_seconds"] >= 0
    assert "\x1b" not in stdout
    assert max(map(len, stdout.splitlines())) < 10_000


def test_a_refused_failover_hands_its_refusal_and_reason_to_the_failure_path(platform, tmp_path):
    code, stdout, artifacts = run_job(platform, tmp_path, "failover", expected_active_region="us-east-2")
    assert code != 0
    assert artifacts["outcome"] == "refused", stdout[-3000:]
    assert artifacts["active_region"] == "us-east-1"
    assert artifacts["rto_seconds"] is None
    assert "us-east-2" in artifacts["failover"]["reason"]
