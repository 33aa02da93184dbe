# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The options of a hook, and what is wrong with a list of hooks. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._hooks.hook import (
    ENDED,
    MOMENTS,
    ONCE,
    PLANNED,
    REPEATABLE,
    SOURCE,
    TARGET,
)
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import refusal

# The methods that a plan may have: auto is none of them.
METHODS = ("failover", "switchover", "detach")
NAME = rules.text(
    r"(?!.{41})[a-z](?:[-_]?[a-z0-9])*",
    "1 to 40 lower-case letters, digits and single dashes and underscores, the first one a letter",
)
# Another ansible-playbook has to start within it.
TIME_LIMIT = rules.Value(
    "a whole number of seconds from 5 to 86400",
    lambda value: isinstance(value, int) and not isinstance(value, bool) and 5 <= value <= 86400,
    (5, 86400),
)
# For the argument spec of the modules that take hooks.
HOOK_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True, "rule": NAME},
    "moment": {"type": "str", "required": True, "choices": [*MOMENTS]},
    "file": {"type": "str", "required": True, "rule": rules.line(4096)},
    "time_limit_seconds": {"type": "int", "default": 60, "rule": TIME_LIMIT},
    "required": {"type": "bool"},
    "side": {"type": "str", "choices": [SOURCE, TARGET], "default": TARGET},
    "run": {"type": "str", "choices": [ONCE, REPEATABLE]},
    "methods": {"type": "list", "elements": "str", "choices": [*METHODS]},
}
# What Ansible checks for a module, for the variable of the playbooks.
RULES: dict[str, rules.Rule] = {
    **{name: rules.one_of(HOOK_SPEC[name]["choices"]) for name in ("moment", "side", "run")},
    "required": rules.Value("true or false", lambda value: isinstance(value, bool)),
    "methods": rules.Each(rules.one_of(METHODS), 1),
}


class Hooks:
    """The rule for a list of hooks."""

    def problems(self, path: str, value: Any) -> list[str]:
        """Return the problems of a list of hooks, each named by its path."""
        return hook_problems(path, value)


def hook_problems(path: str, hooks: Any) -> list[str]:
    """Return the problems of a list of hooks, as sentences with the option, its value and what is allowed."""
    if not isinstance(hooks, list):
        return [refusal(path, hooks, "a list of hooks")]
    problems = [one for number, hook in enumerate(hooks) for one in _problems_of(f"{path}[{number}]", hook)]
    names = Counter(str(hook.get("name")) for hook in hooks if isinstance(hook, Mapping) and hook.get("name"))
    twice = ", ".join(name for name, count in names.items() if count > 1)
    if twice:
        problems.append(refusal(f"name in {path}", f"{twice} for more than one hook", "each name once"))
    return problems


def _problems_of(path: str, hook: Any) -> list[str]:
    if not isinstance(hook, Mapping):
        return [refusal(path, hook, f"a dictionary with {', '.join(HOOK_SPEC)}")]
    problems = [
        f"{path} has the key {rules.shown(key)}; allowed: {', '.join(HOOK_SPEC)}."
        for key in hook
        if key not in HOOK_SPEC
    ]
    for name, spec in HOOK_SPEC.items():
        if hook.get(name) is not None or spec.get("required"):
            problems += (spec.get("rule") or RULES[name]).problems(f"{path}.{name}", hook.get(name))
    return problems or _contradictions(path, hook)


def _contradictions(path: str, hook: Mapping[str, Any]) -> list[str]:
    moment, required = hook["moment"], hook.get("required")
    if moment in PLANNED and required is None:
        allowed = "true (if the hook fails, the move stops) or false (it goes on); there is no default"
        return [refusal(f"{path}.required", None, allowed)]
    if moment in ENDED and required:
        return [refusal(f"{path}.required", True, f"false with {moment}, when there is nothing left to stop")]
    if moment in ENDED and hook.get("run") == ONCE:
        return [refusal(f"{path}.run", ONCE, f"{REPEATABLE} with {moment}, because every attempt ends by itself")]
    return []
