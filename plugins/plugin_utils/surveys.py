# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Surveys of a controller's job templates, derived from the rules with which playbooks check their inputs. Pure.

A survey supports types, choices, integer limits and lengths. These never reject what the gate accepts, and never accept
a choice or a number that the gate rejects. What a survey cannot express (allowed characters of a text, combinations of
answers), the gate checks when the job begins.

A question without an answer passes nothing on: its default is the empty text, which AWX 24.6.1 drops for choices and
numbers, because these cannot be empty (``SurveyJobTemplateMixin`` in awx/main/models/mixins.py). For texts that may be
empty, the gate treats it like an input that was omitted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.trading.multi_region.plugins.plugin_utils.inputs import INPUTS, REGION_INPUTS

# A text that may be longer than this gets a multi-line field.
LINE_CHARACTERS = 255
# What a question of ours consists of.
PARTS = {"question": str, "help": str, "required": bool}


def survey_spec(questions: Mapping[str, Mapping[str, Any]], regions: Sequence[str]) -> dict[str, Any]:
    """Return a survey in the form that POST /api/v2/job_templates/N/survey_spec/ accepts.

    questions: input of a playbook to ``question``, ``help`` and ``required``, the last two optional.
    regions: the choices of a question for a region. Raises ValueError for an input for which no survey is possible, and
    for a question that the server refuses (``JobTemplateSurveySpec._validate_spec_data`` in awx/api/views).
    """
    for variable, asked in questions.items():
        _refuse_bad_question(variable, asked)
    return {
        "name": "",
        "description": "",
        "spec": [
            {
                "variable": variable,
                "question_name": asked["question"],
                "question_description": asked.get("help", ""),
                "required": asked.get("required", False),
                "default": "",
                **answers(variable, regions, asked.get("required", False)),
            }
            for variable, asked in questions.items()
        ],
    }


def _refuse_bad_question(variable: str, asked: Any) -> None:
    given = asked if isinstance(asked, Mapping) else {"question": asked}
    wrong = [name for name, value in given.items() if name not in PARTS or not isinstance(value, PARTS[name])]
    if wrong or not given.get("question"):
        name = wrong[0] if wrong else "question"
        allowed = "question, a text that is not empty; help, a text; required, true or false"
        raise ValueError(f"the survey's {variable} has {name} {given.get(name)!r}; allowed: {allowed}.")


def answers(variable: str, regions: Sequence[str], is_required: bool = False) -> dict[str, Any]:
    """Return the part of a question that defines the allowed answers for an input of a playbook."""
    spec = INPUTS.get(variable, {"type": "raw"})
    kind, limits = spec["type"], getattr(spec.get("rule"), "limits", None)
    choices = ("true", "false") if kind == "bool" else regions if variable in REGION_INPUTS else spec.get("choices")
    if choices:
        return {"type": "multiplechoice", "choices": list(choices)}
    if limits:
        # AWX accepts only integer limits, also for numbers that need not be integers.
        least, most = math.ceil(limits[0]), math.floor(limits[1])
        if kind == "str":
            kind, least = "textarea" if most > LINE_CHARACTERS else "text", max(least, int(is_required))
        return {"type": {"int": "integer"}.get(kind, kind), "min": least, "max": most}
    raise ValueError(f"{variable} cannot be in a survey; allowed: inputs with choices, limits or lengths.")
