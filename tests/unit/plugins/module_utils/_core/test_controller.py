# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a module promises whose run was killed: it stops waiting, and sends nothing more."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import boto3
import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core import controller
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import client_config, clients_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import pause, poll
from ansible_collections.trading.multi_region.tests.unit.wire import Endpoint

KEYS = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}


@pytest.fixture
def playbook():
    """A process that a module could work for."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture(autouse=True)
def nothing_watched():
    before = controller.watch(None)
    yield
    controller.watch(before)


@pytest.fixture(params=["handle", "id only"])
def watched(request, playbook, monkeypatch):
    """The same process, watched by both ways to do that."""
    if request.param == "id only":

        def forbidden(_pid):
            raise PermissionError("as in a container with an old seccomp profile")

        monkeypatch.setattr(os, "pidfd_open", forbidden)
    controller.watch(controller.Process(playbook.pid))
    return playbook


def end(process):
    process.kill()
    process.wait()


def test_work_goes_on_while_the_controller_lives(watched):
    pause(0.1)
    controller.require()


def test_a_wait_ends_when_the_controller_has_ended(watched):
    threading.Timer(0.2, end, [watched]).start()
    begun = time.monotonic()
    with pytest.raises(controller.ControllerGone, match=f"process {watched.pid}"):
        poll(lambda: None, lambda _state: False, timeout=1800, interval=1800)
    assert time.monotonic() - begun < 5


def test_a_controller_that_was_killed_counts_as_ended_before_its_own_parent_knows(playbook):
    controller.watch(controller.Process(playbook.pid))
    playbook.kill()
    with pytest.raises(controller.ControllerGone):
        pause(5)


def test_a_controller_that_ended_before_it_was_watched_is_gone(playbook):
    end(playbook)
    assert controller.Process(playbook.pid).is_gone()
    assert controller.Process(os.getpid(), is_parent=True).is_gone()
    assert not controller.Process(os.getppid(), is_parent=True).is_gone()


def test_nothing_is_sent_once_the_controller_has_ended(watched):
    with Endpoint() as aws:
        sns = clients_of(boto3.session.Session(), client_config({}), "us-east-2", aws.url, KEYS)("sns")
        sns.publish(TopicArn="arn:aws:sns:us-east-2:1:t", Message="before")
        end(watched)
        with pytest.raises(controller.ControllerGone):
            sns.publish(TopicArn="arn:aws:sns:us-east-2:1:t", Message="after")
        assert len(aws.requests) == 1


def test_what_a_worker_forks_watches_the_same_process(watched):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            pause(30)
        except controller.ControllerGone:
            os.write(writing, b"gone")
        finally:
            os._exit(0)
    os.close(writing)
    end(watched)
    with os.fdopen(reading, "rb") as heard:
        assert heard.read() == b"gone"
    os.waitpid(child, 0)


def test_a_module_in_another_process_watches_the_one_that_it_is_given(playbook, monkeypatch):
    monkeypatch.setenv(controller.VARIABLE, str(playbook.pid))
    controller.watch_named()
    controller.require()
    end(playbook)
    with pytest.raises(controller.ControllerGone):
        controller.require()


@pytest.mark.parametrize("which", [0, 1])
def test_work_ends_when_the_command_that_its_own_command_works_for_has_ended(playbook, which, monkeypatch):
    """As of portfolio.yml, whose process is killed: what it has started gets no signal."""
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        monkeypatch.setenv(controller.VARIABLE, str(other.pid))
        controller.watch(controller.Chain(controller.Process(playbook.pid), controller.named()))
        pause(0.1)
        threading.Timer(0.2, end, [(playbook, other)[which]]).start()
        begun = time.monotonic()
        with pytest.raises(controller.ControllerGone, match=f"process {(playbook, other)[which].pid}"):
            pause(1800)
        assert time.monotonic() - begun < 5
    finally:
        end(other)
