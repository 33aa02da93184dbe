# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether the name by which applications find the writer leads to a region's cluster.

Aurora changes what the global writer endpoint resolves to after it has moved the writer, and reports the end of that
with RDS-EVENT-0397 ("Amazon RDS event categories and event messages for Aurora" of the Aurora User Guide). Names of RDS
resolve publicly, with a TTL of five seconds ("DNS caching" of the Amazon Aurora MySQL Database Administrator's
Handbook).

A name is evidence and no condition: a controller may be unable to resolve it where applications can. So what was seen
is a result, and never an error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.writer_endpoint import (
    POLL_SECONDS,
    READ_SECONDS,
    get_parameter,
    observe,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import NoLease, lease_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError
from ansible_collections.trading.multi_region.plugins.module_utils._core.names import Answer, Resolver, plain
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import UNKNOWN
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    after_waiting,
    poll,
    retry_transient,
    timed,
)

PROVEN, ELSEWHERE, NOT_USED = "proven", "elsewhere", "not_used"
# A name that cannot be looked up so many times in a row will not be before the wait ends.
LOOKS_IN_VAIN = 2


def read_endpoints(params: Mapping[str, Any], clients: Any, region: str, pace: Mapping[str, Any]) -> dict[str, Any]:
    """Return {used, whole, own}: the endpoint that applications use, the global one and the cluster's; None: unknown.

    Without a parameter applications use the global endpoint of a member, and the cluster's own otherwise.
    """
    name, rds = params.get("parameter_name"), clients("rds", region)
    seen = retry_transient(lambda: observe(rds, params, region), READ_SECONDS, POLL_SECONDS, **pace)
    whole, own = seen["global_endpoint"], (seen["cluster"] or {}).get("endpoint")
    used = None
    if name:
        ssm = clients("ssm", region)
        parameter = retry_transient(lambda: get_parameter(ssm, name), READ_SECONDS, POLL_SECONDS, **pace)
        used = parameter["Value"] if parameter and parameter["Type"] == "String" else None
    return {"used": used or (whole if seen["is_member"] else own), "whole": whole, "own": own}


def judge(whole: str, own: str, answer: Answer | None, target: Answer | None, error: str | None) -> tuple[str, str]:
    """Return (state, sentence) of where the global endpoint leads. Pure.

    whole, own: the global endpoint, the cluster's. answer, target: what they resolve to, None if that is not known.
    """
    if answer is None or not (answer.names or answer.addresses):
        return UNKNOWN, f"{whole} could not be looked up from here: {error or 'it has no address'}."
    if plain(own) in answer.names or (target and answer.addresses & target.addresses):
        return PROVEN, f"{whole} leads to {own}."
    return ELSEWHERE, f"{whole} leads to {', '.join(sorted(answer.names or answer.addresses))}, not to {own}."


def look(params: Mapping[str, Any], resolver: Any, whole: str, own: str) -> dict[str, Any]:
    """Look both endpoints up in parallel; return {state, reason, addresses}."""
    calls = {name: (lambda name=name: resolver.look_up_anywhere(name)) for name in (whole, own)}
    # Longer than a look-up at the servers and one at the machine's resolver.
    found = observe_all(calls, 2 * params["answer_timeout"] + 1)
    state, reason = judge(whole, own, found[whole].value, found[own].value, found[whole].error)
    return {
        "state": state,
        "reason": reason,
        "addresses": sorted((found[whole].value or Answer(frozenset())).addresses),
    }


class Patience:
    """Decides when to look no more: the name leads to the cluster, or cannot be looked up at all."""

    def __init__(self) -> None:
        self.in_vain = 0

    def is_over(self, seen: Mapping[str, Any]) -> bool:
        self.in_vain = self.in_vain + 1 if seen["state"] == UNKNOWN else 0
        return seen["state"] == PROVEN or self.in_vain >= LOOKS_IN_VAIN


@timed
def run(
    params: Mapping[str, Any],
    clients: Any,
    check_mode: bool = False,
    resolver: Any = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Wait until the endpoint that applications use leads to the region's cluster, but not longer than wait_timeout.

    Returns {changed, state, reason, warnings, endpoint, cluster_endpoint, addresses, seconds}. Raises only if another
    run holds the lease.
    """
    region = params.get("region") or clients.default_region
    lease = NoLease() if check_mode else lease_of(params, clients)
    pace = {"clock": clock, "sleep": sleep or lease.sleep}
    try:
        found = read_endpoints(params, clients, region, pace)
    except AwsCallError as error:
        return result(
            {"used": None, "own": None}, {"state": UNKNOWN, "reason": f"The endpoints are not known: {error}"}
        )
    used, whole, own = found["used"], found["whole"], found["own"]
    if not (used and own):
        return result(found, {"state": UNKNOWN, "reason": f"{region} has no endpoint for writes yet."})
    if not whole or plain(used) != plain(whole):
        sentence = (
            f"Applications of {region} use {used}, not the global endpoint, so there is no change of DNS to wait for."
        )
        return result(found, {"state": NOT_USED, "reason": sentence})
    resolver = resolver or Resolver(plain(whole), params["dns_servers"], params["answer_timeout"])
    patience, began = Patience(), pace["clock"]()
    try:
        seen = poll(
            lambda: look(params, resolver, whole, own),
            patience.is_over,
            params["wait_timeout"],
            params["poll_interval"],
            **pace,
        )
    except WaitTimeout as late:
        seen = {**late.state, "reason": f"{late.state['reason']} Looked for {late.seconds:.0f} s (wait_timeout)."}
    else:
        seen = {**seen, "reason": f"{seen['reason'].removesuffix('.')}{after_waiting(pace['clock']() - began)}."}
    return result(found, seen)


def result(found: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the module's result, without what timing adds. Pure."""
    is_right = seen["state"] in (PROVEN, NOT_USED)
    warnings = [] if is_right else [f"Not proven that applications reach the new writer: {seen['reason']}"]
    return {
        "changed": False,
        "state": seen["state"],
        "reason": seen["reason"],
        "warnings": warnings,
        "endpoint": found["used"],
        "cluster_endpoint": found["own"],
        "addresses": seen.get("addresses", []),
    }
