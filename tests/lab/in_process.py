# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's services over moto in this process: the same code as behind `make lab-up`, without the socket."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

import lab.services
from lab.clock import CLOCK
from lab.services.settings import SETTINGS
from lab.world import WORLD, TargetRule

SCALE = 600  # AWS seconds per second
EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
IMAGE = "ami-12345678"


@cache
def client_of(service: str, region: str) -> Any:
    """One client for all tests: making one reads the service's whole model."""
    return _session().client(service, region, aws_access_key_id="lab", aws_secret_access_key="lab")


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


class Aws:
    """Clients by region, and what can be done to a region."""

    def client(self, service: str, region: str = EAST) -> Any:
        return client_of(service, region)

    def lose(self, region: str) -> None:
        WORLD.outages[region] = "reset"
        self.tick()

    def restore(self, region: str) -> None:
        WORLD.outages.pop(region)
        self.tick()

    def targets(self, region: str, state: str, group: str | None = None, healthy: int = 0) -> None:
        WORLD.target_states[(region, group)] = TargetRule(state, healthy)

    def tick(self) -> None:
        for hook in WORLD.tick_hooks:
            hook()

    def settings(self, **values: Any) -> None:
        SETTINGS.update(values)

    @staticmethod
    def wait(read: Callable[[], Any], done: Callable[[Any], bool] = bool, seconds: float = 5.0) -> Any:
        """Read until it is done; returns what was read last, done or not."""
        deadline = time.monotonic() + seconds
        while not done(value := read()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return value


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # no test needs them, and they take long
    lab.services.install()
    scale, CLOCK.scale = CLOCK.scale, SCALE
    with mock_aws():
        WORLD.reset()
        yield Aws()
        WORLD.reset()
    CLOCK.scale = scale


def refused(code: str, call: Callable[..., Any], **parameters: Any) -> str:
    """Make a call that must be refused with a fault of this code; returns the message."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    assert error.value.response["Error"]["Code"] == code, error.value
    return error.value.response["Error"]["Message"]
