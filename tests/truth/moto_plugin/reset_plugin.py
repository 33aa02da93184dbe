# SPDX-License-Identifier: GPL-3.0-or-later
"""A plugin for moto's own tests: where they reset moto, the lab is reset, with its faults and its own state."""

from __future__ import annotations

import os
import urllib.request

from moto.core.models import ServerModeMockAWS


def reset(_self: ServerModeMockAWS) -> None:
    urllib.request.urlopen(urllib.request.Request(os.environ["LAB_RESET_URL"], method="POST"), timeout=30).close()


ServerModeMockAWS.reset = reset
