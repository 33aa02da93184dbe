# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why something must not be done: the one shape in which guards of any domain say it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# The options that set an obstacle aside, as an operator writes them.
FORCE = "force: true"
ACCEPT_DATA_LOSS = "accept_data_loss: true"


@dataclass(frozen=True)
class Obstacle:
    """A reason to refuse: a code for machines, a sentence for people, the option that overrides it or None."""

    code: str
    sentence: str
    override: str | None = None
