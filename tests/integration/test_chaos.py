# SPDX-License-Identifier: GPL-3.0-or-later
"""failover.yml while something breaks: a part of the matrix of tests/chaos. `make chaos` runs the whole."""

from __future__ import annotations

import pytest

from tests.chaos.cell import run_cell
from tests.chaos.faults import BY_NAME
from tests.chaos.moments import MOMENTS

CELLS = [
    ("controller killed", "promote_request"),
    ("controller killed", "traffic"),
    ("active region lost: hang", "promote_wait"),
    ("target's dynamodb lost: 5xx", "promote_request"),
    ("next answer of every changing call lost", "lease"),
    ("old answer once after each write", "start"),
]
AT_NIGHT = [
    *[
        ("controller killed", moment)
        for moment in MOMENTS
        if moment not in ("start", "plan", "promote_request", "traffic")
    ],
    ("active region lost: reset", "start"),
    ("active region lost: 5xx", "lease"),
    ("active region lost: throttle", "traffic"),
    ("30 % of all calls throttled", "start"),
    ("target's rds lost: hang", "promote_wait"),
    ("target's s3 lost: 5xx", "traffic"),
    ("target's sns lost: hang", "announce"),
    ("target's ssm lost: 5xx", "endpoint_wait"),
    ("controller's clock 10 minutes ahead", "traffic"),
    ("controller's disk full", "fence"),
]


@pytest.mark.parametrize(
    ("fault", "moment"), [*CELLS, *[pytest.param(*cell, marks=pytest.mark.nightly) for cell in AT_NIGHT]]
)
def test_no_promise_is_broken(platform, fault, moment, tmp_path):
    result = run_cell(platform, BY_NAME[fault], moment, tmp_path)
    assert result.broken == [], result.said
