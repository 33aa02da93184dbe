# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of a database's first user: what a database accepts, and how long a new one takes.

Follows: API reference ModifyDBCluster (8 to 41 printable ASCII characters but `/`, `"` and `@`; applied now, but
asynchronously) and ClusterPendingModifiedValues; Aurora User Guide, "Viewing cluster status"
(`resetting-master-credentials`) and "Amazon RDS event categories and event messages for Aurora" (RDS-EVENT-0016).

Users are rows of the database, so members of a global database that receive the writer's changes receive a new password
too; here immediately. No API of AWS tells a password: `accepts` is for the lab's admin API, in place of a login.
"""

from __future__ import annotations

from dataclasses import dataclass

from moto.core import DEFAULT_ACCOUNT_ID
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBCluster, rds_backends

from lab.clock import CLOCK
from lab.services.rds_events import CREDENTIALS_RESET, add_cluster_event
from lab.services.rds_global import advance_all, membership
from lab.services.rds_global_members import password_of, set_password
from lab.services.settings import SETTINGS

RESETTING = "resetting-master-credentials"
LEAST, MOST = 8, 41
FORBIDDEN = frozenset('/"@')


@dataclass
class Reset:
    """A password that was requested and is accepted from a monotonic instant on."""

    password: str
    done_at: float


def check_password(password: str) -> None:
    """Refuse what the API refuses."""
    printable = all(" " <= letter <= "~" for letter in password)
    if not (LEAST <= len(password) <= MOST and printable and not FORBIDDEN & set(password)):
        raise RDSClientError("InvalidParameterValue", "The parameter MasterUserPassword is not a valid password.")


def request_reset(cluster: DBCluster, password: str) -> None:
    """Begin to give a cluster another password."""
    vars(cluster)["lab_reset"] = Reset(password, CLOCK.after(SETTINGS.password_s))
    cluster.status = RESETTING


def pending_values(cluster: DBCluster) -> dict[str, str] | None:
    """PendingModifiedValues of the API, which never shows the password itself."""
    return {"MasterUserPassword": "****"} if "lab_reset" in vars(cluster) else None


def advance_resets(account: str) -> None:
    """Finish what has taken long enough."""
    for backend in rds_backends[account].values():
        for cluster in list(backend.clusters.values()):
            reset = vars(cluster).get("lab_reset")
            if reset and CLOCK.reached(reset.done_at):
                del vars(cluster)["lab_reset"]
                _finish(cluster, reset.password)


def _finish(cluster: DBCluster, password: str) -> None:
    if cluster.status == RESETTING:
        cluster.status = "available"
    set_password(cluster, password)
    database, member = membership(cluster)
    if member and member.is_writer:
        for other in database.members:
            if other.resync_from is None:
                set_password(other.cluster, password)
    add_cluster_event(cluster, CREDENTIALS_RESET, "configuration change")


def accepts(region: str, identifier: str, password: str) -> bool:
    """Whether a login to a region's cluster would succeed with a password. LookupError: there is no such cluster."""
    return password_of(cluster_in(region, identifier)) == password


def cluster_in(region: str, identifier: str) -> DBCluster:
    """A region's cluster at present. LookupError: there is no such cluster."""
    advance_all(DEFAULT_ACCOUNT_ID)
    advance_resets(DEFAULT_ACCOUNT_ID)
    clusters = rds_backends[DEFAULT_ACCOUNT_ID][region].clusters
    if identifier not in clusters:
        raise LookupError(f"{region} has no cluster {identifier}")
    return clusters[identifier]
