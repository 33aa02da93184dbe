# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a rotation of the database's password may continue: what all regions reported, and the sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.secret_versions import CURRENT, version_at
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation


@dataclass(frozen=True)
class Seen:
    """What all regions reported, each fact by region.

    secrets: as ``describe_versions`` has them. databases: the global cluster as ``facts_of`` has it. leases: as
    ``read_lease`` has them, None where the region has no control table.
    """

    secrets: Mapping[str, Observation]
    databases: Mapping[str, Observation]
    leases: Mapping[str, Observation]

    @property
    def primaries(self) -> list[str]:
        """Return the regions whose copy is nobody else's."""
        found = {region: fact.value for region, fact in self.secrets.items() if fact.known and fact.value}
        return [region for region, secret in found.items() if secret["primary_region"] in (None, region)]

    @property
    def secret(self) -> Mapping[str, Any]:
        """Return the first copy, the only one that can be changed; there must be one."""
        return self.secrets[self.primaries[0]].value

    @property
    def views(self) -> list[Mapping[str, Any]]:
        """Return the global cluster as each region that answered sees it."""
        return [fact.value for fact in self.databases.values() if fact.known and fact.value]

    @property
    def writer(self) -> Mapping[str, Any]:
        """Return {region, identifier, ...} of the member that writes; there must be one."""
        return next(member for member in self.views[0]["members"] if member["is_writer"])

    def gaps(self) -> dict[str, str]:
        """Return by region why its copy, or a move towards it, cannot be seen."""
        found = {}
        for region, fact in self.secrets.items():
            lease = self.leases.get(region)
            if not fact.known:
                found[region] = f"{region} does not answer ({fact.error})"
            elif fact.value is None:
                found[region] = f"{region} has no copy of the secret"
            elif lease and not lease.known:
                found[region] = f"whether a move towards {region} is under way could not be asked ({lease.error})"
        return found


def secret_obstacle(seen: Seen, name: str) -> str | None:
    """Return why the secret cannot be given another value now, or None. Pure."""
    copies = [fact.value for fact in seen.secrets.values() if fact.known and fact.value]
    if not copies:
        said = "; ".join(f"{region}: {fact.error or 'it has none'}" for region, fact in seen.secrets.items())
        return f"secret_name is {name}; no region shows such a secret ({said}). site.yml makes it."
    if len(seen.primaries) > 1:
        return (
            f"{name} is a secret of its own in {' and in '.join(seen.primaries)}, so a new value of one does not reach "
            "the other. Make one the copy of the other first: docs/failover.md, Rotating the database password."
        )
    if not seen.primaries:
        home = copies[0]["primary_region"]
        why = seen.secrets[home].error if home in seen.secrets else "it is not among regions"
        return (
            f"The first copy of {name} is in {home}, which does not answer ({why}), and the others cannot be changed. "
            "Applications go on with the password they have. If the change cannot wait for that region, promote "
            "another copy first: docs/failover.md, Rotating the database password."
        )
    if seen.secret["is_deleted"]:
        return f"{name} is marked for deletion in {seen.primaries[0]}. Restore it with RestoreSecret first."
    if not version_at(seen.secret, CURRENT):
        return f"{name} in {seen.primaries[0]} has no version {CURRENT}. site.yml gives it one."
    return None


def database_obstacle(seen: Seen, params: Mapping[str, Any]) -> str | None:
    """Return why the database must not be given another password now, or None. Pure."""
    name, views = params["global_cluster_identifier"], seen.views
    if not views:
        said = "; ".join(f"{region}: {fact.error or 'not there'}" for region, fact in seen.databases.items())
        return f"global_cluster_identifier is {name}; no region shows such a global database ({said})."
    writers = sorted({str(view["writer_region"]) for view in views})
    if len(writers) > 1 or writers == ["None"]:
        return f"The regions do not agree on the writer of {name}: {', '.join(writers)}. Wait until one region is it."
    (writer,) = writers
    operation = next((view["failover_state"] for view in views if view["failover_state"]), None)
    if operation:
        where = f"{operation['from_region']} to {operation['to_region']}"
        return f"Aurora is moving the writer of {name} from {where} ({operation['status']}). Run again when it is done."
    expected = params.get("expected_writer_region")
    if expected and expected != writer:
        return f"expected_writer_region is {expected}; the writer of {name} is in {writer}."
    if not seen.databases.get(writer, Observation(error="it is not among regions")).known:
        return f"The writer of {name} is in {writer}, which does not answer. Move the platform first, then run again."
    return None


def move_obstacle(seen: Seen) -> str | None:
    """Return who moves the platform now, or None. Pure."""
    for region, fact in seen.leases.items():
        lease = fact.value if fact.known else None
        if lease and lease["is_live"]:
            return (
                f"{lease['owner']} moves the platform to {region}: run {lease['run_id']}, method "
                f"{lease['method'] or 'not given'}, renewed {lease['age_seconds']:.0f} s ago. A rotation gives way to "
                "a move; run again when it has ended."
            )
    return None


def obstacle(seen: Seen, params: Mapping[str, Any]) -> str | None:
    """Return why the password must not be changed now, or None. Pure."""
    return secret_obstacle(seen, params["secret_name"]) or database_obstacle(seen, params) or move_obstacle(seen)
