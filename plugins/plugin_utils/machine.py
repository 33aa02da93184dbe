# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the machine and of the command with which the playbooks cannot do what they say.

Everything else is set by the playbooks themselves, and so is the same on every machine (docs/machines.md).
"""

from __future__ import annotations

import os
import typing as t
from collections.abc import Collection, Mapping
from pathlib import PurePath

try:
    import botocore.session
    from botocore.exceptions import BotoCoreError
except ImportError:  # the first module reports it
    botocore = None

from ansible_collections.trading.multi_region.plugins.module_utils._core.credentials import profiles_behind
from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import refusal

COLLECTION = "trading.multi_region."
# The plugin that reads platform.yml of an inventory; without it in enable_plugins, auto finds it.
DEFAULTS = "trading.multi_region.platform_defaults"
# Tags of --skip-tags that omit tasks with the tag always ("Special tags" of the Ansible documentation).
OMIT_THE_GATE = ("always", "tagged")
# Tags of --tags that select whole playbooks.
EVERYTHING = frozenset({"all", "always"})
# The playbook whose parts can be run one by one, the one that asks AWS nothing, and the one of several platforms.
SITE, POLICIES, PORTFOLIO = "site", "policies", "portfolio"
# The settings of a command's options that the gate judges, by their name in Ansible.
Settings: t.TypeAlias = "Mapping[str, t.Any]"


def bypass_problems(options: Settings) -> list[str]:
    """Return the problems of a command that omits the tasks of the gate. Pure.

    options: those of the command, by Ansible's names.
    """
    problems = []
    if options.get("start_at_task"):
        allowed = "none, because it omits the check of the input and the plan; run the whole playbook, which continues"
        problems.append(refusal("--start-at-task", options["start_at_task"], f"{allowed} where it stopped"))
    skipped = sorted({*OMIT_THE_GATE} & {*(options.get("skip_tags") or ())})
    if skipped:
        allowed = f"other tags than {' and '.join(OMIT_THE_GATE)}, which omit the check of the input"
        problems.append(refusal("--skip-tags", ", ".join(skipped), allowed))
    if options.get("subset") and PORTFOLIO in playbook_names(options):
        problems.append(refusal("--limit", options["subset"], "none, because the portfolio names its platforms"))
    return problems


def setting_problems(hash_behaviour: str) -> list[str]:
    """Return the problems of the settings of ansible.cfg and the environment. Pure."""
    if hash_behaviour == "replace":
        return []
    allowed = "replace, because variables that are dictionaries would have other values than on other machines"
    return [refusal("hash_behaviour", hash_behaviour, f"{allowed} (ansible.cfg, or ANSIBLE_HASH_BEHAVIOUR)")]


def tag_problems(options: Settings, playbooks: Collection[str]) -> list[str]:
    """Return the problem of a command whose --tags omit everything but the gate, so that it would succeed. Pure.

    playbooks: the names of the collection's.
    """
    tags, names = {*(options.get("tags") or EVERYTHING)}, playbook_names(options)
    if tags & EVERYTHING or not names or SITE in names or names - {*playbooks}:
        return []
    return [refusal("--tags", ", ".join(sorted(tags)), "none, except with site.yml, because it omits all tasks")]


def playbook_names(options: Settings) -> set[str]:
    """Return the names of the playbooks of a command, which it gives by path or by full name. Pure."""
    files = (PurePath(str(one)).name for one in options.get("args") or ())
    return {name.removesuffix(".yml").removesuffix(".yaml").removeprefix(COLLECTION) for name in files}


def plugin_problems(enabled: Collection[str]) -> list[str]:
    """Return the problem of an inventory whose platform.yml was read by no plugin that knows it. Pure.

    enabled: enable_plugins of ansible.cfg.
    """
    if {"auto", DEFAULTS} & {*enabled}:
        return []
    allowed = f"a list with auto or {DEFAULTS}, which reads platform.yml of the inventory"
    return [refusal("enable_plugins", [*enabled], f"{allowed} (ansible.cfg, or ANSIBLE_INVENTORY_ENABLED)")]


def profile_problems(
    credentials: t.Any, regions: t.Any, options: Settings, environment: Mapping[str, str] | None = None
) -> list[str]:
    """Return the problems of profiles whose role needs an MFA code, which botocore would ask for in every task.

    Only a profile with role_arn asks ("Assume role provider" of the guide "Credentials" of boto3). Nothing is sent.
    credentials: platform_credentials. regions: those of the platform. options: those of the command.
    """
    if botocore is None or playbook_names(options) == {POLICIES}:
        return []
    environment = os.environ if environment is None else environment
    found = credentials if isinstance(credentials, Mapping) else {}
    own = {region: one.get("profile") for region, one in found.items() if isinstance(one, Mapping)}
    named = {f"aws_profile of {region}": name for region, name in own.items() if name and isinstance(name, str)}
    # Keys of the environment come before its profile, and a region's own profile before both.
    is_needed = not isinstance(regions, list) or any(not own.get(str(region)) for region in regions)
    if is_needed and not environment.get("AWS_ACCESS_KEY_ID"):
        named["AWS_PROFILE"] = environment.get("AWS_PROFILE") or environment.get("AWS_DEFAULT_PROFILE") or "default"
    problems = []
    for variable, profile in named.items():
        serial = mfa_device(profile)
        if serial:
            allowed = (
                f"a profile whose roles need no MFA code, because no task can ask for one (mfa_serial is {serial}): "
                "use temporary credentials, such as of `aws configure export-credentials`"
            )
            problems.append(refusal(variable, profile, allowed))
    return problems


def mfa_device(profile: str) -> str | None:
    """Return the MFA device of a role that a profile, or one whose credentials it uses, assumes; None if none does."""
    try:
        found = profiles_behind(botocore.session.Session(profile=profile))
        return next((one["mfa_serial"] for one in found if one.get("role_arn") and one.get("mfa_serial")), None)
    except BotoCoreError:  # a profile or a file that cannot be read: the first call reports it
        return None
