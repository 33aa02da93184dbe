# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Address arithmetic for the network role, so that it needs no further collection for one subnet."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible.errors import AnsibleFilterError


def subnet_cidr(vpc_cidr: t.Any, prefix: t.Any, index: t.Any) -> str:
    """Return the subnet with the number ``index`` (from 0) and length ``prefix`` of ``vpc_cidr``, as "10.0.10.0/24".

    Raises AnsibleFilterError if ``vpc_cidr`` is not an IPv4 network, or has no such subnet.
    """
    try:
        network = ipaddress.IPv4Network(str(vpc_cidr))
        length, number = int(prefix), int(index)
    except ValueError as error:
        raise AnsibleFilterError(f"subnet_cidr: {error}; wanted: IPv4 network, prefix length, number") from error
    if not network.prefixlen <= length <= 32:
        raise AnsibleFilterError(f"subnet_cidr: prefix {length} is not between that of {network} and 32")
    room = 2 ** (length - network.prefixlen)
    if not 0 <= number < room:
        raise AnsibleFilterError(
            f"subnet_cidr: subnet {number} of length {length} is outside {network}: 0 to {room - 1} are in it"
        )
    first = int(network.network_address) + number * 2 ** (32 - length)
    return str(ipaddress.IPv4Network((first, length)))


class FilterModule:
    """Filters of the network role."""

    def filters(self) -> dict[str, t.Callable]:
        return {"subnet_cidr": subnet_cidr}
