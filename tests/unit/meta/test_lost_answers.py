# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The table of docs/lost-answers.md has every changing call that our code makes, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import Session

ROOT = Path(__file__).resolve().parents[3]
PLUGINS = ROOT / "plugins"
ROW = re.compile(r"^\| (?P<operation>[A-Z]\w+) \| `(?P<where>[\w/]+)` \| (?P<rest>.+) \|$")
# Operations that change nothing begin so.
READING = re.compile(r"(?:Assume|BatchGet|Describe|Get|Head|List|Query|Scan|Simulate)[A-Z]|Scan$|Query$")


def table() -> list[tuple[str, str]]:
    """(operation, file) of the table's rows."""
    lines = (ROOT / "docs" / "lost-answers.md").read_text().splitlines()
    return [(row["operation"], row["where"]) for row in map(ROW.match, lines) if row]


def modules() -> Iterator[tuple[str, ast.Module]]:
    """(path below module_utils, without its ending; tree) of all our code that runs."""
    for path in sorted(PLUGINS.rglob("*.py")):
        where = path.relative_to(PLUGINS).with_suffix("").as_posix().removeprefix("module_utils/")
        yield where, ast.parse(path.read_text())


def declared(function: ast.FunctionDef) -> str | None:
    """The operation of the decorator aws_call, None without one."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "aws_call":
            return ast.literal_eval(decorator.args[0])
    return None


def calls(tree: ast.AST) -> set[str]:
    """Names of the methods called without positional arguments, of which boto3's take none."""
    return {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args
    }


def texts(tree: ast.AST) -> set[str]:
    """Every text in the code: the services that clients are made for are among them."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.fixture(scope="module")
def changing() -> dict[str, str]:
    """{boto3's name of the method: operation} of everything that changes something in the services we call."""
    session = Session()
    services = set(session.get_available_services()) & {text for _where, tree in modules() for text in texts(tree)}
    names = [name for service in services for name in session.get_service_model(service).operation_names]
    return {xform_name(name): name for name in names if not READING.match(name)}


def test_the_table_has_every_changing_call_and_no_other() -> None:
    found = {
        (operation, where)
        for where, tree in modules()
        for function in functions(tree)
        if (operation := declared(function)) and not READING.match(operation)
    }
    rows = table()
    assert len(rows) == len(set(rows))
    assert set(rows) == found


def test_no_changing_call_is_made_but_by_a_function_that_names_it(changing: dict[str, str]) -> None:
    seen = 0
    for where, tree in modules():
        for function in functions(tree):
            made = {changing[name] for name in calls(function) & changing.keys()}
            # A function within another is looked at by itself.
            inner = {
                changing[name]
                for one in functions(function)
                if one is not function
                for name in calls(one)
                if name in changing
            }
            for operation in made - inner:
                assert declared(function) == operation, f"{where}.{function.name} calls {operation}"
                seen += 1
    assert seen >= len(table())


def test_a_function_calls_what_it_names() -> None:
    for where, tree in modules():
        for function in functions(tree):
            operation = declared(function)
            if operation and not READING.match(operation):
                assert xform_name(operation) in calls(function), f"{where}.{function.name}"
