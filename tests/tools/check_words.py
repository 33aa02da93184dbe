# SPDX-License-Identifier: GPL-3.0-or-later
"""Odd phrases that must not come back; codespell knows single words only.

check_words.py    words.yml lists the phrases and the files they are looked for in; exit code 1 where one is found
"""

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


# What a release writes; the fragments are checked while they are new.
GENERATED = {ROOT / "CHANGELOG.md"}


def problems(text: str, phrases: dict[str, str]) -> list[tuple[int, str, str]]:
    """Return line, phrase as found and the better words; a phrase may be broken over two lines."""
    found = []
    for phrase, better in phrases.items():
        pattern = r"\b" + r"\s+(?:#\s+)?".join(map(re.escape, phrase.split())) + r"\b"
        for match in re.finditer(pattern, text, re.IGNORECASE):
            found.append((text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), better))
    return sorted(found)


def main() -> int:
    words = yaml.safe_load(Path(__file__).with_name("words.yml").read_text(encoding="utf-8"))
    found = [
        f"{path.relative_to(ROOT)}:{line}: {phrase} ==> {better}"
        for path in sorted({path for pattern in words["files"] for path in ROOT.glob(pattern)} - GENERATED)
        for line, phrase, better in problems(path.read_text(encoding="utf-8"), words["phrases"])
    ]
    print("\n".join(found) if found else f"{len(words['phrases'])} phrases are not used")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
