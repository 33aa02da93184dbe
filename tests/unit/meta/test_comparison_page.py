# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/comparison.md and docs/region_switch.md say is held against tests, and against AWS's own API model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from botocore.loaders import Loader

ROOT = Path(__file__).resolve().parents[3]
TESTS = ROOT / "tests"
PROOFS = yaml.safe_load(Path(__file__).with_name("comparison.yml").read_text())
# Facts of the world, which no test can show.
OF_THE_WORLD = ("who operates it", "price")

# Inputs of playbooks, options of the role traffic, and keys of a portfolio.
KNOWN_IN = ("docs/inputs.yml", "roles/traffic/README.md", "docs/portfolio.md")


def rows_of(page: str) -> dict[str, str]:
    """{first column: second column} of all tables of a page."""
    cells = [
        [cell.strip() for cell in line.strip("|\n ").split(" | ")]
        for line in (ROOT / "docs" / page).read_text().splitlines()
        if line.startswith("| ") and not line.startswith("| |")
    ]
    return {row[0]: row[1] for row in cells}


def test_each_row_that_says_more_than_no_has_a_test():
    said = {row for row, ours in rows_of("comparison.md").items() if ours != "no" and row not in OF_THE_WORLD}
    assert said == set(PROOFS)


@pytest.mark.parametrize("proof", sorted({proof for proofs in PROOFS.values() for proof in proofs}))
def test_a_proof_of_the_comparison_exists(proof):
    file, name = proof.split("::")
    assert re.search(rf"^def {name}\(", (TESTS / file).read_text(), re.MULTILINE)


def test_each_block_of_region_switch_has_a_row():
    model = Loader().load_service_model("arc-region-switch", "service-2")
    blocks = set(model["shapes"]["ExecutionBlockConfiguration"]["members"])
    named = {name for row in rows_of("region_switch.md") for name in re.findall(r"`(\w+Config)`", row)}
    assert named == blocks


def test_the_hooks_and_variables_that_replace_blocks_exist():
    page = (ROOT / "docs" / "region_switch.md").read_text()
    hooks = {name for name in re.findall(r"hook `(\w+\.yml)`", page)}
    assert hooks and all((ROOT / "playbooks/tasks/hooks" / name).is_file() for name in hooks)
    known = "".join((ROOT / file).read_text() for file in KNOWN_IN)
    values = " ".join(ours for ours in rows_of("region_switch.md").values())
    variables = {name for name in re.findall(r"`([a-z]+_[a-z_]+)(?:[:=][^`]*)?`", values)}
    assert {name for name in variables if not re.search(rf"\b{name}\b", known)} == set()
