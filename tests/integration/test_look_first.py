# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml looks first: what an inventory cannot mean is refused, with its remedy, before any change."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.integration.platforms import Platform

EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
CIDRS = {EAST: "10.0.0.0/16", WEST: "10.1.0.0/16", EUROPE: "10.2.0.0/16"}
NAME, SECRET = "trading-dev", "trading-database-dev"


@pytest.fixture(scope="class")
def strange(platforms):
    """The demo's platform, whose account also has a secret of its name in a third region, and a second VPC."""
    platform = platforms.copy(EAST, WEST)
    platform.lab.client("secretsmanager", EUROPE).create_secret(Name=SECRET, SecretString="{}")
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": NAME}]}]
    platform.lab.client("ec2", EAST).create_vpc(CidrBlock="10.7.0.0/16", TagSpecifications=tags)
    yield platform
    platform.lab.stop()


def with_hosts(platform: Platform, folder, cidrs: dict[str, str]) -> Platform:
    lines = [f"{region} vpc_cidr={cidr}" for region, cidr in cidrs.items()]
    (folder / "hosts").write_text("\n".join(["[regions]", *lines, ""]))
    (folder / "group_vars").symlink_to(platform.inventory / "group_vars")
    return replace(platform, inventory=folder)


def refusal_of(platform: Platform, *options: str) -> str:
    """Return what a refused run prints. The watcher: the lab has seen no call that could have changed anything."""
    before = len(platform.lab.calls())
    run = platform.run("site", *options)
    assert run.code != 0 and "Nothing has been changed." in run.output, run.output
    seen = platform.lab.calls()[before:]
    assert seen and [call for call in seen if call["mutating"]] == []
    return " ".join(run.output.split()).replace("''", "'")


class TestWhatAnInventoryCannotMeanIsRefusedBeforeAnyChange:
    def test_the_active_region_left_out_another_network_a_newer_version_and_a_foreign_secret(self, strange, tmp_path):
        changed = with_hosts(strange, tmp_path, {EUROPE: CIDRS[EUROPE], WEST: "10.9.0.0/16"})
        version = json.dumps({"global_database_engine_version": "8.4.mysql_aurora.8.4.7"})
        output = refusal_of(changed, "-e", version)
        for sentence in (
            "us-east-1 is not in the inventory, which has eu-west-1, us-east-2, but it is the active region",
            "vpc_cidr of us-east-2 is 10.9.0.0/16, but its VPC",
            "Set vpc_cidr of us-east-2 to 10.1.0.0/16",
            "Run upgrade.yml -e engine_version=8.4.mysql_aurora.8.4.7",
            "aws secretsmanager delete-secret --region eu-west-1 --secret-id trading-database-dev",
        ):
            assert sentence in output, output

    def test_a_standby_left_out_and_two_vpcs_of_one_name(self, strange, tmp_path):
        output = refusal_of(with_hosts(strange, tmp_path, {EAST: CIDRS[EAST], EUROPE: CIDRS[EUROPE]}))
        assert "us-east-2 is not in the inventory, which has us-east-1, eu-west-1, but it is a standby" in output
        assert "run retire_region.yml -e retire_region=us-east-2 -e confirm=us-east-2" in output
        assert "us-east-1 has 2 VPCs named trading-dev" in output
        # A new region may stand anywhere in the inventory; what it would get is said.
        assert "eu-west-1: database created. It has no cluster of trading-global-dev, and gets a secondary." in output
