# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Packages import only from floors below their own: the table of CONTRIBUTING.md is compared with the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PLUGINS = ROOT / "plugins"
OURS = "ansible_collections.trading.multi_region.plugins."
ROW = re.compile(r"^\| (?P<floor>\d+) \| (?P<packages>.+?) \| .* \|$")


def floors() -> dict[str, int]:
    """{package: floor} as the table of CONTRIBUTING.md has it."""
    lines = (ROOT / "CONTRIBUTING.md").read_text().splitlines()
    rows = [row for row in map(ROW.match, lines) if row]
    listed = [(name, int(row["floor"])) for row in rows for name in re.findall(r"`([\w/]+)`", row["packages"])]
    assert len(listed) == len(dict(listed)), "a package is listed twice"
    return dict(listed)


def package_of(path: tuple[str, ...]) -> str:
    """The package of a path, or of a dotted name, below plugins: ``_core`` of module_utils, or the kind of plugin."""
    return path[1] if path[0] == "module_utils" else path[0]


def arrows() -> Iterator[tuple[str, str, str]]:
    """(importing package, imported package, importing file) of all our code, without imports within a package."""
    for path in sorted(PLUGINS.rglob("*.py")):
        here = path.relative_to(PLUGINS)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(OURS):
                prefix = f"{node.module}.".removeprefix(OURS)
                for name in node.names:
                    there = tuple(f"{prefix}{name.name}".split("."))
                    if package_of(there) != package_of(here.parts):
                        yield package_of(here.parts), package_of(there), here.as_posix()


def test_no_arrow_goes_upward_or_along_a_floor() -> None:
    table, found = floors(), list(arrows())
    assert len(found) > 100, "there are imports to look at"
    wrong = {f"{file}: {taker} imports {given}" for taker, given, file in found if table[taker] <= table[given]}
    assert not wrong


def test_the_table_has_every_package_and_no_other() -> None:
    there = {package_of(path.relative_to(PLUGINS).parts) for path in PLUGINS.rglob("*.py")}
    assert set(floors()) == there


def test_no_module_of_module_utils_lies_flat() -> None:
    assert not list((PLUGINS / "module_utils").glob("*.py"))
