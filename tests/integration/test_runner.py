# SPDX-License-Identifier: GPL-3.0-or-later
"""The moves as AWX runs them: a private data directory, sent through ansible-runner's transmit, worker and process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.aws import TABLE, control_item, name_points_at, writer_region
from tests.integration.platforms import TOP
from tests.integration.test_orphans import at_step

EAST, WEST = "us-east-1", "us-east-2"
BIN = Path(sys.executable).parent
RUNNER = BIN / "ansible-runner"


def prepare(platform, job: Path, extravars: dict) -> dict[str, str]:
    """Fill a job's private data directory; return the environment of what runs it."""
    shutil.copytree(platform.inventory, job / "inventory")
    for name in ("env", "project"):
        (job / name).mkdir()
    paths = {"ANSIBLE_COLLECTIONS_PATH": str(TOP / ".collections"), "ANSIBLE_NOCOLOR": "1"}
    (job / "env" / "envvars").write_text(json.dumps(platform.lab.env() | paths))
    (job / "env" / "extravars").write_text(json.dumps(extravars))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAB_", "ANSIBLE_"))}
    return kept | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def run_job(platform, folder: Path, playbook: str, **extravars) -> tuple[int, str, dict]:
    """The job's exit code, its stdout and its artifacts."""
    job, worker = folder / "job", folder / "worker"
    environment = prepare(platform, job, extravars)
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


def cancel_job(platform, folder: Path, playbook: str, step: str, **extravars) -> str:
    """Cancel a job at a step of its move, as AWX does: receptor signals the worker, which ends what it has started.

    Returns what the worker reported. ansible-runner ends the playbook by SIGKILL to its process group
    (``Runner.handle_termination``), so nothing of it can end orderly.
    """
    job = folder / "job"
    how = {"env": prepare(platform, job, extravars), "cwd": folder}
    transmit = [RUNNER, "transmit", job, "--playbook", f"trading.multi_region.{playbook}", "--ident", "1"]
    sent = folder / "sent"
    with sent.open("wb") as stdout:
        subprocess.run(transmit, stdout=stdout, check=True, timeout=60, **how)
    with sent.open("rb") as stdin, (folder / "reported").open("wb") as stdout:
        command = [RUNNER, "worker", "--private-data-dir", folder / "worker"]
        with subprocess.Popen(command, stdin=stdin, stdout=stdout, **how) as worker:
            at_step(platform, step, lambda pid: os.kill(pid, signal.SIGTERM))(worker.pid)
            worker.wait(60)
    return (folder / "reported").read_text()


def outcome_and_region(artifacts: dict) -> tuple:
    """What every job hands on, but for its reason and its figures."""
    assert artifacts["outcome_reason"]
    assert artifacts.keys() >= {"run_id", "rto_seconds", "rpo_seconds"}
    return artifacts["outcome"], artifacts["active_region"]


@pytest.mark.nightly
def test_jobs_of_a_workflow_hand_on_what_they_came_to_by_the_same_names(platform, tmp_path):
    """AWX gives a job the artifacts of all that ran before it as extra variables."""
    handed = {}

    def job(name: str, playbook: str, **extravars) -> str:
        code, stdout, artifacts = run_job(platform, tmp_path / name, playbook, **handed | extravars)
        assert code == 0, stdout[-3000:]
        assert "\x1b" not in stdout
        assert max(map(len, stdout.splitlines())) < 10_000
        handed.update(artifacts)
        return stdout

    job("before", "readiness")
    assert outcome_and_region(handed) == ("successful", EAST)
    assert (handed["run_id"], handed["rto_seconds"], handed["rpo_seconds"]) == (None, None, None)
    job("move", "failover", method="switchover")
    assert outcome_and_region(handed) == ("successful", WEST)
    assert handed["run_id"] == handed["failover"]["run_id"]
    assert handed["rto_seconds"] > 0
    assert handed["rpo_seconds"] is None or handed["rpo_seconds"] >= 0
    # The outcome of a run is on record under the id that was handed on.
    assert f"{handed['run_id']}: " in job("status", "status")
    job("again", "failover", target_region=WEST)
    assert outcome_and_region(handed) == ("unchanged", WEST)
    job("after", "readiness")
    assert outcome_and_region(handed) == ("successful", WEST)
    assert handed["readiness"]["active_region"] == WEST
    job("health", "health_check")
    assert outcome_and_region(handed) == ("unchanged", WEST)
    assert set(handed["health"]["verdicts"]) == {EAST, WEST}


