# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is written is waited for, again where a copy failed, and said where it does not come."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import WaitTimeout
from ansible_collections.trading.multi_region.plugins.module_utils._stores.replication_probe import run
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, FakeTime, aws_error

EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
KEY = f"replication-probe/{EAST}"
OPTIONS = {
    "region": EAST,
    "bucket": f"data-{EAST}",
    "table_name": "sessions",
    "destinations": [{"region": region, "bucket": f"data-{region}"} for region in (WEST, EUROPE)],
    "state": "present",
    "renew": False,
    "wait_timeout": 900,
}


class FakeStores(FakeAws):
    """Buckets and a table in three regions; what is written arrives when ``deliver`` is called.

    outcomes: what becomes of the next copies of an object, COMPLETED once none is left.
    """

    def __init__(self, time):
        super().__init__()
        self.time, self.outcomes, self.delay = time, [], 3
        self.objects = {f"data-{region}": {} for region in (EAST, WEST, EUROPE)}
        self.items = {region: {} for region in (EAST, WEST, EUROPE)}
        self.is_versioned, self.has_table, self.arrives = True, True, True

    def head_object(self, region, Bucket, Key):
        if Key not in self.objects[Bucket]:
            raise aws_error("404", "HeadObject", status=404)
        return {**self.objects[Bucket][Key], "LastModified": datetime.fromtimestamp(1_800_000_000, UTC)}

    def put_object(self, region, Bucket, Key, Body, ContentType):
        version = f"v{len(self.made('put_object'))}"
        own = {"VersionId": version, "ReplicationStatus": "PENDING"} if self.is_versioned else {}
        self.objects[Bucket][Key] = own
        self.time.at(self.time.now + self.delay, lambda: self.deliver(Key, own))
        return {}

    def deliver(self, key, own):
        if self.arrives:
            own["ReplicationStatus"] = self.outcomes.pop(0) if self.outcomes else "COMPLETED"
            for region in (WEST, EUROPE) if own["ReplicationStatus"] == "COMPLETED" else ():
                self.objects[f"data-{region}"][key] = {**own, "ReplicationStatus": "REPLICA"}

    def describe_table(self, region, TableName):
        if not self.has_table:
            raise aws_error("ResourceNotFoundException", "DescribeTable")
        return {"Table": {"KeySchema": [{"AttributeName": "sessionId", "KeyType": "HASH"}]}}

    def get_item(self, region, TableName, Key, ConsistentRead):
        assert ConsistentRead is True
        item = self.items[region].get(Key["sessionId"]["S"])
        return {"Item": item} if item else {}

    def put_item(self, region, TableName, Item):
        self.items[region][Item["sessionId"]["S"]] = Item
        for other in self.items if self.arrives else ():
            self.time.at(self.time.now + 1, lambda other=other: self.items[other].update({KEY: Item}))

    def delete_item(self, region, TableName, Key):
        self.items[region].pop(Key["sessionId"]["S"], None)

    def list_object_versions(self, region, Bucket, Prefix):
        kept = [{"Key": key, "VersionId": one["VersionId"]} for key, one in self.objects[Bucket].items()]
        return {"Versions": [one for one in kept if one["Key"].startswith(Prefix)]}

    def delete_objects(self, region, Bucket, Delete):
        for one in Delete["Objects"]:
            del self.objects[Bucket][one["Key"]]
        return {}

    def writes(self):
        """A head changes nothing either."""
        return [one for one in super().writes() if one != "head_object"]


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def stores(time):
    return FakeStores(time)


def probe(stores, check_mode=False, **more):
    return run({**OPTIONS, **more}, stores.clients, check_mode, **stores.time.passing)


def test_object_and_item_are_seen_in_every_other_region_and_written_once(stores):
    done = probe(stores)
    assert done["changed"] is True
    assert [(one["kind"], one["arrived_in"], one["missing_in"]) for one in done["probes"]] == [
        ("object", [WEST, EUROPE], []),
        ("item", [WEST, EUROPE], []),
    ]
    assert stores.writes() == ["put_object", "put_item"]
    again = probe(stores)
    assert (again["changed"], again["probes"]) == (False, done["probes"])
    assert stores.writes() == ["put_object", "put_item"]
    assert again["reason"].startswith("What us-east-1 writes arrives: the object replication-probe/us-east-1 is in")


def test_after_a_change_it_is_written_anew(stores):
    first = probe(stores)
    renewed = probe(stores, renew=True)
    assert renewed["changed"] is True and renewed["diff"]["before"]["probes"] == first["probes"]
    versions = [[one["version"] for one in done["probes"]] for done in (first, renewed)]
    assert all(old != new for old, new in zip(*versions, strict=True))


