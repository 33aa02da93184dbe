# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Moving the writer against a global database in memory: lost regions, lost answers, waiting, joining, giving up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import writer
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.writer import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.tests.unit.fake_global_database import FakeGlobalDatabase, arn
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error, no_answer

A, B, C = "us-east-1", "us-east-2", "eu-west-1"


@pytest.fixture
def database():
    return FakeGlobalDatabase()


def params(**said):
    return {
        "global_cluster_identifier": "trading-global",
        "writer_region": B,
        "method": "failover",
        "wait": True,
        "wait_timeout": 60,
        "poll_interval": 2.0,
        **said,
    }


def move(database, fake_time, check_mode=False, **said):
    return run(params(**said), database.clients, check_mode, **fake_time.passing)


def test_failover_moves_the_writer_and_reads_it_back(database, fake_time):
    fake_time.at(10, database.finish)
    result = move(database, fake_time)
    assert result["changed"] is True
    assert (result["before"]["writer_region"], result["after"]["writer_region"]) == (A, B)
    assert result["after"]["failover_state"] == {}
    assert result["phases"] == {"request_seconds": 0.0, "wait_seconds": 10.0}
    assert result["reason"].startswith("us-east-2 is the writer of trading-global, after 10 s. ")
    assert result["lag"]["value_ms"] == 40.0
    assert result["diff"] == {
        "before": {"writer_region": A, "is_member": True, "failover_state": {}},
        "after": {"writer_region": B, "is_member": True, "failover_state": {}},
    }


def test_failover_makes_no_call_to_the_lost_region(database, fake_time):
    database.lost = {A}
    fake_time.at(4, database.finish)
    assert move(database, fake_time)["changed"] is True
    assert {region for _service, region, _operation, _parameters in database.calls} == {B}


def test_switchover_is_asked_in_the_writers_region_and_read_in_the_targets(database, fake_time):
    fake_time.at(4, database.finish)
    assert move(database, fake_time, method="switchover")["after"]["writer_region"] == B
    assert database.made("switchover") == [(A, "switchover_global_cluster")]
    assert {region for region, _operation in database.made("describe", "get")} == {B}


def test_running_again_changes_nothing(database, fake_time):
    fake_time.at(4, database.finish)
    move(database, fake_time)
    database.calls.clear()
    again = move(database, fake_time, expected_writer_region=A)
    assert again["changed"] is False
    assert again["reason"] == "us-east-2 is the writer of trading-global."
    assert database.writes() == []
    assert again["plan"] == []


def test_check_mode_says_the_call_and_makes_none(database, fake_time):
    result = move(database, fake_time, check_mode=True)
    assert result["changed"] is True
    assert result["plan"][0]["operation"] == "FailoverGlobalCluster"
    assert result["after"]["writer_region"] == B
    assert database.writes() == []
    assert fake_time.slept == []


def test_check_mode_returns_the_same_keys(database, fake_time):
    foreseen = move(database, fake_time, check_mode=True)
    fake_time.at(2, database.finish)
    done = move(database, fake_time)
    assert foreseen.keys() == done.keys()
    assert foreseen["after"].keys() == done["after"].keys()


def test_refuses_before_any_change_and_gives_the_evidence(database, fake_time):
    database.lag_ms = None
    with pytest.raises(Refused, match="unknown") as refused:
        move(database, fake_time, max_sampled_lag_ms=5000)
    assert database.writes() == []
    assert refused.value.evidence["changed"] is False
    assert refused.value.evidence["lag"]["value_ms"] is None
    assert refused.value.evidence["before"]["writer_region"] == A
    assert refused.value.evidence["seconds"] >= 0


def test_lag_that_cannot_be_asked_for_is_unknown_not_zero(database, fake_time):
    database.fail("get_metric_data", aws_error("AccessDenied"))
    with pytest.raises(Refused, match="AccessDenied"):
        move(database, fake_time, max_sampled_lag_ms=5000)


