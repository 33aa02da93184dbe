# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lines of the live view."""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.callback.move_progress import box


def test_the_outcome_is_in_the_first_line_and_what_to_do_next_in_the_second():
    said = {"summary": "us-east-2 is active; loss: none", "next_step": "nothing"}
    lines = box({"outcome": "successful", "run_id": "r1"}, said)
    assert lines[1:3] == ["| us-east-2 is active; loss: none", "| Next: nothing"]
    assert "r1" in lines[3]
