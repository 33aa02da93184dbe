# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lines of the live view."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.callback.move_progress import box


@pytest.mark.parametrize(
    ("rto", "rpo", "words"),
    [
        (41.5, 1550, "| RTO 41.5 s, RPO bound 1550 ms"),
        (0, 0, "| RTO 0 s, RPO bound 0 ms"),
        (None, None, "| RTO unknown, RPO bound unknown"),
        (None, "unknown", "| RTO unknown, RPO bound unknown"),
    ],
)
def test_shows_a_missing_figure_as_unknown_and_zero_as_zero(rto, rpo, words):
    assert words in box({"outcome": "failed", "rto_seconds": rto, "rpo_bound_ms": rpo})
