# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether an account lets an object be public.

The settings are the effective ones: an organization's policy overrides those of the account ("GetPublicAccessBlock" of
the S3 Control API Reference). Of those of account and bucket the most restrictive combination counts ("Blocking public
access to your Amazon S3 storage" of the S3 User Guide).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed

MEMBERS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
# The settings that close an object which a bucket's policy makes public; the others are about ACLs.
CLOSING = ("BlockPublicPolicy", "RestrictPublicBuckets")


@aws_call("GetPublicAccessBlock", missing=("NoSuchPublicAccessBlockConfiguration",))
def get_account_block(client: Any, account_id: str) -> dict[str, bool] | None:
    """Return the PublicAccessBlockConfiguration of an account, or None if it has none."""
    return client.get_public_access_block(AccountId=account_id)["PublicAccessBlockConfiguration"]


def read_account_block(client: Any, account_id: str) -> dict[str, bool]:
    """Return all settings of S3 Block Public Access of an account."""
    found = get_account_block(client, account_id) or {}
    return {member: bool(found.get(member)) for member in MEMBERS}


def closing(block: Mapping[str, bool]) -> list[str]:
    """Return those of the settings that keep an object from being public by its bucket's policy. Pure."""
    return [member for member in CLOSING if block.get(member)]


@timed
def run(params: Mapping[str, Any], clients: Any) -> dict[str, Any]:
    """Return changed (False), reason, public_access_block, closed_by. Raises AwsCallError if it cannot be read."""
    account = params["account_id"]
    block = read_account_block(clients("s3control"), account)
    closed_by = closing(block)
    verb = "lets objects be public"
    if closed_by:
        verb = f"does not let a policy make objects public ({', '.join(closed_by)} of S3 Block Public Access)"
    return {
        "changed": False,
        "reason": f"The account {account} {verb}.",
        "public_access_block": block,
        "closed_by": closed_by,
    }
