# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What AWS refuses for a while because something was created or changed a moment before. Pure.

AWS reports the creation before all of its parts know of it. The same request succeeds later, so these refusals, and no
others with the same code, are retried: in the roles by the filters of plugins/filter/settling.py, in modules by
``waiting.retry_transient``. Code and words are compared without case, because AWS's own words differ in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# How botocore's ClientError begins, wherever a module puts it.
CLIENT_ERROR = re.compile(r"An error occurred \((?P<code>[\w.]+)\) when calling the (?P<operation>\w+) operation")
# Seconds between two tries.
INTERVAL_SECONDS = 5


@dataclass(frozen=True)
class Settling:
    """One refusal.

    operations: API operations that are refused; empty for all. codes: AWS's error codes. words: of AWS's message; one
    of them is enough. patience: seconds after which the refusal is believed. source: where AWS, or a thread, says so.
    """

    operations: tuple[str, ...]
    codes: tuple[str, ...]
    words: tuple[str, ...]
    patience: int
    source: str


TABLE: dict[str, Settling] = {
    "instance_profile": Settling(
        operations=("CreateAutoScalingGroup", "UpdateAutoScalingGroup"),
        codes=("ValidationError",),
        words=("invalid iam instance profile", "invalid iaminstanceprofile"),
        patience=120,
        source="terraform-provider-aws issues 24910 and 29866, pull request 5633; eksctl issue 8039 (up to 34 s)",
    ),
    "bucket_policy": Settling(
        operations=("PutBucketPolicy",),
        codes=("AccessDenied",),
        words=("blocked by the blockpublicpolicy", "access denied"),
        patience=60,
        source="env0/templates pull request 258 (advice of AWS support); older answers say `Access Denied` only",
    ),
    "bucket_replication": Settling(
        operations=("PutBucketReplication",),
        codes=("InvalidRequest",),
        words=("versioning must be 'enabled'", "must have versioning enabled"),
        patience=60,
        source="terraform-provider-aws (its retry of PutBucketReplication); terraform-aws-s3-bucket issue 172",
    ),
    "key_tags": Settling(
        operations=(),
        codes=("AccessDeniedException", "NotFoundException"),
        words=("is not authorized to perform: kms:", "does not exist"),
        patience=330,
        source="`Use tags to control access to KMS keys` of the AWS KMS Developer Guide: up to five minutes; "
        "terraform-provider-aws issue 11781 (NotFoundException right after CreateKey)",
    ),
    "function_role": Settling(
        operations=("CreateFunction", "UpdateFunctionConfiguration"),
        codes=("InvalidParameterValueException",),
        words=("cannot be assumed by lambda", "does not have permissions to call createnetworkinterface"),
        patience=120,
        source="terraform-provider-aws (its retry of CreateFunction): `The role defined for the function cannot be "
        "assumed by Lambda`, `The provided execution role does not have permissions to call CreateNetworkInterface on "
        "EC2`",
    ),
    "web_acl": Settling(
        operations=("AssociateWebACL",),
        codes=("WAFUnavailableEntityException",),
        words=("",),
        patience=120,
        source="WAFUnavailableEntityException of AssociateWebACL, AWS WAFV2 API Reference",
    ),
}


def row(name: str) -> Settling:
    """Return a row of the table. Raises KeyError with the names that there are."""
    if name not in TABLE:
        raise KeyError(f"{name} is not a refusal that passes; allowed: one of {', '.join(TABLE)}")
    return TABLE[name]


def passes(name: str, operation: str, code: str, message: str) -> bool:
    """Return whether a refusal is the one of a row."""
    wanted, said = row(name), message.casefold()
    return (
        (not wanted.operations or operation in wanted.operations)
        and code.casefold() in [one.casefold() for one in wanted.codes]
        and any(words.casefold() in said for words in wanted.words)
    )


def result_passes(name: str, result: Mapping[str, Any]) -> bool:
    """Return whether the failed result of a task of amazon.aws or community.aws is the refusal of a row."""
    row(name)
    told = " ".join(str(result.get(key) or "") for key in ("msg", "error", "exception", "module_stderr"))
    return any(passes(name, found["operation"], found["code"], told) for found in CLIENT_ERROR.finditer(told))
