# SPDX-License-Identifier: GPL-3.0-or-later
"""Route tables as EC2 keeps them, and which routes each subnet has: moto leaves out those of gateway endpoints.

Follows: EC2 API reference ReplaceRouteTableAssociation, ModifyVpcEndpoint (AddRouteTableIds, RemoveRouteTableIds),
CreateVpcEndpoint; AWS PrivateLink Guide, "Gateway endpoints" (an endpoint adds a route to each table that it is
associated with, and removes it with the association; a table has one endpoint of a service: RouteAlreadyExists, to
which amazon.aws.ec2_vpc_endpoint has a message); VPC User Guide, "Subnet route tables" (a subnet that is not explicitly
associated with a table has the main one) and "NAT gateways" (the route to one that was deleted stays, as `blackhole`).
"""

from __future__ import annotations

from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.route_tables import Route, RouteTable

TARGETS = ("gateway_id", "nat_gateway_id", "vpc_peering_connection_id", "transit_gateway_id", "network_interface_id")


def install() -> None:
    """Put the rules in place."""
    _endpoints_have_routes()
    Route.state = property(lambda route: "active" if _is_active(route) else "blackhole")


def _endpoints_have_routes() -> None:
    create, modify = EC2Backend.create_vpc_endpoint, EC2Backend.modify_vpc_endpoint

    def create_vpc_endpoint(self: Any, vpc_id: str, service_name: str, *args: Any, **named: Any) -> Any:
        lists = [one.id for one in self.managed_prefix_lists.values() if one.prefix_list_name == service_name]
        for table_id in named.get("route_table_ids") or []:
            _refuse_second(self.get_route_table(table_id), lists)
        # "Default: Gateway" (CreateVpcEndpoint, VpcEndpointType), which moto does not show.
        kind = {"endpoint_type": named.pop("endpoint_type", None) or "Gateway"}
        return create(self, vpc_id, service_name, *args, **named, **kind)

    def modify_vpc_endpoint(self: Any, vpc_id: str, **asked: Any) -> None:
        endpoint = self.describe_vpc_endpoints(vpc_end_point_ids=[vpc_id])[0]
        prefixes = endpoint.destination_prefix_list_id
        added = [one for one in asked.get("add_route_tables") or [] if one not in endpoint.route_table_ids]
        removed = [one for one in asked.get("remove_route_tables") or [] if one in endpoint.route_table_ids]
        for table_id in added:
            _refuse_second(self.get_route_table(table_id), [prefixes])
        modify(self, vpc_id, **asked)
        for table_id in added:
            self.create_route(table_id, None, gateway_id=vpc_id, destination_prefix_list_id=prefixes)
        for table_id in removed:
            if table_id in self.route_tables:
                self.delete_route(table_id, None, destination_prefix_list_id=prefixes)

    EC2Backend.create_vpc_endpoint = create_vpc_endpoint
    EC2Backend.modify_vpc_endpoint = modify_vpc_endpoint


def _refuse_second(table: RouteTable, lists: list[str]) -> None:
    for route in table.routes:
        if route.destination_prefix_list_id in lists:
            raise EC2ClientError(
                "RouteAlreadyExists",
                f"route table {table.id} already has a route with destination-prefix-list-id "
                f"{route.destination_prefix_list_id}",
            )


def _is_active(route: Route) -> bool:
    """Whether what the route goes through is there."""
    return not route.nat_gateway or route.nat_gateway.state not in ("deleting", "deleted", "failed")


def routes() -> dict[str, dict[str, dict[str, str]]]:
    """{region: {subnet: {destination: what it goes through}}} of the subnets of all VPCs that clients made.

    Active routes only, without those within the VPC; a destination is a CIDR or the name of a prefix list.
    """
    found = {region: _routes_in(backend) for region, backend in ec2_backends[DEFAULT_ACCOUNT_ID].items()}
    return {region: subnets for region, subnets in sorted(found.items()) if subnets}


def _routes_in(backend: EC2Backend) -> dict[str, dict[str, str]]:
    by_subnet, main = {}, {}
    for table in backend.route_tables.values():
        shown = {_destination(backend, one): _target(one) for one in table.routes if not one.local and _is_active(one)}
        by_subnet |= dict.fromkeys(table._associations.values(), shown)
        if table.main_association_id:
            main[table.vpc_id] = shown
    return {
        subnet.id: by_subnet.get(subnet.id, main.get(subnet.vpc_id, {}))
        for zone in backend.subnets.values()
        for subnet in zone.values()
        if not backend.vpcs[subnet.vpc_id].is_default
    }


def _destination(backend: EC2Backend, route: Route) -> str:
    prefixes = route.destination_prefix_list
    return prefixes.prefix_list_name if prefixes else route.destination_cidr_block or route.destination_ipv6_cidr_block


def _target(route: Route) -> str:
    return next((found for name in TARGETS if (found := getattr(route, name))), "")
