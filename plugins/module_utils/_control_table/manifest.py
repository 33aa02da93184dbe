# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The recovery manifest: what a failover must know without the lost region. site.yml writes it to every region.

Shape, version 1: {version, environment, global_database: {identifier, engine_version}, traffic: {backend, domain,
name_servers, switch_key, health_path, scheme}, regions: [one entry per region, in the order in which the switch was
built], preference: [regions, the most preferred one first], layers: {layer: existing or absent}, without those that
are managed}. A manifest of 0.2 has no preference: it is the order of
regions, which could not differ from it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    COMPUTE_MEMBERS,
    GROUPS,
    OWN,
    compute_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.items import (
    MANIFEST_ID,
    get_document,
    utc_now,
    write_document,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    UNREADABLE_ANSWER,
    AwsCallError,
    MultiRegionError,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import UNKNOWN, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed
from ansible_collections.trading.multi_region.plugins.module_utils._options.layers import ABSENT as LAYER_ABSENT
from ansible_collections.trading.multi_region.plugins.module_utils._options.layers import state_of

VERSION = 1
ABSENT = "absent"
# Members of an entry that are required to plan a failover to or from that region, besides those of its compute.
ENTRY_MEMBERS = (
    "region",
    "db_cluster_identifier",
    "db_cluster_arn",
    "target_group_arn",
    "control_bucket",
)
MONITORING, TOPIC = "monitoring", "topic_arn"


def manifest_problems(manifest: Any) -> list[str]:
    """Return the problems of a manifest, as sentences; empty if there are none. Pure."""
    if not isinstance(manifest, Mapping):
        return [f"manifest is {type(manifest).__name__}; allowed: a dictionary."]
    problems = []
    if manifest.get("version") != VERSION:
        problems.append(f"manifest.version is {manifest.get('version')!r}; allowed: {VERSION}.")
    if not (manifest.get("global_database") or {}).get("identifier"):
        problems.append("manifest.global_database.identifier is missing; allowed: a global cluster's identifier.")
    entries = manifest.get("regions") or []
    of_layers = () if layer_state(manifest, MONITORING) == LAYER_ABSENT else (TOPIC,)
    if len(entries) < 2:
        problems.append(f"manifest.regions has {len(entries)} entries; allowed: at least two.")
    for index, entry in enumerate(entries):
        path = f"manifest.regions[{index}]"
        problems += compute_problems(path, entry, (*ENTRY_MEMBERS, *of_layers))
        for place, group in enumerate(entry.get(GROUPS) or ()):
            problems += (
                [] if group.get("name") == OWN else compute_problems(f"{path}.{GROUPS}[{place}]", group, ("name",))
            )
    names = [entry.get("region") for entry in entries]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        problems.append(f"manifest.regions names {', '.join(twice)} more than once; allowed: each region once.")
    preference = manifest.get("preference")
    if preference is not None and sorted(map(str, preference)) != sorted(map(str, names)):
        allowed = "the regions of manifest.regions, each once"
        problems.append(f"manifest.preference is {', '.join(map(str, preference))}; allowed: {allowed}.")
    return problems


def compute_problems(path: str, entry: Mapping[str, Any], members: tuple[str, ...]) -> list[str]:
    """Return the problems of an entry, or of one of its groups, which needs the members and those of its compute."""
    compute, problems = compute_of(entry), []
    if compute not in COMPUTE_MEMBERS:
        problems.append(f"{path}.compute is {compute}; allowed: one of {', '.join(COMPUTE_MEMBERS)}.")
    missing = [name for name in (*members, *COMPUTE_MEMBERS.get(compute, ())) if not entry.get(name)]
    if missing:
        problems.append(f"{path} has no {', '.join(missing)}; all of them are needed.")
    return problems


def preference_of(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the regions of a manifest, the most preferred one first. Pure."""
    return tuple(manifest.get("preference") or (entry["region"] for entry in manifest["regions"]))


def topics_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the ARN of each region's topic, by region; empty on a platform without monitoring. Pure."""
    return {entry["region"]: entry[TOPIC] for entry in manifest["regions"] if entry.get(TOPIC)}


def refuse_bad(manifest: Any) -> None:
    """Raise MultiRegionError with all problems of the manifest."""
    problems = manifest_problems(manifest)
    if problems:
        raise MultiRegionError(" ".join(problems))


def layer_state(manifest: Mapping[str, Any], layer: str) -> str:
    """Return what a layer is: managed, existing or absent. Pure."""
    return state_of(manifest.get("layers") or {}, layer)


def read_manifest(client: Any, table: str) -> dict[str, Any]:
    """Return {document, written_at} of the manifest, both None if there is none that can be interpreted."""
    try:
        found = get_document(client, table, MANIFEST_ID)
    except AwsCallError as error:
        # A manifest that cannot be interpreted is replaced; a table that cannot be read stops the module.
        if error.code != UNREADABLE_ANSWER:
            raise
        found = None
    return found or {"document": None, "written_at": None}


@timed
def run(params: Mapping[str, Any], clients: Any, check_mode: bool = False) -> dict[str, Any]:
    """Write the manifest to one region's control table unless it is already there; read it back.

    Returns changed, reason, manifest, written_at, diff.
    """
    wanted, table = dict(params["manifest"]), params["table_name"]
    refuse_bad(wanted)
    region = params.get("region") or clients.default_region
    client = clients("dynamodb", region)
    before = read_manifest(client, table)
    result = {
        "changed": before["document"] != wanted,
        "manifest": wanted,
        "written_at": before["written_at"],
        "diff": {"before": before["document"] or {}, "after": wanted},
    }
    where = f"{table} of {region}"
    if not result["changed"]:
        return {**result, "reason": f"The manifest in {where} is as wanted, written at {before['written_at']}."}
    words = "was absent" if before["document"] is None else "differed"
    if check_mode:
        return {**result, "reason": f"The manifest in {where} {words} and would be written."}
    write_document(client, table, MANIFEST_ID, wanted, utc_now())
    after = read_manifest(client, table)
    if after["document"] != wanted:
        raise MultiRegionError(f"The manifest in {where} was written, but the table has another one.", **result)
    return {**result, "written_at": after["written_at"], "reason": f"The manifest in {where} {words} and was written."}


def freshest(copies: Mapping[str, Observation], preferred: str | None = None) -> tuple[str, dict[str, Any]] | None:
    """Return (region, copy) of the most recent readable manifest, or None. Pure.

    On a tie the preferred region's copy is used, else the first one.
    """
    found = [(region, copy.value) for region, copy in copies.items() if copy.known and copy.value]
    found = [(region, copy) for region, copy in found if not manifest_problems(copy["document"])]
    if not found:
        return None
    return max(found, key=lambda entry: (entry[1]["written_at"], entry[0] == preferred))


def describe_copies(copies: Mapping[str, Observation]) -> dict[str, Any]:
    """Return {region: time of writing, absent or unknown}. Pure."""
    return {
        region: (copy.value["written_at"] if copy.value else ABSENT) if copy.known else UNKNOWN
        for region, copy in copies.items()
    }


def nothing_found(
    table: str, copies: Mapping[str, Observation], without_table: Collection[str] = ()
) -> MultiRegionError:
    """Return the error if no region has a usable manifest, with each region's result and the remedy. Pure.

    without_table: regions that are known not to have the table.
    """
    words, versions = [], set()
    for region, copy in copies.items():
        document = copy.value["document"] if copy.known and copy.value else None
        if isinstance(document, Mapping) and document.get("version") != VERSION:
            versions.add(document.get("version"))
        problems = manifest_problems(document) if document is not None else []
        absent = "no such table" if region in without_table else "no manifest"
        words.append(f"{region}: {copy.error or ' '.join(problems) or absent}")
    shown = "; ".join(words).rstrip(". ")
    is_unread = not any(copy.known for copy in copies.values())
    remedy = _remedy(table, versions, set(copies) <= set(without_table), is_unread)
    return MultiRegionError(f"No usable manifest in table {table}. {shown}. {remedy}", copies=describe_copies(copies))


def _remedy(table: str, versions: Collection[Any], is_without_table: bool, is_unread: bool) -> str:
    if versions:
        found = ", ".join(str(version) for version in sorted(versions, key=str))
        return (
            f"This version of the collection reads manifests of version {VERSION}, not {found}: run its site.yml, "
            "which writes the manifest again; in an emergency use the version of the collection that wrote it."
        )
    if is_without_table:
        return f"site.yml creates the table; if it has been run, {table} (table_name) is not the table's name."
    if is_unread:
        return "Where the reason is a credential or a right, repair that first; a manifest may be there."
    return "site.yml writes it."


@timed
def run_info(params: Mapping[str, Any], clients: Any) -> dict[str, Any]:
    """Read the manifest from every region in parallel; return the most recent one, and when each copy was written.

    silent_regions in params, if there: regions that did not respond before, which are not waited for. Returns changed,
    reason, manifest, topics, manifest_region, written_at, copies, errors.
    """
    table = params["table_name"]
    calls = {region: manifest_reader(clients, table, region) for region in params["regions"]}
    copies = observe_all(calls, params["deadline"], silent=params.get("silent_regions") or ())
    found = freshest(copies, params.get("preferred_region"))
    if not found:
        raise nothing_found(table, copies)
    region, copy = found
    return {
        "changed": False,
        "reason": f"The most recent manifest is in {region}, written at {copy['written_at']}.",
        "manifest": copy["document"],
        "topics": topics_of(copy["document"]),
        "manifest_region": region,
        "written_at": copy["written_at"],
        "copies": describe_copies(copies),
        "errors": {name: str(copy.error) for name, copy in copies.items() if not copy.known},
    }


def manifest_reader(clients: Any, table: str, region: str):
    """Return the call that reads one region's copy."""
    return lambda: get_document(clients("dynamodb", region), table, MANIFEST_ID)


def given(entry: Mapping[str, Any], name: str) -> Any:
    """Return a member of a region's entry in the manifest. Raises MultiRegionError if it is missing."""
    value = entry.get(name)
    if not value:
        raise MultiRegionError(f"The entry of {entry.get('region', 'this region')} has no {name}.")
    return value
