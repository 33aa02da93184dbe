# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies: provision once, break copies."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from botocore.exceptions import ConnectionClosedError

from lab import daemon
from lab.client import Lab
from lab.daemon import LabError
from tests.lab.stage import DOMAIN, KEY, Stage, wait

EAST, WEST = "us-east-1", "us-east-2"


def keys(lab: Lab, region: str) -> list[str]:
    listed = lab.client("s3", region).list_objects_v2(Bucket=Stage.bucket(region))
    return [entry["Key"] for entry in listed.get("Contents", [])]


def test_a_copy_has_the_whole_state_and_shares_nothing_afterwards(stage: Stage, tmp_path: Path) -> None:
    stage.put(stage.alias(EAST))
    stage.write(EAST, "before")
    stage.lab.set_targets(WEST, "unhealthy")
    with stage.lab.fork(tmp_path / "copy") as copy:
        assert copy.pid != stage.lab.pid and copy.port != stage.lab.port and copy.dns_port != stage.lab.dns_port
        assert copy.resolve(DOMAIN) == stage.lab.resolve(DOMAIN)
        assert copy.state()["targets"] == stage.lab.state()["targets"]
        stage.write(WEST, "in the original")
        copy.client("s3", EAST).delete_object(Bucket=stage.bucket(EAST), Key=KEY)
        copy.outage(EAST, "reset")
        assert (keys(stage.lab, EAST), keys(stage.lab, WEST)) == ([KEY], [KEY])
        assert keys(copy, WEST) == []
        assert stage.lab.state()["outages"] == {}


def test_time_continues_in_a_copy(stage: Stage, tmp_path: Path) -> None:
    check = stage.endpoint_check(EAST)
    stage.put(stage.failover("PRIMARY", EAST, check), stage.failover("SECONDARY", WEST))
    stage.settle(check)
    with stage.lab.fork(tmp_path / "copy") as copy:
        copied = stage.on(copy)
        copy.outage(EAST)
        assert wait(copied.region, lambda now: now == WEST) == WEST
        assert stage.region() == EAST


def test_a_copy_outlives_its_original_and_can_be_copied(lab: Lab, tmp_path: Path) -> None:
    first = lab.fork(tmp_path / "first")
    try:
        lab.stop()
        with first.fork(tmp_path / "second") as second:
            assert second.client("sts").get_caller_identity()["Account"] == "123456789012"
        assert first.client("sts").get_caller_identity()["Account"] == "123456789012"
    finally:
        first.stop()
    assert daemon.read_state(tmp_path / "first") is None


def test_a_stopped_copy_leaves_the_original_and_no_zombie(lab: Lab, tmp_path: Path) -> None:
    copy = lab.fork(tmp_path / "copy")
    copy.stop()
    assert lab.client("sns").list_topics()["Topics"] == []
    assert wait(lambda: not os.path.exists(f"/proc/{copy.pid}"))
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["env", "log"]
    assert (tmp_path / "copy" / "log").read_text() == ""


def test_a_call_that_hangs_in_the_original_does_not_hang_in_the_copy(lab: Lab, tmp_path: Path) -> None:
    lab.outage(WEST)
    client = lab.client("sns", WEST)
    held = threading.Thread(target=lambda: pytest.raises(ConnectionClosedError, client.list_topics))
    held.start()
    with lab.fork(tmp_path / "copy") as copy:
        copy.restore(WEST)
        assert copy.client("sns", WEST).list_topics()["Topics"] == []
        lab.restore(WEST)
        held.join(5)
        assert not held.is_alive()


def test_a_directory_holds_one_lab(lab: Lab, tmp_path: Path) -> None:
    with lab.fork(tmp_path / "copy"), pytest.raises(LabError, match="a lab runs there already"):
        lab.fork(tmp_path / "copy")
