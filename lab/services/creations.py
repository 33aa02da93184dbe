# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources that AWS takes minutes to create, and their state until then; immediate if the setting is 0, the default.

Follows: Aurora User Guide, "Viewing DB cluster status" and "Viewing DB instance status" (`creating`); VPC User Guide,
"Work with NAT gateways" (`pending`); API reference LoadBalancerState (`provisioning`). A route to a NAT gateway that is
pending is refused as if there were none (kubernetes/kops, pull request 944); rds_clusters.py refuses a secondary whose
primary is still being created.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.nat_gateways import NatGateway
from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer
from moto.rds.models import DBCluster, DBClusterSnapshot, DBInstance, RDSBackend

from lab.clock import CLOCK
from lab.services.settings import SETTINGS

MADE_AT = "lab_made_at"
# backend, its method that creates a resource, the resource, its status attribute, the status until then, its setting
CREATIONS = (
    (RDSBackend, "create_db_cluster", DBCluster, "status", "creating", "cluster_create_s"),
    (RDSBackend, "create_db_instance", DBInstance, "status", "creating", "instance_create_s"),
    (RDSBackend, "create_db_cluster_snapshot", DBClusterSnapshot, "status", "creating", "snapshot_create_s"),
    (RDSBackend, "copy_db_cluster_snapshot", DBClusterSnapshot, "status", "creating", "snapshot_create_s"),
    (EC2Backend, "create_nat_gateway", NatGateway, "state", "pending", "nat_gateway_create_s"),
    (ELBv2Backend, "create_load_balancer", FakeLoadBalancer, "state", "provisioning", "load_balancer_create_s"),
)


def is_made(thing: Any) -> bool:
    """Whether its time is over, or it takes none."""
    made_at = vars(thing).get(MADE_AT)
    return made_at is None or CLOCK.reached(made_at)


def _take_time(backend: type, method: str, setting: str) -> None:
    stock = getattr(backend, method)

    def make(self: Any, *args: Any, **kwargs: Any) -> Any:
        thing = stock(self, *args, **kwargs)
        if seconds := getattr(SETTINGS, setting):
            vars(thing)[MADE_AT] = CLOCK.after(seconds)
        return thing

    setattr(backend, method, make)


def _show(model: type, name: str, meanwhile: str) -> None:
    stock = getattr(model, name, None)  # a property of moto's; None: an attribute of the thing itself

    def read(self: Any) -> Any:
        if not is_made(self):
            return meanwhile
        return stock.fget(self) if stock else vars(self)[name]

    def write(self: Any, value: Any) -> None:
        if stock:
            stock.fset(self, value)
        else:
            vars(self)[name] = value

    setattr(model, name, property(read, write))


def _refuse_routes_to_pending() -> None:
    stock = EC2Backend.create_route

    def create_route(self: EC2Backend, *args: Any, **kwargs: Any) -> Any:
        gateway = self.nat_gateways.get(kwargs.get("nat_gateway_id") or "")
        if gateway and not is_made(gateway):
            raise EC2ClientError("InvalidNatGatewayID.NotFound", f"The natGateway ID '{gateway.id}' does not exist")
        return stock(self, *args, **kwargs)

    EC2Backend.create_route = create_route


def install() -> None:
    for backend, method, model, name, meanwhile, setting in CREATIONS:
        _take_time(backend, method, setting)
        _show(model, name, meanwhile)
    _refuse_routes_to_pending()
