# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""KMS keys, with which the stores are encrypted."""

from __future__ import annotations

from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call


@aws_call("DescribeKey", missing=("NotFoundException",))
def describe_key(client: Any, key_id: str) -> dict[str, Any] | None:
    """Return the KeyMetadata of the API of a key, by its id, ARN or alias, or None."""
    return client.describe_key(KeyId=key_id)["KeyMetadata"]
