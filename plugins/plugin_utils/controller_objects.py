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
from ansible_collections.trading.multi_region.plugins.plugin_utils.controller_portfolio import (
    portfolio_workflow,
    workflow_problems,
)
from ansible_collections.trading.multi_region.plugins.plugin_utils.surveys import survey_spec

Entry: TypeAlias = dict[str, Any]

EACH_REGION = "{each region}"
# The kinds of objects to which a member of an entry can refer.
REFERENCES: dict[str, tuple[str, ...]] = {
    "credential_type": ("credential_types",),
    "credential_type_with_role": ("credential_types",),
    "credentials": ("credentials",),
    "execution_environment": ("execution_environments",),
    "inventory": ("inventories",),
    "job_template": ("job_templates",),
    "job_templates": ("job_templates",),
    "notification_templates_approvals": ("notification_templates",),
    "notification_templates_error": ("notification_templates",),
    "notification_templates_started": ("notification_templates",),
    "notification_templates_success": ("notification_templates",),
    "project": ("projects",),
    "source_project": ("projects",),
    "teams": ("teams",),
    "unified_job_template": ("job_templates", "projects", "inventory_sources"),
    "workflows": ("workflows",),
}
LINKS = ("success_nodes", "failure_nodes", "always_nodes")
# Kinds of objects on which teams have roles here, and what awx.awx.role calls one of them.
ROLE_HOLDERS = {"job_templates": "job_template", "workflows": "workflow"}
RESOURCE_TYPES = {"job_template": "job_template", "workflow_job_template": "workflow"}
# Names of roles in the API (awx/main/models/rbac.py) that are not the module's in upper case.
ROLE_NAMES = {"Approve": "approval", "Ad Hoc": "adhoc"}
# Fields of a credential, as defined in extensions/controller/credential_types.yml.
KEYS = frozenset(("access_key", "external_id", "role_arn", "secret_key", "session_token"))
# Where extensions/controller has the playbooks of the job templates.
PLAYBOOKS = "playbooks"
# Variables that name an object of that kind which exists; it is used and not changed.
EXISTING = {
    "organizations": "controller_organization_name",
    "projects": "controller_project_name",
    "execution_environments": "controller_execution_environment_name",
}
# Variables without which the objects cannot be built, and what is allowed.
REQUIRED = {
    "controller_execution_environment_image": "the name of the image that is built from execution-environment.yml",
    "controller_notification_url": "the URL to which failed jobs and waiting approvals are posted",
    "controller_project_url": "the Git repository of the playbooks, with the inventory of this environment",
    "readiness_runner_arn": "the ARN of the user or role that has the policy failover-runner, which Readiness checks",
}
# What takes the place of a variable that is required.
INSTEAD = {
    "controller_execution_environment_image": EXISTING["execution_environments"],
    "controller_project_url": EXISTING["projects"],
}


def controller_objects(
    data: Mapping[str, Any],
    platform: str,
    environment: str,
    regions: Sequence[str],
    existing: Mapping[str, str] | None = None,
    with_role: Sequence[str] = (),
    playbook_folder: str = PLAYBOOKS,
    portfolio: Mapping[str, Any] | None = None,
) -> dict[str, list[Entry]]:
    """Return the objects by kind, with the options of the modules of awx.awx.

    data: the contents of the files, by kind. regions: the platform's, in order of preference. existing: the names of
    objects to use instead of our own, by kind (``EXISTING``). with_role: the ``environment`` of the credentials that
    assume a role. playbook_folder: where the project has the playbooks. portfolio: that of a workflow over several
    platforms, without problems (``workflow_problems``). Raises ValueError for an unknown name, for a link to a node
    that does not exist, for a question that no survey can ask and for a variable of the portfolio that none asks for.
    """
    existing = {kind: name for kind, name in (existing or {}).items() if name}
    kinds = {kind: entries for kind, entries in data.items() if not kind.endswith("_defaults")}
    objects = {kind: list(_per_region(entries, regions)) for kind, entries in kinds.items()}
    for kind, entries in objects.items():
        defaults = data.get(f"{kind.removesuffix('s')}_defaults", {})
        objects[kind] = [{**defaults, **entry} for entry in entries]
    prefix = f"{platform} {environment}"
    names = {
        kind: {one["name"]: f"{prefix}: {one['name']}" for one in objects[kind] if "name" in one} for kind in kinds
    }
    names |= {kind: dict.fromkeys(names[kind], name) for kind, name in existing.items()}
    _adapt(objects, playbook_folder, set(names["projects"]) if "projects" in existing else set())
    prompts = {one["name"] for one in objects["job_templates"] if one.get("ask_instance_groups_on_launch")}
    made = {
        kind: [_named(kind, _placed(kind, entry, prompts, regions), names, regions) for entry in entries]
        for kind, entries in objects.items()
    }
    for one in made["credentials"]:
        of_a_role = one.pop("credential_type_with_role", one["credential_type"])
        if one["environment"] in with_role:
            one["credential_type"] = of_a_role
    if portfolio:
        _add_portfolio(
            made, portfolio, prefix, {one["name"]: [*one.get("survey", ())] for one in objects["job_templates"]}
        )
    made["organizations"] = [{**one, "name": prefix} for one in objects["organizations"]]
    return {**made, **{kind: [] for kind in existing}}


