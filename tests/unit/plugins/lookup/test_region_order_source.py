# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate says what the order of preference was taken from."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given as example
from hypothesis import strategies as st
from jinja2.nativetypes import NativeEnvironment

from ansible_collections.trading.multi_region.plugins.lookup.region_order_source import DEFAULT, LookupModule
from ansible_collections.trading.multi_region.plugins.plugin_utils.region_order import in_order

TOP = Path(__file__).resolve().parents[4]
TEMPLATE = yaml.safe_load((TOP / "group_vars/all/platform.yml").read_text())["platform_regions"]


@pytest.mark.parametrize(
    ("given", "preferences", "source"),
    [
        (TEMPLATE, [None, ""], "the order of the group regions"),
        (TEMPLATE, [2, 1], "region_preference"),
        (["us-east-1", "us-east-2"], [None, None], "platform_regions"),
        ("{{ my_regions }}", [None, None], "platform_regions"),
    ],
)
def test_the_source_of_the_order_is_named(given, preferences, source):
    assert DEFAULT in TEMPLATE
    assert LookupModule().run(preferences, {"platform_regions": given}) == [source]


@example(st.lists(st.one_of(st.just(""), st.integers(-9, 9), st.floats(-9, 9).map(str)), min_size=1, max_size=6))
def test_the_default_order_is_that_by_which_the_gate_judges(preferences):
    regions = [f"us-east-{number}" for number in range(len(preferences))]
    environment = NativeEnvironment()
    environment.filters["zip"] = zip
    found = environment.from_string(TEMPLATE).render(
        platform_host_regions=regions, platform_host_preferences=preferences
    )
    assert found == in_order(regions, preferences)
