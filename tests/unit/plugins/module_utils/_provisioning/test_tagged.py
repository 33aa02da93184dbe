# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What tags find of a network: exactly one of each part, and the cluster's own, or it is missing."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged import PARTS, tagged_rows

EAST = "us-east-1"
TAGS = dict.fromkeys(PARTS, {"Tier": "data", "Team": "orders"})
FOUND = {
    "vpc": ["vpc-1"],
    "subnets": ["subnet-a", "subnet-b"],
    "security_group": ["sg-1"],
    "network_acl": ["acl-1"],
}
CLUSTER = {"vpc_id": "vpc-1", "subnet_ids": ["subnet-b", "subnet-a"]}


def rows(tags=TAGS, cluster=CLUSTER, **found):
    return {row.what: row for row in tagged_rows(EAST, tags, Observation({**FOUND, **found}), cluster)}


def test_each_part_that_tags_find_has_its_row():
    assert [row.state for row in rows().values()] == ["ok"] * 4
    assert rows()["VPC"].reason == "The tags Tier=data, Team=orders find vpc-1."


def test_parts_that_no_tags_name_have_none():
    assert rows({"vpc": {}, "subnets": {"Tier": "data"}}).keys() == {"database subnets"}
    assert rows({}) == {}


@pytest.mark.parametrize(
    ("part", "found", "words"),
    [
        ("vpc", [], "Nothing has the tags Tier=data, Team=orders."),
        (
            "vpc",
            ["vpc-1", "vpc-2"],
            "vpc-1, vpc-2 have the tags Tier=data, Team=orders; which one is meant is",
        ),
        ("vpc", ["vpc-2"], "find vpc-2, but the cluster is in vpc-1."),
        ("subnets", [], "Nothing has the tags"),
        ("subnets", ["subnet-a"], "find subnet-a, but the cluster's subnets are subnet-b, subnet-a."),
        ("security_group", ["sg-1", "sg-2"], "which one is meant is unknown"),
        ("network_acl", [], "Nothing has the tags"),
    ],
)
def test_tags_that_find_none_several_or_another_are_missing_with_their_remedy(part, found, words):
    what, variable = PARTS[part]
    row = rows(**{part: found})[what]
    assert row.state == "missing" and words in row.reason and variable in row.remedy
    assert sum(one.state == "missing" for one in rows(**{part: found}).values()) == 1


def test_what_could_not_be_read_is_missing_and_a_cluster_that_could_not_be_is_not_compared():
    unknown = list(tagged_rows(EAST, TAGS, Observation(error="no answer"), CLUSTER))
    assert {row.reason for row in unknown} == {"Unknown: it could not be read: no answer."}
    assert {row.state for row in rows(cluster={}).values()} == {"ok"}
