# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a password rotation may continue, decided from what all regions reported. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.secret_versions import CURRENT, version_at
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation


@dataclass(frozen=True)
class Seen:
    """What all regions reported, each fact by region.

    secrets: in the shape of ``describe_versions``. databases: the global cluster in the shape of ``facts_of``. leases:
    in the shape of ``read_lease``, None if the region has no control table.
    """

    secrets: Mapping[str, Observation]
    databases: Mapping[str, Observation]
    leases: Mapping[str, Observation]

    @property
    def primaries(self) -> list[str]:
        """Return the regions whose secret is not a replica of another region's."""
        found = {region: fact.value for region, fact in self.secrets.items() if fact.known and fact.value}
        return [region for region, secret in found.items() if secret["primary_region"] in (None, region)]

    @property
    def secret(self) -> Mapping[str, Any]:
        """Return the primary secret, the only one that can be changed; there must be one."""
        return self.secrets[self.primaries[0]].value

    @property
    def views(self) -> list[Mapping[str, Any]]:
        """Return the global cluster as seen by each region that responded."""
        return [fact.value for fact in self.databases.values() if fact.known and fact.value]

    @property
    def writer(self) -> Mapping[str, Any]:
        """Return {region, identifier, ...} of the writer; there must be one."""
        return next(member for member in self.views[0]["members"] if member["is_writer"])

    def gaps(self) -> dict[str, str]:
        """Return by region why its replica, or a move to it, cannot be read."""
        found = {}
        for region, fact in self.secrets.items():
            lease = self.leases.get(region)
            if not fact.known:
                found[region] = f"{region} does not respond ({fact.error})"
            elif fact.value is None:
                found[region] = f"{region} has no replica of the secret"
            elif lease and not lease.known:
                found[region] = f"it is unknown whether a move to {region} is in progress ({lease.error})"
        return found


def secret_obstacle(seen: Seen, name: str) -> str | None:
    """Return why the secret's value cannot be changed now, or None. Pure."""
    copies = [fact.value for fact in seen.secrets.values() if fact.known and fact.value]
    if not copies:
        errors = "; ".join(f"{region}: {fact.error or 'it has none'}" for region, fact in seen.secrets.items())
        return f"secret_name is {name}; no region has such a secret ({errors}). site.yml creates it."
    if len(seen.primaries) > 1:
        return (
            f"{name} is an independent secret in {' and in '.join(seen.primaries)}, so a new value in one does not "
            "reach the other. Make one a replica of the other first: docs/password_rotation.md."
        )
    if not seen.primaries:
        home = copies[0]["primary_region"]
        why = seen.secrets[home].error if home in seen.secrets else "it is not among regions"
        return (
            f"The primary secret of {name} is in {home}, which does not respond ({why}), and replicas cannot be "
            "changed. Applications keep using the current password. If the change cannot wait for that region, promote "
            "another replica first: docs/password_rotation.md."
        )
    if seen.secret["is_deleted"]:
        return f"{name} is marked for deletion in {seen.primaries[0]}. Restore it with RestoreSecret first."
    if not version_at(seen.secret, CURRENT):
        return f"{name} in {seen.primaries[0]} has no version {CURRENT}. site.yml creates one."
    return None


def database_obstacle(seen: Seen, params: Mapping[str, Any]) -> str | None:
    """Return why the database password must not be changed now, or None. Pure."""
    name, views = params["global_cluster_identifier"], seen.views
    if not views:
        errors = "; ".join(f"{region}: {fact.error or 'it has none'}" for region, fact in seen.databases.items())
        return f"global_cluster_identifier is {name}; no region has such a global database ({errors})."
    writers = sorted({str(view["writer_region"]) for view in views})
    if len(writers) > 1 or writers == ["None"]:
        return f"The regions disagree on the writer of {name}: {', '.join(writers)}. Wait until they agree."
    (writer,) = writers
    operation = next((view["failover_state"] for view in views if view["failover_state"]), None)
    if operation:
        where = f"{operation['from_region']} to {operation['to_region']}"
        return f"Aurora is moving the writer of {name} from {where} ({operation['status']}). Run again when it is done."
    expected = params.get("expected_writer_region")
    if expected and expected != writer:
        return f"expected_writer_region is {expected}; the writer of {name} is in {writer}."
    if not seen.databases.get(writer, Observation(error="it is not among regions")).known:
        return f"The writer of {name} is in {writer}, which does not respond. Move the platform first, then run again."
    return None


def move_obstacle(seen: Seen) -> str | None:
    """Return the sentence on a move in progress, or None. Pure."""
    for region, fact in seen.leases.items():
        lease = fact.value if fact.known else None
        if lease and lease["is_live"]:
            return (
                f"{lease['owner']} is moving the platform to {region}: run {lease['run_id']}, method "
                f"{lease['method'] or 'not given'}, renewed {lease['age_seconds']:.0f} s ago. A rotation must not run "
                "during a move; run again when the move has ended."
            )
    return None


def obstacle(seen: Seen, params: Mapping[str, Any]) -> str | None:
    """Return why the password must not be changed now, or None. Pure."""
    return secret_obstacle(seen, params["secret_name"]) or database_obstacle(seen, params) or move_obstacle(seen)
