# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Common entry and exit of all modules: check the options, do the work, and turn every failure into a sentence."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils import basic
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.trading.multi_region.plugins.module_utils._core import controller
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import UNREADABLE, MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import option_problems, without_rules
from ansible_collections.trading.multi_region.plugins.module_utils._options.types import type_problems

# Options are not logged to syslog before they are checked: since Python 3.12 it rejects text with a null character.
WAYS = {"supports_check_mode": True, "no_log": True}


def given_options() -> Mapping[str, Any]:
    """Return the options as the task has them, before AnsibleModule changes them."""
    module_class = AnsibleAWSModule.default_settings["module_class"]
    # The substitute for AnsibleModule (plugin_utils/in_process.py) knows its task; a module reads its standard input.
    return module_class.options if hasattr(module_class, "options") else basic._load_params() or {}


def build_module(argument_spec: Mapping[str, Any], **rules: Any) -> AnsibleAWSModule:
    """Return the AnsibleAWSModule with checked options; end the process if an option is invalid."""
    problems = type_problems(given_options(), argument_spec)
    if problems:
        unchecked = {name: {"type": "raw", "aliases": spec.get("aliases", [])} for name, spec in argument_spec.items()}
        AnsibleAWSModule(argument_spec=unchecked, **WAYS).fail_json(msg=" ".join(problems))
    module = AnsibleAWSModule(argument_spec=without_rules(argument_spec), **WAYS, **rules)
    problems = option_problems(module.params, argument_spec, rules.get("required_if", ()))
    if problems:
        module.fail_json(msg=" ".join(problems))
    return module


def misunderstanding(error: Exception) -> str:
    """Return the sentence for a response, or a stored document, that the module could not interpret."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"A response of AWS, or a document in a control table, does not have the expected form: "
        f"{type(error).__name__}: {error}, in {place.name} ({os.path.basename(place.filename)}, line {place.lineno}). "
        "The module stopped there; its changes up to that point remain. Use -vvv to see the traceback."
    )


def run_module(work: Callable[[Any], Mapping[str, Any]], argument_spec: Mapping[str, Any], **rules: Any) -> None:
    """End the process with the result of ``work(module)``, or with the error's sentence and evidence.

    rules: relations between options, such as required_if, by AnsibleModule's names.
    """
    module = build_module(argument_spec, **rules)
    controller.watch_named()
    try:
        result = work(module)
    except MultiRegionError as error:
        module.fail_json(msg=str(error), **error.evidence)
    except UNREADABLE as error:
        module.fail_json(msg=misunderstanding(error), exception=error)
    module.exit_json(**result)
