# SPDX-License-Identifier: GPL-3.0-or-later
"""How often something asks, as docs/cost.md says it, is how often it does."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MODULES = "ansible_collections.trading.multi_region.plugins.modules"
ROW = re.compile(r"^\| `(\w+)` \| (\d+) \|", re.MULTILINE)


def intervals() -> dict[str, float]:
    """Return the default poll_interval of each module that has one, in seconds."""
    names = [path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__"]
    specs = {name: importlib.import_module(f"{MODULES}.{name}").ARGUMENT_SPEC for name in names}
    return {name: spec["poll_interval"]["default"] for name, spec in specs.items() if "poll_interval" in spec}


def test_the_page_has_the_interval_of_each_module_that_waits():
    section = (ROOT / "docs" / "cost.md").read_text().partition("## How often it asks")[2].partition("\n## ")[0]
    assert {name: float(seconds) for name, seconds in ROW.findall(section)} == intervals()
