# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which observer asks the controller for a failover: only one for each outage, however many see it.

The claim is the item ``automation#cloud_trigger_call`` in one table, that of the first standby that responds, in the
order of the manifest, so that observers that see the same regions use the same table. Its document is {version, outage,
by, until, called_at, attempts}: outage identifies the outage, times are epoch seconds of that table. A claim whose
holder has asked the controller is kept until the next outage; one without a result is released immediately, and one
whose holder died expires after CLAIM_SECONDS, so that the controller is asked at least once. The lease on the target
prevents two moves; the claim prevents two jobs of the controller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._automation.store import (
    VERSION,
    get_copy,
    listed,
    replace_document,
    shown_time,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import stands, utc_now
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError

CLAIM_ID = "automation#cloud_trigger_call"
# As long as the observer that holds it can run: the function's time-out in roles/cloud_trigger/vars/main.yml.
CLAIM_SECONDS = 55


@dataclass(frozen=True)
class Claim:
    """A claim that is held: the region of its table, its document, and when it was written."""

    region: str
    document: dict[str, Any]
    written_at: str
    taken_at: float


def refusal(held: dict[str, Any], outage: str, now: float) -> str | None:
    """Return why a claim cannot be acquired, or None. Pure."""
    if held.get("outage") != outage:
        return None
    if held["called_at"] is not None:
        return f"The controller was already asked, from {held['by']} at {shown_time(held['called_at'])}."
    return f"It is being asked from {held['by']}." if now < held["until"] else None


def write(client: Any, table: str, document: dict[str, Any], written_at: str, was: str) -> bool:
    """Replace the claim that was written at ``was``; return whether this write succeeded."""
    try:
        return replace_document(client, table, CLAIM_ID, document, written_at, was) is not None
    except AwsCallError as error:
        if not (error.ambiguous and stands(client, table, CLAIM_ID, written_at)):
            raise
        return True


def take_in(clients: Any, table: str, region: str, outage: str, owner: str) -> Claim | str:
    """Return the claim on an outage, acquired in one region's table, or the sentence why another observer has it."""
    client = clients("dynamodb", region)
    copy = get_copy(client, table, CLAIM_ID)
    held, now = copy["document"] or {}, copy["now"]
    reason = refusal(held, outage, now)
    if reason:
        return reason
    attempts = 1 + (held["attempts"] if held.get("outage") == outage else 0)
    document = {"version": VERSION, "outage": outage, "by": owner, "called_at": None, "attempts": attempts}
    document["until"] = now + CLAIM_SECONDS
    written_at = utc_now()
    if not write(client, table, document, written_at, copy["written_at"]):
        return "Another observer was faster to ask the controller."
    return Claim(region, document, written_at, now)


def take(clients: Any, table: str, regions: Sequence[str], outage: str, owner: str) -> Claim | str:
    """Return the claim on an outage, or the sentence why it could not be acquired.

    regions: the standbys in the order of the manifest; owner: the observer's region.
    """
    silent: dict[str, str] = {}
    for region in regions:
        try:
            return take_in(clients, table, region, outage, owner)
        except AwsCallError as error:
            silent[region] = str(error)
    return f"No table {table} accepted the claim ({listed(silent)}), so the next run tries again."


def reconcile(clients: Any, table: str, claim: Claim, was_called: bool) -> Claim:
    """Record whether the controller was asked; return the updated claim.

    Raises AwsCallError if it could not be written. Then the claim is free after CLAIM_SECONDS.
    """
    document = {**claim.document, "called_at": claim.taken_at if was_called else None, "until": claim.taken_at}
    written_at = utc_now()
    write(clients("dynamodb", claim.region), table, document, written_at, claim.written_at)
    return replace(claim, document=document, written_at=written_at)
