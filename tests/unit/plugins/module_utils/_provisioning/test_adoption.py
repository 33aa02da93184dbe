# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What others have made becomes an inventory; what a move needs of it and is not there is named before any change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.adoption import (
    APPLICATION,
    DATABASE,
    LAYERS,
    MANIFEST,
    Named,
    Seen,
    judge,
)

EAST, WEST = "us-east-1", "us-east-2"
VERSION = "8.0.mysql_aurora.3.10.5"
NAMED = Named(
    global_cluster_identifier="orders",
    load_balancers={EAST: "front-east", WEST: "front-west"},
    platform_tags={"Project": "orders", "Environment": "prod"},
    environment="prod",
    table_name="orders-failover-prod",
    fencing="database_ingress",
)
OPEN = [
    {"RuleNumber": 10, "Egress": way, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"}
    for way in (False, True)
]


def acl(*subnets, entries=()):
    return {
        "NetworkAclId": "acl-0123456789",
        "Entries": list(entries),
        "Associations": [{"SubnetId": one} for one in subnets],
    }


def cluster(place, **changes):
    return {
        "identifier": f"orders-{place}",
        "status": "available",
        "engine_version": VERSION,
        "instances": {f"orders-{place}-one": "available"},
        "security_group_ids": ["sg-0123456789"],
        "guests": {"sg-0123456789": []},
        "subnet_ids": ["subnet-a"],
        "acls": [acl("subnet-a", "subnet-b")],
        **changes,
    }


def application(place, **changes):
    return {
        "name": f"front-{place}",
        "arn": f"arn-of-front-{place}",
        "state": "active",
        "type": "application",
        "listeners": [{"protocol": "HTTPS", "port": 443}],
        "target_groups": [{"name": f"web-{place}", "arn": "arn-web", "health_path": "/alive"}],
        "groups": [
            {"name": f"workers-{place}", "target_group_arns": ["arn-web"], "min": 1, "desired": 2, "max": 4},
            {"name": "batch", "target_group_arns": [], "min": 1, "desired": 2, "max": 4},
        ],
        **changes,
    }


def members(*regions):
    return [
        {"region": region, "identifier": f"orders-{place}", "is_writer": region == EAST}
        for region, place in ((EAST, "east"), (WEST, "west"))
        if region in (regions or (EAST, WEST))
    ]


def seen(named=NAMED, view=None, **changes):
    """A platform that can be moved. changes: {"east" or "west": {fact: value or Observation}}."""
    facts = {}
    for region, place in ((EAST, "east"), (WEST, "west")):
        found = {MANIFEST: None, DATABASE: cluster(place), APPLICATION: application(place), **changes.get(place, {})}
        facts[region] = Facts(
            region, {name: one if isinstance(one, Observation) else Observation(one) for name, one in found.items()}
        )
    return Seen(named, {"engine": "aurora-mysql", "members": members(), "tags": {}, **(view or {})}, facts)


def missing(*things, **changes):
    return [(row["region"], row["what"], row["reason"]) for row in judge(seen(*things, **changes))["missing"]]


def test_names_of_their_own_become_host_variables():
    found = judge(seen())
    assert found["is_complete"], found["missing"]
    assert found["proposal"] == {
        "group": {
            "global_database_identifier": "orders",
            "global_database_engine": "aurora-mysql",
            "traffic_health_path": "/alive",
            "traffic_health_scheme": "https",
        },
        "hosts": {
            region: {
                "global_database_cluster_identifier": f"orders-{place}",
                "network_database_security_group_id": "sg-0123456789",
                "network_database_network_acl_id": "",
                "network_database_subnet_ids": ["subnet-a"],
                "application_load_balancer_name": f"front-{place}",
                "application_target_group_name": f"web-{place}",
                "application_autoscaling_group_name": f"workers-{place}",
            }
            for region, place in ((EAST, "east"), (WEST, "west"))
        },
        "layers": {"session_table": "absent", "object_storage": "absent"},
    }


def test_stores_that_tags_find_become_variables_and_those_they_do_not_are_left_empty():
    named = replace(NAMED, layer_tags={"Team": "orders"})
    found = [
        {LAYERS: {"load_balancer": [], "session_table": ["carts"], "object_storage": buckets}}
        for buckets in (["files"], ["a", "b"])
    ]
    told = judge(seen(named, east=found[0], west=found[1]))
    assert [(row["region"], row["what"]) for row in told["missing"]] == [(WEST, "bucket")]
    assert told["proposal"]["layers"] == {"session_table": "existing", "object_storage": "existing"}
    assert told["proposal"]["group"]["session_table_name"] == "carts"
    assert [host["object_storage_bucket"] for host in told["proposal"]["hosts"].values()] == ["files", ""]


def test_of_several_target_groups_and_groups_behind_one_those_with_the_tags_are_meant():
    targets = [{"name": name, "arn": f"arn-{name}", "health_path": "/alive"} for name in ("web", "api")]
    sizes = {"target_group_arns": ["arn-api"], "min": 1, "desired": 2, "max": 4}
    groups = [{"name": name, **sizes, "tags": {"Team": name}} for name in ("orders", "fx")]
    several = {APPLICATION: application("west", target_groups=targets, groups=groups)}
    found = {LAYERS: {"load_balancer": [], "target_group": ["api"], "session_table": [], "object_storage": []}}
    assert [one[:2] for one in missing(west=several)] == [(WEST, "target group")]
    told = judge(seen(replace(NAMED, layer_tags={"Team": "orders"}), east=found, west={**several, **found}))
    host = told["proposal"]["hosts"][WEST]
    assert (host["application_target_group_name"], host["application_autoscaling_group_name"]) == ("api", "orders")
    assert told["is_complete"], told["missing"]


def test_a_database_that_tags_do_not_find_is_one_row_and_the_rest_is_looked_at_all_the_same():
    named = replace(NAMED, layer_tags={"Team": "orders"}, global_cluster_identifier="", load_balancers={})
    nothing = {LAYERS: {"load_balancer": [], "session_table": [], "object_storage": []}, DATABASE: None}
    told = judge(replace(seen(named, {"members": []}, east=nothing, west=nothing), global_clusters=Observation([])))
    assert [(row["region"], row["what"], row["reason"]) for row in told["missing"]] == [
        (region, what, "Nothing has the tags Team=orders.")
        for region, what in (("all", "global database"), (EAST, "load balancer"), (WEST, "load balancer"))
    ]


def test_an_acl_of_the_databases_subnets_alone_with_the_two_rules_is_proposed_as_the_fence():
    own = cluster("east", acls=[acl("subnet-a", entries=OPEN)])
    hosts = judge(seen(east={DATABASE: own}))["proposal"]["hosts"]
    assert hosts[EAST]["network_database_network_acl_id"] == "acl-0123456789"
    assert hosts[WEST]["network_database_network_acl_id"] == "", "it is also that of another subnet"


@pytest.mark.parametrize(
    ("changes", "region", "what", "words"),
    [
        ({"view": {"members": members(EAST)}}, "all", "global database", "there is no region to move to"),
        ({"view": {"members": members(WEST)}}, EAST, "cluster", "has no member here, but in us-east-2"),
        (
            {"west": {DATABASE: cluster("west", engine_version="8.0.mysql_aurora.3.9.0")}},
            *("all", "engine version", f"us-east-1 has {VERSION}, us-east-2 has 8.0.mysql_aurora.3.9.0"),
        ),
        ({"west": {DATABASE: cluster("west", instances={})}}, WEST, "cluster", "with 0 of 0 instances available"),
        ({"west": {DATABASE: Observation(error="denied")}}, WEST, "cluster", "Unknown: it could not be read: denied"),
        ({"west": {APPLICATION: None}}, WEST, "load balancer", "There is no load balancer front-west"),
        (
            {"west": {APPLICATION: application("west", type="network")}},
            WEST,
            "load balancer",
            "a network load balancer",
        ),
        ({"west": {APPLICATION: application("west", state="provisioning")}}, WEST, "load balancer", "is provisioning"),
        ({"west": {APPLICATION: application("west", target_groups=[])}}, WEST, "target group", "no target group"),
        ({"west": {APPLICATION: application("west", groups=[])}}, WEST, "Auto Scaling group", "no Auto Scaling group"),
        (
            {"west": {DATABASE: cluster("west", security_group_ids=["sg-1", "sg-2"])}},
            *(WEST, "fence", "The cluster has the security groups sg-1, sg-2, and which one"),
        ),
        (
            {"view": {"tags": {"ManagedBy": "trading.multi_region", "Project": "fx", "Environment": "prod"}}},
            *("all", "owner", "belongs to another platform of this collection: Project fx."),
        ),
        (
            {"east": {MANIFEST: {"document": {"environment": "dev", "global_database": {"identifier": "fx"}}}}},
            *(EAST, "recovery manifest", "is of another platform: environment dev, global database fx."),
        ),
    ],
)
def test_what_a_move_needs_and_is_not_there_is_named(changes, region, what, words):
    found = missing(**changes)
    assert [one for one in found if one[:2] == (region, what) and words in one[2]], found


def test_a_load_balancer_of_another_region_is_named_with_that_region():
    arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/front-east/1"
    named = replace(NAMED, load_balancers={EAST: "front-east", WEST: arn})
    assert (WEST, "load balancer", f"{arn} is in us-east-1.") in missing(named)
    named = replace(NAMED, load_balancers={EAST: "front-east", WEST: "front-east"})
    ((_region, _what, reason),) = missing(named, west={APPLICATION: None})
    assert reason == "There is no load balancer front-east, but us-east-1 has one of that name."


@pytest.mark.parametrize(
    ("acls", "words"),
    [
        ([], "is not the network ACL of the database's subnets"),
        ([acl("subnet-a", "subnet-b", entries=OPEN)], "is also that of subnet-b"),
        ([acl("subnet-a")], "has no inbound rule 10"),
    ],
)
def test_an_acl_that_would_cut_off_others_or_fence_nothing_is_refused(acls, words):
    named = replace(NAMED, network_acls={EAST: "acl-0123456789"})
    ((region, what, reason),) = missing(named, east={DATABASE: cluster("east", acls=acls)})
    assert (region, what) == (EAST, "fence") and words in reason


def test_a_fence_that_would_cut_off_instances_is_a_warning():
    own = {DATABASE: cluster("west", guests={"sg-0123456789": ["i-0123456789"]})}
    found = judge(seen(west=own))
    said = [row["reason"] for row in found["rows"] if (row["region"], row["what"]) == (WEST, "fence")]
    assert said == ["Fencing would close sg-0123456789 for i-0123456789 too: these instances have it as well."]
    assert found["is_complete"]


def test_without_a_fence_the_groups_of_the_cluster_do_not_matter():
    own = {DATABASE: cluster("west", security_group_ids=[])}
    assert missing(replace(NAMED, fencing="none"), west=own) == []


def test_a_member_that_the_inventory_does_not_have_is_a_warning():
    found = judge(seen(view={"members": [*members(), {"region": "eu-west-1", "identifier": "o", "is_writer": False}]}))
    assert found["is_complete"]
    assert [
        row["region"] for row in found["rows"] if row["state"] == "warning" and row["what"] == "global database"
    ] == ["eu-west-1"]
