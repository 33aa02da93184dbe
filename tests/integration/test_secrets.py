# SPDX-License-Identifier: GPL-3.0-or-later
"""The database's password is never shown, and its rotation locks no application out."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.aws import SUFFIX, Listener, writer_region
from tests.integration.platforms import RUNNERS_SECRETS, Platform, Run
from tests.integration.secret_search import READERS, files_in, finds, forms, shown_by

HOME, STANDBY = "us-east-1", "us-east-2"

NAME = f"trading-database-{SUFFIX}"
# Playbooks that only look, and their option for a file.
REPORTS = {"readiness": "readiness_report_file", "status": "status_file", "health_check": "health_report_file"}


class Applications:
    """The applications of all regions, as the runbook wants them, logging in again and again."""

    def __init__(self, platform: Platform) -> None:
        self.lab, self.regions = platform.lab, platform.regions
        self.secrets = {region: self.lab.client("secretsmanager", region) for region in self.regions}
        self.writer = writer_region(self.lab, asked_in=STANDBY)
        self.seen: set[str] = set()
        self.locked_out: list[str] = []
        self.logins = 0

    def password(self, region: str, label: str) -> str | None:
        """What the region's own copy says."""
        secrets = self.secrets[region]
        try:
            value = secrets.get_secret_value(SecretId=NAME, VersionStage=label)["SecretString"]
        except secrets.exceptions.ResourceNotFoundException:
            return None
        self.seen.add(json.loads(value)["password"])
        return json.loads(value)["password"]

    def logs_in(self, region: str) -> bool:
        """AWSCURRENT, then AWSPENDING; and once more, since both may have changed between reading and asking."""
        attempts = (self.password(region, label) for label in ("AWSCURRENT", "AWSPENDING") * 2)
        return any(one is not None and self.is_accepted(one) for one in attempts)

    def is_accepted(self, password: str, region: str | None = None) -> bool:
        region = region or self.writer
        return self.lab.accepts_password(region, f"trading-{region}-{SUFFIX}", password)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Log in during the whole rotation; no application may be locked out."""
        end = threading.Event()

        def work() -> None:
            while not end.wait(0.05):
                self.locked_out += [region for region in self.regions if not self.logs_in(region)]
                self.logins += 1

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        try:
            yield
        finally:
            end.set()
            worker.join()
        assert self.locked_out == [] and self.logins > 3


def rotate(platform: Platform, traces: Path) -> str:
    """Rotate while applications work; return the password that they all find then."""
    applications = Applications(platform)
    with applications.at_work():
        platform.run("rotate_secret", "-vvvv", traces=traces).ends_well()
    (current,) = {applications.password(region, "AWSCURRENT") for region in platform.regions}
    assert applications.is_accepted(current)
    assert {applications.password(region, "AWSPENDING") for region in platform.regions} == {None}
    return current


class Rotations:
    """What the story has left: its platform, its traces, and the passwords in their order."""

    def __init__(self, platform: Platform, traces: Path) -> None:
        self.platform, self.traces = platform, traces
        self.first = Applications(platform).password(HOME, "AWSCURRENT")
        self.at_home = self.away = self.kept = ""
        self.while_lost: Run | None = None
        self.messages: list[list[dict]] = []

    @property
    def secrets(self) -> list[str]:
        return [self.first, self.at_home, self.away, *RUNNERS_SECRETS.values()]

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from files_in(self.platform.traces)
        yield from files_in(self.traces)
        yield from shown_by(self.platform.lab, self.platform.regions)
        yield "the messages", json.dumps(self.messages)


pytestmark = pytest.mark.nightly  # the story rotates, moves and tears down with every word kept


@pytest.fixture(scope="module")
def story(platforms, tmp_path_factory) -> Iterator[Rotations]:
    """One platform through rotation, loss, failover and rotation again, with all that is left of it."""
    platform, traces = platforms.copy(HOME, STANDBY), tmp_path_factory.mktemp("story") / "traces"
    with platform.lab as lab:
        listeners = [Listener(lab, region) for region in platform.regions]
        result = Rotations(platform, traces)
        result.at_home = rotate(platform, traces)
        lab.outage(HOME, "reset")
        outcome = f"failover_outcome_file={traces / 'outcome.json'}"
        platform.run("failover", "-vvvv", "-e", outcome, traces=traces).ends_well()
        result.while_lost = platform.run("rotate_secret", "-vvvv", traces=traces)
        result.kept = Applications(platform).password(STANDBY, "AWSCURRENT")
        lab.restore(HOME)
        result.away = rotate(platform, traces)
        for playbook, option in REPORTS.items():
            # Whether all is well is not the question here, but what is said.
            platform.run(playbook, "-vvvv", "-e", f"{option}={traces / playbook}.json", traces=traces)
        result.messages = [listener.heard() for listener in listeners]
        yield result


def test_no_part_of_a_secret_is_in_anything_that_is_left(story):
    texts = list(story.texts())
    assert finds(story.secrets, texts) == []
    # What was looked through is what there is to look through.
    named = " ".join(where for where, _text in texts)
    runs = [f"-{playbook} " for playbook in ("site", "rotate_secret", "failover", *REPORTS)]
    assert [one for one in (*runs, "ansible.log", "outcome.json", "readiness.json") if one not in named] == []
    empty = [where for where, text in texts if where.startswith("the ") and len(text) < 10]
    assert empty == []


def test_every_rotation_made_another_password_and_the_writer_was_given_it(story):
    assert len({story.first, story.at_home, story.away}) == 3
    assert writer_region(story.platform.lab, asked_in=STANDBY) == STANDBY
    assert Applications(story.platform).is_accepted(story.away, STANDBY)


def test_without_the_region_of_the_primary_secret_a_rotation_changes_nothing_and_says_what_to_do(story):
    assert story.while_lost.code != 0
    assert story.kept == story.at_home
    for words in (f"primary secret of {NAME} is in {HOME}", "Applications keep using", "promote"):
        assert words in " ".join(story.while_lost.output.split())


LEAK = """
- name: Show what must not be shown
  hosts: localhost
  connection: local
  gather_facts: false
  vars:
    password: "{{ (lookup('amazon.aws.secretsmanager_secret', 'NAME', region='us-east-1') | from_json).password }}"
  tasks:
    - name: As it is
      ansible.builtin.debug:
        msg: "{{ password }}"
    - name: As an artifact, in disguise
      ansible.builtin.set_stats:
        data:
          login: "{{ ('mysql://admin:' ~ password ~ '@db') | b64encode }}"
    - name: In a file
      ansible.builtin.copy:
        content: "{{ password[4:14] }}"
        dest: "{{ file }}"
        mode: "0600"
