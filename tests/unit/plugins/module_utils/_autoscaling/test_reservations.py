# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A group gets its Capacity Reservation setting once, and what AWS or botocore would refuse is refused before."""

from __future__ import annotations

import botocore
import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.reservations import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error

FIRST, RESERVATION = "capacity-reservations-first", "cr-0123456789abcdef0"


@pytest.fixture(autouse=True)
def new_botocore(monkeypatch):
    monkeypatch.setattr(botocore, "__version__", "1.35.66")


class FakeGroup(FakeAws):
    def __init__(self, **specification):
        super().__init__()
        self.group = {"CapacityReservationSpecification": specification} if specification else {}

    def describe_auto_scaling_groups(self, region, AutoScalingGroupNames):
        assert AutoScalingGroupNames == ["asg"]
        return {"AutoScalingGroups": [] if self.group is None else [dict(self.group)]}

    def update_auto_scaling_group(self, region, AutoScalingGroupName, **settings):
        assert set(settings) == {"CapacityReservationSpecification"}, "sizes and the rest are others' matter"
        self.group.update(settings)


def prefer(group, preference, *identifiers, check_mode=False):
    named = {"preference": preference, "capacity_reservation_ids": list(identifiers)}
    return run({"name": "asg", "region": "us-east-2", **named}, group.clients, check_mode)


def test_the_setting_is_written_once_and_taken_back_by_the_default():
    group = FakeGroup()
    assert not prefer(group, "default")["changed"] and group.writes() == []
    done = prefer(group, FIRST, RESERVATION)
    assert done["changed"] and done["after"] == {"preference": FIRST, "capacity_reservation_ids": [RESERVATION]}
    assert f"by default and uses them by {FIRST} of {RESERVATION}" in done["reason"]
    assert not prefer(group, FIRST, RESERVATION, RESERVATION)["changed"]
    assert prefer(group, FIRST)["changed"] and prefer(group, "default")["changed"]
    assert not prefer(group, "default")["changed"]


def test_check_mode_writes_nothing_also_before_the_group_is_there():
    group = FakeGroup()
    planned = prefer(group, FIRST, check_mode=True)
    assert planned["changed"] and planned["diff"]["before"]["preference"] == "default"
    group.group = None
    assert prefer(group, FIRST, check_mode=True)["changed"] and group.writes() == []


def test_a_lost_answer_counts_when_the_setting_is_there():
    group = FakeGroup()
    group.lose_answer("update_auto_scaling_group")
    assert prefer(group, FIRST)["changed"]


@pytest.mark.parametrize("preference", ["default", "none"])
def test_named_reservations_need_a_preference_for_them_before_any_call(preference):
    group = FakeGroup()
    with pytest.raises(Refused, match=f"preference is '{preference}' with capacity_reservation_ids {RESERVATION}"):
        prefer(group, preference, RESERVATION)
    assert group.calls == []


def test_an_older_botocore_is_refused_only_where_something_changes(monkeypatch):
    monkeypatch.setattr(botocore, "__version__", "1.35.65")
    group = FakeGroup()
    assert not prefer(group, "default")["changed"]
    with pytest.raises(Refused, match=r"botocore is 1\.35\.65, which does not know .*; 1\.35\.66 or later does"):
        prefer(group, FIRST)
    assert group.writes() == []


def test_a_group_that_is_not_there_is_refused_by_name_and_an_error_of_aws_is_passed_on():
    group = FakeGroup()
    group.fail("update_auto_scaling_group", aws_error("ValidationError"))
    with pytest.raises(AwsCallError, match="ValidationError"):
        prefer(group, FIRST)
    group.group = None
    with pytest.raises(Refused, match=r"no Auto Scaling group asg \(name\)"):
        prefer(group, FIRST)
