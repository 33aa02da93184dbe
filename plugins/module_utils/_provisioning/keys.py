# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether keys that others have made can encrypt what site.yml makes, as far as KMS shows it. Pure.

Sources: "KeyMetadata" of the KMS API Reference; the KMS Developer Guide: services encrypt with symmetric keys only, and
an AWS managed key is used by its own service only ("AWS KMS keys", "Key types reference"); "Default key policy".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.arn import region_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.rows import (
    MISSING,
    OK,
    WARNING,
    Row,
    unread,
)

WHAT = "encryption key"
# Services that publish to a topic, and what they do with its key ("Key management" of the SNS Developer Guide).
PUBLISHERS = ("cloudwatch.amazonaws.com", "events.rds.amazonaws.com")
OF_PUBLISHERS = ("kms:Decrypt", "kms:GenerateDataKey")
NAME_IT = "Name a symmetric key of this account in encryption_key_id, which services may use."


def key_rows(region: str, named: str, fact: Observation, has_topics: bool) -> Iterator[Row]:
    """Yield the rows of a region's key.

    fact: None or {arn, state, spec, usage, manager, policy: the document, None if it may not be read}.
    """
    where = region_of(named)
    if where and where != region:
        yield Row(region, WHAT, MISSING, f"{named} is in {where}.", f"Name a key of {region} in encryption_key_id.")
    elif not fact.known:
        yield unread(region, WHAT, fact.error)
    elif fact.value is None:
        yield Row(region, WHAT, MISSING, f"There is no key {named}.", NAME_IT)
    elif problem := _unusable(fact.value):
        yield Row(region, WHAT, MISSING, f"{named} {problem}.", NAME_IT)
    elif fact.value["state"] != "Enabled":
        remedy = "Enable it, or cancel its deletion, where it is made."
        yield Row(region, WHAT, MISSING, f"{named} is {fact.value['state']}.", remedy)
    else:
        yield _policy_row(region, named, fact.value, has_topics)


def _unusable(key: Mapping[str, Any]) -> str:
    if key["manager"] == "AWS":
        return "is a key that AWS manages, which one service alone can use"
    if (key["usage"], key["spec"]) != ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"):
        return f"is a key of {key['spec']} for {key['usage']}, with which no service encrypts"
    return ""


def _policy_row(region: str, named: str, key: Mapping[str, Any], has_topics: bool) -> Row:
    policy, remedy = key["policy"], "Change its policy where the key is made (docs/existing.md)."
    if policy is None:
        reason = f"{named} is Enabled; who may use it is unknown, because its policy may not be read."
        return Row(region, WHAT, WARNING, reason, "Allow kms:GetKeyPolicy, or look at the policy where it is made.")
    account = key["arn"].split(":")[4]
    if not any(_is_account(one, account) for one in _allowing(policy, ("kms:Decrypt",))):
        reason = f"{named} is Enabled, but its policy does not let the account's IAM policies decide who uses it."
        return Row(region, WHAT, WARNING, reason, remedy)
    mute = [name for name in PUBLISHERS if not any(_is_service(one, name) for one in _allowing(policy, OF_PUBLISHERS))]
    if has_topics and mute:
        reason = f"{named} is Enabled, but {' and '.join(mute)} may not use it: what they publish is lost."
        return Row(region, WHAT, WARNING, reason, remedy)
    return Row(region, WHAT, OK, f"{named} is Enabled, and its policy lets the account and its services use it.")


def _allowing(policy: Mapping[str, Any], actions: Iterable[str]) -> Iterator[Any]:
    """Yield the principals to whom a statement allows all the actions; conditions are not judged."""
    for one in _listed(policy.get("Statement")):
        patterns = _listed(one.get("Action"))
        if one.get("Effect") == "Allow" and all(any(fnmatchcase(act, it) for it in patterns) for act in actions):
            yield one.get("Principal") or {}


def _is_account(principal: Any, account: str) -> bool:
    if principal == "*":
        return True
    return any(name in ("*", account) or name.endswith(f"::{account}:root") for name in _listed(principal.get("AWS")))


def _is_service(principal: Any, service: str) -> bool:
    return principal == "*" or service in _listed(principal.get("Service"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
