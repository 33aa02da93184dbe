# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Parts of ARNs: "Amazon Resource Names (ARNs)" of the IAM User Guide."""

from __future__ import annotations


def region_of(arn: str | None) -> str | None:
    """Return the region in an ARN, or None. Pure."""
    parts = (arn or "").split(":")
    return parts[3] if len(parts) > 3 and parts[3] else None
