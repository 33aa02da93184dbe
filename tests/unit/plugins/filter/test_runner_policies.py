# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Statements with placeholders become policies that name the resources of every region, and fit into what IAM takes."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.filter.runner_policies import runner_policies
from ansible_collections.trading.multi_region.plugins.plugin_utils.runner_policies import SIZE_LIMIT, size_of

TAGGED = {"aws:ResourceTag/Project": "x"}
NAMES = {"account": "123456789012", "table": "orders", "backend": "s3_object", "tagged": TAGGED}
EAST, WEST = ({"region": region, "bucket": f"data-{region}"} for region in ("us-east-1", "us-east-2"))
TABLE = "arn:aws:dynamodb:{region}:{account}:table/{table}"


def statement(*resources: str, **more) -> dict:
    return {"sid": "Do", "actions": ["b:Do", "a:Do"], "resources": list(resources) or ["*"], **more}


def policies(*statements: dict, regions=(EAST, WEST)) -> list[dict]:
    return runner_policies(statements, "runner", NAMES, regions)


def only_statement(*statements: dict) -> dict:
    ((found,),) = [one["document"]["Statement"] for one in policies(*statements)]
    return found


def test_a_resource_is_named_once_for_each_region_it_is_in():
    found = only_statement(statement(TABLE, "arn:aws:s3:::{bucket}/*", "arn:aws:iam::{account}:role/runner"))
    assert found == {
        "Sid": "Do",
        "Effect": "Allow",
        "Action": ["a:Do", "b:Do"],
        "Resource": [
            "arn:aws:dynamodb:us-east-1:123456789012:table/orders",
            "arn:aws:dynamodb:us-east-2:123456789012:table/orders",
            "arn:aws:s3:::data-us-east-1/*",
            "arn:aws:s3:::data-us-east-2/*",
            "arn:aws:iam::123456789012:role/runner",
        ],
    }


def test_a_list_of_names_in_an_arn_gives_a_resource_for_each():
    east = {**EAST, "groups": ["own", "matching"]}
    west = {**WEST, "groups": []}
    found = policies(statement("arn:aws:autoscaling:{region}:{account}:g/{groups}", TABLE), regions=(east, west))
    resources = found[0]["document"]["Statement"][0]["Resource"]
    assert [one for one in resources if "autoscaling" in one] == [
        "arn:aws:autoscaling:us-east-1:123456789012:g/own",
        "arn:aws:autoscaling:us-east-1:123456789012:g/matching",
    ]


def test_a_condition_takes_texts_lists_and_whole_mappings():
    conditions = {"StringEquals": "{tagged}", "StringLike": {"x:Table": ["{table}", "{table}-*"]}}
    assert only_statement(statement(condition=conditions))["Condition"] == {
        "StringEquals": {"aws:ResourceTag/Project": "x"},
        "StringLike": {"x:Table": ["orders", "orders-*"]},
    }


def test_a_statement_for_another_kind_of_platform_is_left_out():
    kept, left_out = (statement(sid=kind, only_with={"backend": kind}) for kind in ("s3_object", "arc_routing_control"))
    assert only_statement(kept, left_out)["Sid"] == "s3_object"


def test_what_is_too_large_for_one_policy_goes_into_several_that_together_say_the_same():
    many = [{"region": f"region-{number}", "bucket": "x"} for number in range(150)]
    found = policies(statement(TABLE), statement(sid="Other"), regions=many)
    assert [one["name"] for one in found] == ["runner", "runner-2", "runner-3"][: len(found)] and len(found) > 1
    assert all(size_of(one["document"]) <= SIZE_LIMIT for one in found)
    statements = [one for policy in found for one in policy["document"]["Statement"]]
    tables = [resource for one in statements for resource in one["Resource"] if resource != "*"]
    assert sorted(tables) == sorted(f"arn:aws:dynamodb:{one['region']}:123456789012:table/orders" for one in many)
    for policy in found:
        sids = [one["Sid"] for one in policy["document"]["Statement"]]
        assert len(sids) == len(set(sids)) and all(sid.isalnum() for sid in sids)


def test_a_short_policy_names_what_differs_in_its_region_only_once_and_bounds_the_region():
    bucket = "arn:aws:s3:::{bucket}"
    tagged = statement(TABLE, bucket, condition={"StringEquals": "{tagged}"})
    (found,) = runner_policies([tagged], "r", NAMES, (EAST, WEST), True)
    (only,) = found["document"]["Statement"]
    table = "arn:aws:dynamodb:*:123456789012:table/orders"
    assert only["Resource"] == [table, "arn:aws:s3:::data-us-east-1", "arn:aws:s3:::data-us-east-2"]
    assert only["Condition"] == {"StringEquals": {**TAGGED, "aws:RequestedRegion": ["us-east-1", "us-east-2"]}}


def test_a_short_policy_still_names_what_differs_in_more_than_its_region():
    (found,) = runner_policies([statement("arn:aws:x:{region}:a:{bucket}")], "r", NAMES, (EAST, WEST), True)
    (only,) = found["document"]["Statement"]
    assert only["Resource"] == [f"arn:aws:x:{one['region']}:a:{one['bucket']}" for one in (EAST, WEST)]
    assert "Condition" not in only


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"resources": ["arn:{partition}:x"]}, "partition.*allowed: account, .*table"),
        ({"actions": ["x:" + "y" * SIZE_LIMIT]}, "exceeds the size of a policy"),
    ],
)
def test_a_mistake_in_a_statement_is_named(wrong, says):
    with pytest.raises(AnsibleFilterError, match=says):
        policies(statement(**wrong))


def test_a_platform_without_regions_is_refused():
    with pytest.raises(AnsibleFilterError, match="regions is empty"):
        policies(statement(), regions=())


def test_rights_to_what_others_have_made_are_only_those_that_read():
    keep = statement("arn:aws:s3:::{bucket}", TABLE)
    look = statement("arn:aws:s3:::{bucket}", sid="Look", also_existing=True)
    (policy,) = runner_policies([keep, look], "runner", NAMES, [EAST, WEST], existing=["bucket"])
    kept, looked = policy["document"]["Statement"]
    assert [one for one in kept["Resource"] if "s3" in one] == [], "the table's stay"
    assert looked["Resource"] == ["arn:aws:s3:::data-us-east-1", "arn:aws:s3:::data-us-east-2"]


def test_a_statement_about_nothing_that_the_platform_has_is_left_out():
    look = statement("arn:aws:s3:::{bucket}", also_existing=True)
    (policy,) = runner_policies([look, statement(TABLE)], "runner", NAMES, [EAST, WEST], absent=["bucket"])
    (found,) = policy["document"]["Statement"]
    assert "s3" not in str(found)
