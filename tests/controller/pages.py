# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of a page of docs/, to be run as they are written there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```shell\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(page: str, program: str) -> list[list[str]]:
    """Return the commands of docs/<page>.md that run a program, in their order, each as its words."""
    blocks = BLOCK.findall((TOP / "docs" / f"{page}.md").read_text())
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    found = [shlex.split(line, comments=True) for line in lines]
    return [words for words in found if words[:1] == [program]]


def workplace(folder: Path, inventory: Path, **files: str) -> Path:
    """Return a folder like a clone, whose inventories/production is this inventory, with files beside it."""
    folder.mkdir()
    for path in TOP.iterdir():
        if path.name != "inventories":
            (folder / path.name).symlink_to(path)
    (folder / "inventories").mkdir()
    (folder / "inventories" / "production").symlink_to(inventory)
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text)
    return folder
