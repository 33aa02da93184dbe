# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The planner and the verdicts stay pure: no AWS, no clock, no threads, not even through what they import."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._health import verdict

OURS = "ansible_collections.trading.multi_region.plugins.module_utils."
ROOT = Path(verdict.__file__).parents[1]
AURORA = ("_aurora/engines.py", "_aurora/guards.py", "_aurora/states.py", "_aurora/target.py")
BESIDE = (
    *AURORA,
    "_automation/rule.py",
    "_autoscaling/enough.py",
    "_control_table/compute.py",
    "_control_table/work.py",
    "_core/observation.py",
    "_core/obstacle.py",
    "_fence/document.py",
    "_health/verdict.py",
    "_hooks/hook.py",
)
PURE_FILES = sorted([*ROOT.glob("_failover/*.py"), *(ROOT / name for name in BESIDE)])
ALLOWED = {"__future__", "collections", "dataclasses", "enum", "functools", "math", "re", "typing"}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and ROOT.joinpath(*node.module.removeprefix(OURS).split(".")).is_dir():
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("path", PURE_FILES, ids=lambda path: path.name)
def test_imports_nothing_that_does_anything(path):
    for name in imported(path):
        if name.startswith(OURS):
            assert ROOT.joinpath(*name.removeprefix(OURS).split(".")).with_suffix(".py") in PURE_FILES, name
        else:
            assert name.split(".")[0] in ALLOWED, name


def test_there_are_files_to_look_at():
    assert len(PURE_FILES) >= 8
