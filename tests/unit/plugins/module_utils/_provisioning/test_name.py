# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Records of others follow the switch only if nothing else decides what they answer, and only if that is allowed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.name import Name, as_adopted, name_rows

EAST, WEST, DOMAIN = "us-east-1", "us-east-2", "orders.example.org"
NAME = Name(DOMAIN, True, (WEST, EAST), {EAST: "front-virginia.aws", WEST: "front-ohio.aws"}, EAST)
WAS = [EAST, WEST, "was=PRIMARY:check-1", "was=SECONDARY:"]


def record(role, place, check="", evaluate=False, **more):
    return {
        "Name": f"{DOMAIN}.",
        "Type": "A",
        "SetIdentifier": place,
        "Failover": role,
        "AliasTarget": {"HostedZoneId": "Z1", "DNSName": f"front-{place}.aws.", "EvaluateTargetHealth": evaluate},
        **({"HealthCheckId": check} if check else {}),
        **more,
    }


PAIR = [record("SECONDARY", "ohio", "check-2"), record("PRIMARY", "virginia", "check-1")]
SIMPLE = {"Name": f"{DOMAIN}.", "Type": "A", "AliasTarget": {"DNSName": "front-virginia.aws."}}
WEIGHTED = [{**SIMPLE, "SetIdentifier": place, "Weight": 1} for place in ("virginia", "ohio")]


def seen(records=PAIR, order=(), check_type="HTTP"):
    return Observation({"zone_id": "Z2", "records": list(records), "order": list(order), "check_type": check_type})


def only_row(name=NAME, **found):
    (row,) = name_rows(name, seen(**found))
    return row


def test_a_pair_is_adopted_with_the_order_of_its_roles_and_what_it_had():
    assert only_row().state == "ok"
    found = as_adopted(NAME, seen())
    assert (found["zone_id"], found["order"]) == ("Z2", [EAST, WEST])
    assert [(one["failover"], one["identifier"], one["health_check_id"]) for one in found["records"]] == [
        ("PRIMARY", "virginia", "check-1"),
        ("SECONDARY", "ohio", "check-2"),
    ]


def test_after_a_move_the_writer_is_elsewhere_and_the_records_stay_adopted():
    moved = replace(NAME, writer=WEST)
    assert only_row(moved, order=WAS).state == "ok" and as_adopted(moved, seen(order=WAS))


@pytest.mark.parametrize("may", [False, True])
def test_records_of_the_platform_itself_are_not_judged(may):
    ours = [record("PRIMARY", EAST), record("SECONDARY", WEST)]
    for found in ({"order": [EAST, WEST]}, {"records": ours, "check_type": "CALCULATED"}):
        assert list(name_rows(replace(NAME, may_repoint=may), seen(**found))) == []
        assert as_adopted(replace(NAME, may_repoint=may), seen(**found)) is None


def test_a_name_without_records_is_free_unless_some_were_to_be_repointed():
    assert list(name_rows(replace(NAME, may_repoint=False), seen(records=[]))) == []
    assert list(name_rows(replace(NAME, may_repoint=False), Observation(None))) == []
    assert only_row(records=[]).reason == f"traffic_repoint_records is true, and {DOMAIN} has no records."


@pytest.mark.parametrize(
    ("changes", "found", "words"),
    [
        ({"may_repoint": False}, {}, "A SECONDARY ohio, A PRIMARY virginia, and traffic_repoint_records is false."),
        ({"may_repoint": False}, {"order": WAS}, "and traffic_repoint_records is false."),
        ({}, {"records": [SIMPLE]}, "A simple; only a PRIMARY and a SECONDARY alias of type A can follow the switch."),
        ({}, {"records": WEIGHTED}, "A weight virginia, A weight ohio; only a PRIMARY and"),
        ({}, {"records": [*PAIR, record("PRIMARY", "virginia", Type="AAAA")]}, "AAAA PRIMARY virginia; only"),
        ({}, {"records": [PAIR[0], record("PRIMARY", "mars")]}, "to the load balancers of us-east-2 and us-east-1"),
        ({"regions": (EAST, WEST, "eu-west-1")}, {}, "to the load balancers of us-east-1 and us-east-2 and eu-west-1"),
        ({}, {"records": [PAIR[0], record("PRIMARY", "virginia", evaluate=True)]}, "the name would move without its"),
        ({"writer": WEST}, {}, "The PRIMARY is of us-east-1, and the writer is in us-east-2."),
        ({"writer": None}, {}, "the writer is in no known region."),
    ],
)
def test_what_could_not_follow_or_is_not_allowed_is_missing_with_its_remedy(changes, found, words):
    name = replace(NAME, **changes)
    row = only_row(name, **found)
    assert row.state == "missing" and words in row.reason and row.remedy
    assert as_adopted(name, seen(**found)) is None


def test_a_load_balancer_is_known_by_its_dual_stack_name_too():
    target = {"HostedZoneId": "Z1", "DNSName": "dualstack.front-virginia.aws.", "EvaluateTargetHealth": False}
    assert only_row(records=[PAIR[0], record("PRIMARY", "virginia", AliasTarget=target)]).state == "ok"


def test_records_that_could_not_be_read_are_missing():
    (row,) = name_rows(NAME, Observation(error="AccessDenied"))
    assert (row.state, row.reason) == ("missing", "Unknown: it could not be read: AccessDenied.")
