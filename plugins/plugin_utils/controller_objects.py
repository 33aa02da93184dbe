# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The objects of a controller (AWX), built from extensions/controller and the inventory's variables. Pure.

In the files an object has a short name. In the controller every name begins with platform and environment, because the
modules of awx.awx look most objects up by name only: ``Readiness`` becomes ``trading prod: Readiness``.

An entry with ``each: region`` is one object for each region, with ``{region}`` replaced by its code; in a list of
names, ``{each region}`` does the same.

Where a job runs: AWX uses the first instance group of a template that has capacity, and a node whose heartbeat is
missing has none (docs/controller.md). So that a job does not have to wait for that, the groups are ordered so that the
region in trouble comes last: the one that a move leaves, or else the preferred region, which is usually the active one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import is_left_out, is_url, shown
from ansible_collections.trading.multi_region.plugins.plugin_utils.surveys import survey_spec

Entry: TypeAlias = dict[str, Any]

EACH_REGION = "{each region}"
# The kinds of objects to which a member of an entry can refer.
REFERENCES: dict[str, tuple[str, ...]] = {
    "credential_type": ("credential_types",),
    "credentials": ("credentials",),
    "execution_environment": ("execution_environments",),
    "inventory": ("inventories",),
    "job_template": ("job_templates",),
    "job_templates": ("job_templates",),
    "notification_templates_approvals": ("notification_templates",),
    "notification_templates_error": ("notification_templates",),
    "project": ("projects",),
    "source_project": ("projects",),
    "teams": ("teams",),
    "unified_job_template": ("job_templates", "projects", "inventory_sources"),
    "workflows": ("workflows",),
}
LINKS = ("success_nodes", "failure_nodes")
# Fields of a credential, as defined in extensions/controller/credential_types.yml.
KEYS = frozenset(("access_key", "secret_key", "session_token"))
# Variables without which the objects cannot be built, and what is allowed.
REQUIRED = {
    "controller_execution_environment_image": "the name of the image that is built from execution-environment.yml",
    "controller_notification_url": "the URL to which failed jobs and waiting approvals are posted",
    "controller_project_url": "the Git repository of the playbooks, with the inventory of this environment",
}


def controller_objects(
    data: Mapping[str, Any], platform: str, environment: str, regions: Sequence[str]
) -> dict[str, list[Entry]]:
    """Return the objects by kind, with the options of the modules of awx.awx.

    data: the contents of the files, by kind. regions: the platform's, in order of preference. Raises ValueError for an
    unknown name, for a link to a node that does not exist and for a question that no survey can ask.
    """
    kinds = {kind: entries for kind, entries in data.items() if not kind.endswith("_defaults")}
    objects = {kind: list(_per_region(entries, regions)) for kind, entries in kinds.items()}
    for kind, entries in objects.items():
        defaults = data.get(f"{kind.removesuffix('s')}_defaults", {})
        objects[kind] = [{**defaults, **entry} for entry in entries]
    prefix = f"{platform} {environment}"
    names = {
        kind: {one["name"]: f"{prefix}: {one['name']}" for one in objects[kind] if "name" in one} for kind in kinds
    }
    prompts = {one["name"] for one in objects["job_templates"] if one.get("ask_instance_groups_on_launch")}
    made = {
        kind: [_named(kind, _placed(kind, entry, prompts, regions), names, regions) for entry in entries]
        for kind, entries in objects.items()
    }
    return {**made, "organizations": [{**one, "name": prefix} for one in objects["organizations"]]}


def requirement_problems(environ: Mapping[str, str], variables: Mapping[str, Any], has_collection: bool) -> list[str]:
    """Return the missing or invalid settings of a controller, as sentences with what is allowed.

    environ: the environment variables that the modules of awx.awx read. variables: the playbook's, evaluated.
    has_collection: whether awx.awx is installed.
    """
    host, token = environ.get("CONTROLLER_HOST", ""), environ.get("CONTROLLER_OAUTH_TOKEN", "")
    login = environ.get("CONTROLLER_USERNAME", "") and environ.get("CONTROLLER_PASSWORD", "")
    verify = environ.get("CONTROLLER_VERIFY_SSL", "true")
    problems = []
    if not has_collection:
        problems.append("The collection awx.awx is not installed; allowed: ansible-galaxy collection install awx.awx.")
    if not is_url(host):
        value = shown(host) if host else "not set"
        problems.append(
            f"CONTROLLER_HOST is {value}; allowed: the controller's address, such as https://awx.example.com."
        )
    if not token and not login:
        problems.append(
            "CONTROLLER_OAUTH_TOKEN is not set; allowed: a token, or CONTROLLER_USERNAME and CONTROLLER_PASSWORD."
        )
    if verify.lower() not in ("true", "false", "yes", "no", "1", "0"):
        problems.append(f"CONTROLLER_VERIFY_SSL is {shown(verify)}; allowed: true or false.")
    if not are_credentials(variables.get("controller_credentials", {})):
        allowed = f"a dictionary by FAILOVER and so on, of dictionaries with texts for {', '.join(sorted(KEYS))}"
        problems.append(f"controller_credentials is invalid, and its value is not shown; allowed: {allowed}.")
    regions = variables.get("platform_regions", ())
    strange = [region for region in variables.get("controller_instances", ()) if region not in regions]
    if strange:
        problems.append(f"controller_instances has {', '.join(strange)}; allowed: {', '.join(regions)}.")
    missing = [name for name in REQUIRED if is_left_out(variables.get(name))]
    return problems + [f"{name} is not given; allowed: {REQUIRED[name]}." for name in missing]


