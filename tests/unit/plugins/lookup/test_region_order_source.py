# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate says what the order of preference was taken from."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.trading.multi_region.plugins.lookup.region_order_source import DEFAULT, LookupModule

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