def test_an_object_whose_copy_failed_is_written_again(stores):
    stores.outcomes = ["FAILED", "FAILED"]
    assert probe(stores, table_name=None)["probes"][0]["arrived_in"] == [WEST, EUROPE]
    assert stores.writes() == ["put_object"] * 3


def test_one_that_is_on_its_way_is_waited_for_and_not_written_again(stores):
    with pytest.raises(WaitTimeout):
        probe(stores, table_name=None, wait_timeout=1)
    done = probe(stores, table_name=None)
    assert done["changed"] is False and done["probes"][0]["missing_in"] == []
    assert stores.writes() == ["put_object"]


def test_a_copy_that_is_gone_is_noticed(stores):
    probe(stores, table_name=None)
    del stores.objects[f"data-{WEST}"][KEY]
    assert probe(stores, table_name=None)["changed"] is True


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            "FAILED",
            "Its replication status is FAILED: look at the replication role with its trust, rights and boundary",
        ),
        ("PENDING", "Its replication status is PENDING: raise wait_timeout"),
        (None, "No rule of the bucket applies to it"),
    ],
)
def test_what_does_not_arrive_is_named_with_where_and_why(stores, status, words):
    stores.arrives = status == "FAILED"
    stores.outcomes = ["FAILED"] * 1000
    if status is None:
        put = stores.put_object
        stores.put_object = lambda region, **given: (
            put(region, **given) or stores.objects[given["Bucket"]][KEY].pop("ReplicationStatus")
        )
    with pytest.raises(WaitTimeout) as late:
        probe(stores, table_name=None, wait_timeout=60)
    message = str(late.value)
    assert f"The object {KEY} was written to data-us-east-1 in us-east-1, and is not in data-us-east-2" in message
    assert "data-eu-west-1 in eu-west-1" in message and words in message
    assert re.search(r" 6\d s later\.", message)


def test_an_item_that_does_not_arrive_is_named(stores):
    stores.arrives = False
    with pytest.raises(WaitTimeout, match=r"The item .* is not in sessions in us-east-2, sessions in eu-west-1"):
        probe(stores, bucket=None, wait_timeout=60)


def test_a_region_that_does_not_answer_is_unknown_and_not_absent(stores):
    stores.lost.add(WEST)
    with pytest.raises(MultiRegionError, match="us-east-2"):
        probe(stores)
    assert stores.writes() == []


def test_without_versioning_nothing_is_waited_for(stores):
    stores.is_versioned = False
    with pytest.raises(MultiRegionError, match="Versioning of the bucket data-us-east-1 is not enabled"):
        probe(stores)


def test_without_the_table_it_says_so(stores):
    stores.has_table = False
    with pytest.raises(MultiRegionError, match="There is no table sessions in us-east-1"):
        probe(stores, bucket=None)


@pytest.mark.parametrize("has_table", [True, False])
def test_check_mode_says_what_would_be_written_and_writes_nothing(stores, has_table):
    stores.has_table = has_table
    done = probe(stores, check_mode=True)
    assert (done["changed"], stores.writes()) == (True, [])
    assert done["reason"].startswith("A new object and item of us-east-1 would be written")
    stores.has_table = True
    probe(stores)
    assert probe(stores, check_mode=True)["changed"] is False


def test_a_platform_of_one_region_has_nothing_to_see(stores):
    done = probe(stores, destinations=[])
    assert (done["changed"], done["reason"]) == (False, "us-east-1 has no other region to replicate to.")
    assert stores.writes() == []


def test_removal_leaves_nothing_of_any_region_and_touches_nothing_else(stores):
    probe(stores)
    own = stores.objects[f"data-{EAST}"]
    own |= {"orders/1": {"VersionId": "x"}, f"replication-probe/{WEST}": {"VersionId": "y"}}
    for check_mode, left in ((True, 3), (False, 1)):
        done = probe(stores, check_mode, state="absent", destinations=[])
        assert (done["changed"], len(own)) == (True, left)
    assert list(own) == ["orders/1"] and stores.items[EAST] == {}
    assert probe(stores, state="absent", destinations=[])["changed"] is False


def test_removal_from_a_bucket_and_a_table_that_are_gone_changes_nothing(stores):
    stores.has_table = False
    stores.fail("list_object_versions", aws_error("NoSuchBucket", "ListObjectVersions", status=404))
    assert probe(stores, state="absent", destinations=[])["changed"] is False


@pytest.mark.parametrize(
    ("destinations", "words"),
    [
        ([{"region": EAST, "bucket": "b-1"}], "destinations has us-east-1; allowed: regions other than region"),
        ([{"region": WEST, "bucket": None}], "destinations has no bucket in us-east-2; allowed: with bucket"),
    ],
)
def test_destinations_that_do_not_fit_are_refused_before_anything_is_written(stores, destinations, words):
    with pytest.raises(MultiRegionError, match=words):
        probe(stores, destinations=destinations)
    assert stores.calls == []
