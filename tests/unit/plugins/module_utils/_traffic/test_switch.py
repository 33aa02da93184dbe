# SPDX-License-Identifier: GPL-3.0-or-later
"""What the traffic module promises, against S3 in memory: regions that are gone, slow, or lose an answer."""

from __future__ import annotations

import io
import threading
import time
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import Clients
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import switch as traffic

A, B, C = "us-east-1", "us-east-2", "eu-west-1"
B_OVER_A = "[us-east-2 claims over us-east-1]"
A_TO_B = "[us-east-1 yields to us-east-2]"


class FakeS3:
    """One region's bucket. ``refuses`` contains the calls that fail, ``loses_answer`` those whose answer is lost."""

    def __init__(self, region, log):
        self.meta = SimpleNamespace(region_name=region)
        self.region, self.log, self.text = region, log, None
        self.refuses, self.loses_answer, self.hangs = set(), set(), None

    def _called(self, call):
        if self.hangs:
            self.hangs.wait(10)
        if call in self.refuses:
            raise ConnectTimeoutError(endpoint_url=f"https://s3.{self.region}.amazonaws.com")
        if call != "get":
            self.log.append((call, self.region))

    def get_object(self, Bucket, Key):
        self._called("get")
        assert (Bucket, Key) == (f"control-{self.region}", "active-region")
        if self.text is None:
            raise ClientError(
                {"Error": {"Code": "NoSuchKey"}, "ResponseMetadata": {"HTTPStatusCode": 404}}, "GetObject"
            )
        return {"Body": io.BytesIO(self.text.encode())}

    def put_object(self, Bucket, Key, Body, **kwargs):
        self._called("put")
        assert kwargs["ContentType"] == "text/plain"
        self.text = Body.decode()
        if "put" in self.loses_answer:
            raise ReadTimeoutError(endpoint_url="https://s3")

    def delete_object(self, Bucket, Key):
        self._called("delete")
        self.text = None


@pytest.fixture
def s3():
    log = []
    return SimpleNamespace(log=log, **{name: FakeS3(region, log) for name, region in (("a", A), ("b", B), ("c", C))})


def run(s3, regions=(A, B), check_mode=False, **options):
    by_region = {A: s3.a, B: s3.b, C: s3.c}
    params = {
        "backend": "s3_object",
        "object_key": "active-region",
        "regions": [{"region": region, "bucket": f"control-{region}"} for region in regions],
        "deadline": 2.0,
        **options,
    }
    return traffic.run(params, Clients(lambda service, region: by_region[region]), check_mode)


def lose(region):
    region.refuses = {"get", "put", "delete"}


def test_moves_the_traffic_while_the_old_region_is_gone(s3):
    lose(s3.a)
    result = run(s3, active_region=B)
    assert (result["changed"], result["before"], result["after"]) == (True, A, B)
    assert (result["told"], result["not_told"]) == ([], [A])
    assert s3.log == [("put", B)]
    assert s3.b.text == f"{B_OVER_A}\n"
    assert "was moved from us-east-1 to us-east-2; us-east-1 could not be updated" in result["reason"]


def test_the_second_run_changes_nothing(s3):
    lose(s3.a)
    run(s3, active_region=B)
    s3.log.clear()
    result = run(s3, active_region=B)
    assert (result["changed"], s3.log) == (False, [])
    assert result["may_take_back"] == [A]


def test_writes_the_new_active_region_first_and_tells_the_others_afterwards(s3):
    result = run(s3, (A, B, C), active_region=B)
    assert s3.log == [("put", B), ("put", A)]
    assert result["told"] == [A, C]
    assert s3.a.text == f"{A_TO_B}\n"


def test_going_back_leaves_every_object_absent(s3):
    run(s3, active_region=B)
    result = run(s3, active_region=A)
    assert (s3.a.text, s3.b.text) == (None, None)
    assert result["statements"] == {A: [], B: []}
    # A outranked B until B had been updated.
    assert s3.log[2:] == [("put", A), ("delete", B), ("delete", A)]


def test_without_active_region_only_tells_and_never_moves(s3):
    lose(s3.a)
    run(s3, active_region=B)
    s3.a.refuses = set()
    result = run(s3)
    assert (result["changed"], result["before"], result["after"], result["told"]) == (True, B, B, [A])
    assert s3.a.text == f"{A_TO_B}\n"
    assert run(s3)["changed"] is False


def test_without_active_region_nothing_is_updated_while_the_active_region_cannot_be_read(s3):
    s3.b.text = "[us-east-2 claims over nobody]\n"
    lose(s3.a)
    result = run(s3)
    assert (result["changed"], s3.log, result["not_told"]) == (False, [], [B])
    assert "cannot be read" in result["errors"][B]


def test_check_mode_says_what_a_run_would_do_and_writes_nothing(s3):
    would = run(s3, (A, B, C), check_mode=True, active_region=C)
    assert s3.log == []
    did = run(s3, (A, B, C), active_region=C)
    for key in ("changed", "before", "after", "told", "not_told", "statements", "diff"):
        assert would[key] == did[key]
    assert "would be moved" in would["reason"]


