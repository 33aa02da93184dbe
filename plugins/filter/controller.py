# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of a controller, from the files in extensions/controller."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.plugin_utils import (
    controller_objects as plugin_utils_controller_objects,
)
from ansible_collections.trading.multi_region.plugins.plugin_utils import (
    controller_refusals as plugin_utils_controller_refusals,
)


def controller_objects(
    data: t.Any, platform: str, environment: str, regions: t.Sequence[str], **more: t.Any
) -> dict[str, list[dict[str, t.Any]]]:
    """See :func:`controller_objects.controller_objects`; raises AnsibleFilterError with its sentence."""
    if not isinstance(data, dict):
        raise AnsibleFilterError(f"controller_objects requires a dictionary, not {type(data).__name__}")
    try:
        return plugin_utils_controller_objects.controller_objects(data, platform, environment, regions, **more)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error
    except KeyError as error:
        raise AnsibleFilterError(f"{error.args[0]} is missing in the objects of the controller") from error


def controller_links(workflows: t.Any, nodes: t.Any) -> dict[str, list[dict[str, t.Any]]]:
    """See :func:`controller_objects.controller_links`."""
    return plugin_utils_controller_objects.controller_links(workflows, nodes)


def controller_extra_roles(objects: t.Any, held: t.Any) -> list[dict[str, t.Any]]:
    """See :func:`controller_objects.controller_extra_roles`."""
    return plugin_utils_controller_objects.controller_extra_roles(objects, held)


def controller_refusals(objects: t.Any, has: t.Any, **more: t.Any) -> list[str]:
    """See :func:`controller_refusals.controller_refusals`."""
    return plugin_utils_controller_refusals.controller_refusals(objects, has, **more)


class FilterModule:
    """Filters of controller.yml."""

    def filters(self) -> dict[str, t.Callable]:
        return {
            "controller_extra_roles": controller_extra_roles,
            "controller_links": controller_links,
            "controller_objects": controller_objects,
            "controller_refusals": controller_refusals,
        }
