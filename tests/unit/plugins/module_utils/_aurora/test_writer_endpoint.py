# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where applications write: the global endpoint of a member, a detached cluster's own, and never a reader."""

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import writer_endpoint
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.writer_endpoint import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.tests.unit.fake_global_database import FakeGlobalDatabase
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error

B = "us-east-2"
NAME = "/trading/dev/writer-endpoint"
EVERYWHERE, OWN = "trading-global.global.example.com", f"trading-{B}.cluster.example.com"


class FakeParameters(FakeGlobalDatabase):
    """A global database, and SSM parameters by region and name."""

    def __init__(self):
        super().__init__()
        self.parameters = {}

    def get_parameter(self, region, Name):
        if (region, Name) not in self.parameters:
            raise aws_error("ParameterNotFound")
        return {"Parameter": {"Name": Name, "Type": "String", **self.parameters[region, Name]}}

    def put_parameter(self, region, Name, Value, Type, Overwrite):
        assert (Type, Overwrite) == ("String", True)
        self.parameters[region, Name] = {"Value": Value}


@pytest.fixture
def aws():
    return FakeParameters()


def keep(aws, fake_time, check_mode=False, **said):
    params = {
        "region": B,
        "parameter_name": NAME,
        "global_cluster_identifier": "trading-global",
        "db_cluster_identifier": f"trading-{B}",
        **said,
    }
    return run(params, aws.clients, check_mode, **fake_time.passing)


def test_a_members_applications_write_to_the_global_endpoint(aws, fake_time):
    result = keep(aws, fake_time)
    assert (result["changed"], result["before"], result["after"], result["is_member"]) == (True, None, EVERYWHERE, True)
    assert aws.parameters[B, NAME]["Value"] == EVERYWHERE
    again = keep(aws, fake_time)
    assert (again["changed"], again["before"], aws.writes()) == (False, EVERYWHERE, ["put_parameter"])
    assert "follows the writer" in again["reason"]


def test_a_detached_clusters_applications_write_to_its_own_endpoint(aws, fake_time):
    keep(aws, fake_time)
    aws.finish_detach(B)
    result = keep(aws, fake_time)
    assert (result["changed"], result["before"], result["after"], result["is_member"]) == (True, EVERYWHERE, OWN, False)
    assert result["diff"] == {"before": {"value": EVERYWHERE}, "after": {"value": OWN}}
    assert keep(aws, fake_time)["changed"] is False


def test_a_cluster_whose_global_cluster_is_gone_is_standalone(aws, fake_time):
    aws.finish_detach(B)
    aws.whole = None
    assert keep(aws, fake_time)["after"] == OWN


def test_nothing_is_asked_of_another_region(aws, fake_time):
    aws.lost = {"us-east-1"}
    keep(aws, fake_time)
    assert {region for _service, region, _operation, _parameters in aws.calls} == {B}


def test_check_mode_says_what_would_be_and_writes_nothing(aws, fake_time):
    result = keep(aws, fake_time, check_mode=True)
    assert (result["changed"], result["after"], aws.writes()) == (True, EVERYWHERE, [])
    assert "would be set" in result["reason"]


def test_check_mode_before_there_is_a_cluster_does_not_guess(aws, fake_time):
    result = keep(aws, fake_time, check_mode=True, db_cluster_identifier="to-come")
    assert (result["changed"], result["after"]) == (True, None)


def test_a_cluster_that_does_not_write_yet_is_refused(aws, fake_time):
    aws.detached = {B}
    aws.clusters[B] = "promoting"
    members = [{"DBInstanceIdentifier": "one", "IsClusterWriter": False}]
    found = {"DBClusterIdentifier": f"trading-{B}", "Status": "promoting", "Endpoint": OWN, "DBClusterMembers": members}
    aws.describe_db_clusters = lambda region, DBClusterIdentifier: {"DBClusters": [found]}
    with pytest.raises(Refused, match="promoting and has no writer instance"):
        keep(aws, fake_time)
    assert aws.writes() == []


def test_a_cluster_of_another_global_cluster_is_refused(aws, fake_time):
    found = {
        "DBClusterIdentifier": f"trading-{B}",
        "GlobalClusterIdentifier": "trading-global",
        "Endpoint": OWN,
        "DBClusterMembers": [],
    }
    aws.describe_db_clusters = lambda region, DBClusterIdentifier: {"DBClusters": [found]}
    with pytest.raises(Refused, match="is a member of trading-global instead"):
        keep(aws, fake_time, global_cluster_identifier="tradign-global")


def test_a_cluster_that_does_not_exist_is_refused(aws, fake_time):
    with pytest.raises(Refused, match="db_cluster_identifier is another; us-east-2 has no cluster"):
        keep(aws, fake_time, db_cluster_identifier="another")


def test_a_global_cluster_without_an_endpoint_is_refused(aws, fake_time):
    del aws.whole["Endpoint"]
    with pytest.raises(Refused, match="has no writer endpoint"):
        keep(aws, fake_time)


