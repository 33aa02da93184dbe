# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What tags find of the layers: exactly one of each is meant, and stores that no region has are absent."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged_layers import (
    BALANCER,
    BUCKET,
    TABLE,
    global_database_row,
    load_balancer_row,
    session_tables,
    states_of,
    store_rows,
)

EAST, WEST = "us-east-1", "us-east-2"
TAGS = {"Team": "orders", "Stage": "live"}
SILENT = Observation(error="no answer")


def layers(tables=(), buckets=(), balancers=()):
    return Observation({TABLE: list(tables), BUCKET: list(buckets), BALANCER: list(balancers)})


def said(east, west):
    return [(row.region, row.what, row.state, row.reason) for row in store_rows(TAGS, {EAST: east, WEST: west})]


@pytest.mark.parametrize(
    ("found", "reason", "remedy"),
    [
        (
            Observation([]),
            "Nothing has the tags Team=orders, Stage=live.",
            "Tag it, or name it in adopt_global_cluster.",
        ),
        (
            Observation(["fx", "orders"]),
            "fx, orders have the tags Team=orders, Stage=live; which one is meant is unknown.",
            "Name one of them in adopt_global_cluster, or add a tag to adopt_tags.",
        ),
        (
            SILENT,
            "Unknown: it could not be read: no answer.",
            "Find out why AWS did not respond (region, permissions, network), then run again.",
        ),
    ],
)
def test_a_global_database_that_is_not_exactly_one_is_missing_with_the_option_that_names_it(found, reason, remedy):
    row = global_database_row(TAGS, found)
    assert (row.region, row.what, row.state) == ("all", "global database", "missing")
    assert (row.reason, row.remedy) == (reason, remedy)


def test_so_is_a_load_balancer():
    assert load_balancer_row(EAST, TAGS, layers(balancers=["front"])) is None
    for found in (layers(), layers(balancers=["front", "back"])):
        row = load_balancer_row(EAST, TAGS, found)
        assert (row.region, row.state) == (EAST, "missing") and "adopt_load_balancers" in row.remedy
    assert load_balancer_row(EAST, TAGS, SILENT).reason == "Unknown: it could not be read: no answer."


def test_a_table_is_found_by_the_tags_of_one_replica_and_a_bucket_by_those_of_each_region():
    both = {EAST: layers(["carts"], ["files-east"]), WEST: layers([], ["files-west"])}
    assert session_tables(both) == ["carts"]
    assert states_of(both) == {"session_table": "existing", "object_storage": "existing"}
    assert {row.state for row in store_rows(TAGS, both)} == {"ok"}
    rows = said(layers(buckets=["files-east"]), layers())
    assert (WEST, "bucket", "missing", "Nothing has the tags Team=orders, Stage=live.") in rows


def test_tables_of_two_names_and_two_buckets_are_missing():
    rows = said(layers(["carts"], ["a", "b"]), layers(["orders"], ["c"]))
    assert [one[:3] for one in rows] == [
        ("all", "session table", "missing"),
        (EAST, "bucket", "missing"),
        (WEST, "bucket", "ok"),
    ]
    assert "carts, orders have the tags" in rows[0][3] and "a, b have the tags" in rows[1][3]


def test_stores_that_no_region_has_are_absent():
    nothing = {EAST: layers(), WEST: layers()}
    assert states_of(nothing) == {"session_table": "absent", "object_storage": "absent"}
    assert [(what, state) for _region, what, state, _reason in said(layers(), layers())] == [
        ("session table", "ok"),
        ("bucket", "ok"),
    ]


def test_a_region_that_did_not_answer_is_missing_and_nothing_counts_as_absent():
    rows = said(layers(), SILENT)
    assert [one[:3] for one in rows] == [(WEST, "session table and bucket", "missing")]
    assert (EAST, "bucket", "ok") in [one[:3] for one in said(layers(buckets=["files"]), SILENT)]
