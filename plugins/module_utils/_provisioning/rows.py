# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The rows in which what others have made is judged. Pure."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARNING, MISSING = "ok", "warning", "missing"
ALL = "all"


@dataclass(frozen=True)
class Row:
    """One thing that a move needs: its state, the sentence with the figures, and the remedy."""

    region: str
    what: str
    state: str
    reason: str
    remedy: str = ""


def unread(region: str, what: str, error: str | None) -> Row:
    """Return the row of what could not be read."""
    remedy = "Find out why AWS did not respond (region, permissions, network), then run again."
    return Row(region, what, MISSING, f"Unknown: it could not be read: {(error or 'no reason').rstrip('. ')}.", remedy)
