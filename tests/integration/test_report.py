# SPDX-License-Identifier: GPL-3.0-or-later
"""What a move shows: lines as it runs, and an HTML report, as a browser shows it on a desk and on a phone.

Screenshots go to .build/report.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import pytest

from tests.integration.aws import runs, writer_region
from tests.integration.platforms import TOP

LOST, TARGET = "us-east-1", "us-east-2"
DESK, PHONE = 1100, 375
SHOTS = TOP / ".build/report"
# The page in a frame of a phone's width, because a window of Chromium is never narrower than 500 pixels.
FRAME = """<!DOCTYPE html><body style="margin:0"><iframe width="{width}" height="{height}" style="border:0"
 srcdoc="{page}"></iframe><script>
addEventListener("load", () => {{
  const page = document.querySelector("iframe").contentDocument, root = page.documentElement;
  document.body.dataset.seen = JSON.stringify({{
    width: root.scrollWidth,
    height: root.scrollHeight,
    bars: [...page.querySelectorAll(".step")].map((row) => {{
      const box = row.querySelector("rect").getBoundingClientRect();
      return [row.dataset.step, box.width, box.height];
    }}),
    scripts: page.querySelectorAll("script, img, iframe").length,
    fetched: page.defaultView.performance.getEntriesByType("resource").length,
  }});
}});</script></body>"""


def browse(*options: str) -> str:
    browser = shutil.which("chromium")
    assert browser, "these tests need Debian's package chromium"
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def seen_at(width: int, page: str, folder, name: str) -> dict:
    """What a browser makes of a page at a width; leaves a screenshot of the whole page."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    frame = folder / f"{name}.html"
    frame.write_text(FRAME.format(width=width, height=800, page=html.escape(page)))
    dumped = browse("--dump-dom", frame.as_uri())
    seen = json.loads(html.unescape(re.search(r'data-seen="([^"]+)"', dumped)[1]))
    frame.write_text(FRAME.format(width=width, height=seen["height"], page=html.escape(page)))
    size = f"--window-size={max(width, 500)},{seen['height'] + 100}"
    browse(size, f"--screenshot={SHOTS / name}.png", frame.as_uri())
    return seen


def fits(page: str, folder, name: str) -> dict:
    """The same page is looked at on a desk and on a phone; returns what the phone shows."""
    seen = {width: seen_at(width, page, folder, f"{name}-{width}") for width in (DESK, PHONE)}
    assert {width: one["width"] for width, one in seen.items()} == {DESK: DESK, PHONE: PHONE}, "nothing to scroll aside"
    assert [(one["scripts"], one["fetched"]) for one in seen.values()] == [(0, 0)] * 2
    assert not re.search(r"""(src|href)\s*=|url\(|@import""", page), "no other file is needed"
    return seen[PHONE]


@pytest.mark.nightly
def test_a_report_shows_each_step_of_a_move_on_a_desk_and_on_a_phone(platform, tmp_path):
    platform.lab.outage(LOST, "reset")
    report = tmp_path / "report.html"
    options = (
        "-e",
        f"failover_report_file={report}",
        "-e",
        json.dumps({"failover_reason": "<script>alert(1)</script>"}),
    )
    platform.run("failover", *options, "-e", "rto_goal_seconds=900").ends_well()
    assert report.stat().st_mode & 0o777 == 0o600
    (record,) = runs(platform.lab, TARGET)
    page = report.read_text()
    seen = fits(page, tmp_path, "failover")
    assert [name for name, _width, _height in seen["bars"]] == [step["name"] for step in record["steps"]]
    assert all(width >= 1 and height >= 10 for _name, width, height in seen["bars"])
    assert "&lt;script&gt;alert(1)" in page
    assert "goal 900 s: met" in page
    assert f"writer: {LOST}, then {TARGET}" in page and f"traffic: {LOST}, then {TARGET}" in page

    later, again = tmp_path / "later.html", ("-e", f"run_id={record['run_id']}")
    render = ("status", *again, "-e", f"status_report_file={later}")
    platform.run(*render, "--check").ends_well()
    assert not later.exists()
    assert platform.run(*render).ends_well().changed["localhost"] == 1
    assert platform.run(*render).ends_well().changed["localhost"] == 0
    assert fits(later.read_text(), tmp_path, "status-run")["bars"] == seen["bars"]

    history = tmp_path / "history.html"
    platform.run("status", "-e", f"status_report_file={history}", "-e", "rto_goal_seconds=900").ends_well()
    fits(history.read_text(), tmp_path, "history")
    assert record["run_id"] in history.read_text()


@pytest.mark.nightly
def test_a_refused_move_leaves_a_report_too(platform, tmp_path):
    report = tmp_path / "report.html"
    refused = platform.run("failover", "-e", f"expected_active_region={TARGET}", "-e", f"failover_report_file={report}")
    assert refused.code != 0
    page = report.read_text()
    assert "No step was taken." in page and f"expected_active_region is {TARGET}" in page
    assert fits(page, tmp_path, "refused")["bars"] == []


@pytest.mark.nightly
def test_a_report_that_cannot_be_written_stops_no_move(platform, tmp_path):
    platform.lab.outage(LOST, "reset")
    nowhere = tmp_path / "missing" / "report.html"
    run = platform.run("failover", "-e", f"failover_report_file={nowhere}").ends_well()
    assert f"No report in {nowhere}" in " ".join(run.output.split()), "reported, however the line is folded"
    assert writer_region(platform.lab, asked_in=TARGET) == TARGET


def test_a_move_tells_its_plan_each_step_and_the_outcome_in_plain_lines(platform):
    run = platform.run("switchover").ends_well()
    (record,) = runs(platform.lab, TARGET)
    printed = [line for line in run.output.splitlines() if line.startswith("| ")]
    assert printed[0] == f"| plan: {', '.join(record['plan'])}"
    steps = [
        re.match(r"\| step \d+ of \d+: (\w+) in \S+; [\d.]+ s since the start, expected \w+", line) for line in printed
    ]
    assert [step[1] for step in steps if step] == record["plan"]
    (outcome,) = [at for at, line in enumerate(printed) if line.startswith(f"| {TARGET} is active; at most ")]
    assert printed[outcome].endswith("loss: none")
    assert printed[outcome + 1].startswith("| Next: nothing; to return: ansible-playbook ")
    assert record["run_id"] in printed[outcome + 2]
    assert "\x1b" not in run.output and "\r" not in run.output


@pytest.mark.nightly
def test_one_setting_turns_the_live_view_off(platform, monkeypatch):
    monkeypatch.setenv("MOVE_PROGRESS_SHOW", "false")
    platform.lab.outage(LOST, "reset")
    run = platform.run("failover").ends_well()
    assert [line for line in run.output.splitlines() if line.startswith(("| ", "+-"))] == []
