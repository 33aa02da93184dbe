# SPDX-License-Identifier: GPL-3.0-or-later
"""What an acceptance run has done, in a file, so that the same command goes on after whatever ended it."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class State:
    """began, deadline: epoch seconds. suffix: of the platform's names, a new one each run: buckets have the world's.

    versions: of the engine, to build with and to upgrade to. chapters: {name: {began, ended, seconds, note}}; ended is
    None in one that was begun.
    """

    path: Path
    account: str
    regions: tuple[str, ...]
    began: float
    deadline: float
    suffix: str = field(default_factory=lambda: f"acc{secrets.token_hex(3)}")
    versions: list[str] = field(default_factory=list)
    chapters: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def at(cls, path: Path) -> State | None:
        """The state that an earlier run has left; None without one."""
        if not path.exists():
            return None
        found = json.loads(path.read_text())
        return cls(path, **{**found, "regions": tuple(found["regions"])})

    def save(self) -> None:
        """Write it as a whole or not at all."""
        found = {name: value for name, value in asdict(self).items() if name != "path"}
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps(found, indent=2, default=str) + "\n")
        os.replace(beside, self.path)

    def is_done(self, chapter: str) -> bool:
        return bool(self.chapters.get(chapter, {}).get("ended"))

    def is_over(self) -> bool:
        """Whether the hours that the run may take have passed."""
        return time.time() >= self.deadline

    @contextmanager
    def chapter(self, name: str) -> Iterator[dict[str, Any]]:
        """Note when a chapter begins and ends. Left early it is done again. Yields what is kept of it."""
        kept = self.chapters.setdefault(name, {"seconds": 0.0})
        kept |= {"began": time.time(), "ended": None}
        self.save()
        try:
            yield kept
            kept["ended"] = time.time()
        finally:
            kept["seconds"] = round(kept["seconds"] + time.time() - kept["began"], 1)
            self.save()
