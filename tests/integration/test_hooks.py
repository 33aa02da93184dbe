# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's own steps: at their moments, for a limited time, once or again in a run that is resumed."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.integration.aws import name_points_at, runs, writer_region

LOST, TARGET = "us-east-1", "us-east-2"
# Leaves what it was given, and a time, in the file that the command line names.
NOTE = """
- name: Leave a note
  ansible.builtin.lineinfile:
    path: "{{ hook_notes }}"
    line: "{{ failover_hook | combine({'at': now().timestamp(), 'platform': platform_name}) | to_json }}"
    create: true
    mode: "0600"
"""
# No limit of a task ends this.
HANG = """
- name: Ask again and again
  ansible.builtin.command: /bin/false
  register: asked
  until: asked.rc == 0
  retries: 1000
  delay: 1
"""
FAIL = """
- name: Ask the gateway
  ansible.builtin.fail:
    msg: The gateway said no
"""
SLOW = """
- name: Take longer than a lease
  ansible.builtin.command: sleep 14
"""


def hook(name: str, moment: str, file: Path | str, **options) -> dict:
    needs = {} if moment.startswith("on_") else {"required": False}
    return {"name": name, "moment": moment, "file": str(file), "time_limit_seconds": 60, **needs, **options}


class Hooks:
    """Task files, and what they have noted."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.notes_file = folder, folder / "notes"
        for name, tasks in {"note": NOTE, "hang": HANG, "fail": FAIL, "slow": SLOW}.items():
            (folder / f"{name}.yml").write_text(tasks)

    def file(self, name: str) -> str:
        return str(self.folder / f"{name}.yml")

    def options(self, *hooks: dict, **more) -> tuple[str, str]:
        return "-e", json.dumps({"failover_hooks": hooks, "hook_notes": str(self.notes_file), **more})

    def notes(self) -> list[dict]:
        return (
            [json.loads(line) for line in self.notes_file.read_text().splitlines()] if self.notes_file.exists() else []
        )


@pytest.fixture
def hooks(tmp_path) -> Hooks:
    return Hooks(tmp_path)


def test_hooks_run_at_their_moments_and_delay_a_move_no_longer_than_their_limits(platform, hooks):
    platform.lab.outage(LOST, "reset")
    note, limit = hooks.file("note"), 6
    given = (
        hook("after", "after_traffic", note),
        hook("drain", "before_promotion", note, required=True, side="source"),
        hook("hanging", "before_promotion", hooks.file("hang"), time_limit_seconds=limit),
        hook("failing", "after_promotion", hooks.file("fail")),
        hook("slow", "before_traffic", hooks.file("slow")),
        hook("planned_only", "before_traffic", note, methods=["switchover"]),
        hook("sorry", "on_failure", note),
    )
    run = platform.run("failover", *hooks.options(*given, failover_lease_seconds=10)).ends_well()

    assert writer_region(platform.lab, asked_in=TARGET) == name_points_at(platform.lab) == TARGET
    first, last = hooks.notes()
    assert [first["name"], first["moment"], first["region"]] == ["drain", "before_promotion", LOST]
    assert [last["name"], last["moment"], last["region"]] == ["after", "after_traffic", TARGET]
    assert first["resources"]["region"] == LOST and first["platform"] == "trading", "it has the inventory's variables"
    calls = [call for call in platform.lab.calls() if call["time"] >= run.began]
    promoted = next(call["time"] for call in calls if call["operation"] == "FailoverGlobalCluster")
    turned = next(call["time"] for call in calls if call["operation"] == "PutObject")
    assert first["at"] < promoted < turned < last["at"]

    (record,) = runs(platform.lab, TARGET)
    steps = {step["name"]: step for step in record["steps"]}
    mine = {name: step["hook"] for name, step in steps.items() if name.startswith("hook_")}
    assert mine == {
        "hook_drain": "finished",
        "hook_hanging": "stopped",
        "hook_failing": "failed",
        "hook_slow": "finished",
        "hook_after": "finished",
    }
    assert list(steps).index("hook_hanging") == list(steps).index("promote_request") - 1
    assert limit <= steps["hook_hanging"]["seconds"] < limit + 4
    assert steps["hook_slow"]["seconds"] >= 14, "longer than the lease, which was renewed"
    assert sum(step["seconds"] or 0 for step in steps.values() if step["name"] != "fence") >= 20
    assert "The gateway said no" in steps["hook_failing"]["reason"]
    assert any("did not end within 6 s (time_limit_seconds)" in one for one in record["warnings"])
    assert first["run_id"] == last["run_id"] == record["run_id"]


@pytest.mark.nightly
def test_a_required_hook_stops_the_move_which_the_same_command_resumes(platform, hooks):
    platform.lab.outage(LOST, "reset")
    given = [
        hook("once", "before_promotion", hooks.file("note"), run="once"),
        hook("again", "before_promotion", hooks.file("note"), run="repeatable"),
        hook("check", "before_promotion", hooks.file("fail"), required=True),
        hook("page", "on_failure", hooks.file("note")),
    ]
    stopped = platform.run("failover", *hooks.options(*given))
    assert stopped.code != 0 and "The gateway said no" in stopped.output
    assert writer_region(platform.lab, asked_in=TARGET) == LOST
    (record,) = runs(platform.lab, TARGET)
    assert [step["name"] for step in record["steps"] if "hook" in step] == ["hook_once", "hook_again", "hook_page"]
    assert "The gateway said no" in hooks.notes()[-1]["message"]

    given[2]["file"] = hooks.file("note")
    platform.run("failover", *hooks.options(*given)).ends_well()
    assert writer_region(platform.lab, asked_in=TARGET) == TARGET
    noted = [(note["name"], note["attempt"]) for note in hooks.notes()]
    assert noted == [("once", 1), ("again", 1), ("page", 1), ("again", 2), ("check", 2)]


@pytest.mark.nightly
def test_a_killed_run_does_not_repeat_what_has_finished_once(platform, hooks):
    platform.lab.outage(LOST, "reset")
    given = [
        hook("once", "before_promotion", hooks.file("note"), run="once", required=True),
        hook("cut", "before_promotion", hooks.file("hang"), run="once", required=True),
    ]

    def kill(process: int) -> None:
        deadline = time.time() + 120
        while not any(step["name"] == "hook_once" for run in runs(platform.lab, TARGET) for step in run["steps"]):
            assert time.time() < deadline, "the first hook has not been recorded"
            time.sleep(0.2)
        time.sleep(3)
        os.killpg(process, signal.SIGKILL)

    platform.run("failover", *hooks.options(*given), meanwhile=kill)
    (record,) = runs(platform.lab, TARGET)
    given[1]["file"] = hooks.file("note")
    takeover = f"takeover_run_id={record['run_id']}"
    platform.run("failover", *hooks.options(*given), "-e", takeover).ends_well()
    assert [(note["name"], note["attempt"]) for note in hooks.notes()] == [("once", 1), ("cut", 2)]


def test_a_dry_run_shows_hooks_and_a_refusal_runs_its_own(platform, hooks):
    given = (
        hook("drain", "before_promotion", hooks.file("note"), required=True),
        hook("page", "on_refusal", hooks.file("note")),
    )
    dry = " ".join(platform.run("failover", "--check", *hooks.options(*given, force=True)).ends_well().output.split())
    assert f"hook_drain in {TARGET}: {hooks.file('note')}. Your own step before_promotion, once, at most 60 s" in dry
    assert f"on_refusal: hook_page: {hooks.file('note')}" in dry
    assert hooks.notes() == []

    refused = platform.run("failover", *hooks.options(*given))
    assert refused.code != 0
    (note,) = hooks.notes()
    assert note["name"] == "page" and f"{LOST} is healthy" in note["message"]
    (record,) = runs(platform.lab, TARGET)
    assert [step["name"] for step in record["steps"]] == ["hook_page"]
