# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the database role must know of an engine and its versions."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import engines, versions


def known(name: str, engine: t.Any) -> engines.Engine:
    """Return an engine, or refuse its name."""
    if engine not in engines.ENGINES:
        raise AnsibleFilterError(f"{name}: the engine is {engine!r}; allowed: {', '.join(engines.ENGINES)}")
    return engines.of(engine)


def aurora_engine(engine: t.Any, version: str | None = None) -> dict[str, t.Any]:
    """What differs between engines, and the version's family of parameter groups."""
    found = known("aurora_engine", engine)
    version = version or found.default_version
    return {
        "engine": found.name,
        "title": found.title,
        "version": version,
        "parameter_group_family": engines.family(found.name, version),
        "port": found.port,
        "scheme": found.scheme,
        "log_types": list(found.log_types),
        "cluster_parameters": dict(found.cluster_parameters),
        "instance_parameters": dict(found.instance_parameters),
        "tls_parameter": found.tls_parameter,
        "tls_values": list(found.tls_values),
        "rpo_parameter": found.rpo_parameter or "",
        "has_global_lifecycle": found.has_global_lifecycle,
    }


def aurora_parameter_group(base: str, family: str, taken: str | None = None) -> str:
    """The name of a cluster's parameter groups of a family."""
    return engines.parameter_group(base, family, taken or None)


def aurora_requires_tls(parameters: t.Mapping[str, str], engine: str, version: str) -> bool:
    """Whether a cluster refuses clients without TLS."""
    return engines.requires_tls(known("aurora_requires_tls", engine).name, version, parameters)


def aurora_version_problem(offers: t.Mapping[str, t.Any], engine: str, version: str) -> str:
    """Why a version cannot be used in every region; empty where it can."""
    return versions.offer_problem(known("aurora_version_problem", engine).name, version, offers) or ""


def aurora_capacity_problem(instance_class: str, least: t.Any = None, most: t.Any = None) -> str:
    """What is wrong with the capacities of serverless instances; empty where nothing is."""
    return engines.capacity_problem(instance_class, least, most) or ""


class FilterModule:
    """Makes the filters known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "aurora_capacity_problem": aurora_capacity_problem,
            "aurora_engine": aurora_engine,
            "aurora_parameter_group": aurora_parameter_group,
            "aurora_requires_tls": aurora_requires_tls,
            "aurora_version_problem": aurora_version_problem,
        }