def test_an_old_sample_is_refused(database, fake_time):
    database.lag_age = timedelta(minutes=20)
    with pytest.raises(Refused, match="max_lag_sample_age"):
        move(database, fake_time, max_sampled_lag_ms=5000)


def test_a_version_of_another_patch_level_is_refused(database, fake_time):
    database.versions[B] = "8.0.mysql_aurora.3.12.0"
    with pytest.raises(Refused, match="must be identical"):
        move(database, fake_time)


def test_a_region_without_a_member_is_refused(database, fake_time):
    with pytest.raises(Refused, match="eu-west-1 has no member"):
        move(database, fake_time, writer_region=C)


def test_no_global_cluster_is_refused(database, fake_time):
    with pytest.raises(Refused, match="no global cluster another"):
        move(database, fake_time, global_cluster_identifier="another")


def test_joins_what_is_in_flight_towards_the_same_target(database, fake_time):
    database.begin(arn(B))
    fake_time.at(6, database.finish)
    result = move(database, fake_time)
    assert database.writes() == []
    assert "Joined" in result["reason"]
    assert (result["changed"], result["after"]["writer_region"]) == (True, B)


def test_refuses_what_is_in_flight_towards_another_target(fake_time):
    database = FakeGlobalDatabase(regions=(A, B, C))
    database.begin(arn(C))
    with pytest.raises(Refused, match="to eu-west-1"):
        move(database, fake_time)
    assert database.writes() == []


def test_without_wait_returns_as_soon_as_the_request_is_accepted(database, fake_time):
    result = move(database, fake_time, wait=False)
    assert (result["changed"], fake_time.slept) == (True, [])
    assert result["after"]["failover_state"]["status"] == "failing-over"
    assert result["phases"]["wait_seconds"] == 0.0


def test_without_wait_the_answer_to_the_request_shows_the_operation_and_nothing_is_read_after_it(database, fake_time):
    result = move(database, fake_time, wait=False)
    operations = [operation for _service, _region, operation, _parameters in database.calls]
    assert operations[-1] == "failover_global_cluster"
    assert result["after"]["failover_state"]["to_region"] == B
    assert result["after"].keys() == result["before"].keys()


def test_without_wait_an_answer_that_does_not_show_the_operation_is_no_proof(database, fake_time):
    shown = database.described
    database.described = lambda: {**shown(), "FailoverState": {}}
    move(database, fake_time, wait=False)
    operations = [operation for _service, _region, operation, _parameters in database.calls]
    assert operations.index("failover_global_cluster") < len(operations) - 1


@pytest.mark.parametrize("method", ["failover", "switchover"])
def test_an_answer_without_a_global_cluster_is_none_and_the_move_is_looked_for(database, fake_time, method):
    asked = getattr(database, f"{method}_global_cluster")
    setattr(database, f"{method}_global_cluster", lambda region, **given: asked(region, **given) and {})
    result = move(database, fake_time, method=method, wait=False)
    assert (result["accepted"], result["after"]["failover_state"]["to_region"]) == (True, B)
    assert database.writes() == [f"{method}_global_cluster"]


def test_without_wait_a_second_run_asks_nothing_again(database, fake_time):
    move(database, fake_time, wait=False)
    again = move(database, fake_time, wait=False)
    assert database.writes() == ["failover_global_cluster"]
    assert again["changed"] is False


def test_a_lost_answer_is_read_back_and_not_asked_twice(database, fake_time):
    database.lose_answer("failover_global_cluster")
    fake_time.at(4, database.finish)
    result = move(database, fake_time)
    assert (result["changed"], result["after"]["writer_region"]) == (True, B)
    assert database.writes() == ["failover_global_cluster"]


@pytest.mark.parametrize("wait", [True, False])
def test_a_repetition_that_is_refused_is_our_own_move_although_it_is_shown_late(database, fake_time, wait):
    database.repeated.add("failover_global_cluster")
    database.stale["describe_global_clusters"] = 1
    fake_time.at(8, database.finish)
    result = move(database, fake_time, wait=wait)
    assert (result["changed"], "refused" in result["reason"]) == (True, False)
    assert database.writes() == ["failover_global_cluster"]


