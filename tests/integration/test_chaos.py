# SPDX-License-Identifier: GPL-3.0-or-later
"""failover.yml while something breaks: the day's share of the matrix of tests/chaos. `make chaos` runs the whole."""

from __future__ import annotations

import pytest

from tests.chaos.cell import run_cell
from tests.chaos.shares import cells_of, chosen

CELLS = [pytest.param(fault, moment, id=f"{fault.name}-{moment}") for fault, moment in cells_of(chosen())]


@pytest.mark.parametrize(("fault", "moment"), CELLS)
def test_no_promise_is_broken(platform, fault, moment, tmp_path):
    result = run_cell(platform, fault, moment, tmp_path)
    assert result.broken == [], result.said
