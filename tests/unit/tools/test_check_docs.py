# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of docs/ get into the site whole, and a link among them keeps meaning the same."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def check_docs():
    spec = importlib.util.spec_from_file_location("check_docs", TOP / "tests" / "tools" / "check_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_listed_and_has_its_short_page(check_docs):
    assert check_docs.problems_of_guides() == []


def test_a_page_that_is_not_listed_is_reported(check_docs, monkeypatch):
    monkeypatch.setattr(check_docs, "guides", lambda: {"new": "# New page\n"})
    assert len(check_docs.problems_of_guides()) == 2


@pytest.mark.parametrize(
    "link, becomes",
    [
        ("[a](lab.md#commands)", "[a](lab.md#commands)"),
        ("[a](lab.md)", "[a](lab.md)"),
        ("[a](#commands)", "[a](#commands)"),
        ("[a](https://docs.example.com/x)", "[a](https://docs.example.com/x)"),
        ("[a](inputs.yml)", "[a]({home}/docs/inputs.yml)"),
        ("[a](../galaxy.yml)", "[a]({home}/galaxy.yml)"),
        ("[a](../README.md#status)", "[a]({home}/README.md#status)"),
        ("[a](../no/such/file.yml)", "[a](../no/such/file.yml)"),
        ("[a](../no/such/page.md#x)", "[a](../no/such/page.md#x)"),
    ],
)
def test_only_a_link_to_a_file_that_is_there_leads_out_of_the_site(check_docs, monkeypatch, tmp_path, link, becomes):
    monkeypatch.setattr(check_docs, "guides", lambda: {"page": f"# Page\n\n{link}\n"})
    (tmp_path / "page.rst").touch()
    check_docs.put_guides(tmp_path)
    assert (tmp_path / "page.md").read_text().splitlines()[-1] == becomes.format(home=check_docs.REPOSITORY)
