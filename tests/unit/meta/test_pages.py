# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages for readers: they fit a terminal, their links lead somewhere, and README lists those of docs/."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).resolve().parents[3]
WIDTH = 120
# A release writes CHANGELOG.md.
WRITTEN = ("*.md", "docs/*.md", "roles/*/README.md", "lab/README.md", "tests/*/README.md")
PAGES = sorted({path for pattern in WRITTEN for path in TOP.glob(pattern)} - {TOP / "CHANGELOG.md"})
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")


def name(path: Path) -> str:
    return str(path.relative_to(TOP))


def too_long(text: str) -> list[str]:
    """Return the lines that are wider than a terminal. A row of a table and an address cannot be broken."""
    return [
        line for line in text.splitlines() if len(line) > WIDTH and not line.startswith("|") and " " in line.strip()
    ]


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub and Sphinx give the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def broken_links(path: Path, text: str) -> list[str]:
    """Return the links of a page to files, or to headings of pages, that are not there."""
    broken = []
    for target, heading in LINK.findall(CODE.sub("", BLOCK.sub("", text))):
        there = path.parent / target
        if not there.exists() or (heading and heading not in anchors(there.read_text() if target else text)):
            broken.append(f"{target}#{heading}" if heading else target)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_fits_a_terminal(page):
    assert too_long(page.read_text()) == []


def test_a_wide_line_is_found_and_a_row_or_an_address_is_not():
    wide = "word " * 30
    assert too_long(f"{wide}\n| {wide} |\n  https://example.com/{'x' * WIDTH}\nshort") == [wide]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_of_a_page_leads_somewhere(page):
    assert broken_links(page, page.read_text()) == []


def test_a_link_to_no_file_or_no_heading_is_found():
    text = "# A heading\n[a](gone.md) [b](#a-heading) [c](#gone) [d](README.md) `[e](code.md)`"
    assert broken_links(TOP / "README.md", text) == ["gone.md", "#gone"]


def test_readme_maps_every_page_in_the_order_of_the_site():
    readme = (TOP / "README.md").read_text().partition("| | read |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (\w[^|]+) \| (.+) \|$", readme, re.MULTILINE)
    mapped = {title.capitalize(): re.findall(r"\(docs/([\w-]+)\.md\)", links) for title, links in rows}
    site = yaml.safe_load((TOP / "docs" / "docsite" / "extra-docs.yml").read_text())
    assert mapped == {section["title"]: section["toctree"] for section in site["sections"]}


COMMIT = re.compile(r"\bcommit [0-9a-f]{7,40}\b")


def test_only_pages_for_maintainers_tell_how_it_came_to_be():
    site = yaml.safe_load((TOP / "docs" / "docsite" / "extra-docs.yml").read_text())
    told = {
        section["title"]: [name for name in section["toctree"] if COMMIT.search((TOP / f"docs/{name}.md").read_text())]
        for section in site["sections"]
    }
    assert [title for title, names in told.items() if names] == ["For maintainers"]
