# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a controller would refuse the objects, found before anything is changed. Pure.

What a user may do follows from awx/main/access.py of AWX 24.6.1: organizations, instance groups and credential types
are created by system administrators only, everything else by administrators of the organization. Whether an object may
be changed, the API says of each (``summary_fields.user_capabilities``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import shown
from ansible_collections.trading.multi_region.plugins.plugin_utils.controller_objects import EXISTING

Entry: TypeAlias = Mapping[str, Any]

# Our kinds of objects, as the API lists them, and what one is called.
KINDS = {
    "organizations": ("organizations", "organization"),
    "instance_groups": ("instance_groups", "instance group"),
    "credential_types": ("credential_types", "credential type"),
    "execution_environments": ("execution_environments", "execution environment"),
    "credentials": ("credentials", "credential"),
    "notification_templates": ("notification_templates", "notification"),
    "projects": ("projects", "project"),
    "inventories": ("inventories", "inventory"),
    "inventory_sources": ("inventory_sources", "inventory source"),
    "job_templates": ("job_templates", "job template"),
    "workflows": ("workflow_job_templates", "workflow"),
    "teams": ("teams", "team"),
    "schedules": ("schedules", "schedule"),
}
ADMINISTRATORS_ONLY = ("organizations", "instance_groups", "credential_types")
# AWX counts in twenties; automation controller of Ansible Automation Platform 2.4 is 4.5. Older ones ask for no
# instance groups at the launch of a workflow's node, or have no role for approvals.
OLDEST_AWX, OLDEST_CONTROLLER = (24, 0), (4, 5)
VERSION = re.compile(r"(\d+)\.(\d+)")


def controller_refusals(
    objects: Mapping[str, Sequence[Entry]],
    has: Mapping[str, Sequence[Entry]],
    version: str,
    user: Entry,
    organization: str,
    existing: Mapping[str, str],
) -> list[str]:
    """Return what would stop a run, as sentences with the object's name and what is allowed.

    objects: as controller_objects returns them. has: what the controller has by the API's kinds, as it lists them.
    user: the user of the token, as the API lists it; empty if its rights do not matter, as in a dry run.
    """
    found = [version_problem(version), *_missing(has, existing), *_foreign(objects, has), *_unknown(objects, has)]
    if user and not any(found):
        found += _rights(objects, has, user, organization)
    return [sentence for sentence in found if sentence]


def version_problem(version: str) -> str:
    """Return what is wrong with a controller's version, or nothing. One of another form may be any."""
    number = VERSION.match(version)
    if not number:
        return ""
    figures = int(number[1]), int(number[2])
    if figures >= OLDEST_AWX or OLDEST_CONTROLLER <= figures < (5, 0):
        return ""
    return f"The controller's version is {version}; allowed: AWX 24.0 or later, automation controller 4.5 or later."


def _missing(has: Mapping[str, Sequence[Entry]], existing: Mapping[str, str]) -> Iterator[str]:
    for kind, name in existing.items():
        if name and not _named(has[KINDS[kind][0]], name):
            place = " of the organization" if kind == "projects" else ""
            yield f"{EXISTING[kind]} is {name!r}; allowed: the name of an existing {KINDS[kind][1]}{place}."


def _unknown(objects: Mapping[str, Sequence[Entry]], has: Mapping[str, Sequence[Entry]]) -> Iterator[str]:
    """Job templates of other platforms, which the workflow of a portfolio starts."""
    known = {one["name"] for one in (*objects["job_templates"], *has.get("of_nodes", ()))}
    nodes = [node for one in objects["workflows"] for node in one["nodes"]]
    for name in dict.fromkeys(node["job_template"] for node in nodes if "job_template" in node):
        if name not in known:
            yield (
                f"controller_portfolio needs the job template {name!r}; allowed: platforms with the names that their "
                "objects begin with, each after its own run of controller.yml."
            )


def _foreign(objects: Mapping[str, Sequence[Entry]], has: Mapping[str, Sequence[Entry]]) -> Iterator[str]:
    """Objects that have our names and are something else."""
    for one in objects["organizations"]:
        found = _named(has["organizations"], one["name"])
        if found and found["description"] != one["description"]:
            yield (
                f"The organization {one['name']!r} exists with the description {shown(found['description'])}; allowed: "
                f"{shown(one['description'])}, or controller_organization_name={one['name']}, which leaves it as it is."
            )
    for one in objects["credentials"]:
        found = _named(has["credentials"], one["name"])
        kind = found["summary_fields"].get("credential_type", {}).get("name") if found else None
        if kind not in (None, one["credential_type"]):
            yield (
                f"The credential {one['name']!r} exists with the type {kind!r}; allowed: {one['credential_type']!r}. "
                "Delete it, and run this playbook again."
            )


def _rights(
    objects: Mapping[str, Sequence[Entry]], has: Mapping[str, Sequence[Entry]], user: Entry, organization: str
) -> Iterator[str]:
    if user.get("is_superuser"):
        return
    who, ours = user.get("username", "This user"), _named(has["organizations"], organization)
    may_create = bool(ours) and _may_edit(ours)
    for kind, (listed, word) in KINDS.items():
        allowed = "a system administrator" if kind in ADMINISTRATORS_ONLY else "an administrator of the organization"
        found = {one["name"]: _named(has[listed], one["name"]) for one in objects.get(kind, ())}
        missing = [name for name, there in found.items() if not there]
        if missing and (kind in ADMINISTRATORS_ONLY or not may_create):
            yield f"{who} may not create the {word} {', '.join(map(repr, missing))}; allowed: {allowed}."
            if kind == "organizations":
                return  # nothing of it can exist
        # The others are changed by administrators only too, but seldom have to be.
        fixed = [name for name, there in found.items() if there and not _may_edit(there)]
        if fixed and kind not in (*ADMINISTRATORS_ONLY, "teams"):
            yield f"{who} may not change the {word} {', '.join(map(repr, fixed))}; allowed: {allowed}."


def _may_edit(found: Entry) -> bool:
    # Unknown is no refusal: the server decides then.
    return found["summary_fields"].get("user_capabilities", {}).get("edit", True)


def _named(entries: Sequence[Entry], name: str) -> Entry | None:
    return next((one for one in entries if one["name"] == name), None)
