# SPDX-License-Identifier: GPL-3.0-or-later
"""The partition of a region is that of AWS's own list."""

from __future__ import annotations

import boto3
import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.trading.multi_region.plugins.filter.partition import partition


@pytest.mark.parametrize(
    ("region", "name", "suffix"),
    [
        ("us-east-1", "aws", "amazonaws.com"),
        ("mx-central-1", "aws", "amazonaws.com"),
        ("us-gov-east-1", "aws-us-gov", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
    ],
)
def test_a_region_has_the_name_and_the_suffix_of_its_partition(region, name, suffix):
    assert partition(region) == {"name": name, "dns_suffix": suffix}


def test_every_region_of_every_partition_is_known():
    session = boto3.session.Session()
    for name in session.get_available_partitions():
        for region in session.get_available_regions("dynamodb", name):
            assert partition(region)["name"] == name


@pytest.mark.parametrize("region", [None, "", 7])
def test_what_is_no_region_is_named(region):
    with pytest.raises(AnsibleFilterError, match="allowed: the code of an AWS region"):
        partition(region)
