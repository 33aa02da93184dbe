# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The calls to RDS about a global database. Each returns what AWS answered; facts.py gives the answers their shape.

Facts used: DescribeGlobalClusters, CreateGlobalCluster, ModifyGlobalCluster, DeleteGlobalCluster, ListTagsForResource,
AddTagsToResource, DescribeDBClusterParameters and DescribeDBParameters of the RDS API Reference. DescribeGlobalClusters
answers alike in every region, also in one without a member.
"""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call


@aws_call("DescribeGlobalClusters", missing=("GlobalClusterNotFoundFault",))
def describe_global_cluster(client, identifier):
    """Return the GlobalCluster of the RDS API, or None if there is none with that identifier."""
    found = client.describe_global_clusters(GlobalClusterIdentifier=identifier).get("GlobalClusters", [])
    # Compare the name although the call filters by it: a response that ignores the filter must not be taken for ours.
    return next((one for one in found if one["GlobalClusterIdentifier"].lower() == identifier.lower()), None)


@aws_call("DescribeDBClusters", missing=("DBClusterNotFoundFault",))
def describe_db_cluster(client, identifier):
    """Return the DBCluster of the RDS API, or None if it does not exist in the client's region."""
    found = client.describe_db_clusters(DBClusterIdentifier=identifier).get("DBClusters", [])
    return found[0] if found else None


@aws_call("DescribeDBInstances")
def describe_db_instances(client, cluster_identifier):
    """Return the DBInstances of one cluster (a cluster has at most 16, so one page holds them)."""
    wanted = [{"Name": "db-cluster-id", "Values": [cluster_identifier]}]
    found = client.describe_db_instances(Filters=wanted).get("DBInstances", [])
    return [
        one for one in found if one.get("DBClusterIdentifier", cluster_identifier).lower() == cluster_identifier.lower()
    ]


@aws_call("CreateGlobalCluster")
def create_global_cluster(client, identifier, settings):
    """Create a global cluster. Raises AwsCallError GlobalClusterAlreadyExistsFault if it exists."""
    client.create_global_cluster(GlobalClusterIdentifier=identifier, **settings)


@aws_call("ModifyGlobalCluster")
def modify_global_cluster(client, identifier, settings):
    """Change the major version or deletion protection."""
    client.modify_global_cluster(GlobalClusterIdentifier=identifier, **settings)


@aws_call("DeleteGlobalCluster", missing=("GlobalClusterNotFoundFault",))
def delete_global_cluster(client, identifier):
    """Delete an empty, unprotected global cluster. Does nothing if it no longer exists."""
    client.delete_global_cluster(GlobalClusterIdentifier=identifier)


@aws_call("ListTagsForResource")
def list_tags(client, arn):
    """Return {key: value} of a resource's tags."""
    return {tag["Key"]: tag["Value"] for tag in client.list_tags_for_resource(ResourceName=arn)["TagList"]}


@aws_call("AddTagsToResource")
def add_tags(client, arn, tags):
    """Add tags, or change their values."""
    client.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])


@aws_call("DescribeDBClusterParameters")
def get_cluster_parameters(client, group):
    """Return {name: value} of the values set in a cluster parameter group, without defaults."""
    pages = client.get_paginator("describe_db_cluster_parameters")
    return _values(pages.paginate(DBClusterParameterGroupName=group, Source="user"))


@aws_call("DescribeDBParameters")
def get_instance_parameters(client, group):
    """Return {name: value} of the values set in an instance parameter group, without defaults."""
    pages = client.get_paginator("describe_db_parameters")
    return _values(pages.paginate(DBParameterGroupName=group, Source="user"))


def _values(pages):
    return {one["ParameterName"]: one.get("ParameterValue", "") for page in pages for one in page["Parameters"]}
