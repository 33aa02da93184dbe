# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of preference: a list, or a number for each host, or the group's order; never two that differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.plugin_utils.inputs import platform_problems
from ansible_collections.trading.multi_region.plugins.plugin_utils.region_order import (
    GROUP,
    LIST,
    NUMBERS,
    in_order,
    order_problems,
    source_of,
)

EAST, WEST, EUROPE = "us-east-1", "us-west-2", "eu-west-1"
SORTED = [EUROPE, EAST, WEST]
NONE = [None, None, None]


def test_without_numbers_the_groups_order_is_the_default():
    assert in_order(SORTED, NONE) == SORTED
    assert order_problems(SORTED, SORTED, NONE) == []
    assert source_of(False, NONE) == GROUP


@given(st.permutations([1, 2, 3]))
def test_numbers_decide_whatever_the_order_of_the_hosts(numbers):
    by_number = dict(zip(numbers, SORTED, strict=True))
    assert in_order(SORTED, numbers) == [by_number[1], by_number[2], by_number[3]]
    assert in_order(SORTED, [str(one) for one in numbers]) == in_order(SORTED, numbers)
    assert source_of(False, numbers) == NUMBERS


def test_a_list_decides_whatever_the_order_of_the_hosts():
    assert order_problems([WEST, EUROPE, EAST], SORTED, NONE) == []
    assert source_of(True, NONE) == LIST


@pytest.mark.parametrize(
    ("wanted", "preferences", "sentence"),
    [
        (
            [EAST, WEST, EUROPE],
            [1, 2, 3],
            "platform_regions is ['us-east-1', 'us-west-2', 'eu-west-1']; allowed: the order of",
        ),
        ([WEST, WEST, EAST, EUROPE], NONE, "us-west-2 is listed more than once"),
        ([WEST, EAST], NONE, "eu-west-1 is missing"),
        ([*SORTED, "us-east-2"], NONE, "us-east-2 is no region of the group regions"),
        (SORTED, [1, None, 2], "region_preference of us-east-1 is not given; allowed: a number for every host"),
        (SORTED, [1, 2, 2], "region_preference of us-east-1 and us-west-2 is 2; allowed: a different number"),
        (SORTED, [1, 2, "last"], "region_preference of us-west-2 is 'last'; allowed: a number"),
        (SORTED, [1, 2, True], "region_preference of us-west-2 is True; allowed: a number"),
        (SORTED, [1, 2, "nan"], "region_preference of us-west-2 is 'nan'; allowed: a number"),
    ],
)
def test_what_contradicts_itself_is_one_sentence(wanted, preferences, sentence):
    (problem,) = order_problems(wanted, SORTED, preferences)
    assert sentence in problem
    inputs = {"environment_suffix": "dev", "regions": wanted, "host_regions": SORTED, "host_preferences": preferences}
    assert platform_problems(inputs) == [problem]


values = st.none() | st.integers() | st.floats() | st.text() | st.booleans() | st.lists(st.integers())


@given(st.lists(values, min_size=3, max_size=3), st.lists(st.sampled_from([*SORTED, "x"]) | values, max_size=5))
def test_any_input_gets_an_order_of_all_regions_and_sentences_that_say_what_is_allowed(preferences, wanted):
    assert sorted(in_order(SORTED, preferences)) == SORTED
    assert all("; allowed: " in one for one in order_problems(wanted, SORTED, preferences))