def test_a_lost_answer_stays_harmless_when_reading_back_fails_too(database, fake_time):
    database.lose_answer("failover_global_cluster")
    database.fail("describe_global_clusters", None, no_answer())
    fake_time.at(8, database.finish)
    assert move(database, fake_time)["after"]["writer_region"] == B
    assert database.writes() == ["failover_global_cluster"]


def test_a_request_that_aws_did_not_receive_is_made_again(database, fake_time):
    database.fail("failover_global_cluster", no_answer())
    fake_time.at(8, database.finish)
    assert move(database, fake_time)["changed"] is True
    assert database.writes() == ["failover_global_cluster"] * 2


def test_a_throttled_request_is_made_again(database, fake_time):
    database.fail("failover_global_cluster", aws_error("Throttling"))
    fake_time.at(8, database.finish)
    assert move(database, fake_time)["changed"] is True


def test_somebody_else_being_first_towards_the_same_target_is_success(database, fake_time):
    error = aws_error("InvalidGlobalClusterStateFault")
    error.after = True
    database.fail("failover_global_cluster", error)
    fake_time.at(4, database.finish)
    assert move(database, fake_time)["after"]["writer_region"] == B


def test_a_request_that_aws_refuses_is_reported_in_its_words(database, fake_time):
    database.fail("failover_global_cluster", aws_error("AccessDenied", message="not allowed to promote"))
    with pytest.raises(AwsCallError, match="not allowed to promote") as refused:
        move(database, fake_time)
    assert refused.value.evidence["changed"] is False
    assert refused.value.evidence["before"]["writer_region"] == A


def test_a_request_without_any_answer_says_that_running_again_is_safe(database, fake_time):
    database.fail("failover_global_cluster", *[no_answer() for _number in range(50)])
    with pytest.raises(MultiRegionError, match="Running again is safe"):
        move(database, fake_time)
    assert fake_time.now <= 30


def test_throttling_at_the_first_read_does_not_end_the_run(database, fake_time):
    database.fail("describe_global_clusters", aws_error("Throttling"))
    fake_time.at(8, database.finish)
    assert move(database, fake_time)["changed"] is True


def test_failures_of_single_reads_while_waiting_are_waited_through(database, fake_time):
    database.fail("describe_db_clusters", None, no_answer(), aws_error("Throttling"))
    fake_time.at(8, database.finish)
    assert move(database, fake_time)["after"]["writer_region"] == B


def test_status_available_alone_is_not_done(database, fake_time):
    with pytest.raises(MultiRegionError, match="not complete"):
        move(database, fake_time)
    assert database.whole["Status"] == "available"


def test_a_wait_that_takes_too_long_names_the_state_and_says_that_running_again_resumes(database, fake_time):
    with pytest.raises(MultiRegionError) as late:
        move(database, fake_time)
    for part in ("after 60 s", "failing-over", "to us-east-2", "not the writer", "to resume the wait, run"):
        assert part in str(late.value)
    assert late.value.evidence["changed"] is True
    assert late.value.evidence["after"]["failover_state"]["to_region"] == B
    assert late.value.evidence["phases"]["wait_seconds"] == 60.0
    fake_time.at(fake_time.now + 4, database.finish)
    assert move(database, fake_time)["after"]["writer_region"] == B
    assert database.writes() == ["failover_global_cluster"]


def test_the_cluster_and_its_instances_are_not_read_while_the_operation_moves_nothing_yet(database, fake_time):
    fake_time.at(40, database.finish)
    done = move(database, fake_time)
    assert (done["phases"]["wait_seconds"], done["after"]["writer_region"]) == (40.0, B)
    assert len(database.made("describe_global_clusters")) == 22
    # Before the request, and once the target is shown as the writer.
    assert len(database.made("describe_db_clusters")) == len(database.made("describe_db_instances")) == 2


