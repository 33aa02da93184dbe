# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Taking, renewing and releasing a lease: who gets it, why others do not, and that lost answers decide nothing."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._control_table import lease_holder
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import unpack_lease
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error, no_answer
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.lease_fakes import (
    EPOCH,
    TABLE,
    WEST,
    LeaseTable,
)


@pytest.fixture
def aws(fake_time):
    return LeaseTable(fake_time)


def lease(aws, check_mode=False, **more):
    params = {
        "table_name": TABLE,
        "region": WEST,
        "state": "held",
        "run_id": "r1",
        "attempt": None,
        "owner": "ann",
        "method": "failover",
        "trigger": "by hand",
        "lease_seconds": 60,
        "resume_within": 21600,
        "takeover_run_id": None,
        "outcome": None,
    }
    return lease_holder.run({**params, **more}, aws.clients, check_mode, aws.time.clock)


def release(aws, outcome="successful", run_id="r1", attempt=1, check_mode=False):
    return lease(aws, check_mode, state="released", run_id=run_id, attempt=attempt, outcome=outcome)


def by_bob(aws, **more):
    return lease(aws, **{"run_id": "r2", "owner": "bob", **more})


def test_a_free_lease_is_taken_by_a_new_run_in_the_tables_time(aws):
    done = lease(aws)
    held = done["lease"]
    assert (done["changed"], done["resumed"], done["previous"]) == (True, False, None)
    assert (held["run_id"], held["attempt"], held["owner"], held["outcome"]) == ("r1", 1, "ann", "running")
    assert held["started_at"] == held["acquired_at"] == held["renewed_at"] == EPOCH
    assert held["expires_at"] == EPOCH + 60
    assert held["target_region"] == WEST
    assert done["reason"] == "The lease of us-east-2 was acquired for 60 s: run r1, attempt 1."


def test_a_resumed_run_keeps_the_start_of_the_command_of_its_first_attempt(aws):
    assert lease(aws, started_at=EPOCH - 7.5)["lease"]["started_at"] == EPOCH - 7.5
    release(aws, "failed")
    aws.time.sleep(30)
    resumed = by_bob(aws, started_at=EPOCH + 29)
    assert (resumed["resumed"], resumed["lease"]["started_at"]) == (True, EPOCH - 7.5)


def test_a_controllers_clock_that_is_ahead_starts_no_run_in_the_future(aws):
    assert lease(aws, started_at=EPOCH + 600)["lease"]["started_at"] == EPOCH


def test_the_handle_is_the_option_of_the_step_modules(aws):
    expected = {"table_name": TABLE, "region": WEST, "run_id": "r1", "attempt": 1, "lease_seconds": 60}
    assert lease(aws)["handle"] == expected
    assert release(aws)["handle"] is None


def test_a_live_lease_is_refused_with_owner_age_expiry_and_remedy(aws):
    lease(aws)
    aws.time.sleep(12)
    with pytest.raises(Refused) as refused:
        by_bob(aws)
    assert str(refused.value) == (
        "The lease of us-east-2 is held by ann: run r1, attempt 1, method failover, step not begun, renewed 12 s ago; "
        "it expires in 48 s unless it is renewed. Wait for that run to end or for its lease to expire. If it is known "
        "to be dead: takeover_run_id=r1."
    )
    assert refused.value.evidence["held_by"]["age_seconds"] == 12
    assert aws.writes() == ["put_item"]


def test_the_same_run_may_ask_again_and_changes_nothing(aws):
    lease(aws)
    done = lease(aws)
    assert (done["changed"], done["lease"]["attempt"], done["lease"]["revision"]) == (False, 1, 1)
    assert done["reason"] == "This run already holds the lease of us-east-2 (run r1, attempt 1), for 60 s more."