def test_a_parameter_of_another_type_is_refused(aws, fake_time):
    aws.parameters[B, NAME] = {"Value": "secret", "Type": "SecureString"}
    with pytest.raises(Refused, match="is a SecureString"):
        keep(aws, fake_time)


def test_a_membership_that_could_not_be_read_is_not_taken_for_none(aws, fake_time):
    aws.fail("describe_global_clusters", aws_error("AccessDenied"))
    with pytest.raises(AwsCallError):
        keep(aws, fake_time)
    assert aws.writes() == []


def test_a_lost_answer_and_throttling_do_not_end_the_run(aws, fake_time):
    aws.lose_answer("put_parameter")
    aws.fail("get_parameter", aws_error("ThrottlingException"))
    assert keep(aws, fake_time)["changed"] is True


def test_a_parameter_that_another_client_writes_too_is_reported(aws, fake_time):
    aws.parameters[B, NAME] = {"Value": "elsewhere"}
    aws.put_parameter = lambda region, **_parameters: None
    with pytest.raises(MultiRegionError, match="reads as elsewhere, not as trading-global"):
        keep(aws, fake_time)


@pytest.mark.parametrize(("check_mode", "held"), [(False, 1), (True, 0)])
def test_the_lease_is_proved_before_the_write_only(aws, monkeypatch, fake_time, check_mode, held):
    calls = []
    lease = type("Lease", (), {"hold": staticmethod(lambda: calls.append(aws.writes())), "sleep": fake_time.sleep})
    monkeypatch.setattr(writer_endpoint, "lease_of", lambda _params, _clients: lease)
    keep(aws, fake_time, check_mode=check_mode)
    keep(aws, fake_time, check_mode=check_mode)
    assert calls == [[]] * held


def test_a_repetition_that_is_refused_is_our_own_write_although_it_is_shown_late(aws, fake_time):
    keep(aws, fake_time)
    aws.finish_detach(B)
    real, made = aws.put_parameter, []

    def put(region, **parameters):
        if made:
            raise aws_error("TooManyUpdates", "PutParameter")
        made.append(real(region, **parameters))

    aws.put_parameter = put
    aws.repeated.add("put_parameter")
    aws.stale["get_parameter"] = 2
    assert (keep(aws, fake_time)["changed"], aws.parameters[B, NAME]["Value"]) == (True, OWN)


A, OTHERS = "us-east-1", {"us-east-1": NAME}


def test_the_applications_of_the_old_region_follow_a_detached_writer(aws, fake_time):
    aws.parameters[A, NAME] = {"Value": EVERYWHERE}
    aws.finish_detach(B)
    result = keep(aws, fake_time, other_parameters=OTHERS)
    assert {place: found["Value"] for place, found in aws.parameters.items()} == {(A, NAME): OWN, (B, NAME): OWN}
    assert (result["changed"], result["repointed"], result["not_repointed"]) == (True, [B, A], {})
    again = keep(aws, fake_time, other_parameters=OTHERS)
    assert (again["changed"], again["repointed"]) == (False, [B, A])
    assert f"in {A} it is right" in again["reason"]


def test_a_region_that_is_repointed_late_is_a_change_although_the_target_is_right(aws, fake_time):
    keep(aws, fake_time)
    planned = keep(aws, fake_time, check_mode=True, other_parameters=OTHERS)
    assert (planned["changed"], (A, NAME) in aws.parameters) == (True, False)
    assert f"in {A} it would be set" in planned["reason"]
    assert keep(aws, fake_time, other_parameters=OTHERS)["changed"] is True
    assert aws.parameters[A, NAME]["Value"] == EVERYWHERE


def test_a_silent_region_is_reported_and_does_not_fail_the_move(aws, fake_time):
    aws.lost = {A}
    result = keep(aws, fake_time, other_parameters=OTHERS)
    assert (result["changed"], result["repointed"], list(result["not_repointed"])) == (True, [B], [A])
    assert f"in {A} it was not repointed" in result["reason"]


def test_a_hanging_region_is_not_waited_for(aws, fake_time, monkeypatch):
    monkeypatch.setattr(writer_endpoint, "OTHERS_SECONDS", 0.1)
    hold, real = threading.Event(), aws.get_parameter

    def get(region, Name):
        if region == A:
            hold.wait(30)
        return real(region, Name=Name)

    aws.get_parameter = get
    began = time.monotonic()
    result = keep(aws, fake_time, other_parameters=OTHERS)
    hold.set()
    assert (result["repointed"], result["not_repointed"]) == ([B], {A: "no answer within 0.1 s"})
    assert time.monotonic() - began < 5


def test_another_regions_parameter_of_another_type_is_left_alone(aws, fake_time):
    aws.parameters[A, NAME] = {"Value": "secret", "Type": "SecureString"}
    assert "is a SecureString" in keep(aws, fake_time, other_parameters=OTHERS)["not_repointed"][A]
    assert aws.parameters[A, NAME]["Value"] == "secret"


def test_the_region_itself_is_no_other_region(aws, fake_time):
    with pytest.raises(MultiRegionError, match="other_parameters has us-east-2; allowed: regions other than"):
        keep(aws, fake_time, other_parameters={B: NAME})
    assert aws.calls == []
