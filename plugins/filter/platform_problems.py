# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of every playbook's inputs, as a filter: inputs in, sentences out."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.plugin_utils import inputs as input_rules


def platform_problems(inputs: t.Any) -> list[str]:
    """See :func:`inputs.platform_problems`; raises AnsibleFilterError if it is not given a mapping."""
    if not isinstance(inputs, dict):
        raise AnsibleFilterError(f"platform_problems requires a mapping of inputs, not {type(inputs).__name__}")
    return input_rules.platform_problems(inputs)


class FilterModule:
    """Filters of the playbooks' input check."""

    def filters(self) -> dict[str, t.Callable]:
        return {"platform_problems": platform_problems}
