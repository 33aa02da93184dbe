# SPDX-License-Identifier: GPL-3.0-or-later
"""How AWX judges a survey and the answers to it, after AWX 24.6.1.

``is_answer`` follows ``SurveyJobTemplateMixin._survey_element_validation`` (awx/main/models/mixins.py),
``spec_problem`` follows ``JobTemplateSurveySpec._validate_spec_data`` (awx/api/views/__init__.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TYPES = {"text": str, "textarea": str, "multiplechoice": str, "integer": int, "float": float}


def is_whole(value: Any) -> bool:
    """Return whether AWX takes a value for a whole number: it compares types, and True is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_answer(question: Mapping[str, Any], value: Any) -> bool:
    """Return whether AWX takes a value for the answer to a question."""
    kind = question["type"]
    if kind == "multiplechoice":
        return value in question["choices"]
    if kind in ("text", "textarea"):
        return isinstance(value, str) and question["min"] <= len(value) <= question["max"]
    fits = is_whole(value) or (kind == "float" and isinstance(value, float))
    return fits and question["min"] <= value <= question["max"]


def answers_problem(spec: Mapping[str, Any], answers: Mapping[str, Any]) -> str | None:
    """Return why AWX refuses to start a job with these answers, or None."""
    for question in spec["spec"]:
        name = question["variable"]
        if name not in answers:
            if question["required"]:
                return f"'{name}' value missing"
        elif not is_answer(question, answers[name]):
            return f"{answers[name]!r} is no answer to '{name}'"
    return None


def spec_problem(spec: Mapping[str, Any]) -> str | None:
    """Return why AWX refuses to store a survey, or None."""
    if not (isinstance(spec.get("name"), str) and isinstance(spec.get("description"), str) and spec.get("spec")):
        return "name, description and at least one question are needed"
    names = [question.get("variable") for question in spec["spec"]]
    if len(set(names)) < len(names):
        return "a variable is asked for twice"
    return next((problem for problem in map(question_problem, spec["spec"]) if problem), None)


def question_problem(question: Mapping[str, Any]) -> str | None:
    """Return why AWX refuses to store a question, or None."""
    texts = all(isinstance(question.get(key), str) for key in ("type", "question_name", "variable"))
    if not texts or not isinstance(question.get("required"), bool) or question["type"] not in TYPES:
        return f"type, question_name, variable or required is missing or of a wrong type: {question}"
    default = question.get("default", "")
    if default != "" and not isinstance(default, TYPES[question["type"]]):
        return f"the default is of another type than the answer: {question}"
    if not all(is_whole(question.get(limit, 0)) for limit in ("min", "max")):
        return f"limits are whole numbers: {question}"
    if question["type"] == "multiplechoice" and default not in ("", *question.get("choices", ())):
        return f"the default is none of the choices: {question}"
    return None