def are_credentials(given: Any) -> bool:
    """Return whether a value is valid for controller_credentials. It is never shown, because it contains secrets."""
    return isinstance(given, Mapping) and all(
        isinstance(keys, Mapping)
        and {"access_key"} <= keys.keys() <= KEYS
        and all(isinstance(one, str) for one in keys.values())
        for keys in given.values()
    )


def groups_in_order(regions: Sequence[str], last: str) -> list[str]:
    """Return the regions whose instance groups a job may use, with the one that may be in trouble at the end."""
    return [*(region for region in regions if region != last), last]


def _per_region(entries: Sequence[Entry], regions: Sequence[str]) -> Iterator[Entry]:
    for entry in entries:
        if entry.get("each") == "region":
            yield from ({**_filled(entry, region), "region": region} for region in regions)
        else:
            yield dict(entry)


def _filled(value: Any, region: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(one, region) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, region) for one in value]
    # A text without a placeholder stays the same object: Ansible tags texts that are not templates; a copy loses that.
    return value.replace("{region}", region) if isinstance(value, str) and "{region}" in value else value


def _placed(kind: str, entry: Entry, prompts: set[str], regions: Sequence[str]) -> Entry:
    """Return a template or workflow with its survey, and with the instance groups of its jobs."""
    if kind not in ("job_templates", "workflows"):
        return entry
    order = groups_in_order(regions, entry.get("region", regions[0]))
    targets = [region for region in regions if region != entry.get("region")]
    questions = entry.get("survey", {})
    placed = {
        **entry,
        "survey_enabled": bool(questions),
        "survey_spec": survey_spec(questions, targets) if questions else {},
    }
    if kind == "job_templates":
        return {**placed, "instance_groups": order}
    nodes = [{**one, "instance_groups": order if one.get("job_template") in prompts else []} for one in entry["nodes"]]
    return {**placed, "nodes": nodes}


def _named(kind: str, entry: Entry, names: Mapping[str, Mapping[str, str]], regions: Sequence[str]) -> Entry:
    """Return an entry with the controller's names. Raises ValueError for a name that no object has."""
    place = f"{kind}: {entry.get('name') or entry.get('identifier') or entry.get('role')}"
    named = {key: value for key, value in entry.items() if key not in ("each", "region", "survey")}
    for member, of_kinds in REFERENCES.items():
        if member in entry:
            known = {short: full for of_kind in of_kinds for short, full in names[of_kind].items()}
            named[member] = _looked_up(f"{place}: {member}", entry[member], known, regions)
    if "instance_groups" in entry:
        named["instance_groups"] = [names["instance_groups"][region] for region in entry["instance_groups"]]
    if kind in names and entry.get("name") in names[kind]:
        named["name"] = names[kind][entry["name"]]
    if "nodes" in entry:
        _refuse_loose_links(place, entry["nodes"])
        named["nodes"] = [_named(place, node, names, regions) for node in entry["nodes"]]
    return named


def _looked_up(place: str, value: Any, known: Mapping[str, str], regions: Sequence[str]) -> Any:
    if isinstance(value, list):
        short = [
            name.replace(EACH_REGION, region)
            for name in value
            for region in (regions if EACH_REGION in name else regions[:1])
        ]
        return [_looked_up(place, one, known, regions) for one in short]
    if value not in known:
        raise ValueError(f"{place} is {value!r}; allowed: {', '.join(known)}.")
    return known[value]


def _refuse_loose_links(place: str, nodes: Sequence[Entry]) -> None:
    known = [node["identifier"] for node in nodes]
    for node in nodes:
        for link in LINKS:
            if loose := [name for name in node.get(link, ()) if name not in known]:
                wrong = f"{link} of {node['identifier']} is {', '.join(loose)}"
                raise ValueError(f"{place}: {wrong}; allowed: {', '.join(known)}.")