"""


def test_the_search_finds_what_a_leak_would_leave(story, tmp_path):
    book = tmp_path / "leak.yml"
    book.write_text(LEAK.replace("NAME", NAME))
    story.platform.run(book, "-e", f"file={tmp_path / 'part'}", traces=tmp_path / "traces").ends_well()
    where = finds([story.away], files_in(tmp_path))
    assert {Path(one).name for one in where} == {"output-0-leak", "ansible.log", "part"}
    disguised = "\n".join(
        line for line in dict(files_in(tmp_path / "traces"))[where[-1]].splitlines() if "login" in line
    )
    assert story.away not in disguised and finds([story.away], [("the artifact", disguised)])


def test_the_search_finds_every_form_in_every_place(story):
    lab, value = story.platform.lab, Applications(story.platform).password(STANDBY, "AWSCURRENT")
    assert all(finds([value], [("there", f"before {form} after")]) for form in forms(value))
    for offset in range(3):
        text = base64.b64encode(b"x" * offset + value.encode() + b"rest").decode()
        assert finds([value], [("there", text)])
    assert finds([value], [("there", "no part of it")]) == []
    # Whatever the API shows is read whole: something that is known to be there is found.
    known = {
        "the control table": "manifest",
        "the parameters": f"/trading/{SUFFIX}/outputs",
        "the launch templates": "DB_SECRET",
        "the tags": "trading.multi_region",
        "the databases": f"trading-global-{SUFFIX}",
        "the secret's description": NAME,
    }
    for kind, words in known.items():
        assert words in json.dumps(READERS[kind](lab, STANDBY), default=str), kind
