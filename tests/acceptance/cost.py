# SPDX-License-Identifier: GPL-3.0-or-later
"""What the run costs: the small platform of docs/cost.md by the hour, without traffic, requests and tax."""

from __future__ import annotations

import re

from tests.integration.platforms import TOP

HOURS_OF_A_MONTH = 730
# An estimate: a platform that is built, six moves, a rebuild, an upgrade and a teardown. The first run tells more.
HOURS_OF_THE_STORY = 3


def usd_per_hour() -> float:
    """The last row of the table, which is a month of the platform: its first size is the small one."""
    (small,) = re.findall(
        r"^\| \*\*the platform\*\* \| \| \*\*([\d,.]+)\*\*", (TOP / "docs/cost.md").read_text(), re.MULTILINE
    )
    return float(small.replace(",", "")) / HOURS_OF_A_MONTH


def sentence(hours: float) -> str:
    each, story = usd_per_hour(), HOURS_OF_THE_STORY
    return (
        f"about {each:.2f} USD an hour at list prices (docs/cost.md, the small platform): {each * story:.2f} for the "
        f"about {story} hours of the story, at most {each * hours:.2f} for the {hours:g} hours that it may take."
    )
