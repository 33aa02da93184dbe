# SPDX-License-Identifier: GPL-3.0-or-later
"""`make acceptance` against the lab: the whole story, killed in each chapter, with the recorder on."""

from __future__ import annotations

import faulthandler
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
    """Start the command. What it prints is appended to a file: a pipe would stay open in the lab, which outlives it."""
    environment = of_nobody() | {
        "ACCOUNT": "lab",
        "FOLDER": str(folder),
        "PYTHONPATH": str(TOP / ".collections"),
        **more,
    }
    with printed(folder).open("a") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance"],
            cwd=TOP,
            env=environment,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def printed(folder: Path) -> Path:
    return folder.with_suffix(".log")


def under_way(folder: Path) -> str | None:
    """The chapter that has begun and not ended."""
    state = State.at(folder / "state.json")
    chapters = state.chapters.items() if state else ()
    return next((name for name, one in chapters if one["began"] and not one["ended"]), None)


def kill_in(folder: Path, chapter: str) -> None:
    """Run until somewhere in a chapter, and end it as a machine that loses power would."""
    process, until = begin(folder), time.monotonic() + CHAPTER_S
    while under_way(folder) != chapter:
        assert process.poll() is None, printed(folder).read_text()
        assert time.monotonic() < until
        time.sleep(0.2)
    time.sleep(random.uniform(1, 8))
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_dry_run_says_what_would_be_done_and_its_price_and_changes_nothing(tmp_path):
    code = begin(tmp_path / "run", CHECK="1").wait(timeout=120)
    said = printed(tmp_path / "run").read_text()
    assert code == 0, said
    assert all(f"  {chapter.name} " in said for chapter in (*CHAPTERS, *END)) and "USD an hour" in said, said
    assert not (tmp_path / "run/state.json").exists()


@pytest.mark.nightly
def test_the_story_goes_on_after_a_kill_in_each_chapter_and_its_record_has_no_value(tmp_path):
    # It takes longer than any other test may.
    faulthandler.dump_traceback_later(STORY_S, exit=True)
    folder = tmp_path / "run"
    for chapter in (*CHAPTERS, *END):
        kill_in(folder, chapter.name)
    code = begin(folder).wait()
    assert code == 0, printed(folder).read_text()
    state = State.at(folder / "state.json")
    assert all(state.is_done(chapter.name) for chapter in (*CHAPTERS, *END))

    forms = json.loads((folder / "forms.json").read_text())
    print(f"{len(forms['operations'])} operations, {len(forms['series'])} observations, {forms['lost']} lines lost")
    assert len(forms["operations"]) >= 120 and {one["move"] for one in forms["series"]} >= {"failover", "switchover"}
    written = [folder / "forms.json", folder / "report.html", *(folder / "records").iterdir()]
    for value in (ACCOUNT, "arn:aws", state.suffix, "trading-", "amazonaws.com", "10.0.0.0", *state.regions):
        assert [file.name for file in written if value in file.read_text()] == [], value
