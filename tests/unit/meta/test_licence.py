# SPDX-License-Identifier: GPL-3.0-or-later
"""The licence that Galaxy shows and the one that REUSE reads are one text."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]


def test_both_copies_of_the_licence_are_the_same():
    (licence,) = yaml.safe_load((ROOT / "galaxy.yml").read_text())["license"]
    assert (ROOT / "LICENSES" / f"{licence}.txt").read_text() == (ROOT / "LICENSE").read_text()
    assert [path.stem for path in (ROOT / "LICENSES").iterdir()] == [licence]