@pytest.mark.parametrize("ended", ["expired", "failed", "stopped"])
def test_an_unfinished_run_of_the_same_method_is_resumed(aws, ended):
    lease(aws)
    if ended != "expired":
        release(aws, ended)
    aws.time.sleep(61)
    done = by_bob(aws)
    held = done["lease"]
    assert done["resumed"]
    assert (held["run_id"], held["attempt"], held["owner"], held["started_at"]) == ("r1", 2, "bob", EPOCH)
    assert held["acquired_at"] == EPOCH + 61
    assert (done["previous"]["ended"], done["previous"]["owner"], done["previous"]["attempt"]) == (ended, "ann", 1)
    words = "was acquired again for 60 s: run r1, attempt 2. It replaced the lease of ann (run r1, attempt 1,"
    assert words in done["reason"]


def test_attempts_that_wrote_nothing_are_all_remembered(aws):
    for number in (1, 2, 3):
        done = lease(aws, run_id=f"r{number}", owner=f"owner {number}")
        aws.time.sleep(61)
    assert (done["lease"]["run_id"], done["lease"]["attempt"]) == ("r1", 3)
    assert (done["previous"]["attempt"], [one["attempt"] for one in done["previous"]["earlier"]]) == (2, [1])


@pytest.mark.parametrize("method", ["detach", "switchover", "auto"])
def test_a_move_that_is_run_again_with_another_method_is_the_next_attempt_of_the_same_run(aws, method):
    lease(aws, started_at=EPOCH - 7.5)
    aws.time.sleep(61)
    done = by_bob(aws, method=method)
    held = done["lease"]
    assert (held["run_id"], held["attempt"], held["method"], done["resumed"]) == ("r1", 2, method, True)
    assert held["started_at"] == EPOCH - 7.5
    assert (done["previous"]["method"], done["previous"]["ended"]) == ("failover", "expired")


@pytest.mark.parametrize(("before", "after"), [("upgrade", "failover"), ("failover", "upgrade")])
@pytest.mark.parametrize("other", ["upgrade", "retire_region"])
def test_a_move_does_not_continue_other_work_nor_the_other_way_round(aws, before, after, other):
    before, after = (other if name == "upgrade" else name for name in (before, after))
    lease(aws, method=before)
    aws.time.sleep(61)
    done = by_bob(aws, method=after)
    assert (done["lease"]["run_id"], done["lease"]["attempt"], done["resumed"]) == ("r2", 1, False)
    assert (done["previous"]["run_id"], done["previous"]["ended"]) == ("r1", "expired")
    assert "was taken over" in done["reason"]


@pytest.mark.parametrize("make_old", ["age", "success"])
def test_a_finished_or_old_run_is_not_resumed(aws, make_old):
    lease(aws)
    if make_old == "success":
        release(aws)
    aws.time.sleep(21_700)
    done = by_bob(aws)
    assert (done["lease"]["run_id"], done["lease"]["attempt"]) == ("r2", 1)
    assert (done["previous"] is None) == (make_old == "success")


def test_a_lease_is_not_free_before_its_last_second_has_passed(aws):
    lease(aws)
    aws.time.sleep(59.99)
    with pytest.raises(Refused):
        by_bob(aws)


def test_break_glass_takes_exactly_the_named_run(aws):
    lease(aws)
    with pytest.raises(Refused, match="takeover_run_id is r0; allowed: the id of the run that holds the lease."):
        by_bob(aws, takeover_run_id="r0")
    done = by_bob(aws, takeover_run_id="r1")
    assert (done["lease"]["run_id"], done["lease"]["attempt"], done["previous"]["ended"]) == ("r1", 2, "taken over")
    with pytest.raises(Refused, match="lease lost to bob"):
        lease(aws, attempt=1)


def test_renewing_needs_the_lease_and_is_no_change(aws):
    lease(aws)
    aws.time.sleep(30)
    done = lease(aws, attempt=1)
    assert (done["changed"], done["lease"]["expires_at"]) == (False, EPOCH + 90)
    with pytest.raises(Refused, match="Run r1, attempt 2, no longer holds the lease of us-east-2"):
        lease(aws, attempt=2)


