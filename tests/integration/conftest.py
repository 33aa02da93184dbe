# SPDX-License-Identifier: GPL-3.0-or-later
"""Platforms to break: provisioned once for all workers, copied for each test."""

from __future__ import annotations

import pytest

from tests.integration.platforms import Platform, Platforms


@pytest.fixture(scope="session")
def platforms(tmp_path_factory, worker_id):
    base = tmp_path_factory.getbasetemp()
    # A worker's own folder lies in that of the whole test run.
    known = Platforms((base if worker_id == "master" else base.parent) / "platforms")
    yield known
    known.leave()


@pytest.fixture
def copy_of(platforms):
    """A factory of copies that end with the test."""
    labs = []

    def make(*regions: str) -> Platform:
        platform = platforms.copy(*regions)
        labs.append(platform.lab)
        return platform

    yield make
    for lab in labs:
        lab.stop()


@pytest.fixture
def platform(copy_of) -> Platform:
    """The demo's platform: two regions, us-east-1 active."""
    return copy_of("us-east-1", "us-east-2")