def controller_links(workflows: Sequence[Entry], nodes: Sequence[Mapping[str, Any]]) -> dict[str, list[Entry]]:
    """Return how the workflows' nodes and links differ from those that a controller has.

    workflows: with the controller's names. nodes: as its API lists them.
    unknown_nodes: nodes that a workflow should not have. kept: nodes that have links too many, with the links that
    stay. missing: nodes whose links are not complete, with all that they should have. A link to a node that does not
    exist yet, which happens only in a dry run, is left out.
    """
    ids = {node["id"]: node["identifier"] for node in nodes}
    has: dict[str, dict[str, Entry]] = {}
    for node in nodes:
        links = {link: {ids[one] for one in node[link] if one in ids} for link in LINKS}
        has.setdefault(_workflow_of(node), {})[node["identifier"]] = links
    unknown, kept, missing = [], [], []
    for workflow in workflows:
        there = has.get(workflow["name"], {})
        wanted = {node["identifier"]: node for node in workflow["nodes"]}
        unknown += [{"workflow": workflow["name"], "identifier": one} for one in there if one not in wanted]
        for identifier in wanted.keys() & there.keys():
            should = {link: {*wanted[identifier].get(link, ())} & there.keys() for link in LINKS}
            stays = {link: should[link] & there[identifier][link] for link in LINKS}
            place = {"workflow": workflow["name"], "identifier": identifier}
            # Links to unknown nodes go with these.
            if any((there[identifier][link] & wanted.keys()) - should[link] for link in LINKS):
                kept.append(place | {link: sorted(stays[link]) for link in LINKS})
            if should != stays:
                missing.append(place | {link: sorted(should[link]) for link in LINKS})
    return {"unknown_nodes": unknown, "kept": kept, "missing": missing}


def controller_extra_roles(
    objects: Mapping[str, Sequence[Entry]], held: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[Entry]:
    """Return the roles on our job templates and workflows that a team has and should not have.

    objects: with the controller's names. held: the roles of each team, as the controller's API lists them. Each has
    ``team``, ``role`` as awx.awx.role names it, and ``job_template`` or ``workflow``, the other one empty.
    """
    names = {member: {one["name"] for one in objects[kind]} for kind, member in ROLE_HOLDERS.items()}
    granted = {
        (team, role["role"], name)
        for role in objects["roles"]
        for team in role["teams"]
        for kind in ROLE_HOLDERS
        for name in role.get(kind, ())
    }
    extra = []
    for team, roles in held.items():
        for one in roles:
            resource = one["summary_fields"]
            member = RESOURCE_TYPES.get(resource.get("resource_type", ""), "")
            role, name = ROLE_NAMES.get(one["name"], one["name"].lower()), resource.get("resource_name")
            if member and name in names[member] and (team, role, name) not in granted:
                extra.append({"team": team, "role": role, "job_template": "", "workflow": "", member: name})
    return extra


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
    if not is_left_out(variables.get("controller_portfolio")):
        problems += workflow_problems(variables["controller_portfolio"])
    regions = variables.get("platform_regions", ())
    strange = [region for region in variables.get("controller_instances", ()) if region not in regions]
    if strange:
        problems.append(f"controller_instances has {', '.join(strange)}; allowed: {', '.join(regions)}.")
    given = {name for name, value in variables.items() if not is_left_out(value)}
    missing = [name for name in REQUIRED if not {name, INSTEAD.get(name)} & given]
    return problems + [f"{name} is not given; allowed: {REQUIRED[name]}." for name in missing]


def are_credentials(given: Any) -> bool:
    """Return whether a value is valid for controller_credentials. It is never shown, because it contains secrets."""
    return isinstance(given, Mapping) and all(
        isinstance(keys, Mapping)
        and keys.keys() <= KEYS
        and ("access_key" in keys or "role_arn" in keys)
        and all(isinstance(one, str) for one in keys.values())
        for keys in given.values()
    )


def groups_in_order(regions: Sequence[str], last: str) -> list[str]:
    """Return the regions whose instance groups a job may use, with the one that may be in trouble at the end."""
    return [*(region for region in regions if region != last), last]


def _add_portfolio(
    made: dict[str, list[Entry]], portfolio: Mapping[str, Any], prefix: str, surveys: Mapping[str, Sequence[str]]
) -> None:
    """Add the workflow of a portfolio, for the same people as those of this platform."""
    own = portfolio_workflow(portfolio, surveys)
    alike = {
        key: value for one in made["workflows"][:1] for key, value in one.items() if key.startswith("notification")
    }
    nodes = [{**node, "instance_groups": []} for node in own["nodes"]]
    workflow = {**alike, **own, "name": f"{prefix}: {own['name']}", "nodes": nodes, "survey_enabled": False}
    made["workflows"].append(workflow)
    for role in made["roles"]:
        if role.get("workflows"):
            role["workflows"] = [*role["workflows"], workflow["name"]]


def _workflow_of(node: Mapping[str, Any]) -> str:
    return node["summary_fields"]["workflow_job_template"]["name"]


def _per_region(entries: Sequence[Entry], regions: Sequence[str]) -> Iterator[Entry]:
    for entry in entries:
        if entry.get("each") == "region":
            yield from ({**_filled(entry, region), "region": region} for region in regions)
        else:
            yield dict(entry)


def _adapt(objects: Mapping[str, list[Entry]], folder: str, foreign: set[str]) -> None:
    """Adapt what the files say to where they are used; foreign: projects that others update, so no schedule does."""
    for one in objects["job_templates"]:
        one["playbook"] = f"{folder}/{one['playbook'].removeprefix(f'{PLAYBOOKS}/')}"
    objects["schedules"][:] = [one for one in objects["schedules"] if one["unified_job_template"] not in foreign]


def _filled(value: Any, region: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(one, region) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, region) for one in value]
    # A text without a placeholder stays the same object: Ansible tags texts that are not templates; a copy loses that.
    return value.replace("{region}", region) if isinstance(value, str) and "{region}" in value else value