def test_release_keeps_the_item_with_its_outcome_and_is_done_once(aws):
    lease(aws)
    done = release(aws)
    assert (done["changed"], done["lease"]["outcome"], done["lease"]["run_id"]) == (True, "successful", "r1")
    again = release(aws, "failed")
    assert (again["changed"], again["lease"]["outcome"]) == (False, "successful")


def test_releasing_what_another_took_leaves_it_alone(aws):
    lease(aws)
    aws.time.sleep(61)
    by_bob(aws)
    done = release(aws, "failed")
    assert not done["changed"]
    assert done["reason"].startswith("Nothing to release.") and "lease lost to bob" in done["reason"]
    assert done["lease"]["outcome"] == "running"


def test_releasing_a_missing_lease_is_no_error(aws):
    assert not release(aws)["changed"]


def test_check_mode_says_what_would_happen_and_writes_nothing(aws):
    assert lease(aws, check_mode=True)["reason"].startswith("The lease of us-east-2 would be acquired for 60 s")
    lease(aws)
    aws.calls.clear()
    with pytest.raises(Refused):
        by_bob(aws, check_mode=True)
    assert release(aws, check_mode=True)["changed"]
    assert not lease(aws, check_mode=True, attempt=1)["changed"]
    aws.time.sleep(61)
    assert by_bob(aws, check_mode=True)["lease"]["attempt"] == 2
    assert aws.writes() == []


def test_a_missing_table_names_its_remedy(aws):
    aws.has_table = False
    with pytest.raises(MultiRegionError, match=r"there is no such table in us-east-2.* site\.yml creates it\."):
        lease(aws)


def test_a_lost_answer_is_read_back(aws):
    aws.lose_answer("put_item")
    assert lease(aws)["changed"]
    aws.lose_answer("update_item")
    assert release(aws)["lease"]["outcome"] == "successful"


def test_a_request_that_never_arrived_is_made_again(aws):
    aws.fail("put_item", no_answer())
    done = lease(aws)
    assert (done["changed"], done["lease"]["revision"]) == (True, 1)


def test_a_try_of_botocores_own_that_finds_the_first_one_done_is_no_loss(aws):
    """botocore repeats a write whose answer was lost; the repetition then fails its condition."""

    def put_twice(region, **request):
        LeaseTable.put_item(aws, region, **request)
        return LeaseTable.put_item(aws, region, **request)

    aws.put_item = put_twice
    assert lease(aws)["lease"]["claim"] == "r1"


def test_a_release_that_did_not_arrive_is_an_error(aws):
    lease(aws)
    aws.fail("update_item", no_answer())
    with pytest.raises(AwsCallError):
        release(aws)


def test_a_release_that_was_answered_is_done_although_the_table_is_silent_from_then_on(aws):
    lease(aws)
    real = aws.update_item

    def last_answer(region, **request):
        aws.fail("get_item", no_answer(), no_answer())
        return real(region, **request)

    aws.update_item = last_answer
    done = release(aws)
    assert (done["changed"], done["lease"]["outcome"]) == (True, "successful")


def test_a_refusal_of_aws_is_an_error_immediately(aws):
    aws.fail("put_item", aws_error("AccessDeniedException"))
    with pytest.raises(AwsCallError, match="AccessDenied"):
        lease(aws)
    assert len(aws.made("put_item")) == 1


def test_of_two_that_see_the_same_expired_lease_one_wins(aws):
    """The second one's write is decided between the first one's read and write."""
    lease(aws)
    aws.time.sleep(61)
    plain_put, seen = LeaseTable.put_item, []

    def put_after_another(region, **request):
        if not seen:
            seen.append("cat")
            assert lease(aws, run_id="r3", owner="cat")["changed"]
        return plain_put(aws, region, **request)

    aws.put_item = put_after_another
    with pytest.raises(Refused, match="held by cat"):
        by_bob(aws)


