# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the lab's tests: `aws` for services in this process, `lab` for a server reached over its socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.client import Lab
from tests.lab.in_process import aws
from tests.lab.stage import SCALE, Stage

__all__ = ["aws"]


@pytest.fixture(scope="session")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """An empty lab whose services are loaded. Tests take copies of it, which is quicker than a new one or a reset."""
    with Lab.start(tmp_path_factory.mktemp("empty"), SCALE) as running:
        for service, read in (("iam", "list_roles"), ("ec2", "describe_vpcs"), ("s3", "list_buckets")):
            getattr(running.client(service), read)()
        running.clear_calls()
        yield running


@pytest.fixture(scope="session")
def provisioned(empty_server: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two regions with a load balancer and a control bucket each, and a hosted zone; for copying."""
    with empty_server.fork(tmp_path_factory.mktemp("stage")) as lab:
        stage = Stage(lab, "us-east-1", "us-east-2").build()
        lab.clear_calls()
        yield stage


@pytest.fixture
def lab(empty_server: Lab, tmp_path: Path) -> Iterator[Lab]:
    """An empty lab of the test's own."""
    with empty_server.fork(tmp_path / "lab") as copy:
        copy.clear_calls()
        yield copy


@pytest.fixture
def stage(provisioned: Stage, tmp_path: Path) -> Iterator[Stage]:
    """A provisioned lab of the test's own."""
    with provisioned.lab.fork(tmp_path / "stage") as copy:
        yield provisioned.on(copy)
