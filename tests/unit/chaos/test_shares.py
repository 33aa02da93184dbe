# SPDX-License-Identifier: GPL-3.0-or-later
"""The share of the chaos matrix that each day's `make test` runs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.moments import MOMENTS
from tests.chaos.shares import DAYS, SHARES, cells_of, chosen

TODAY = datetime(2026, 11, 29, 23, 59, tzinfo=UTC)


def test_every_cell_is_met_once_in_as_many_days_as_there_are_shares():
    shares = {chosen({}, TODAY + timedelta(days=day)) for day in range(SHARES)}
    met = Counter((fault.name, moment) for share in shares for fault, moment in cells_of(share))
    assert met == Counter((fault.name, moment) for fault in FAULTS for moment in MOMENTS)


@pytest.mark.parametrize("share", range(SHARES))
def test_three_days_in_a_row_meet_every_moment_and_none_of_them_a_fault_twice(share):
    days = [cells_of((share + day) % SHARES) for day in range(DAYS)]
    assert {moment for cells in days for _fault, moment in cells} == set(MOMENTS)
    for cells in days:
        assert max(Counter(fault.name for fault, _moment in cells).values()) == 1


def test_a_day_is_repeated_by_its_number():
    share = chosen({}, TODAY)
    assert chosen({"CHAOS_SHARE": str(share)}, TODAY + timedelta(days=5)) == share


@pytest.mark.parametrize("given", ["-1", str(SHARES), "monday"])
def test_a_share_that_does_not_exist_is_refused(given):
    with pytest.raises(ValueError, match=f"CHAOS_SHARE is '{given}'; allowed: 0 to {SHARES - 1}"):
        chosen({"CHAOS_SHARE": given})
