# SPDX-License-Identifier: GPL-3.0-or-later
"""README lists what the collection holds, and no more."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def content_list():
    spec = importlib.util.spec_from_file_location("content_list", TOP / "tests" / "tools" / "content_list.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_list_in_the_readme_is_current(content_list):
    text = (TOP / "README.md").read_text()
    assert content_list.table() in text
    assert content_list.with_list(text) == text


def test_a_list_that_names_what_is_gone_is_written_anew(content_list):
    old = "a\n<!-- content: written by make specs -->\n| gone |\n<!-- content: end -->\nb\n"
    new = content_list.with_list(old)
    assert "gone" not in new and "`region_traffic`" in new
    assert new.startswith("a\n") and new.endswith("\nb\n")


@pytest.mark.parametrize("kind", ["modules", "roles", "playbooks", "rulebooks", "event source"])
def test_no_kind_is_looked_for_in_vain(content_list, kind):
    assert content_list.names(content_list.KINDS[kind])