def test_a_wait_that_ends_reports_the_cluster_as_it_is_then(database, fake_time):
    fake_time.at(30, lambda: database.clusters.update({B: "promoting"}))
    with pytest.raises(MultiRegionError, match="its cluster is promoting"):
        move(database, fake_time)


def test_the_writer_is_done_only_when_its_instance_is_available(database, fake_time):
    def promoted():
        database.finish()
        database.instances[B] = "rebooting"

    fake_time.at(4, promoted)
    fake_time.at(20, lambda: database.instances.update({B: "available"}))
    assert move(database, fake_time)["phases"]["wait_seconds"] == 20.0


def test_an_operation_that_aws_gave_up_is_an_error_that_says_so(database, fake_time):
    fake_time.at(10, database.give_up)
    with pytest.raises(MultiRegionError, match="AWS abandoned it") as gone:
        move(database, fake_time)
    assert fake_time.now == 40
    assert gone.value.evidence["changed"] is True


def test_a_moment_between_the_end_and_the_new_members_is_no_giving_up(database, fake_time):
    fake_time.at(10, database.give_up)
    fake_time.at(12, lambda: setattr(database, "writer", B))
    assert move(database, fake_time)["after"]["writer_region"] == B


def test_an_arn_given_for_the_target_has_to_be_its_member(database, fake_time):
    other = "arn:aws:rds:us-east-2:123456789012:cluster:other"
    with pytest.raises(Refused, match=f"with the ARN {other}"):
        move(database, fake_time, db_cluster_arns={B: other})
    assert move(database, fake_time, check_mode=True, db_cluster_arns={A: "x", B: arn(B)})["changed"] is True


DETACH = {"method": "detach", "accept_data_loss": True, "db_cluster_arns": {B: arn(B)}}
AUTO = {"method": "auto", "db_cluster_arns": {B: arn(B)}}
STATE = "InvalidDBClusterStateFault"


def test_detach_makes_the_target_a_cluster_of_its_own(database, fake_time):
    database.lost = {A}
    fake_time.at(6, lambda: database.finish_detach(B))
    result = move(database, fake_time, **DETACH)
    assert (result["changed"], result["method"]) == (True, "detach")
    assert [call["operation"] for call in result["plan"]] == ["RemoveFromGlobalCluster"]
    assert result["after"]["target"]["is_member"] is False
    assert result["after"]["target"]["endpoint"] == f"trading-{B}.cluster.example.com"
    assert (result["diff"]["before"]["is_member"], result["diff"]["after"]["is_member"]) == (True, False)
    assert {region for _service, region, _operation, _parameters in database.calls} == {B}
    database.calls.clear()
    again = move(database, fake_time, **DETACH)
    assert (again["changed"], again["method"], database.writes()) == (False, "detach", [])


def test_detach_is_refused_unless_loss_is_accepted(database, fake_time):
    with pytest.raises(Refused, match="accept_data_loss") as refused:
        move(database, fake_time, method="detach")
    assert (refused.value.evidence["changed"], database.writes()) == (False, [])


def test_detach_in_check_mode_foresees_it(database, fake_time):
    result = move(database, fake_time, check_mode=True, **DETACH)
    assert (result["changed"], database.writes()) == (True, [])
    assert result["plan"][0]["operation"] == "RemoveFromGlobalCluster"
    assert [one["region"] for one in result["after"]["members"]] == [A]
    fake_time.at(2, lambda: database.finish_detach(B))
    assert result.keys() == move(database, fake_time, **DETACH).keys()


def test_a_detach_in_flight_is_joined(database, fake_time):
    move(database, fake_time, **DETACH, wait=False)
    fake_time.at(6, lambda: database.finish_detach(B))
    joined = move(database, fake_time, **DETACH)
    assert (joined["changed"], joined["method"]) == (True, "detach")
    assert database.writes() == ["remove_from_global_cluster"]


