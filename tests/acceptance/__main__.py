# SPDX-License-Identifier: GPL-3.0-or-later
"""`make acceptance`: the whole story in a real AWS account, or in the lab; docs/acceptance.md.

ACCOUNT: the id of the account, which must be that of the credentials, or lab. REGIONS: two, the first one is preferred
(us-east-1,us-east-2). HOURS: after these it tears down, whatever it was doing (6). CHECK=1: what it would do and cost,
nothing is changed. END=1: only the teardown of an interrupted run. FOLDER: where it writes. The same command goes on
after a failure.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from lab.client import Lab
from tests.acceptance import account, cost, report
from tests.acceptance.report import LAB_FOLDER
from tests.acceptance.state import State
from tests.acceptance.story import CHAPTERS, END, Acceptance, Chapter, Failed
from tests.integration.platforms import TOP

WATCH, IN_THE_LAB = "watch", "lab"
QUICK = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 4, "mode": "standard"})
# The lab's own way to the name, and a quicker pace (inventories/demo).
OF_THE_LAB = {
    "traffic_dns_servers": "{{ lookup('ansible.builtin.env', 'LAB_DNS_SERVER') | split(',') | select | list }}",
    "traffic_probe_proxy": "{{ lookup('ansible.builtin.env', 'LAB_PROBE_PROXY') }}",
    "global_database_poll_interval": 2,
}


class Refused(Exception):
    """An input that cannot be meant, or an account that is not fit; nothing has been changed."""


def folder_of(where: str) -> Path:
    """A run in the lab keeps its own: its forms are what those of an account are compared with."""
    if folder := given("FOLDER", ""):
        return Path(folder)
    return LAB_FOLDER if where == IN_THE_LAB else TOP / ".build/acceptance"


def given(name: str, default: str) -> str:
    return os.environ.get(name) or default


def is_given(name: str) -> bool:
    return given(name, "0") != "0"


def regions_of(words: str) -> tuple[str, ...]:
    found = tuple(word.strip() for word in words.split(",") if word.strip())
    if len(set(found)) != 2:
        raise Refused(f"REGIONS is {words}; allowed: two different regions, such as us-east-1,us-east-2.")
    return found


def hours_of(words: str) -> float:
    try:
        found = float(words)
    except ValueError:
        found = 0.0
    if not 1 <= found <= 48:
        raise Refused(f"HOURS is {words}; allowed: a number from 1 to 48.")
    return found


def clients_of(session: boto3.Session) -> Callable[[str, str], Any]:
    return lambda service, region="us-east-1": session.client(service, region_name=region, config=QUICK)


def preflight(clients: account.Clients, regions: tuple[str, ...], wanted: str | None) -> tuple[str, list[str]]:
    """Return the account and the versions. Raises Refused with everything that is missing."""
    found = account.account_of(clients, regions)
    if wanted is not None and found != wanted:
        raise Refused(
            f"ACCOUNT is {wanted}, and the credentials belong to {found}; allowed: the same. Nothing has been changed."
        )
    if problems := account.lacks(clients, regions):
        raise Refused(" ".join([*problems, "Nothing has been changed."]))
    return found, account.versions_of(clients, regions)


def is_done(state: State) -> bool:
    """Whether a run has ended with nothing left."""
    return all(state.is_done(chapter.name) for chapter in END)


def begin(folder: Path, clients: account.Clients, wanted: str | None) -> State:
    """The state of an interrupted run, or that of a new one after its preflight. Raises Refused."""
    regions, hours = regions_of(given("REGIONS", "us-east-1,us-east-2")), hours_of(given("HOURS", "6"))
    earlier = State.at(folder / "state.json")
    if earlier and not is_done(earlier):
        who = account.account_of(clients, earlier.regions)
        if who != earlier.account:
            raise Refused(f"An interrupted run is in account {earlier.account}, and the credentials belong to {who}.")
        return earlier
    if is_given("END"):
        raise Refused(f"END is given, and no run was interrupted here ({folder}); allowed: after an interrupted run.")
    who, versions = preflight(clients, regions, wanted)
    now = time.time()
    return State(folder / "state.json", who, regions, now, now + hours * 3600, versions=versions)


def start(run: Acceptance) -> None:
    """Remove what an earlier run has left in the folder, unless this one continues it."""
    if not run.state.chapters:
        for name in ("records", "logs", "inventory"):
            path = run.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (run.folder / "records").mkdir(exist_ok=True)
    run.state.save()


def tell(run: Acceptance, hours: float) -> None:
    """Print what would be done and cost."""
    print(f"acceptance: in {' and '.join(run.state.regions)}, {cost.sentence(hours)}")
    print(f"     the database is built with {run.state.versions[0]} and upgraded to {run.state.versions[1]}")
    for number, chapter in enumerate((*CHAPTERS, *END), start=1):
        done = "  done" if run.state.is_done(chapter.name) else ""
        print(f"{number:3}  {chapter.name:<11} {chapter.says}{done}")


def do(run: Acceptance, chapter: Chapter) -> None:
    """Do a chapter that is not done yet. Raises Failed."""
    if run.state.is_done(chapter.name):
        return
    print(f"==> {chapter.name}: {chapter.says}", flush=True)
    with run.state.chapter(chapter.name) as kept:
        kept["note"] = chapter.do(run)
    print(f"    {kept['seconds']:.0f} s, {kept['note']}", flush=True)


def tell_story(run: Acceptance) -> None:
    """Do what is left of the chapters, then the end. Raises Failed."""
    try:
        for chapter in CHAPTERS:
            if run.state.is_over():
                break
            do(run, chapter)
    except Failed as problem:
        if not run.state.is_over():
            raise
        print(f"    {problem}", file=sys.stderr)
    if run.state.is_over():
        print("acceptance: the hours that the run may take have passed: everything is removed.", file=sys.stderr)
    finish(run)


def finish(run: Acceptance) -> None:
    for chapter in END:
        do(run, chapter)


def watch(folder: Path) -> int:
    """Tear down when the hours have passed and nobody has; started by every run, and ends when its run does."""
    state = State.at(folder / "state.json")
    while state and not is_done(state):
        if state.is_over():
            with lock(folder, wait=True):
                # The run may have ended by itself while this waited for it.
                if not is_done(State.at(folder / "state.json")):
                    run, _lab = acceptance(folder)
                    finish(run)
            return 0
        time.sleep(min(60.0, max(1.0, state.deadline - time.time())))
        state = State.at(folder / "state.json")
    return 0


class lock:
    """One run at a time; released by the end of the process, however it ends. Raises Refused."""

    def __init__(self, folder: Path, wait: bool = False) -> None:
        self.path, self.wait = folder / "lock", wait

    def __enter__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = self.path.open("w")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | (0 if self.wait else fcntl.LOCK_NB))
        except OSError:
            raise Refused("Another acceptance run is going on here; allowed: one at a time.") from None

    def __exit__(self, *_error: object) -> None:
        self.file.close()


def acceptance(folder: Path) -> tuple[Acceptance, Lab | None]:
    """The run that is to be done, and the lab if it is there. Raises Refused or Unfit."""
    where = given("ACCOUNT", "")
    if where != IN_THE_LAB:
        clients = clients_of(boto3.Session())
        return Acceptance(begin(folder, clients, where), clients, {}, {}, folder), None
    lab = Lab.start(folder / "lab", scale=float(given("SCALE", "20")))
    return Acceptance(begin(folder, lab.client, None), lab.client, lab.env(), OF_THE_LAB, folder), lab


def main() -> int:
    where = given("ACCOUNT", "")
    folder = folder_of(where)
    if sys.argv[1:] == [WATCH]:
        return watch(folder)
    try:
        if not re.fullmatch(rf"\d{{12}}|{IN_THE_LAB}", where):
            raise Refused(f"ACCOUNT is {where or 'not given'}; allowed: the 12 digits of an account's id, or lab.")
        with lock(folder):
            run, lab = acceptance(folder)
            tell(run, (run.state.deadline - run.state.began) / 3600)
            if is_given("CHECK"):
                if lab and not run.state.chapters:
                    lab.stop()
                return 0
            start(run)
            watcher = subprocess.Popen([sys.executable, "-m", "tests.acceptance", WATCH], cwd=TOP, process_group=0)
            finish(run) if is_given("END") else tell_story(run)
            watcher.terminate()
            print(report.write(run, scale=lab.state()["scale"] if lab else 1.0))
    except (Refused, account.Unfit) as problem:
        print(f"acceptance: {problem}", file=sys.stderr)
        return 2
    except Failed as problem:
        print(f"\nacceptance FAILED: {problem}", file=sys.stderr)
        print(
            f"The platform is there, {cost.usd_per_hour():.2f} USD an hour. The same command goes on; END=1 removes.",
            file=sys.stderr,
        )
        return 1
    if lab:
        lab.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
