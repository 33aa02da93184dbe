# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option that can change on a platform in use, there and back, while the lab watches what its users need.

The traffic has moved before, so that the switch is an object that Route 53's checkers have to find at each moment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.aws import name_points_at, writer_region

CHANGES = yaml.safe_load(Path(__file__).with_name("option_changes.yml").read_text())
ACTIVE = "us-east-2"
# DynamoDB accepts a change of a table's time to live once in about an hour, Aurora one to I/O-Optimized in 30 days.
LATER_S = 2 * 3600


def facts(entry: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """What is there at a moment, each fact by itself; a number of healthy targets is that many facts."""
    for region in entry.get("writers", ()):
        yield ("writer", region)
    for name, region in entry.get("name", {}).items():
        yield ("name", name, str(region))
    for region, subnets in entry.get("routes", {}).items():
        for subnet, routes in subnets.items():
            yield from (("route", region, subnet, destination) for destination in routes)
    for region, groups in entry.get("ingress", {}).items():
        for group, rules in groups.items():
            yield from (("ingress", region, group, rule) for rule in rules)
    for region, groups in entry.get("healthy", {}).items():
        for group, count in groups.items():
            yield from (("healthy", region, group, str(number)) for number in range(1, count + 1))
    yield from (("check", name) for name, found in entry.get("checks", {}).items() if found)


def gaps(log: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    """The facts that are true first and last, but not at each moment between."""
    moments = [set(facts(entry)) for entry in log]
    return (moments[0] & moments[-1]) - set.intersection(*moments)


class Watcher:
    """The lab's own logs of a platform, which have an entry for each call that changes a fact."""

    def __init__(self, platform) -> None:
        self.platform = platform
        self.logs = (platform.lab.timeline, platform.lab.reachability)

    def run(self, *options: str):
        earlier = [len(log()) for log in self.logs]
        run = self.platform.run("site", *options).ends_well()
        for log, before in zip(self.logs, earlier, strict=True):
            assert gaps(log()[before - 1 :]) == set()
        assert (name_points_at(self.platform.lab), writer_region(self.platform.lab, ACTIVE)) == (ACTIVE, ACTIVE)
        return run


@pytest.fixture
def in_use(platform):
    """Two regions whose traffic and writer have moved to the second one."""
    platform.run("switchover", "-e", f"target_region={ACTIVE}").ends_well()
    return platform


@pytest.mark.nightly
def test_every_option_changes_there_and_back_on_a_platform_in_use_without_a_gap(in_use):
    watcher = Watcher(in_use)
    values = {name: value for layer in CHANGES.values() for name, value in layer["changed"].items()}
    given = ("-e", json.dumps(values))
    assert any(watcher.run(*given).changed.values())
    assert not any(watcher.run(*given).changed.values())
    in_use.lab.advance(LATER_S)
    assert any(watcher.run().changed.values())
    assert not any(watcher.run().changed.values())


def test_the_watcher_sees_a_check_that_fails_and_a_rule_that_is_away_for_a_moment(platform):
    lab = platform.lab
    ec2, before = lab.client("ec2", ACTIVE), len(lab.reachability())
    names = [{"Name": "group-name", "Values": ["trading-dev-load-balancer"]}]
    (group,) = ec2.describe_security_groups(Filters=names)["SecurityGroups"]
    for rule in group["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
    found = gaps(lab.reachability()[before - 1 :])
    assert {fact[0] for fact in found} == {"check", "ingress"}, found