def test_a_write_whose_answer_was_lost_counts_when_it_is_there(s3):
    s3.b.loses_answer = {"put"}
    assert run(s3, active_region=B)["after"] == B


def test_fails_when_the_new_active_region_cannot_be_written(s3):
    s3.b.refuses = {"put"}
    with pytest.raises(MultiRegionError, match="does not contain what was written"):
        run(s3, active_region=B)


def test_fails_without_writing_when_the_new_active_region_cannot_be_read(s3):
    lose(s3.b)
    with pytest.raises(MultiRegionError, match="The traffic was not moved: the control object of us-east-2"):
        run(s3, active_region=B)
    assert s3.log == []


def test_a_region_that_cannot_be_updated_does_not_fail_the_move(s3):
    s3.a.refuses = {"put"}
    result = run(s3, (A, B, C), active_region=B)
    assert (result["after"], result["not_told"], result["told"]) == (B, [A], [C])


def test_a_later_region_that_cannot_be_updated_is_outranked(s3):
    run(s3, active_region=B)
    lose(s3.b)
    result = run(s3, active_region=A)
    assert result["after"] == A
    assert s3.a.text == "[us-east-1 outranks us-east-2]\n"


def test_a_hanging_region_holds_the_move_up_for_the_grace_only(s3, monkeypatch):
    monkeypatch.setattr(traffic, "GRACE_SECONDS", 0.1)
    s3.a.hangs = threading.Event()
    started = time.monotonic()
    written = []
    s3.b.put_object = lambda put=s3.b.put_object, **kwargs: (written.append(time.monotonic() - started), put(**kwargs))
    result = run(s3, active_region=B, deadline=0.6)
    took = time.monotonic() - started
    s3.a.hangs.set()
    assert result["after"] == B and result["not_told"] == [A]
    assert written[0] < 0.5 and took < 2.0


def test_a_region_that_did_not_respond_before_is_outranked_without_a_wait(s3):
    s3.a.hangs = threading.Event()
    result = run(s3, (A, B, C), active_region=B, deadline=30, silent_regions=[A])
    s3.a.hangs.set()
    assert (result["after"], result["not_told"], result["told"]) == (B, [A], [C])
    assert "none before in this run" in result["errors"][A]


def test_a_region_slower_than_the_grace_is_updated_nevertheless(s3, monkeypatch):
    monkeypatch.setattr(traffic, "GRACE_SECONDS", 0.05)
    slow = threading.Event()
    s3.a.hangs = slow
    threading.Timer(0.3, slow.set).start()
    result = run(s3, active_region=B)
    assert result["told"] == [A]
    assert s3.a.text == f"{A_TO_B}\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"active_region": "mars-1"}, "active_region is mars-1; allowed: one of regions, us-east-1, us-east-2"),
        ({"regions": (A, A)}, "regions has us-east-1 more than once"),
        ({"regions": (A,)}, "regions has 1 entries; allowed: two or more"),
    ],
)
def test_refuses_what_cannot_be_meant(s3, options, sentence):
    with pytest.raises(Refused, match=sentence):
        run(s3, **options)


class Lease:
    """Writes down when it was requested; refuses where it is lost."""

    def __init__(self, s3, is_lost=False):
        self.s3, self.is_lost = s3, is_lost

    def hold(self):
        self.s3.log.append(("hold", None))
        if self.is_lost:
            raise Refused("lease lost to somebody else")

    def sleep(self, seconds):
        raise AssertionError("nothing is waited for")


@pytest.fixture
def leased(s3, monkeypatch):
    """Run under a lease."""

    def run_leased(is_lost=False, **options):
        monkeypatch.setattr(traffic, "lease_of", lambda params, clients: Lease(s3, is_lost))
        return run(s3, lease={"run_id": "1"}, **options)

    return run_leased


def test_the_lease_is_held_once_and_before_the_first_write(s3, leased):
    leased(active_region=B)
    assert s3.log == [("hold", None), ("put", B), ("put", A)]


def test_nothing_is_written_under_a_lease_that_is_lost(s3, leased):
    with pytest.raises(Refused, match="lease lost"):
        leased(is_lost=True, active_region=B)
    assert s3.log == [("hold", None)]


def test_the_lease_is_left_alone_where_nothing_is_written(s3, leased):
    leased(active_region=A)
    leased(active_region=B, check_mode=True)
    assert s3.log == []


def test_s3_is_addressed_by_path_at_an_endpoint_of_ones_own(monkeypatch):
    module = SimpleNamespace(params={"aws_config": None}, fail_json=None)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    assert traffic.s3_module(module).params["aws_config"]["s3"] == {"us_east_1_regional_endpoint": "regional"}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:5000")
    assert traffic.s3_module(module).params["aws_config"]["s3"]["addressing_style"] == "path"
