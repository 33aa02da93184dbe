# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A member's synchronization: what is reported, what is waited for, and what is unknown."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import synchronization
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.synchronization import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error, no_answer

A, B, C = "us-east-1", "us-east-2", "eu-west-1"


class FakeMembers(FakeAws):
    """A global cluster whose members report the given statuses; None for no status."""

    def __init__(self):
        super().__init__()
        self.status = {B: "connected", A: "pending-resync"}

    def describe_global_clusters(self, region, GlobalClusterIdentifier):
        members = [
            {
                "DBClusterArn": f"arn:aws:rds:{one}:123456789012:cluster:trading",
                "IsWriter": one == B,
                **({"SynchronizationStatus": status} if status else {}),
            }
            for one, status in self.status.items()
        ]
        return {"GlobalClusters": [{"GlobalClusterIdentifier": "trading-global", "GlobalClusterMembers": members}]}


@pytest.fixture
def aws():
    return FakeMembers()


def tell(aws, fake_time, **said):
    params = {
        "region": B,
        "global_cluster_identifier": "trading-global",
        "member_region": A,
        "wait": False,
        "wait_timeout": 60,
        "poll_interval": 5.0,
        **said,
    }
    return run(params, aws.clients, **fake_time.passing)


def test_it_is_asked_where_one_says_and_reported_as_it_is(aws, fake_time):
    result = tell(aws, fake_time)
    assert (result["changed"], result["synchronization_status"], result["is_writer"]) == (
        False,
        "pending-resync",
        False,
    )
    assert result["reason"] == "us-east-1 is pending-resync in trading-global."
    assert [one["region"] for one in result["members"]] == [B, A]
    assert aws.made("describe") == [(B, "describe_global_clusters")]


def test_it_waits_until_connected(aws, fake_time):
    fake_time.at(20, lambda: aws.status.update({A: "connected"}))
    result = tell(aws, fake_time, wait=True)
    assert (result["synchronization_status"], fake_time.now) == ("connected", 20)
    assert result["reason"] == "us-east-1 is connected in trading-global, after 20 s."


def test_the_time_out_tells_the_state_and_what_to_do(aws, fake_time):
    with pytest.raises(MultiRegionError) as late:
        tell(aws, fake_time, wait=True)
    for part in ("not connected after 60 s (wait_timeout)", "pending-resync", "run the same playbook again"):
        assert part in str(late.value)
    assert late.value.evidence["synchronization_status"] == "pending-resync"


def test_the_time_out_without_an_answer_says_so(aws, fake_time):
    aws.lost = {B}
    with pytest.raises(MultiRegionError, match="nothing could be read") as late:
        tell(aws, fake_time, wait=True)
    assert late.value.evidence["synchronization_status"] == "unknown"


def test_the_writer_follows_no_region_so_there_is_nothing_to_wait_for(aws, fake_time):
    aws.status[B] = None
    result = tell(aws, fake_time, member_region=B, wait=True)
    assert (result["is_writer"], result["reason"]) == (True, "us-east-2 is the writer of trading-global.")


def test_a_status_that_is_not_said_is_unknown_and_waited_for(aws, fake_time):
    aws.status[A] = None
    assert tell(aws, fake_time)["synchronization_status"] == "unknown"
    fake_time.at(10, lambda: aws.status.update({A: "connected"}))
    assert tell(aws, fake_time, wait=True)["synchronization_status"] == "connected"


def test_what_could_not_be_read_is_unknown(aws, fake_time):
    aws.fail("describe_global_clusters", *[no_answer() for _number in range(50)])
    result = tell(aws, fake_time)
    assert (result["synchronization_status"], result["is_writer"]) == ("unknown", None)
    assert "ReadTimeoutError" in result["reason"]


def test_what_is_not_allowed_is_an_error(aws, fake_time):
    aws.fail("describe_global_clusters", aws_error("AccessDenied"))
    with pytest.raises(AwsCallError, match="AccessDenied"):
        tell(aws, fake_time)


@pytest.mark.parametrize("wait", [True, False])
def test_a_region_without_a_member_is_refused_and_not_waited_for(aws, fake_time, wait):
    with pytest.raises(Refused, match="eu-west-1; trading-global has no member there.*us-east-2, us-east-1.*failback"):
        tell(aws, fake_time, member_region=C, wait=wait)
    assert fake_time.now == 0


def test_no_such_global_cluster_is_refused(aws, fake_time):
    with pytest.raises(Refused, match="there is no global cluster"):
        tell(aws, fake_time, global_cluster_identifier="another")


def test_the_wait_renews_the_lease(aws, fake_time, monkeypatch):
    lease = type("Lease", (), {"sleep": staticmethod(fake_time.sleep)})
    monkeypatch.setattr(synchronization, "lease_of", lambda _params, _clients: lease)
    fake_time.at(5, lambda: aws.status.update({A: "connected"}))
    params = {"region": B, "global_cluster_identifier": "trading-global", "member_region": A}
    run({**params, "wait": True, "wait_timeout": 9, "poll_interval": 5.0}, aws.clients, clock=fake_time.clock)
    assert fake_time.slept == [5.0]