def test_a_lost_answer_to_a_detach_is_read_back(database, fake_time):
    database.lose_answer("remove_from_global_cluster")
    fake_time.at(4, lambda: database.finish_detach(B))
    assert move(database, fake_time, **DETACH)["changed"] is True
    assert database.writes() == ["remove_from_global_cluster"]


def test_an_accepted_detach_is_waited_for_although_nothing_shows_it(database, fake_time):
    fake_time.at(10, lambda: database.clusters.update({B: "available"}))
    fake_time.at(50, lambda: database.finish_detach(B))
    assert move(database, fake_time, **DETACH)["phases"]["wait_seconds"] == 50.0


def test_a_detach_that_is_delisted_before_it_promotes_is_waited_for(database, fake_time):
    database.replicates = True
    fake_time.at(4, lambda: (database.detached.add(B), database.clusters.update({B: "available"})))
    fake_time.at(8, lambda: database.clusters.update({B: "promoting"}))
    fake_time.at(30, lambda: (database.finish_detach(B), setattr(database, "replicates", False)))
    assert move(database, fake_time, **DETACH)["phases"]["wait_seconds"] == 30.0


def test_an_operation_that_lingers_after_the_promotion_is_passed_over_with_a_warning(database, fake_time):
    fake_time.at(10, lambda: setattr(database, "writer", B))
    result = move(database, fake_time, wait_timeout=600)
    assert result["phases"]["wait_seconds"] == 70.0
    (warning,) = result["warnings"]
    assert "failing-over" in warning and "60 s after us-east-2 became the writer" in warning
    assert "1 writer instance(s) available" in warning


def test_a_lingering_operation_is_waited_for_while_no_instance_serves(database, fake_time):
    fake_time.at(10, lambda: (setattr(database, "writer", B), database.instances.update({B: "rebooting"})))
    with pytest.raises(MultiRegionError, match="not complete after 600 s"):
        move(database, fake_time, wait_timeout=600)


def test_a_refusal_for_a_state_that_passes_is_repeated_and_no_reason_to_detach(database, fake_time):
    accept, database.clusters[B] = database.failover_global_cluster, "backing-up"

    def failover_global_cluster(region, **parameters):
        if database.clusters[B] != "available":
            raise aws_error(STATE, message=f"cluster is {database.clusters[B]}")
        accept(region, **parameters)

    database.failover_global_cluster = failover_global_cluster
    fake_time.at(30, lambda: database.clusters.update({B: "available"}))
    fake_time.at(50, database.finish)
    result = move(database, fake_time, **AUTO, accept_data_loss=True, wait_timeout=600)
    assert (result["method"], result["after"]["writer_region"]) == ("failover", B)
    assert [one["operation"] for one in result["plan"]] == ["FailoverGlobalCluster"]


def test_a_detached_cluster_needs_no_global_cluster_any_more(database, fake_time):
    database.detached, database.whole = {B}, None
    assert move(database, fake_time, **DETACH)["reason"].startswith("trading-us-east-2 in us-east-2 is detached")


def differ(database):
    """Return what lets the versions differ just when the failover is asked for: after the check."""

    def failover_global_cluster(region, **_parameters):
        database.versions[B] = "8.0.mysql_aurora.3.10.4"
        raise aws_error(STATE, message="Engine versions differ")

    return failover_global_cluster


def test_auto_detaches_where_aws_refuses_and_says_why(database, fake_time):
    database.failover_global_cluster = differ(database)
    fake_time.at(6, lambda: database.finish_detach(B))
    result = move(database, fake_time, **AUTO, accept_data_loss=True)
    assert (result["changed"], result["method"]) == (True, "detach")
    assert [call["operation"] for call in result["plan"]] == ["FailoverGlobalCluster", "RemoveFromGlobalCluster"]
    assert database.writes() == ["failover_global_cluster", "remove_from_global_cluster"]
    for part in ("AWS refused the failover", "Engine versions differ", "accept_data_loss allows a detach"):
        assert part in result["reason"]


