# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebooks in a real ansible-rulebook process: from what breaks to what they start.

Each is started by the command of docs/event_driven_failover.md, with the policies that this page names and no other.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from tests.controller.pages import commands, workplace
from tests.integration.aws import TABLE, messages, runs, writer_region
from tests.integration.permissions import KINDS, parts_of
from tests.integration.platforms import TOP, Platform, as_user

LOST, TARGET = "us-east-1", "us-east-2"
QUICK = {"interval_seconds": 2, "timeout_seconds": 4}
# The rulebook, and the policies that its page asks for.
POLICIES = {"region_failover": ("read-only", "failover"), "region_failover_job": ("read-only",)}


class Observer:
    """A rulebook that runs; what it prints is in ``log``."""

    def __init__(self, platform: Platform, folder: Path, name: str, rulebook: str, *options: str, **variables) -> None:
        self.log = folder / f"{name}.log"
        names = [KINDS[kind] for kind in POLICIES[rulebook]]
        platform = as_user(platform, name, [one["Arn"] for one in parts_of(platform, *names)])
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAB_"))}
        environment |= platform.lab.env() | {"ANSIBLE_CONFIG": str(TOP / "ansible.cfg")}
        bin_folder = Path(sys.executable).parent
        environment["PATH"] = f"{bin_folder}:{environment['PATH']}"
        # Into a file Python writes 8 KiB at a time, which is several events late.
        environment["PYTHONUNBUFFERED"] = "1"
        regions = {"failover_control_table": TABLE, "platform_regions": list(platform.regions)}
        proxy = {"traffic_probe_proxy": environment["LAB_PROBE_PROXY"]}
        settings = json.dumps(regions | proxy | variables)
        place = workplace(folder / name, platform.inventory, rulebook_variables=settings)
        every = commands("event_driven_failover", "ansible-rulebook")
        (words,) = (one for one in every if f"trading.multi_region.{rulebook}" in one)
        for option, value in zip(options[::2], options[1::2], strict=True):
            words[words.index(option) + 1] = value
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [bin_folder / words[0], *words[1:], *({"--print-events"} - {*words})],
                cwd=place,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, pattern: str, times: int = 1, seconds: float = 240) -> None:
        """Wait until it has printed the pattern so many times; its end, or its silence, fails the test."""
        end = time.monotonic() + seconds
        while len(re.findall(pattern, self.log.read_text())) < times:
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text()[-6000:]
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.2)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def observe(platform, tmp_path) -> Iterator:
    """A factory of observers that end with the test; each has seen the platform once when it is returned."""
    observers: list[Observer] = []

    def start(rulebook: str = "region_failover", *options: str, **variables) -> Observer:
        observers.append(Observer(platform, tmp_path, f"observer-{len(observers)}", rulebook, *options, **variables))
        return observers[-1]

    yield start
    for observer in observers:
        observer.stop()


class Controller(BaseHTTPRequestHandler):
    """As much of a controller as shows which job it is asked for: every template is there, every job ends well."""

    launched: list[dict]

    def do_GET(self) -> None:
        (name,) = parse_qs(urlsplit(self.path).query).get("name", [""])
        asks = dict.fromkeys((f"ask_{what}_on_launch" for what in ("limit", "labels", "inventory", "variables")), False)
        template = {"type": "job_template", "name": name, "related": {"launch": f"/launch/{quote(name)}/"}, **asks}
        job = {"status": "successful", "created": "2026-01-01T00:00:00Z", "artifacts": {}}
        self._answer({"version": "24.6.1", "results": [{"id": 1, **template, **job}], "count": 1})

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.launched.append({"name": unquote(self.path.split("/")[2]), **given})
        self._answer({"url": "/api/v2/jobs/1/"})

    def _answer(self, document: dict) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """What is asked is in ``launched``."""


@pytest.fixture
def controller() -> Iterator[tuple[str, list[dict]]]:
    """A controller's address, and the jobs that it was requested."""
    launched: list[dict] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Controller,), {"launched": launched})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", launched
        server.shutdown()


def promotions(platform: Platform) -> list[dict]:
    return [call for call in platform.lab.calls() if call["operation"] == "FailoverGlobalCluster"]


def last_look(log: str) -> tuple[float, float]:
    """When the look began whose verdict started the failover, in epoch seconds, and how long it took."""
    event = next(part for part in log.split("'region_health':") if "'action': 'failover'" in part)
    patterns = (r"'checked_at': '(.+?)'", r"'seconds': ([\d.]+)")
    checked_at, seconds = (re.search(pattern, event)[1] for pattern in patterns)
    return datetime.fromisoformat(checked_at).timestamp(), float(seconds)


def outcomes(platform: Platform) -> list[str]:
    return [run["outcome"] for run in runs(platform.lab, TARGET)]


