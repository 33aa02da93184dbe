# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The record of a run, in the control table of the region that took over, and of the others where they answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._api import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._best_effort import spread
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import (
    RUN_PREFIX,
    get_document,
    put_document,
    utc_now,
)
from ansible_collections.trading.multi_region.plugins.module_utils._failover_notify import require_member
from ansible_collections.trading.multi_region.plugins.module_utils._wait import timed


@timed
def run(params: Mapping[str, Any], clients: Any, check_mode: bool = False) -> dict[str, Any]:
    """Write the record of one run; the same run may be written again and again.

    Returns changed, reason, id, written_to [regions], not_written_to {region: sentence}. Raises MultiRegionError with
    the same evidence where the required region did not take it.
    """
    regions, required, table = params["regions"], params["required_region"], params["table_name"]
    require_member("required_region", required, regions)
    identifier, record = f"{RUN_PREFIX}{params['run_id']}", dict(params["record"])
    if check_mode:
        stored = get_document(clients("dynamodb", required), table, identifier)
        changed = not stored or stored["document"] != record
        words = "would be written" if changed else "is written already"
        reason = f"The record {identifier} {words} in {required}."
        return {"changed": changed, "id": identifier, "written_to": [], "not_written_to": {}, "reason": reason}
    now = utc_now()

    def call(region: str):
        return lambda: put_document(clients("dynamodb", region), table, identifier, record, now)

    outcome = spread({region: call(region) for region in regions}, required, params["deadline"])
    evidence = {"id": identifier, "written_to": list(outcome.done), "not_written_to": outcome.failed}
    failed = "; ".join(f"{region}: {why}" for region, why in outcome.failed.items())
    if not outcome.is_enough:
        raise MultiRegionError(f"The record {identifier} was not written in {required}: {failed}.", **evidence)
    changed = any(not old or old["document"] != record for old in outcome.done.values())
    words = f"The record {identifier} stands in {', '.join(outcome.done)}"
    return {"changed": changed, **evidence, "reason": words + (f"; not in {failed}." if failed else ".")}