def test_auto_does_not_detach_unless_loss_is_accepted(database, fake_time):
    database.failover_global_cluster = differ(database)
    with pytest.raises(Refused, match="Engine versions differ.*set accept_data_loss to true") as refused:
        move(database, fake_time, **AUTO)
    assert database.writes() == ["failover_global_cluster"]
    evidence = refused.value.evidence
    assert (evidence["changed"], evidence["error_code"], evidence["method"]) == (False, STATE, "auto")


def test_auto_detaches_without_asking_where_versions_are_known_to_differ(database, fake_time):
    database.versions[B] = "8.0.mysql_aurora.3.10.4"
    fake_time.at(4, lambda: database.finish_detach(B))
    assert move(database, fake_time, **AUTO, accept_data_loss=True)["method"] == "detach"
    assert database.writes() == ["remove_from_global_cluster"]


def test_auto_is_a_failover_where_aws_agrees(database, fake_time):
    fake_time.at(4, database.finish)
    result = move(database, fake_time, **AUTO)
    assert (result["method"], result["after"]["writer_region"]) == ("failover", B)


def test_auto_does_not_detach_beside_an_operation_that_is_shown_late(database, fake_time):
    database.fail("failover_global_cluster", aws_error("InvalidGlobalClusterStateFault"))
    fake_time.at(3, lambda: database.begin(arn(B)))
    fake_time.at(12, database.finish)
    result = move(database, fake_time, **AUTO, accept_data_loss=True)
    assert (result["method"], result["after"]["writer_region"]) == ("failover", B)
    assert database.writes() == ["failover_global_cluster"]


@pytest.mark.parametrize("how", [{"method": "failover"}, {**AUTO, "accept_data_loss": True}, DETACH])
def test_a_race_lost_to_the_opposite_direction_names_the_other_operation(fake_time, how):
    database = FakeGlobalDatabase(regions=(A, B, C))

    def other_is_first(region, **_parameters):
        database.begin(arn(C))
        raise aws_error("InvalidGlobalClusterStateFault", message="is failing-over")

    database.failover_global_cluster = database.remove_from_global_cluster = other_is_first
    with pytest.raises(Refused, match="AWS refused .* failing-over from us-east-1 to eu-west-1 is in progress"):
        move(database, fake_time, **how)
    assert len(database.writes()) == 1


def test_a_refused_failover_names_the_other_methods(database, fake_time):
    database.fail("failover_global_cluster", aws_error(STATE, message="is modifying"))
    with pytest.raises(Refused, match="is modifying.*method auto or detach"):
        move(database, fake_time)


def test_a_refused_detach_is_the_end(database, fake_time):
    database.fail("failover_global_cluster", aws_error(STATE, message="no"))
    database.fail("remove_from_global_cluster", aws_error(STATE, message="neither"))
    with pytest.raises(Refused, match="AWS refused to detach .*neither. Nothing was changed"):
        move(database, fake_time, **AUTO, accept_data_loss=True)


class FakeLease:
    """A lease that counts, or is lost."""

    def __init__(self, fake_time, lost=False):
        self.held, self.lost, self.sleep = 0, lost, fake_time.sleep

    def hold(self):
        self.held += 1
        if self.lost:
            raise Refused("lease lost to somebody")


@pytest.fixture
def leased(monkeypatch, fake_time):
    """Return a function that makes the module act under a lease."""

    def give(lost=False):
        lease = FakeLease(fake_time, lost)
        monkeypatch.setattr(writer, "lease_of", lambda _params, _clients: lease)
        return lease

    return give


def test_the_lease_is_proved_before_the_request_and_renewed_in_the_wait(database, fake_time, leased):
    lease = leased()
    fake_time.at(4, database.finish)
    run(params(), database.clients, clock=fake_time.clock)
    assert (lease.held, sum(fake_time.slept)) == (1, 4)


def test_a_lost_lease_asks_for_nothing(database, fake_time, leased):
    leased(lost=True)
    with pytest.raises(Refused, match="lease lost") as refused:
        move(database, fake_time)
    assert (refused.value.evidence["changed"], database.writes()) == (False, [])


