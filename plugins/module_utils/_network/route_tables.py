# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which route tables the subnets and gateway endpoints of a VPC use, changed without a moment without routes.

Facts used: ReplaceRouteTableAssociation of the Amazon EC2 API Reference (one call: the subnet uses the old table before
it, the new one after it); ModifyVpcEndpoint there (AddRouteTableIds, RemoveRouteTableIds); "Gateway endpoints" of the
AWS PrivateLink Guide (the endpoint adds its route to each associated table, and removes it with the association);
"Subnet route tables" of the Amazon VPC User Guide (a subnet without an association uses the main table).
"""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed, wait_until_visible

# How long an accepted change may take to become visible.
READ_BACK_SECONDS = 30


@aws_call("DescribeRouteTables")
def list_route_tables(client, vpc_id):
    """Return the RouteTables of the EC2 API of a VPC."""
    pages = client.get_paginator("describe_route_tables").paginate(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
    return [table for page in pages for table in page["RouteTables"]]


@aws_call("DescribeVpcEndpoints")
def list_endpoints(client, vpc_id):
    """Return {id: ids of its route tables} of the gateway endpoints of a VPC."""
    pages = client.get_paginator("describe_vpc_endpoints").paginate(
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "vpc-endpoint-type", "Values": ["Gateway"]}]
    )
    return {one["VpcEndpointId"]: set(one.get("RouteTableIds", [])) for page in pages for one in page["VpcEndpoints"]}


@aws_call("ReplaceRouteTableAssociation")
def replace_association(client, association, table):
    """Let the subnet of an association use another table."""
    client.replace_route_table_association(AssociationId=association, RouteTableId=table)


@aws_call("AssociateRouteTable")
def associate(client, subnet, table):
    """Let a subnet without an association use a table."""
    client.associate_route_table(SubnetId=subnet, RouteTableId=table)


@aws_call("ModifyVpcEndpoint")
def modify_endpoint(client, endpoint, added, removed):
    """Add tables to a gateway endpoint, or remove them."""
    client.modify_vpc_endpoint(
        VpcEndpointId=endpoint,
        **({"AddRouteTableIds": sorted(added)} if added else {}),
        **({"RemoveRouteTableIds": sorted(removed)} if removed else {}),
    )


def associations_in(tables):
    """Return {subnet: (association, table)} of the subnets with a table of their own. Pure."""
    return {
        one["SubnetId"]: (one["RouteTableAssociationId"], table["RouteTableId"])
        for table in tables
        for one in table.get("Associations", [])
        if one.get("SubnetId") and (one.get("AssociationState") or {}).get("State") not in ("disassociated", "failed")
    }


def wanted_tables(associations):
    """Return {subnet: table}. Pure. Raises Refused if a subnet is named twice."""
    wanted = {}
    for one in associations:
        for subnet in one["subnet_ids"]:
            if wanted.setdefault(subnet, one["route_table_id"]) != one["route_table_id"]:
                raise Refused(
                    f"associations has {subnet} with {wanted[subnet]} and with {one['route_table_id']}; allowed: one "
                    "route table for each subnet."
                )
    return wanted


def endpoint_changes(tables, wanted, listed, endpoints):
    """Return {endpoint: (tables to add before the subnets change, tables to remove afterwards)}. Pure.

    tables: {subnet: table} as it is. wanted: the same as requested. listed: every table that is named in the request.
    Removed are tables that are not listed and that no subnet uses afterwards.
    """
    used = set({**tables, **wanted}.values())
    return {endpoint: (set(listed) - has, has - set(listed) - used) for endpoint, has in endpoints.items()}


def refuse_unknown(what, named, there):
    """Raise Refused if the VPC does not have what was named."""
    unknown = sorted(set(named) - set(there))
    if unknown:
        known = ", ".join(sorted(there)) or "which has none"
        raise Refused(f"{what} has {unknown[0]}; allowed: one of the VPC, {known}.")


class Vpc:
    """The route tables of one VPC."""

    def __init__(self, client, vpc_id):
        self.client = client
        self.vpc_id = vpc_id

    def subnets(self):
        """Return {subnet: (association, table)}."""
        return associations_in(list_route_tables(self.client, self.vpc_id))

    def move(self, subnet, association, table):
        """Let a subnet use a table, and return once it does."""
        self._write(
            lambda: (
                replace_association(self.client, association, table)
                if association
                else associate(self.client, subnet, table)
            ),
            lambda: self.subnets().get(subnet, (None, None))[1],
            lambda now: now == table,
            f"The route table of {subnet} was changed",
        )

    def connect(self, endpoint, added, removed):
        """Add tables to an endpoint, or remove them, and return once it shows."""
        self._write(
            lambda: modify_endpoint(self.client, endpoint, added, removed),
            lambda: list_endpoints(self.client, self.vpc_id).get(endpoint, set()),
            lambda now: added <= now and not removed & now,
            f"The route tables of {endpoint} were changed",
        )

    def _write(self, write, read, shows, done):
        """Write once, and read until it shows. After a lost response AWS may refuse the repetition."""
        failure = None
        try:
            write()
        except AwsCallError as error:
            if not error.ambiguous:
                raise
            failure = error
        wait_until_visible(read, shows, failure, done, timeout=READ_BACK_SECONDS)


@timed
def run(params, clients, check_mode=False):
    """Bring subnets and gateway endpoints to their route tables: endpoints first, then subnets, then what is left over.

    Returns {changed, reason, associations, moved, diff, seconds}. Raises Refused, AwsCallError or WaitTimeout.
    """
    vpc = Vpc(clients("ec2", params.get("region")), params["vpc_id"])
    wanted = wanted_tables(params["associations"])
    listed = [one["route_table_id"] for one in params["associations"]]
    tables = list_route_tables(vpc.client, vpc.vpc_id)
    endpoints = list_endpoints(vpc.client, vpc.vpc_id) if params.get("gateway_endpoint_ids") else {}
    # In check mode the tasks that create tables and endpoints have not run.
    if not check_mode:
        refuse_unknown("associations", listed, [table["RouteTableId"] for table in tables])
        refuse_unknown("gateway_endpoint_ids", params.get("gateway_endpoint_ids") or [], endpoints)
    before = associations_in(tables)
    as_is = {subnet: table for subnet, (_association, table) in before.items()}
    moved = {subnet: table for subnet, table in wanted.items() if as_is.get(subnet) != table}
    own = {one: endpoints[one] for one in params.get("gateway_endpoint_ids") or [] if one in endpoints}
    changes = endpoint_changes(as_is, wanted, listed, own)
    if not check_mode:
        carry_out(vpc, before, moved, changes)
    after_endpoints = {one: (has | changes[one][0]) - changes[one][1] for one, has in own.items()}
    return {
        "changed": bool(moved) or any(added or removed for added, removed in changes.values()),
        "reason": sentence(moved, changes, check_mode),
        "associations": {**as_is, **wanted},
        "moved": sorted(moved),
        "diff": {
            "before": shown(as_is, own),
            "after": shown({**as_is, **wanted}, after_endpoints),
        },
    }


def carry_out(vpc, before, moved, changes):
    """Make the changes, so that every subnet has all its routes at each moment."""
    for endpoint, (added, _removed) in changes.items():
        if added:
            vpc.connect(endpoint, added, set())
    for subnet, table in moved.items():
        vpc.move(subnet, before.get(subnet, (None, None))[0], table)
    for endpoint, (_added, removed) in changes.items():
        if removed:
            vpc.connect(endpoint, set(), removed)


def shown(associations, endpoints):
    """Return one side of the diff. Pure."""
    return {"associations": associations, "gateway_endpoints": {one: sorted(has) for one, has in endpoints.items()}}


def sentence(moved, changes, check_mode):
    """Return the reason. Pure."""
    changed = sorted(endpoint for endpoint, (added, removed) in changes.items() if added or removed)
    if not moved and not changed:
        return "Every subnet and gateway endpoint has its route table."
    parts = [f"{len(moved)} subnets"] if moved else []
    parts += [f"the endpoints {', '.join(changed)}"] if changed else []
    words = "would get other route tables" if check_mode else "have other route tables now"
    return f"Of this VPC, {' and '.join(parts)} {words}."
