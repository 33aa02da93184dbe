# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Holding a lease while a step works: proved before the first write, renewed in waits, lost with the taker's name."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from ansible_collections.trading.multi_region.plugins.module_utils._control_table import lease as control_table_lease
from ansible_collections.trading.multi_region.plugins.module_utils._control_table import lease_holder
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import (
    Lease,
    NoLease,
    lease_of,
    read_lease,
    server_time,
    unpack_lease,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.lease_fakes import (
    EPOCH,
    TABLE,
    WEST,
    LeaseTable,
)


@pytest.fixture
def aws(fake_time):
    return LeaseTable(fake_time)


def take(aws, run_id="r1", owner="ann", **more):
    params = {"table_name": TABLE, "region": WEST, "state": "held", "run_id": run_id, "owner": owner}
    params.update(lease_seconds=60, resume_within=21600, **more)
    return lease_holder.run(params, aws.clients, monotonic=aws.time.clock)


@pytest.fixture
def lease(aws):
    handle = take(aws)["handle"]
    aws.calls.clear()
    return Lease({**handle, "step": "promote_wait"}, aws.clients("dynamodb", WEST), aws.time.clock, aws.time.sleep)


def stored(aws):
    return unpack_lease(aws.items[WEST], aws.now())


def test_holding_renews_by_the_tables_time_once_a_third_of_the_lease_is_over_and_names_the_step(aws, lease):
    aws.time.sleep(30)
    lease.hold()
    found = stored(aws)
    assert (found["renewed_at"], found["expires_at"], found["step"]) == (EPOCH + 30, EPOCH + 90, "promote_wait")


def test_holding_a_fresh_lease_is_one_conditional_write_that_leaves_its_end(aws, lease):
    aws.time.sleep(15)
    lease.hold()
    found = stored(aws)
    assert (found["renewed_at"], found["expires_at"], found["step"]) == (EPOCH, EPOCH + 60, "promote_wait")
    assert [operation for _s, _r, operation, _p in aws.calls] == ["update_item"]
    # Another run that has read it before loses its write.
    assert found["revision"] == 2


def test_each_hold_is_proven_by_a_write_and_none_reads_what_it_holds(aws, lease):
    for _step in range(3):
        lease.hold()
        aws.time.sleep(25)
    assert {operation for _s, _r, operation, _p in aws.calls} == {"update_item"}
    assert len(aws.calls) == 3


def test_a_hold_without_a_step_is_proven_in_the_same_way(aws):
    option = {**take(aws)["handle"], "step": None}
    aws.calls.clear()
    Lease(option, aws.clients("dynamodb", WEST), aws.time.clock, aws.time.sleep).hold()
    assert [operation for _s, _r, operation, _p in aws.calls] == ["update_item"]
    assert stored(aws)["step"] is None


def test_a_lease_taken_by_another_stops_the_step_with_the_takers_name(aws, lease):
    lease.hold()
    take(aws, "r2", "bob", takeover_run_id="r1")
    with pytest.raises(Refused, match=r"Run r1, attempt 1, .*lease lost to bob \(run r2, attempt 1|lease lost to bob"):
        lease.hold()


def test_the_next_attempt_of_the_same_run_is_another_holder(aws, lease):
    aws.time.sleep(61)
    take(aws, "r2", "bob")
    with pytest.raises(Refused, match="lease lost to bob .run r1, attempt 2"):
        lease.hold()


@pytest.mark.parametrize("is_held_before", [False, True])
def test_an_expired_lease_is_lost_although_no_run_took_it(aws, lease, is_held_before):
    if is_held_before:
        lease.hold()
    aws.time.sleep(200)
    with pytest.raises(Refused, match="it expired before it was renewed. Run the same command again"):
        lease.hold()


def test_a_renewal_that_arrives_late_does_not_set_the_expiry_back(aws, lease):
    aws.time.sleep(30)
    lease.hold()
    late = dict(aws.calls[-1][3])
    aws.time.sleep(30)
    lease.hold()
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        aws.update_item(WEST, **late)
    assert stored(aws)["expires_at"] == EPOCH + 120


def test_a_released_lease_is_not_held(aws, lease):
    params = {"table_name": TABLE, "region": WEST, "state": "released", "run_id": "r1", "attempt": 1}
    params.update(outcome="stopped", lease_seconds=60, resume_within=1)
    lease_holder.run(params, aws.clients, monotonic=aws.time.clock)
    with pytest.raises(Refused, match="it was released as stopped"):
        lease.hold()


def test_a_lease_that_is_not_there_is_not_held(aws, lease):
    aws.items.clear()
    with pytest.raises(Refused, match="there is no lease"):
        lease.hold()


def test_an_unreachable_table_is_tolerated_until_somebody_else_could_see_it_expired(aws, lease):
    lease.hold()
    aws.lost.add(WEST)
    aws.time.sleep(58.9)
    lease.hold()
    aws.time.sleep(0.2)
    with pytest.raises(MultiRegionError, match="could not be renewed, and another run may hold it now: GetItem"):
        lease.hold()


def test_a_first_proof_whose_answer_is_lost_is_read(aws, lease):
    aws.lose_answer("update_item")
    lease.hold()
    assert [operation for _s, _r, operation, _p in aws.calls] == ["update_item", "get_item"]
    assert stored(aws)["step"] == "promote_wait"


def test_a_first_proof_that_is_not_allowed_is_not_read(aws, lease):
    aws.fail("update_item", aws_error("AccessDeniedException"))
    with pytest.raises(MultiRegionError, match="AccessDenied"):
        lease.hold()
    assert aws.made("get_item") == []


def test_the_first_hold_must_be_answered(aws, lease):
    aws.lost.add(WEST)
    with pytest.raises(MultiRegionError, match="Run the same command again"):
        lease.hold()


def test_what_does_not_pass_is_not_tolerated(aws, lease):
    lease.hold()
    aws.fail("update_item", aws_error("AccessDeniedException"))
    with pytest.raises(MultiRegionError, match="AccessDenied"):
        lease.hold()


def test_a_wait_renews_each_third_of_the_lease(aws, lease):
    lease.hold()
    lease.sleep(5)
    assert len(aws.made("update_item")) == 1
    for _second in range(60):
        lease.sleep(1)
    assert len(aws.made("update_item")) == 4
    lease.sleep(65)
    assert len(aws.made("update_item")) == 7
    assert aws.time.now == pytest.approx(130)


def test_a_lease_lost_during_a_wait_ends_the_wait(aws, lease):
    lease.hold()
    aws.time.at(30, lambda: take(aws, "r2", "bob", takeover_run_id="r1"))
    with pytest.raises(Refused, match="lease lost to bob"):
        lease.sleep(300)
    assert aws.time.now < 60


def test_without_the_option_nothing_is_asked(aws):
    none = lease_of({"lease": None}, aws.clients)
    assert isinstance(none, NoLease)
    none.hold()
    none.sleep(0)
    assert aws.calls == []


def test_the_option_names_the_region(aws, lease):
    option = {"table_name": TABLE, "region": WEST, "run_id": "r1", "attempt": 1, "lease_seconds": 60, "step": None}
    lease_of({"lease": option}, aws.clients).hold()
    assert {region for _s, region, _o, _p in aws.calls} == {WEST}


def test_reading_tells_age_and_expiry(aws):
    take(aws)
    aws.time.sleep(20)
    found = read_lease(aws.clients("dynamodb", WEST), TABLE)
    assert (found["age_seconds"], found["expires_in_seconds"], found["is_live"]) == (20, 40, True)
    aws.time.sleep(41)
    found = read_lease(aws.clients("dynamodb", WEST), TABLE)
    assert (found["expires_in_seconds"], found["is_live"], found["is_unfinished"]) == (0, False, True)
    assert read_lease(aws.clients("dynamodb", "us-east-1"), TABLE) is None


def test_a_missing_table_is_an_error_with_its_code(aws):
    aws.has_table = False
    with pytest.raises(AwsCallError) as error:
        read_lease(aws.clients("dynamodb", WEST), TABLE)
    assert error.value.code == "ResourceNotFoundException"


def test_without_a_date_header_the_controllers_clock_is_used(monkeypatch):
    monkeypatch.setattr(control_table_lease.time, "time", lambda: 12.7)
    assert server_time({"ResponseMetadata": {"HTTPHeaders": {}}}) == 12
    assert server_time({}) == 12


class SlowTable(LeaseTable):
    """A table whose next answers to renewals arrive late. late: [(seconds, what happens meanwhile)]."""

    def __init__(self, time):
        super().__init__(time)
        self.late = []

    def update_item(self, region, **request):
        answer = super().update_item(region, **request)
        if self.late:
            seconds, meanwhile = self.late.pop(0)
            self.time.sleep(seconds)
            meanwhile()
        return answer


@pytest.fixture
def slow(fake_time):
    return SlowTable(fake_time)


def held(aws):
    handle = take(aws)["handle"]
    return Lease({**handle, "step": "traffic"}, aws.clients("dynamodb", WEST), aws.time.clock, aws.time.sleep)


def test_a_renewal_that_is_answered_after_the_expiry_proves_nothing(slow):
    lease = held(slow)
    slow.late = [(61, lambda: take(slow, "r2", "bob"))]
    with pytest.raises(Refused, match="lease lost to bob"):
        lease.hold()


def test_a_renewal_that_is_answered_after_the_expiry_is_lost_although_no_run_took_the_lease(slow):
    lease = held(slow)
    slow.late = [(61, lambda: None)]
    with pytest.raises(Refused, match="it expired before it was renewed"):
        lease.hold()


def test_a_table_that_always_responds_too_late_ends_the_step_with_a_sentence(slow):
    lease = held(slow)
    slow.late = [(59.5, lambda: None)] * 5
    with pytest.raises(MultiRegionError, match="took longer to respond than it lasts, 60 s"):
        lease.hold()


def test_a_change_is_permitted_without_another_renewal_while_the_proof_lasts_longer_than_it(aws, lease):
    lease.hold()
    aws.time.sleep(50)
    aws.calls.clear()
    assert lease.permit(5) == 5
    assert aws.calls == []


def test_a_change_is_permitted_after_a_renewal_where_the_proof_would_end_during_it(aws, lease):
    lease.hold()
    aws.time.sleep(55)
    aws.calls.clear()
    assert lease.permit(5) == 5
    assert aws.writes() == ["update_item"]
    assert lease._left() > 5


def test_a_change_takes_no_longer_than_the_lease_is_proven(aws, lease):
    lease.hold()
    assert 50 < lease.permit(600) < 60


def test_a_change_is_not_permitted_once_another_run_has_the_lease(aws, lease):
    lease.hold()
    aws.time.sleep(61)
    take(aws, "r2", "bob")
    with pytest.raises(Refused, match="lease lost to bob"):
        lease.permit(5)


def test_a_change_near_the_end_of_the_proof_has_only_the_rest_if_the_table_is_silent(aws, lease):
    lease.hold()
    aws.lost.add(WEST)
    aws.time.sleep(56)
    assert 2 < lease.permit(5) <= 3
    aws.time.sleep(4)
    with pytest.raises(MultiRegionError, match="another run may hold it now"):
        lease.permit(5)


def test_the_leases_own_requests_need_no_permit(aws, lease):
    class Asking(LeaseTable):
        def update_item(self, region, **request):
            asked.append(lease.permit(5))
            return aws.update_item(region, **request)

    asked = []
    lease._client = Asking(aws.time).clients("dynamodb", WEST)
    lease._client._aws.items = aws.items
    lease.hold()
    assert asked == [5]


def test_clients_of_a_step_under_a_lease_ask_it_before_each_change(aws, lease):
    assert aws.clients.gate.permit is None
    made = lease_of({"lease": lease._options}, aws.clients)
    assert aws.clients.gate.permit == made.permit


def test_an_empty_answer_renews_nothing(aws, lease):
    lease.hold()
    aws.update_item = lambda region, **_request: aws._answer()
    aws.time.sleep(59)
    with pytest.raises(MultiRegionError, match="another run may hold it now"):
        lease.hold()


def test_a_cancelled_step_gives_its_lease_back(aws, lease):
    lease.hold()
    lease.give_back()
    found = stored(aws)
    assert (found["outcome"], found["is_live"]) == ("stopped", False)
    assert take(aws, "r2", "bob")["resumed"] is True


def test_a_cancelled_step_leaves_a_lease_that_another_run_has(aws, lease):
    lease.hold()
    take(aws, "r2", "bob", takeover_run_id="r1")
    with pytest.raises(Refused, match="lease lost to bob"):
        lease.give_back()
    assert stored(aws)["is_live"] is True
