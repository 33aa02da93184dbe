# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of docs/tutorial.md, one after the other in one shell, print what the page shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.platforms import TOP, of_nobody

PAGE = (TOP / "docs" / "tutorial.md").read_text().partition("\n## 2. ")[2]
BLOCK = re.compile(r"^```(shell|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def clone(folder: Path) -> Path:
    """Return a folder like the reader's clone after its set-up, so that .lab is the test's own."""
    folder.mkdir()
    for path in TOP.iterdir():
        if path.name not in (".lab", ".build"):
            (folder / path.name).symlink_to(path)
    return folder


def shown(text: str) -> re.Pattern[str]:
    """Return the pattern of what a page shows: its words in their order, anything in the place of dots."""
    words = (".*?" if word == "..." else re.escape(word).replace(r"\.\.\.", ".*?") for word in text.split())
    return re.compile(r"\s".join(words).replace(r"\s.*?\s", ".*?"), re.DOTALL)


def run(blocks: list[tuple[str, str]], folder: Path) -> str:
    """Return what the commands print; the first one that fails ends them."""
    environment = of_nobody()
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    script = "set -e\n" + "".join(text for kind, text in blocks if kind == "shell")
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=1800
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return " ".join(done.stdout.split())


@pytest.mark.nightly
def test_the_commands_of_the_tutorial_end_well_and_print_what_it_shows(tmp_path):
    folder, blocks, begin = clone(tmp_path / "clone"), BLOCK.findall(PAGE), 0
    try:
        output = run(blocks, folder)
    finally:
        subprocess.run(["make", "-s", "lab-down"], cwd=folder, check=False)
    for text in (text for kind, text in blocks if kind == "text"):
        found = shown(text).search(output, begin)
        assert found, f"not printed, or not in its place:\n{text}"
        begin = found.end()


def test_what_a_page_shows_is_found_in_its_order_only():
    pattern = shown("| RTO ... s, RPO bound 0 ms\n...\nactive  us-east-1")
    assert pattern.search("| RTO 12.7 s, RPO bound 0 ms | other - active us-east-1 (writer)")
    assert not pattern.search("active us-east-1 | RTO 12.7 s, RPO bound 0 ms")
    assert not pattern.search("| RTO 12.7 s, RPO bound unknown active us-east-1")
