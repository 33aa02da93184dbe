# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Aurora's own fencing of a former writer, according to its events.

A managed failover tries to block writes in the old primary's storage and reports the result in one of two events of DB
instances ("DB instance events" of "Amazon RDS event categories and event messages for Aurora", Aurora User Guide):

- RDS-EVENT-0390: Attempt to block writes for DB cluster <id> in Region <region> succeeded.
- RDS-EVENT-0391: Attempt to block writes for DB cluster <id> in Region <region> timed out.

They are recorded in the old primary's region if it can be reached, else in the new one's ("Using switchover or failover
in Amazon Aurora Global Database"), so every region is queried. DescribeEvents returns no event id (shape Event of the
API), so the message is matched. Events are emitted on a best effort basis and may be missing ("Monitoring Amazon Aurora
events"), so a missing event proves nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call

MESSAGE = re.compile(
    r"block writes for DB cluster\W+(?P<cluster>[\w:-]+)\W+in Region\W+(?P<region>[a-z0-9-]+)\W+"
    r"(?P<end>succeeded|timed out)",
    re.IGNORECASE,
)
STATES = {"succeeded": "fenced", "timed out": "timed_out"}
# How long DescribeEvents keeps events ("DescribeEvents" of the Amazon RDS API Reference).
KEPT_MINUTES = 14 * 24 * 60


@aws_call("DescribeEvents")
def describe_events(client: Any, minutes: int) -> list[dict[str, Any]]:
    """Return the events of the last minutes, of every source; the region counts them, so clock skew does not matter."""
    pages = client.get_paginator("describe_events").paginate(Duration=minutes)
    return [event for page in pages for event in page.get("Events", [])]


def read_fencing(client: Any, since: float, now: float) -> list[dict[str, Any]]:
    """Return the fencing events of a region since a time (epoch seconds), in the shape of ``parse``."""
    minutes = max(1, min(KEPT_MINUTES, math.ceil((now - since) / 60) + 1))
    found = (parse(event) for event in describe_events(client, minutes))
    return [event for event in found if event and event["at"] >= since]


def parse(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return {region, cluster, state, message, at (epoch seconds)} of a fencing event, or None for others. Pure."""
    match = MESSAGE.search(event.get("Message") or "")
    if not match:
        return None
    return {
        "region": match["region"].lower(),
        "cluster": match["cluster"].rpartition(":")[2].lower(),
        "state": STATES[match["end"].lower()],
        "message": event["Message"],
        "at": event["Date"].timestamp(),
    }


def latest(events: Iterable[Mapping[str, Any]], region: str, cluster: str) -> Mapping[str, Any] | None:
    """Return the latest event about a region's cluster, or None. Pure."""
    about = [event for event in events if event["region"] == region and event["cluster"] == cluster.lower()]
    return max(about, key=lambda event: event["at"]) if about else None
