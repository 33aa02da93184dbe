# SPDX-License-Identifier: GPL-3.0-or-later
"""On-Demand Capacity Reservations, and which of them an Auto Scaling group launches into.

Follows: EC2 API reference CreateCapacityReservation, DescribeCapacityReservations, CancelCapacityReservation ("Error
codes": InvalidCapacityReservationId.NotFound); EC2 Auto Scaling API reference, CapacityReservationSpecification: with
`capacity-reservations-first` On-Demand capacity follows once reservations are used up, with
`capacity-reservations-only` instances beyond them fail to launch, `none` uses none, `default` uses open ones that
match, and a target goes with the first two only. The words of a launch beyond a reservation: terraform-provider-aws
35745. Zones are left out: a reservation serves its whole region.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import FakeAutoScalingGroup, autoscaling_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.responses import EC2Response
from moto.moto_api._internal import mock_random

SPECIFICATION = "CapacityReservationSpecification"
RESERVING = ("capacity-reservations-first", "capacity-reservations-only")
EXCEEDED = (
    "Could not launch On-Demand Instances. ReservationCapacityExceeded - The requested reservation does not have "
    "sufficient compatible and available capacity for this request."
)


@dataclass
class Reservation:
    """One reservation; `available` is computed from the instances that run in it."""

    capacity_reservation_id: str
    region: str
    instance_type: str
    instance_platform: str
    availability_zone: str
    total_instance_count: int
    instance_match_criteria: str
    state: str = "active"
    create_date: Any = field(default_factory=utcnow)

    def shown(self) -> dict[str, Any]:
        """As DescribeCapacityReservations has it."""
        return {
            "CapacityReservationId": self.capacity_reservation_id,
            "OwnerId": DEFAULT_ACCOUNT_ID,
            "InstanceType": self.instance_type,
            "InstancePlatform": self.instance_platform,
            "AvailabilityZone": self.availability_zone,
            "Tenancy": "default",
            "TotalInstanceCount": self.total_instance_count,
            "AvailableInstanceCount": free(self),
            "State": self.state,
            "InstanceMatchCriteria": self.instance_match_criteria,
            "CreateDate": self.create_date,
        }


def reservations(region: str) -> dict[str, Reservation]:
    """The reservations of a region by id."""
    return vars(ec2_backends[DEFAULT_ACCOUNT_ID][region]).setdefault("lab_reservations", {})


def free(reservation: Reservation) -> int:
    """The number of instances for which there is room."""
    if reservation.state != "active":
        return 0
    groups = autoscaling_backends[DEFAULT_ACCOUNT_ID][reservation.region].autoscaling_groups.values()
    used = sum(is_in(state.instance, reservation) for group in groups for state in group.instance_states)
    return max(0, reservation.total_instance_count - used)


def is_in(instance: Any, reservation: Reservation) -> bool:
    """Whether an instance runs in a reservation."""
    return vars(instance).get("lab_reservation") == reservation.capacity_reservation_id


def preference_of(group: FakeAutoScalingGroup) -> str:
    """The preference of a group."""
    given = vars(group).get("capacity_reservation_specification") or {}
    return given.get("CapacityReservationPreference") or "default"


def places(group: FakeAutoScalingGroup, instance_type: str) -> Iterator[Reservation]:
    """The reservations that a group may launch a type into, once for each instance that fits."""
    preference = preference_of(group)
    given = vars(group).get("capacity_reservation_specification") or {}
    target = (given.get("CapacityReservationTarget") or {}).get("CapacityReservationIds")
    for one in reservations(group.region).values():
        named = one.capacity_reservation_id in target if target else one.instance_match_criteria == "open"
        if preference != "none" and named and one.instance_type == instance_type:
            yield from [one] * free(one)


def check(specification: dict[str, Any] | None) -> None:
    """Refuse a target that the preference does not allow."""
    given = specification or {}
    if given.get("CapacityReservationTarget") and given.get("CapacityReservationPreference") not in RESERVING:
        raise ValidationError(
            "A CapacityReservationTarget can be specified only with the preference capacity-reservations-first or "
            "capacity-reservations-only."
        )


def create_capacity_reservation(self: EC2Response) -> ActionResult:
    """CreateCapacityReservation."""
    made = Reservation(
        f"cr-{mock_random.get_random_hex(17)}",
        self.region,
        self._get_param("InstanceType"),
        self._get_param("InstancePlatform"),
        self._get_param("AvailabilityZone"),
        int(self._get_param("InstanceCount")),
        self._get_param("InstanceMatchCriteria") or "open",
    )
    reservations(self.region)[made.capacity_reservation_id] = made
    return ActionResult({"CapacityReservation": made.shown()})


def _named(region: str, identifiers: list[str]) -> list[Reservation]:
    found = reservations(region)
    for one in identifiers:
        if one not in found:
            raise EC2ClientError(
                "InvalidCapacityReservationId.NotFound", f"The capacity reservation ID '{one}' does not exist"
            )
    return [found[one] for one in identifiers] if identifiers else list(found.values())


def describe_capacity_reservations(self: EC2Response) -> ActionResult:
    """DescribeCapacityReservations, by id or by the filters `state` and `instance-type`."""
    shown = [one.shown() for one in _named(self.region, self._get_param("CapacityReservationIds", []))]
    members = {"state": "State", "instance-type": "InstanceType", "instance-match-criteria": "InstanceMatchCriteria"}
    for wanted in self._get_param("Filters", []):
        shown = [one for one in shown if one[members[wanted["Name"]]] in wanted["Values"]]
    return ActionResult({"CapacityReservations": shown})


def cancel_capacity_reservation(self: EC2Response) -> ActionResult:
    """CancelCapacityReservation: its instances go on to run, outside of it."""
    (found,) = _named(self.region, [self._get_param("CapacityReservationId")])
    found.state = "cancelled"
    return ActionResult({"Return": True})


def install() -> None:
    """Add the operations."""
    EC2Response.create_capacity_reservation = create_capacity_reservation
    EC2Response.describe_capacity_reservations = describe_capacity_reservations
    EC2Response.cancel_capacity_reservation = cancel_capacity_reservation
