# SPDX-License-Identifier: GPL-3.0-or-later
"""Platforms to break: provisioned once for all workers, copied for each test."""

from __future__ import annotations

import os

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.chaos import shares
from tests.integration.platforms import Platform, Platforms

# Whose tests share what takes long to make; all others go wherever a worker is free.
TOLD_ONCE = ("test_cloud_trigger.py", "test_existing.py", "test_installed.py", "test_permissions.py", "test_secrets.py")
# Asks a controller, so it is there only where there is one.
REAL_CONTROLLER = "test_real_controller.py"
collect_ignore = [] if os.environ.get("CONTROLLER_HOST") else [REAL_CONTROLLER]


# Whose tests take minutes: they begin early, so that no worker is left alone with one of them at the end.
LONGEST = (
    "test_upgrade.py",
    "test_engines.py",
    "test_site.py",
    "test_teardown.py",
    "test_moves.py",
    "test_failover.py",
)


def pytest_collection_modifyitems(items):
    """Order the tests so that no worker waits: for the first platform, which takes minutes, or for the longest test.

    One test has the platform provisioned; meanwhile the others need none.
    """
    items.sort(key=lambda item: item.path.name not in LONGEST)
    first = next((item for item in items if "platform" in item.fixturenames), None)
    items.sort(key=lambda item: item is not first and 1 + ("platforms" in item.fixturenames))


class Stories(LoadScopeScheduling):
    """Keeps the tests of a story on one worker.

    The mark xdist_group cannot: pytest-xdist 3.8 does not hand it on under pytest 9.2 (its issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.endswith(TOLD_ONCE) else nodeid


def pytest_configure():
    """Choose the chaos matrix's share once: workers may start on both sides of midnight."""
    try:
        os.environ[shares.VARIABLE] = str(shares.chosen())
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_xdist_make_scheduler(config, log):
    return Stories(config, log)


def pytest_terminal_summary(terminalreporter):
    """Report which share of the chaos matrix it was, and whether a real controller was tested, and if not, why."""
    share = os.environ[shares.VARIABLE]
    terminalreporter.write_line(f"chaos: share {share} of {shares.SHARES}, again with {shares.VARIABLE}={share}")
    if collect_ignore:
        terminalreporter.write_line(
            f"real controller: NOT asked ({REAL_CONTROLLER}), because CONTROLLER_HOST is not set"
        )
    else:
        terminalreporter.write_line(f"real controller: {os.environ['CONTROLLER_HOST']} ({REAL_CONTROLLER})")


@pytest.fixture(scope="session")
def platforms(tmp_path_factory, worker_id):
    base = tmp_path_factory.getbasetemp()
    # A worker's own folder is in that of the whole test run.
    known = Platforms((base if worker_id == "master" else base.parent) / "platforms")
    yield known
    known.leave()


@pytest.fixture
def copy_of(platforms):
    """A factory of copies that end with the test."""
    labs = []

    def make(*regions: str, variant: str = "") -> Platform:
        platform = platforms.copy(*regions, variant=variant)
        labs.append(platform.lab)
        return platform

    yield make
    for lab in labs:
        lab.stop()


@pytest.fixture
def postgresql(copy_of) -> Platform:
    """The demo's platform on Aurora PostgreSQL, with serverless instances and I/O-Optimized storage."""
    return copy_of("us-east-1", "us-east-2", variant="postgresql")


@pytest.fixture
def platform(copy_of) -> Platform:
    """The demo's platform: two regions, us-east-1 active."""
    return copy_of("us-east-1", "us-east-2")
