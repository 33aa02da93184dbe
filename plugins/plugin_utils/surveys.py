# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Surveys of a controller's job templates, made of the rules by which the playbooks judge their inputs. Pure.

A survey knows types, choices, whole limits and lengths. It never refuses what the gate accepts because of these, and
never accepts a choice or a figure that the gate refuses. What it cannot say (which characters a text may hold, which
answers go together) the gate says when the job begins.

A question that is not answered hands nothing on: its default is the empty text, which AWX 24.6.1 drops where no choice
and no figure is empty (``SurveyJobTemplateMixin`` in awx/main/models/mixins.py), and which the gate takes for an input
that was left out where a text may be empty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.trading.multi_region.plugins.plugin_utils.inputs import INPUTS, REGION_INPUTS

# A text that may be longer than this gets a field of several lines.
LINE_CHARACTERS = 255


def survey_spec(questions: Mapping[str, Mapping[str, Any]], regions: Sequence[str]) -> dict[str, Any]:
    """Return a survey as POST /api/v2/job_templates/N/survey_spec/ takes it.

    questions: input of a playbook to ``question`` (what is asked), ``help`` and ``required``, the last two optional.
    regions: those that can be chosen where a region is asked for. Raises ValueError for what no survey can ask.
    """
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


def answers(variable: str, regions: Sequence[str], is_required: bool = False) -> dict[str, Any]:
    """Return the part of a question that says which answers an input of a playbook may have."""
    spec = INPUTS.get(variable, {"type": "raw"})
    kind, limits = spec["type"], getattr(spec.get("rule"), "limits", None)
    choices = ("true", "false") if kind == "bool" else regions if variable in REGION_INPUTS else spec.get("choices")
    if choices:
        return {"type": "multiplechoice", "choices": list(choices)}
    if limits:
        # AWX takes whole limits only, also for a figure that need not be whole.
        least, most = math.ceil(limits[0]), math.floor(limits[1])
        if kind == "str":
            kind, least = "textarea" if most > LINE_CHARACTERS else "text", max(least, int(is_required))
        return {"type": {"int": "integer"}.get(kind, kind), "min": least, "max": most}
    raise ValueError(f"{variable} cannot be asked for by a survey; allowed: inputs with choices, limits or lengths.")
