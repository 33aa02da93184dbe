# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""However an answer arrives, a step ends in time with a sentence, and what it says is true."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.writer import run as move_writer
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.capacity import run as set_capacity
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease_holder import run as take_lease
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from lab.client import Lab
from tests.lab.failover_platform import EAST, GLOBAL, GROUP, TABLE, WEST, Platform

# Two attempts of connect_timeout + read_timeout, and botocore's pause of up to a second between them.
CALL_SECONDS = 2 * 5 + 1


@pytest.fixture(scope="module")
def ground(empty_server: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with empty_server.fork(tmp_path_factory.mktemp("ground")) as lab:
        yield Platform(lab)


@pytest.fixture
def platform(ground: Platform) -> Iterator[Platform]:
    yield ground
    ground.lab.clear_faults()


def timed(call: Any) -> tuple[dict[str, Any] | MultiRegionError, float]:
    begun = time.monotonic()
    try:
        return call(), time.monotonic() - begun
    except MultiRegionError as error:
        return error, time.monotonic() - begun


def test_taking_a_lease_from_a_table_that_trickles_ends_in_time(platform: Platform) -> None:
    platform.lab.fault("trickle", service="dynamodb", region=WEST, seconds=0.3)
    params = {"state": "held", "table_name": TABLE, "run_id": "r", "owner": "o", "lease_seconds": 60, "region": WEST}
    ended, seconds = timed(lambda: take_lease({**params, "resume_within": 3600}, platform.clients))
    assert isinstance(ended, MultiRegionError)
    assert "no answer within 5.0 s" in str(ended)
    assert seconds < CALL_SECONDS + 1


def test_wait_timeout_includes_the_answers_that_trickle(platform: Platform) -> None:
    platform.lab.fault("trickle", service="rds", region=WEST, operation="DescribeDBClusters", seconds=0.3)
    params = {"global_cluster_identifier": GLOBAL, "writer_region": WEST, "method": "failover", "wait_timeout": 5}
    ended, seconds = timed(lambda: move_writer({**params, "accept_data_loss": True}, platform.clients))
    assert isinstance(ended, MultiRegionError)
    # The first look is retried for 10 s.
    assert seconds < 10 + 2 + 1


def test_a_wait_for_capacity_that_trickles_ends_at_wait_timeout(platform: Platform) -> None:
    group = platform.manifest["regions"][1]["target_group_arn"]
    params = {"region": WEST, "name": GROUP, "at_least": 5, "target_group_arn": group, "wait": True}
    times = {"wait_timeout": 4, "poll_interval": 1}
    platform.lab.fault("trickle", service="elbv2", region=WEST, seconds=0.3)
    ended, seconds = timed(lambda: set_capacity({**params, **times}, platform.clients))
    assert isinstance(ended, MultiRegionError)
    assert "4 s" in str(ended) or "no answer" in str(ended)
    assert seconds < 4 + 2 + 2


@pytest.mark.parametrize("mode", ["html", "empty", "truncated"])
def test_one_poll_that_cannot_be_read_is_repeated(platform: Platform, mode: str) -> None:
    params = {"global_cluster_identifier": GLOBAL, "writer_region": EAST, "method": "failover"}
    for operation in ("DescribeGlobalClusters", "DescribeDBClusters", "DescribeDBInstances"):
        platform.lab.fault(mode, service="rds", region=EAST, operation=operation, count=1)
    ended, _seconds = timed(lambda: move_writer({**params, "poll_interval": 0.1}, platform.clients))
    assert isinstance(ended, dict), ended
    assert ended["changed"] is False