def _placed(kind: str, entry: Entry, prompts: set[str], regions: Sequence[str]) -> Entry:
    """Return a template or workflow with its survey, and a schedule, with the instance groups of their jobs."""
    if kind == "schedules" and "first_group" in entry:
        order = groups_in_order(regions, regions[0])
        start = (entry["first_group"] - 1) % len(order)
        return {**entry, "instance_groups": order[start:] + order[:start]}
    if kind not in ("job_templates", "workflows"):
        return entry
    order = groups_in_order(regions, entry.get("region", regions[0]))
    targets = [region for region in regions if region != entry.get("region")]
    questions = entry.get("survey", {})
    try:
        spec = survey_spec(questions, targets) if questions else {}
    except ValueError as error:
        raise ValueError(f"{kind}: {entry['name']}: {error}") from error
    placed = {**entry, "survey_enabled": bool(questions), "survey_spec": spec}
    if kind == "job_templates":
        return {**placed, "instance_groups": order}
    nodes = [{**one, "instance_groups": order if one.get("job_template") in prompts else []} for one in entry["nodes"]]
    return {**placed, "nodes": nodes}


def _named(kind: str, entry: Entry, names: Mapping[str, Mapping[str, str]], regions: Sequence[str]) -> Entry:
    """Return an entry with the controller's names. Raises ValueError for a name that no object has."""
    place = f"{kind}: {entry.get('name') or entry.get('identifier') or entry.get('role')}"
    named = {key: value for key, value in entry.items() if key not in ("each", "first_group", "region", "survey")}
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
        _refuse_links_that_awx_refuses(place, entry["nodes"])
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


def _refuse_links_that_awx_refuses(place: str, nodes: Sequence[Entry]) -> None:
    """Raise ValueError where two nodes are linked twice, or in a circle (awx/api/views: is_valid_relation)."""
    after = {}
    for node in nodes:
        linked = [name for link in LINKS for name in node.get(link, ())]
        if twice := sorted({name for name in linked if linked.count(name) > 1}):
            wrong = f"{node['identifier']} is linked to {', '.join(twice)} more than once"
            raise ValueError(f"{place}: {wrong}; allowed: one link between two nodes, always_nodes for both ways.")
        after[node["identifier"]] = set(linked)
    # A node from which nothing goes on is in no circle, nor is one that only leads to such.
    while ends := [name for name, followers in after.items() if not followers & after.keys()]:
        for name in ends:
            del after[name]
    if after:
        raise ValueError(f"{place}: {', '.join(sorted(after))} lead into a circle; allowed: links that end.")
