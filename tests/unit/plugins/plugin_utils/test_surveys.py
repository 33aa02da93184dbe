# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A survey refuses what the playbook refuses, and accepts what it accepts: AWX's verdict against the gate's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.plugin_utils.inputs import INPUTS, REGION_INPUTS, move_problems
from ansible_collections.trading.multi_region.plugins.plugin_utils.surveys import answers, survey_spec
from tests.controller.surveys import answers_problem, is_answer, spec_problem

REGIONS = ("us-east-1", "us-east-2", "eu-west-1")
BOOLEANS = [name for name, spec in INPUTS.items() if spec["type"] == "bool"]
CHOICES = {name: spec["choices"] for name, spec in INPUTS.items() if "choices" in spec and name != "move_method"}
CHOSEN = (*REGION_INPUTS, *CHOICES, *BOOLEANS)
LIMITS = {name: spec["rule"].limits for name, spec in INPUTS.items() if getattr(spec["rule"], "limits", None)}
FIGURES = [name for name in LIMITS if INPUTS[name]["type"] != "str"]
WRITTEN = [name for name in LIMITS if INPUTS[name]["type"] == "str" and name not in CHOSEN]
WORDS = st.sampled_from([*REGIONS, *(one for each in CHOICES.values() for one in each), "true", "false", ""])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | WORDS


def gate_accepts(variable, value):
    """Return the gate's verdict on one input; a method is judged with the answer that goes with it."""
    together = {"accept_data_loss": value == "detach"} if variable == "method" else {}
    return not move_problems({variable: value, **together}, REGIONS)


@given(st.sampled_from(CHOSEN), SCALARS)
def test_a_choice_is_accepted_exactly_when_the_playbook_accepts_it(variable, value):
    question = answers(variable, REGIONS)
    assert not is_answer(question, value) or gate_accepts(variable, value)
    # Nothing given is not an answer, and neither is true or false in another spelling.
    is_choice = isinstance(value, str) and value and variable not in BOOLEANS or value in ("true", "false")
    if is_choice and gate_accepts(variable, value):
        assert is_answer(question, value)


@given(st.sampled_from(FIGURES), st.data())
def test_a_figure_is_accepted_exactly_when_the_playbook_accepts_it(variable, data):
    low, high = LIMITS[variable]
    edges = [one + step for one in (math.floor(low), math.ceil(low), math.floor(high)) for step in (-1, 0, 1)]
    value = data.draw(SCALARS | st.sampled_from(edges) | st.floats(low - 1, high + 1) | st.integers(0, int(high) + 1))
    question = answers(variable, REGIONS)
    assert not is_answer(question, value) or gate_accepts(variable, value)
    # AWX knows no limit between 0 and 1, so a length below the first whole one is refused by the survey alone.
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    is_figure = is_whole or (INPUTS[variable]["type"] == "float" and isinstance(value, float))
    if is_figure and value >= math.ceil(low) and gate_accepts(variable, value):
        assert is_answer(question, value)


@given(st.sampled_from(WRITTEN), st.integers(-2, 2), st.text(max_size=300), st.booleans())
def test_a_text_that_the_playbook_accepts_is_accepted_up_to_its_last_character(variable, beyond, text, is_long):
    question = answers(variable, REGIONS)
    value = "x" * max(0, question["max"] + beyond) if is_long else text
    if gate_accepts(variable, value) and value:
        assert is_answer(question, value)
    if len(value) > question["max"]:
        assert not is_answer(question, value) and not gate_accepts(variable, value)


@given(st.lists(st.sampled_from([*CHOSEN, *FIGURES, *WRITTEN]), min_size=1, unique=True), st.booleans())
def test_awx_stores_every_survey_and_starts_with_nothing_answered_that_is_not_required(variables, required):
    spec = survey_spec({name: {"question": f"{name}?", "required": required} for name in variables}, REGIONS)
    assert spec_problem(spec) is None
    assert (answers_problem(spec, {}) is None) is not required
    assert [question["variable"] for question in spec["spec"]] == variables


@given(st.sampled_from([*CHOSEN, *FIGURES, *WRITTEN]))
def test_what_is_not_answered_is_not_given_to_the_playbook(variable):
    (question,) = survey_spec({variable: {"question": "?"}}, REGIONS)["spec"]
    # AWX hands a default on only where it is an answer.
    assert not is_answer(question, question["default"]) or gate_accepts(variable, question["default"])


@pytest.mark.parametrize("variable", ["confirm", "acknowledge"])
def test_a_text_that_is_required_is_not_empty(variable):
    (question,) = survey_spec({variable: {"question": "?", "required": True}}, REGIONS)["spec"]
    assert not is_answer(question, "") and is_answer(question, "dev")


@pytest.mark.parametrize("variable", ["readiness_runner_arn", "vpc_cidr", "unheard_of", "traffic_dns_servers"])
def test_refuses_to_ask_for_what_has_neither_choices_nor_limits(variable):
    with pytest.raises(ValueError, match=f"{variable} cannot be in a survey; allowed: "):
        answers(variable, REGIONS)
