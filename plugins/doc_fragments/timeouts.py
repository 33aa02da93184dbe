# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options that limit how long one call to AWS may take."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of module_utils/_core/clients.py:TIMEOUT_SPEC."""

    DOCUMENTATION = r"""
options:
  connect_timeout:
    description:
      - Seconds to wait for a connection to AWS, for each attempt.
      - Takes precedence over the same setting in O(aws_config).
    type: float
    default: 2.0
  read_timeout:
    description:
      - Seconds to wait for a response from AWS on an open connection, for each attempt.
      - An attempt whose response is not complete after O(connect_timeout) and O(read_timeout) together is given up.
      - Takes precedence over the same setting in O(aws_config).
    type: float
    default: 3.0
  retries:
    description:
      - How often botocore retries a call after a transient failure.
      - V(0) means a single attempt. Takes precedence over the same setting in O(aws_config).
    type: int
    default: 1
"""
