# SPDX-License-Identifier: GPL-3.0-or-later
"""`make acceptance` against the lab: the whole story, killed in each chapter, with the recorder on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.state import State
from tests.acceptance.story import CHAPTERS, END
from tests.integration.platforms import ACCOUNT, TOP, of_nobody

CHAPTER_S, STORY_S = 900, 7200


def begin(folder: Path, **more: str) -> subprocess.Popen:
    environment = of_nobody() | {
        "ACCOUNT": "lab",
        "FOLDER": str(folder),
        "PYTHONPATH": str(TOP / ".collections"),
        **more,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.acceptance"],
        cwd=TOP,
        env=environment,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def under_way(folder: Path) -> str | None:
    """The chapter that has begun and not ended."""
    state = State.at(folder / "state.json")
    chapters = state.chapters.items() if state else ()
    return next((name for name, one in chapters if one["began"] and not one["ended"]), None)


def kill_in(folder: Path, chapter: str) -> None:
    """Run until somewhere in a chapter, and end it as a machine that loses power would."""
    process, until = begin(folder), time.monotonic() + CHAPTER_S
    while under_way(folder) != chapter:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.2)
    time.sleep(random.uniform(1, 8))
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_a_dry_run_says_what_would_be_done_and_its_price_and_changes_nothing(tmp_path):
    process = begin(tmp_path / "run", CHECK="1")
    said, _nothing = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert all(f"  {chapter.name} " in said for chapter in (*CHAPTERS, *END)) and "USD an hour" in said, said
    assert not (tmp_path / "run/state.json").exists()


@pytest.mark.nightly
def test_the_story_goes_on_after_a_kill_in_each_chapter_and_its_record_has_no_value(tmp_path):
    folder = tmp_path / "run"
    for chapter in (*CHAPTERS, *END):
        kill_in(folder, chapter.name)
    process = begin(folder)
    said, _nothing = process.communicate(timeout=STORY_S)
    assert process.returncode == 0, said
    state = State.at(folder / "state.json")
    assert all(state.is_done(chapter.name) for chapter in (*CHAPTERS, *END))

    forms = json.loads((folder / "forms.json").read_text())
    print(f"{len(forms['operations'])} operations, {len(forms['series'])} observations, {forms['lost']} lines lost")
    assert len(forms["operations"]) >= 120 and {one["move"] for one in forms["series"]} >= {"failover", "switchover"}
    written = [folder / "forms.json", folder / "report.html", *(folder / "records").iterdir()]
    for value in (ACCOUNT, "arn:aws", state.suffix, "trading-", "amazonaws.com", "10.0.0.0", *state.regions):
        assert [file.name for file in written if value in file.read_text()] == [], value
