# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of extensions/controller, read as controller.yml reads them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader

from ansible_collections.trading.multi_region.plugins.plugin_utils.controller_objects import controller_objects

ROOT = Path(__file__).resolve().parents[2]


@cache
def object_files() -> dict[str, Any]:
    """Return what the files hold, by kind."""
    loader = DataLoader()
    files = sorted((ROOT / "extensions" / "controller").glob("*.yml"))
    return {kind: value for path in files for kind, value in loader.load_from_file(str(path)).items()}


def objects(*regions: str) -> dict[str, list[dict[str, Any]]]:
    """Return the objects of a platform in these regions."""
    return controller_objects(object_files(), "trading", "dev", regions)