def test_check_mode_leaves_the_lease_alone(database, fake_time, leased):
    lease = leased(lost=True)
    assert move(database, fake_time, check_mode=True)["changed"] is True
    assert lease.held == 0


# --- an ambiguous refusal is unknown ---------------------------------------------------------------------------------

STALE_READS = ("describe_global_clusters", "describe_db_clusters", "describe_db_instances")


def hide(database, reads=10**6):
    """Let AWS show for so many reads what was before the request."""
    database.stale = dict.fromkeys(STALE_READS, reads)


@pytest.mark.parametrize("method", ["failover", "auto"])
def test_a_refusal_after_a_lost_answer_is_unknown_and_no_ground_for_another_method(database, fake_time, method):
    database.repeated.add("failover_global_cluster")
    hide(database)
    with pytest.raises(MultiRegionError, match="It is unknown whether AWS accepted the failover") as unknown:
        move(database, fake_time, method=method, accept_data_loss=True)
    assert not isinstance(unknown.value, Refused)
    assert "Nothing was changed" not in str(unknown.value)
    assert "Run the same command again" in str(unknown.value)
    assert database.made("remove") == []
    assert unknown.value.evidence["changed"] is True


def test_a_refusal_some_requests_after_a_lost_answer_is_unknown_too(database, fake_time):
    database.lose_answer("failover_global_cluster")
    database.fail("failover_global_cluster", aws_error("Throttling"))
    hide(database)
    with pytest.raises(MultiRegionError, match="It is unknown whether AWS accepted"):
        move(database, fake_time, method="auto", accept_data_loss=True)
    assert database.made("remove") == []


def test_an_accepted_move_that_is_shown_late_is_found_after_an_ambiguous_refusal(database, fake_time):
    database.repeated.add("failover_global_cluster")
    hide(database, reads=10)
    fake_time.at(40, database.finish)
    done = move(database, fake_time, method="auto", accept_data_loss=True)
    assert (done["changed"], done["method"], done["after"]["writer_region"]) == (True, "failover", B)
    assert database.made("remove") == []


# --- what was accepted is not judged again ---------------------------------------------------------------------------


def test_a_request_says_that_it_was_accepted_and_check_mode_that_it_was_not(database, fake_time):
    assert move(database, fake_time, check_mode=True, wait=False)["accepted"] is False
    assert move(database, fake_time, wait=False)["accepted"] is True
    assert move(database, fake_time, wait=False)["accepted"] is True


def test_an_accepted_move_is_waited_for_although_it_is_not_shown_and_could_not_begin(database, fake_time):
    move(database, fake_time, wait=False)
    hide(database, reads=3)
    database.lag_ms = None
    fake_time.at(20, database.finish)
    done = move(database, fake_time, request_accepted=True, max_sampled_lag_ms=5000)
    assert (done["changed"], done["after"]["writer_region"]) == (True, B)
    assert len(database.made("failover")) == 1


def test_the_wait_for_an_accepted_move_does_not_say_that_it_joined_it(database, fake_time):
    move(database, fake_time, wait=False)
    fake_time.at(20, database.finish)
    reason = move(database, fake_time, request_accepted=True)["reason"]
    assert reason.startswith("us-east-2 is the writer of trading-global, after 20 s. AWS had accepted an operation in ")
    assert "Joined" not in reason


def test_the_wait_for_an_accepted_detach_does_not_say_that_it_joined_it(database, fake_time):
    move(database, fake_time, **DETACH, wait=False)
    fake_time.at(20, lambda: database.finish_detach(B))
    reason = move(database, fake_time, **DETACH, request_accepted=True)["reason"]
    assert "AWS had accepted a detach" in reason and "Joined" not in reason


def test_an_accepted_move_is_not_requested_again_where_nothing_is_ever_shown(database, fake_time):
    with pytest.raises(MultiRegionError, match="not complete after 60 s"):
        move(database, fake_time, request_accepted=True)
    assert database.writes() == []
