# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The partition of a region and its DNS suffix, from the data that botocore ships (data/partitions.json). Pure."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

try:
    from botocore.loaders import create_loader
except ImportError:  # AnsibleAWSModule reports it to the user before a call to AWS
    create_loader = None


@dataclass(frozen=True)
class Partition:
    """name: the field of every ARN after ``arn``. dns_suffix: of the endpoints of AWS's services."""

    name: str
    dns_suffix: str


STANDARD = Partition("aws", "amazonaws.com")
# Those in which the playbooks' principals and endpoints are known to be right.
SUPPORTED = ("aws", "aws-us-gov")


@functools.cache
def _partitions() -> list[dict[str, Any]]:
    return create_loader().load_data("partitions")["partitions"] if create_loader else []


@functools.cache
def partition_of(region: str) -> Partition:
    """Return the partition of a region; a region that no partition has is of AWS's standard one."""
    for one in _partitions():
        if region in one["regions"] or re.fullmatch(one["regionRegex"], region):
            return Partition(one["id"], one["outputs"]["dnsSuffix"])
    return STANDARD