def test_an_outage_starts_one_failover_with_the_default_settings(platform, observe):
    observer = observe()
    observer.wait_for("'checked_at'")
    began = time.time()
    platform.lab.outage(LOST, "hang")
    observer.wait_for(r"PLAY RECAP")
    (promotion,) = promotions(platform)
    assert (promotion["region"], promotion["status"]) == (TARGET, 200)
    assert writer_region(platform.lab, asked_in=TARGET) == TARGET
    (record,) = runs(platform.lab, TARGET)
    assert record["outcome"] == "successful"

    # The looks are as far apart as they are for safety's sake; what follows the last one is the product's own.
    looked_at, look = last_look(observer.log.read_text())
    figures = {
        "outage_to_last_look_seconds": round(looked_at - began, 2),
        "last_look_seconds": look,
        "last_look_to_playbook_seconds": round(record["started_at"] - looked_at - look, 2),
        "playbook_to_promotion_request_seconds": round(promotion["time"] - record["started_at"], 2),
        "outage_to_promotion_request_seconds": round(promotion["time"] - began, 2),
    }
    report = TOP / ".build" / "event_driven.json"
    report.parent.mkdir(exist_ok=True)
    report.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures))


def test_both_regions_unhealthy_alerts_and_moves_nothing(platform, observe):
    observer = observe(**QUICK)
    observer.wait_for("'checked_at'")
    for region in (LOST, TARGET):
        platform.lab.set_targets(region, "unhealthy")
    observer.wait_for(r"PLAY RECAP")
    assert messages(platform.lab, LOST) and messages(platform.lab, TARGET)
    assert promotions(platform) == []
    assert runs(platform.lab, TARGET) == []


@pytest.mark.nightly
def test_two_observers_start_one_failover(platform, observe):
    observers = [observe(**QUICK), observe(**QUICK)]
    for observer in observers:
        observer.wait_for("'checked_at'")
    platform.lab.outage(LOST, "reset")
    for observer in observers:
        # The slower one is refused, or has seen by then that the other one has moved the platform.
        observer.wait_for(f"PLAY RECAP|'active_region': '{TARGET}'")
    # The one that moved it sees that too while its playbook still runs.
    end = time.monotonic() + 120
    while "successful" not in outcomes(platform) and time.monotonic() < end:
        with contextlib.suppress(subprocess.TimeoutExpired):
            observers[0].process.wait(1)
    assert outcomes(platform).count("successful") == 1
    assert len(promotions(platform)) == 1
    assert writer_region(platform.lab, asked_in=TARGET) == TARGET


@pytest.mark.nightly
def test_a_region_that_is_back_before_the_limit_is_not_left(platform, observe):
    # At its own pace, a look every 10 s: back long before the third look.
    observer = observe()
    observer.wait_for("'checked_at'")
    platform.lab.outage(LOST, "reset")
    observer.wait_for("'consecutive_unhealthy': 1")
    platform.lab.restore()
    counted = observer.log.read_text().count("'consecutive_unhealthy': 0")
    observer.wait_for("'consecutive_unhealthy': 0", times=counted + 3)
    assert "PLAY RECAP" not in observer.log.read_text()
    assert promotions(platform) == []


@pytest.mark.nightly
def test_a_pause_holds_the_failover_back_and_the_count_continues(platform, observe):
    platform.run("automation", "-e", "pause_minutes=60", "-e", "reason=patching").ends_well()
    observer = observe(**QUICK)
    observer.wait_for("'checked_at'")
    platform.lab.outage(LOST, "reset")
    observer.wait_for("'consecutive_unhealthy': 4")
    assert "patching" in observer.log.read_text()
    assert "PLAY RECAP" not in observer.log.read_text()
    assert promotions(platform) == []
    assert writer_region(platform.lab, asked_in=TARGET) == LOST


@pytest.mark.nightly
def test_control_tables_that_cannot_be_read_are_reported_through_the_topics_read_before(platform, observe):
    observer = observe(**QUICK)
    observer.wait_for(f"'topics': {{'{LOST}': 'arn:")
    for region in (LOST, TARGET):
        platform.lab.fault("reset", region=region, service="dynamodb")
    observer.wait_for(r"PLAY RECAP")
    assert "The cycle failed: MultiRegionError" in observer.log.read_text()
    assert messages(platform.lab, LOST) and messages(platform.lab, TARGET), observer.log.read_text()[-6000:]
    assert promotions(platform) == []


def test_with_a_controller_the_job_of_the_lost_region_is_started_and_no_playbook(platform, observe, controller):
    url, launched = controller
    given = ("--controller-url", url, "--controller-token", "of-nobody")
    observer = observe("region_failover_job", *given, controller_organization="trading dev", **QUICK)
    observer.wait_for("'checked_at'")
    platform.lab.outage(LOST, "reset")
    observer.wait_for("'action': 'failover'")
    observer.wait_for(r"consecutive_unhealthy", times=observer.log.read_text().count("consecutive_unhealthy") + 3)
    (job,) = launched
    assert job["name"] == f"trading dev: Failover out of {LOST}"
    assert job["extra_vars"]["failover_reason"].startswith("region_failover_job: ")
    assert "PLAY RECAP" not in observer.log.read_text()
    assert promotions(platform) == []
