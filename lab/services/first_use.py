# SPDX-License-Identifier: GPL-3.0-or-later
"""What was created or changed now, and is refused once (lab/services/settling.py)."""

from __future__ import annotations

from typing import Any

from lab.services.settings import SETTINGS

UNSETTLED = "lab_unsettled"


class Mark:
    """Something of a thing that was changed, apart from the thing."""


def unsettle(thing: Any) -> None:
    """The thing was created or changed now."""
    if SETTINGS.first_use_refused:
        vars(thing)[UNSETTLED] = set()


def is_refused(thing: Any, where: str = "") -> bool:
    """Whether this is the first use of the thing there. Once the setting is off, all have settled."""
    seen = vars(thing).get(UNSETTLED)
    if not SETTINGS.first_use_refused or seen is None or where in seen:
        return False
    seen.add(where)
    return True
