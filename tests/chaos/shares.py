# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares of the matrix, one for each day: each has a fifth of the moments, and in as many runs as there are shares
every cell is met.

CHAOS_SHARE: the number of a share, to repeat that of another day.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from tests.chaos.faults import FAULTS, Fault
from tests.chaos.moments import MOMENTS

# Five days in a row have every moment.
DAYS = 5
SHARES = DAYS * len(FAULTS)
VARIABLE = "CHAOS_SHARE"


def cells_of(share: int) -> list[tuple[Fault, str]]:
    """The cells of a share. From moment to moment the fault is another, so that no share has the slow faults alone."""
    first, day = divmod(share, DAYS)
    return [
        (FAULTS[(first + 2 * moment) % len(FAULTS)], name)
        for moment, name in enumerate(MOMENTS)
        if moment % DAYS == day
    ]


def chosen(environment: dict[str, str] | None = None, now: datetime | None = None) -> int:
    """The share of CHAOS_SHARE, or that of the day (UTC)."""
    given = (os.environ if environment is None else environment).get(VARIABLE, "")
    if not given:
        return (now or datetime.now(UTC)).date().toordinal() % SHARES
    if not given.isdigit() or int(given) >= SHARES:
        raise ValueError(f"{VARIABLE} is {given!r}; allowed: 0 to {SHARES - 1}, or nothing for the share of the day")
    return int(given)
