# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A change whose answer is lost is made once and reported correctly, and a stale read after it is not trusted.

Each way in which our modules change AWS (write_paths.py) meets the faults alone and together. The table that a reader
wants is docs/lost-answers.md.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator

import pytest
from botocore.retries.standard import ExponentialBackoff

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import Lease
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring import notify
from lab.client import Lab
from tests.lab.failover_platform import WEST
from tests.lab.write_paths import PATHS, Path, Place, lease

ROOT = pathlib.Path(__file__).resolve().parents[2]
READ_BACK = [name for name, path in PATHS.items() if path.is_read_back]
ANSWERS = pytest.mark.parametrize(
    "count", [1, pytest.param(2, marks=pytest.mark.nightly)], ids=["first answer", "answer to the retry too"]
)


@pytest.fixture(scope="module")
def ground(empty_server: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One lab for all: what a test makes in it has the test's own names."""
    with empty_server.fork(tmp_path_factory.mktemp("ground")) as lab:
        # More clusters than an account may have by default.
        lab.settings(db_clusters_max=1000, db_instances_max=1000)
        yield lab


@pytest.fixture
def place(ground: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A place in it, and botocore that repeats a call without waiting for up to a second before."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_args: 0)
    yield Place(ground)
    ground.clear_faults()


def lose(lab: Lab, path: Path, count: int) -> int:
    """Let the next answers to the path's call be lost; the fault's id."""
    where = {} if path.region is None else {"region": path.region}
    return lab.fault("lost_answer", service=path.service, operation=path.operation, count=count, **where)


def hits(lab: Lab, fault: int) -> int:
    return next(one["hits"] for one in lab.state()["faults"] if one["id"] == fault)


def some(names):
    """Every fifth of the names, and the others nightly: what is common to all is seen of a few."""
    return [pytest.param(name, marks=[pytest.mark.nightly] if at % 5 else []) for at, name in enumerate(names)]


@ANSWERS
@pytest.mark.parametrize("name", PATHS)
def test_a_change_whose_answer_is_lost_is_made_once_and_reported(place: Place, name: str, count: int) -> None:
    path = PATHS[name]
    write = path.prepare(place)
    fault = lose(place.lab, path, count)
    done = write.act()
    assert (done["changed"], hits(place.lab, fault)) == (True, count), done["reason"]
    assert not done.get("not_written_to") and not done.get("not_copied_to")
    assert write.seen() == write.wanted
    assert write.act()["changed"] is False
    assert write.seen() == write.wanted


# `doubled` is not here: a second request that arrives by itself is no answer that its caller could see.
@pytest.mark.parametrize("mode", ["empty", pytest.param("html", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("name", some(PATHS))
def test_a_change_whose_answer_cannot_be_read_is_made_once_and_reported(place: Place, name: str, mode: str) -> None:
    path = PATHS[name]
    write = path.prepare(place)
    where = {} if path.region is None else {"region": path.region}
    fault = place.lab.fault(mode, service=path.service, operation=path.operation, count=1, **where)
    done = write.act()
    assert (done["changed"], hits(place.lab, fault)) == (True, 1), done["reason"]
    assert write.seen() == write.wanted
    assert write.act()["changed"] is False


@pytest.mark.parametrize("name", some(READ_BACK))
def test_an_old_reading_after_a_change_is_not_believed(place: Place, name: str) -> None:
    path = PATHS[name]
    write = path.prepare(place)
    fault = place.lab.fault("stale", service=path.service)
    done = write.act()
    assert done["changed"] is True
    assert hits(place.lab, fault) > 0
    place.lab.clear_faults()
    assert write.seen() == write.wanted
    assert write.act()["changed"] is False


@ANSWERS
@pytest.mark.parametrize("name", some(READ_BACK))
def test_a_lost_answer_and_an_old_reading_together_change_nothing_of_it(place: Place, name: str, count: int) -> None:
    path = PATHS[name]
    write = path.prepare(place)
    faults = [lose(place.lab, path, count), place.lab.fault("stale", service=path.service)]
    done = write.act()
    assert (done["changed"], hits(place.lab, faults[0])) == (True, count), done["reason"]
    assert hits(place.lab, faults[1]) > 0
    place.lab.clear_faults()
    assert write.seen() == write.wanted
    assert write.act()["changed"] is False
    assert write.seen() == write.wanted


def test_a_renewal_whose_answers_are_lost_keeps_the_lease(place: Place) -> None:
    place.make_table(WEST)
    handle = {**lease(place)["handle"], "step": "traffic"}
    fault = place.lab.fault("lost_answer", service="dynamodb", operation="UpdateItem", count=2)
    held = Lease(handle, place.clients("dynamodb", WEST))
    held.hold()
    assert hits(place.lab, fault) == 2
    held.hold()
    assert place.items()["lease"]["step"]["S"] == "traffic"
    assert lease(place, attempt=1)["lease"]["outcome"] == "running"


def test_a_message_whose_answer_is_lost_comes_twice_and_can_be_distinguished_from_another(place: Place) -> None:
    sns, sqs = place.aws("sns"), place.aws("sqs")
    topic = sns.create_topic(Name=place.name)["TopicArn"]
    queue = sqs.create_queue(QueueName=place.name)["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{WEST}:123456789012:{place.name}")
    fault = place.lab.fault("lost_answer", service="sns", operation="Publish", count=1)
    params = {"topics": {WEST: topic}, "required_region": WEST, "subject": "moved", "msg": "text", "deadline": 8}
    for _message in range(2):
        assert list(notify.run(params, place.clients)["delivered"]) == [WEST]
    assert hits(place.lab, fault) == 1
    heard = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    ids = [json.loads(one["Body"])["MessageAttributes"]["notification_id"]["Value"] for one in heard]
    assert sorted(ids.count(one) for one in set(ids)) == [1, 2]


def test_every_operation_of_the_table_is_tried() -> None:
    table = (ROOT / "docs" / "lost-answers.md").read_text()
    operations = set(re.findall(r"^\| ([A-Z]\w+) \| `_", table, re.MULTILINE))
    # The last two: tests/lab/test_trigger_delivery.py.
    assert operations == {path.operation for path in PATHS.values()} | {"Publish", "SendMessage", "PutEvents"}
