# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of what the collection holds, in README.md: `content_list.py write` makes it, `check` compares it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
LIST = re.compile(r"(<!-- content: written by make specs -->\n).*?(<!-- content: end -->)", re.DOTALL)
# What each line names, and the files that have the names; private ones begin with an underscore.
KINDS = {
    "modules": "plugins/modules/*.py",
    "filters": "plugins/filter/*.yml",
    "lookups": "plugins/lookup/*.py",
    "inventory": "plugins/inventory/*.py",
    "callback": "plugins/callback/*.py",
    "event source": "extensions/eda/plugins/event_source/*.py",
    "rulebooks": "extensions/eda/rulebooks/*.yml",
    "roles": "roles/*",
    "playbooks": "playbooks/*.yml",
}


def names(pattern: str) -> list[str]:
    return sorted(path.stem for path in ROOT.glob(pattern) if not path.stem.startswith("_"))


def table() -> str:
    found = {kind: names(pattern) for kind, pattern in KINDS.items()}
    rows = [f"| {len(listed)} {kind} | {', '.join(f'`{name}`' for name in listed)} |" for kind, listed in found.items()]
    return "\n".join(["| what | names |", "|---|---|", *rows])


def with_list(text: str) -> str:
    return LIST.sub(lambda found: f"{found[1]}\n{table()}\n\n{found[2]}", text)


def main() -> int:
    text = README.read_text()
    wanted = with_list(text)
    if not LIST.search(text):
        print("README.md has no place for the list of content")
        return 1
    if sys.argv[1:] == ["write"]:
        README.write_text(wanted)
        return 0
    if text != wanted:
        print("README.md does not list what the collection holds: make specs")
    return 0 if text == wanted else 1


if __name__ == "__main__":
    sys.exit(main())
