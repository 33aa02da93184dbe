# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Types of options, checked before AnsibleModule does, with a sentence for each value of a wrong type. Pure.

ansible-core 2.19 ends with a traceback if a whole number is infinite (check_type_int), and if an option with suboptions
is not a dictionary (set_fallbacks). It does not name the option if an entry of a list is not a dictionary, or the value
if a number or a dictionary cannot be parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.validation import (
    check_type_bool,
    check_type_dict,
    check_type_float,
    check_type_int,
    check_type_list,
)

from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import refusal


def check_text(value: Any) -> Any:
    """Return the value, or raise TypeError for one that Ansible would convert to text although that is never meant."""
    if isinstance(value, dict | list):
        raise TypeError("no text")
    return value


# By type: how AnsibleModule converts a value, and what is allowed.
TYPES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "str": (check_text, "text"),
    "int": (check_type_int, "a whole number"),
    "float": (check_type_float, "a number"),
    "bool": (check_type_bool, "true or false"),
    "dict": (check_type_dict, "a dictionary"),
    "list": (check_type_list, "a list"),
}


def type_problems(given: Mapping[str, Any], argument_spec: Mapping[str, Any], path: str = "") -> list[str]:
    """Return the problems of options with a wrong type, as sentences with the option, its value and the type.

    given: options as the task has them. argument_spec: as for AnsibleModule; other options are not checked.
    """
    found = []
    for name, spec in argument_spec.items():
        for one in (name, *spec.get("aliases", ())):
            found += _problems_of(given.get(one), spec, f"{path}{one}")
    return found


def _problems_of(value: Any, spec: Mapping[str, Any], path: str) -> list[str]:
    if value is None:
        return []
    check, allowed = TYPES[spec.get("type", "str")]
    try:
        value = check(value)
    except (TypeError, ValueError, OverflowError):
        return [refusal(path, value, allowed)]
    if isinstance(value, list):
        entry = {"type": spec.get("elements", "str"), "options": spec.get("options", {})}
        empty = [
            refusal(f"{path}[{place}]", None, TYPES[entry["type"]][1])
            for place, each in enumerate(value)
            if each is None
        ]
        return empty + [
            one for place, each in enumerate(value) for one in _problems_of(each, entry, f"{path}[{place}]")
        ]
    return type_problems(value, spec.get("options", {}), f"{path}.") if isinstance(value, dict) else []
