# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises of the network filters."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.filter.network import subnet_cidr


@pytest.mark.parametrize(
    ("vpc", "prefix", "index", "wanted"),
    [
        ("10.0.0.0/16", 24, 0, "10.0.0.0/24"),
        ("10.1.0.0/16", 24, 11, "10.1.11.0/24"),
        ("10.1.0.0/16", 24, 255, "10.1.255.0/24"),
        ("172.16.0.0/20", 26, 3, "172.16.0.192/26"),
        ("10.0.0.0/24", 24, 0, "10.0.0.0/24"),
    ],
)
def test_cuts_the_numbered_subnet(vpc, prefix, index, wanted):
    assert subnet_cidr(vpc, prefix, index) == wanted


@pytest.mark.parametrize(
    ("vpc", "prefix", "index", "named"),
    [
        ("10.0.0.0/24", 24, 1, "0 to 0"),
        ("10.0.0.0/16", 24, 256, "0 to 255"),
        ("10.0.0.0/16", 24, -1, "-1"),
        ("10.0.0.0/16", 8, 0, "prefix 8"),
        ("10.0.0.0/16", 33, 0, "prefix 33"),
        ("10.0.0.5/16", 24, 0, "10.0.0.5/16"),
        ("somewhere", 24, 0, "somewhere"),
    ],
)
def test_refuses_what_does_not_fit_and_names_it(vpc, prefix, index, named):
    with pytest.raises(AnsibleFilterError, match=named):
        subnet_cidr(vpc, prefix, index)
