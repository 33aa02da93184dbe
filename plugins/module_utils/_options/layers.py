# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The layers of a platform, and who owns each of them. Pure.

managed: site.yml makes it. existing: somebody else has made it; it is read and judged, and only a move changes of it
what a move must. absent: the platform does without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import refusal

MANAGED, EXISTING, ABSENT = "managed", "existing", "absent"
# What each layer may be. Those with one value are what a move is made with.
STATES: dict[str, tuple[str, ...]] = {
    "audit": (MANAGED, ABSENT),
    "network": (MANAGED, EXISTING),
    "encryption": (MANAGED, EXISTING, ABSENT),
    "global_database": (MANAGED, EXISTING),
    "session_table": (MANAGED, EXISTING, ABSENT),
    "object_storage": (MANAGED, EXISTING, ABSENT),
    "application": (MANAGED, EXISTING),
    "monitoring": (MANAGED, ABSENT),
    "traffic": (MANAGED,),
    "failover_control": (MANAGED,),
}
OURS, KEYED = (MANAGED,), (MANAGED, EXISTING)
# What others must be for a layer to be managed: what these make is built into it.
BUILT_ON: dict[str, dict[str, tuple[str, ...]]] = {
    "encryption": {"global_database": OURS},
    "global_database": {"network": OURS, "encryption": OURS},
    "session_table": {"encryption": KEYED},
    "object_storage": {"encryption": KEYED},
    "application": {"audit": OURS, "network": OURS, "encryption": OURS},
    "network": {"global_database": OURS},
}
# Layers that exist only together with others that do: what is checked of them is found by these.
FOUND_BY = {"application": "global_database"}


def state_of(layers: Mapping[str, str], layer: str) -> str:
    """Return what a layer is by the variable platform_layers, or by a manifest's layers."""
    return layers.get(layer, MANAGED)


def those(layers: Mapping[str, str], state: str) -> list[str]:
    """Return the layers that are in a state, in the order of STATES."""
    return [layer for layer in STATES if state_of(layers, layer) == state]


@dataclass(frozen=True)
class Layers:
    """The rule for platform_layers: known layers, each what it may be, and none built on what is not managed."""

    allowed = "a dictionary of layers and what each of them is, such as {session_table: absent}"

    def problems(self, path: str, value: Any) -> list[str]:
        """Return the problems as sentences, each with what is allowed."""
        if not isinstance(value, Mapping):
            return [refusal(path, value, self.allowed)]
        strange = [layer for layer in value if layer not in STATES]
        if strange:
            return [refusal(path, strange, f"layers among {', '.join(STATES)}")]
        wrong = [layer for layer, state in value.items() if state not in STATES[layer]]
        if wrong:
            return [refusal(f"{path}.{layer}", value[layer], " or ".join(STATES[layer])) for layer in wrong]
        return list(_unfounded(path, value))


def _unfounded(path: str, layers: Mapping[str, str]) -> Iterable[str]:
    for layer in those(layers, MANAGED):
        others = [
            f"{one} {state}"
            for one, states in BUILT_ON.get(layer, {}).items()
            if (state := state_of(layers, one)) not in states
        ]
        if others:
            allowed = " or ".join(STATES[layer][1:])
            yield refusal(f"{path}.{layer}", MANAGED, f"{allowed} with {' and '.join(others)}, because it builds on it")
    for layer, other in FOUND_BY.items():
        if state_of(layers, layer) == EXISTING and state_of(layers, other) != EXISTING:
            yield refusal(f"{path}.{layer}", EXISTING, f"{MANAGED} with {other} {state_of(layers, other)}")