@pytest.mark.nightly
def test_a_drill_hands_on_the_way_back_and_both_ways_in_full(platform, tmp_path):
    code, stdout, artifacts = run_job(platform, tmp_path, "drill")
    assert code == 0, stdout[-3000:]
    assert outcome_and_region(artifacts) == ("successful", EAST)
    there, back = artifacts["drill"]["there"], artifacts["drill"]["back"]
    assert (there["target_region"], back["target_region"]) == (WEST, EAST)
    assert (artifacts["run_id"], artifacts["rto_seconds"]) == (back["run_id"], back["rto_seconds"])


def test_a_refused_move_hands_its_reason_to_the_failure_path(platform, tmp_path):
    code, stdout, artifacts = run_job(platform, tmp_path, "failover", expected_active_region=WEST)
    assert code != 0
    assert outcome_and_region(artifacts) == ("refused", EAST), stdout[-3000:]
    assert artifacts["rto_seconds"] is None
    assert WEST in artifacts["outcome_reason"]


@pytest.mark.parametrize("playbook", ["failover", "drill"])
def test_bad_input_is_refused_with_its_sentence(platform, tmp_path, playbook):
    code, _stdout, artifacts = run_job(platform, tmp_path, playbook, wait_timeout="soon")
    assert code != 0
    assert outcome_and_region(artifacts) == ("refused", None)
    assert "wait_timeout" in artifacts["outcome_reason"]


@pytest.mark.parametrize(
    ("playbook", "outcome"),
    [("failover", "refused"), ("failback", "refused"), ("health_check", "failed"), ("readiness", "failed")],
)
def test_where_nothing_can_be_read_no_earlier_outcome_is_kept(platform, tmp_path, playbook, outcome):
    for region in platform.regions:
        platform.lab.outage(region, "reset")
    earlier = {"outcome": "successful", "active_region": EAST, "run_id": "run-1"}
    code, stdout, artifacts = run_job(platform, tmp_path, playbook, **earlier)
    assert code != 0
    assert outcome_and_region(artifacts) == (outcome, None), stdout[-3000:]
    assert artifacts["rto_seconds"] is None


def test_a_platform_that_is_not_ready_refuses(platform, tmp_path):
    platform.lab.client("dynamodb", WEST).delete_item(TableName=TABLE, Key={"id": {"S": "manifest"}})
    code, stdout, artifacts = run_job(platform, tmp_path, "readiness")
    assert code != 0
    assert outcome_and_region(artifacts) == ("refused", EAST), stdout[-3000:]


def test_a_move_that_fails_half_way_names_no_region(platform, tmp_path):
    platform.lab.fault("5xx", service="rds", operation="SwitchoverGlobalCluster")
    code, stdout, artifacts = run_job(platform, tmp_path, "switchover")
    assert code != 0
    assert outcome_and_region(artifacts) == ("failed", None), stdout[-3000:]
    assert artifacts["run_id"] == artifacts["failover"]["run_id"]
    assert "request the promotion" in artifacts["outcome_reason"]


@pytest.mark.nightly
def test_a_cancelled_job_is_finished_by_its_relaunch_and_one_more_relaunch_moves_nothing(platform, tmp_path):
    """The last one is also that of a job whose dispatcher was killed: its move had ended on its node."""
    lab, lease_s = platform.lab, 10
    lab.settings(promotion_stuck=True)
    given = {"force": True, "failover_lease_seconds": lease_s, "wait_timeout": 1800}
    assert '"status": "canceled"' in cancel_job(platform, tmp_path / "first", "failover", "promote_wait", **given)
    cancelled_at = time.time()
    lease = control_item(lab, WEST, "lease")
    assert float(lease["expires_at"]) <= cancelled_at + lease_s, "nothing renews it"
    time.sleep(max(0.0, float(lease["expires_at"]) + 1 - time.time()))

    lab.settings(promotion_stuck=False)
    code, stdout, artifacts = run_job(platform, tmp_path / "relaunch", "failover", **given)
    assert code == 0, stdout[-3000:]
    assert outcome_and_region(artifacts) == ("successful", WEST)
    assert artifacts["run_id"] == lease["run_id"], "the same run, not a second move"
    assert (writer_region(lab, WEST), name_points_at(lab)) == (WEST, WEST)

    code, stdout, artifacts = run_job(platform, tmp_path / "again", "failover", **given)
    assert code == 0, stdout[-3000:]
    assert outcome_and_region(artifacts) == ("unchanged", WEST)
    assert len([call for call in lab.calls() if call["operation"] == "FailoverGlobalCluster"]) == 1


def test_a_status_job_leaves_its_page_where_the_controller_keeps_it(platform, tmp_path):
    code, stdout, artifacts = run_job(
        platform, tmp_path / "history", "status", status_report_artifact=True, reason="Seen."
    )
    assert code == 0, stdout[-3000:]
    page = artifacts["report_html"]
    assert page.lstrip().startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>")
    assert "Seen." in stdout and len(page) < 700_000, "AWX keeps no larger result of an event (MAX_EVENT_RES_DATA)"
