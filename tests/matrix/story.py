# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of a cell, run by its own Python: python -m tests.matrix.story <place of the cell>

Bad input is refused, the platform is built, a region hangs, the other takes over, the first comes back and takes over
again, and a failover would work once more. Writes the seconds of each part to <place>/story.json, as far as it came.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lab.client import Lab
from tests.demo.playbook import PlaybookFailed, run_playbook
from tests.integration.aws import DOMAIN, writer_region

HOME, OTHER = "us-east-1", "us-east-2"
# AWS seconds that pass in one: what is tried is whether it works, not how long it takes.
SCALE = 1000
# What modules of amazon.aws and community.aws say of their own code and results; we use none of it.
THEIRS = ("removed from collection 'amazon.aws'", "removed from collection 'community.aws'", "module_utils._text")
BAD = {"environment_suffix": "Prod_1"}


class Story:
    def __init__(self, place: Path, lab: Lab) -> None:
        self.place, self.lab = place, lab
        self.env = lab.env() | {"ANSIBLE_COLLECTIONS_PATH": str(place / "collections")}

    def play(self, playbook: str, **variables: object) -> None:
        """Run it; a warning that something we use will go is a failure."""
        log = self.place / f"{playbook}.log"
        run_playbook(playbook, self.env, log, **variables)
        warnings = [line for line in log.read_text().splitlines() if "DEPRECATION" in line]
        ours = [line for line in warnings if not any(words in line for words in THEIRS)]
        assert not ours, f"{playbook}.yml: {ours[0]}"

    def active(self) -> tuple[str, str]:
        """Where the writer is, and where the name points, asked of the lab."""
        return writer_region(self.lab, OTHER), self.lab.resolve(DOMAIN)["region"]

    def gate(self) -> None:
        try:
            self.play("site", **BAD)
        except PlaybookFailed as refused:
            said = " ".join(str(refused).split())
            assert "environment_suffix is 'Prod_1'" in said and "Traceback" not in said, said
            assert self.lab.calls() == [], "it was refused before the first call to AWS"
        else:
            raise AssertionError(f"{BAD} was accepted")

    def site(self) -> None:
        self.play("site")
        assert self.active() == (HOME, HOME)

    def failover(self) -> None:
        self.lab.outage(HOME, "hang")
        self.play("failover")
        assert self.active() == (OTHER, OTHER)

    def failback(self) -> None:
        self.lab.restore(HOME)
        self.play("failback")
        assert self.active() == (HOME, HOME)

    def readiness(self) -> None:
        self.play("readiness")


PARTS = ("gate", "site", "failover", "failback", "readiness")


def tell(place: Path, lab: Lab) -> None:
    story, seconds = Story(place, lab), {}
    for name in PARTS:
        began = time.monotonic()
        part: Callable[[], None] = getattr(story, name)
        part()
        seconds[name] = round(time.monotonic() - began, 1)
        (place / "story.json").write_text(json.dumps(seconds))


def main(place: Path) -> int:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    (place / "story.json").write_text("{}")
    Lab.start(place / "lab").stop()
    with Lab.start(place / "lab", scale=SCALE) as lab:
        try:
            tell(place, lab)
        except (AssertionError, PlaybookFailed) as problem:
            print(f"\nstory FAILED: {problem}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
