# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Layers are found by all of their tags, each by its kind of ARN, and what this collection has made is left out."""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged_layers_readers import (
    read_tagged_global_clusters,
    read_tagged_layers,
)

TAGS = {"Team": "orders", "Stage": 1}
LISTED = [{"Key": "Team", "Value": "orders"}, {"Key": "Stage", "Value": "1"}]
OURS = {"Key": "ManagedBy", "Value": "trading.multi_region"}
HERE = "us-east-1:123456789012"


class Paginated:
    """A client; answers: {operation: its answer}. asked: what each was called with."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, {}

    def get_paginator(self, operation):
        self.operation = operation
        return self

    def paginate(self, **asked):
        self.asked[self.operation] = asked
        return [self.answers[self.operation]]


def resource(arn, *more):
    return {"ResourceARN": arn, "Tags": [*LISTED, *more]}


def test_one_call_finds_load_balancers_target_groups_tables_and_buckets_and_nothing_else():
    client = Paginated(
        get_resources={
            "ResourceTagMappingList": [
                resource(f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/front/0123"),
                resource(f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/net/feed/0123"),
                resource(f"arn:aws:elasticloadbalancing:{HERE}:listener/app/front/0123/4567"),
                resource(f"arn:aws:elasticloadbalancing:{HERE}:targetgroup/web/0123"),
                resource(f"arn:aws:dynamodb:{HERE}:table/carts"),
                resource(f"arn:aws:dynamodb:{HERE}:table/carts/index/by-day"),
                resource(f"arn:aws:dynamodb:{HERE}:table/orders-failover-prod", OURS),
                resource("arn:aws-cn:s3:::files"),
            ]
        }
    )
    assert read_tagged_layers(client, TAGS) == {
        "load_balancer": ["front"],
        "target_group": ["web"],
        "session_table": ["carts"],
        "object_storage": ["files"],
    }
    asked = client.asked["get_resources"]
    assert asked["TagFilters"] == [{"Key": "Team", "Values": ["orders"]}, {"Key": "Stage", "Values": ["1"]}]


def test_a_global_database_is_found_by_its_own_tags_or_those_of_its_cluster_there():
    def cluster(name, tags):
        return {"DBClusterArn": f"arn:{name}", "TagList": tags}

    def database(name, member, tags):
        members = [{"DBClusterArn": f"arn:{member}"}, {"DBClusterArn": "arn:elsewhere"}]
        return {"GlobalClusterIdentifier": name, "GlobalClusterMembers": members, "TagList": tags}

    client = Paginated(
        describe_db_clusters={"DBClusters": [cluster("one", LISTED), cluster("two", LISTED[:1]), cluster("three", [])]},
        describe_global_clusters={
            "GlobalClusters": [
                database("by-member", "one", []),
                database("by-half-of-them", "two", LISTED[1:]),
                database("by-itself", "three", LISTED),
            ]
        },
    )
    assert read_tagged_global_clusters(client, TAGS) == ["by-itself", "by-member"]
