# SPDX-License-Identifier: GPL-3.0-or-later
"""The class of a database instance: a change waits for the maintenance window, or takes its time.

Follows: API reference ModifyDBInstance, `DBInstanceClass` ("If you modify the DB instance class, an outage occurs
during the change. The change is applied during the next maintenance window, unless you specify ApplyImmediately") and
`ApplyImmediately`; API reference PendingModifiedValues (`DBInstanceClass`); Aurora User Guide, "Viewing DB instance
status in an Aurora DB cluster" (`modifying`). An instance in another state than `available` accepts no change
(InvalidDBInstanceState, API reference ModifyDBInstance, Errors).
"""

from __future__ import annotations

from dataclasses import dataclass

from moto.rds.exceptions import InvalidDBInstanceStateFault
from moto.rds.models import DBInstance, rds_backends

from lab.clock import CLOCK
from lab.services.settings import SETTINGS

MODIFYING = "modifying"


@dataclass
class Change:
    """An instance gets a class at a monotonic instant."""

    instance_class: str
    done_at: float


def begin_class(instance: DBInstance, instance_class: str, immediately: bool) -> None:
    """Ask for another class."""
    if not immediately:
        vars(instance)["lab_pending_class"] = instance_class
        return
    vars(instance).pop("lab_pending_class", None)
    vars(instance)["lab_class_change"] = Change(instance_class, CLOCK.after(SETTINGS.instance_class_s))
    instance.status = MODIFYING


def check_changeable(instance: DBInstance) -> None:
    if instance.status != "available":
        raise InvalidDBInstanceStateFault(f"Database instance {instance.resource_id} is not in available state.")


def pending_class(instance: DBInstance) -> dict[str, str]:
    """PendingModifiedValues of an instance."""
    waiting = vars(instance).get("lab_pending_class")
    return {"DBInstanceClass": waiting} if waiting else {}


def advance_classes(account: str) -> None:
    """Finish what has taken long enough."""
    for backend in rds_backends[account].values():
        for instance in list(backend.databases.values()):
            change = vars(instance).get("lab_class_change")
            if change and CLOCK.reached(change.done_at):
                del vars(instance)["lab_class_change"]
                instance.db_instance_class = change.instance_class
                instance.status = "available"