def test_a_lease_that_keeps_changing_hands_is_given_up(aws):
    """Another run writes, and ends, between each read and write."""
    plain_put = LeaseTable.put_item

    def put_after_another(region, **request):
        item = aws.items.setdefault(region, {"revision": {"N": "0"}, "outcome": {"S": "successful"}})
        item["revision"] = {"N": str(int(item["revision"]["N"]) + 1)}
        return plain_put(aws, region, **request)

    aws.put_item = put_after_another
    with pytest.raises(Refused, match="changed hands 4 times"):
        lease(aws)


def test_a_release_that_botocore_repeats_is_one_release(aws):
    lease(aws)
    aws.repeated.add("update_item")
    done = release(aws)
    assert (done["changed"], done["lease"]["outcome"]) == (True, "successful")


def test_a_lease_that_another_takes_while_it_is_released_is_not_reported_as_released(aws):
    lease(aws)
    real = aws.update_item

    def too_late(region, **request):
        aws.time.sleep(61)
        by_bob(aws)
        return real(region, **request)

    aws.update_item = too_late
    done = release(aws)
    assert not done["changed"]
    assert done["reason"].startswith("Nothing to release.") and "lease lost to bob" in done["reason"]


def test_a_lease_that_was_taken_without_its_run_knowing_is_given_back(aws):
    aws.lose_answer("put_item")
    aws.fail("get_item", None, no_answer())
    with pytest.raises(MultiRegionError, match="The lease of us-east-2 was released again"):
        lease(aws)
    assert unpack_lease(aws.items[WEST], aws.now())["is_live"] is False
    assert by_bob(aws)["changed"] is True


def test_the_answer_to_the_write_proves_the_lease_and_nothing_is_read_after_it(aws):
    assert lease(aws)["changed"]
    assert [operation for _s, _r, operation, _p in aws.calls] == ["get_item", "put_item"]


def test_an_empty_answer_to_the_write_proves_nothing_and_the_lease_is_read(aws):
    put = aws.put_item
    aws.put_item = lambda region, **request: put(region, **request) and aws._answer()
    assert lease(aws)["lease"]["run_id"] == "r1"
    assert [operation for _s, _r, operation, _p in aws.calls] == ["get_item", "put_item", "get_item"]


def test_a_lease_that_cannot_be_given_back_is_named_with_the_way_on(aws):
    aws.lose_answer("put_item")
    aws.fail("get_item", None, no_answer())
    aws.fail("update_item", no_answer())
    with pytest.raises(MultiRegionError, match="can start in 60 s, or immediately with takeover_run_id=r1") as failed:
        lease(aws)
    assert (failed.value.evidence["takeover_run_id"], failed.value.evidence["expires_in_seconds"]) == ("r1", 60)


def test_a_lease_that_another_run_got_meanwhile_is_left_to_it(aws):
    aws.fail("put_item", no_answer())
    aws.fail("get_item", None, no_answer())
    with pytest.raises(MultiRegionError, match="is not held by this run"):
        by_bob_while_ann_asks(aws)
    assert unpack_lease(aws.items[WEST], aws.now())["owner"] == "bob"


def by_bob_while_ann_asks(aws):
    """Ann's request is lost on its way, and bob's arrives before she can read."""
    update = aws.update_item

    def bob_first(region, **request):
        aws.update_item = update
        by_bob(aws)
        return update(region, **request)

    aws.update_item = bob_first
    return lease(aws)


def test_a_request_that_was_refused_leaves_nothing_to_give_back(aws):
    aws.fail("put_item", aws_error("AccessDenied"))
    with pytest.raises(MultiRegionError, match="AccessDenied") as failed:
        lease(aws)
    assert "takeover_run_id" not in failed.value.evidence
    assert aws.writes() == ["put_item"]
