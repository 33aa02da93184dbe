# SPDX-License-Identifier: GPL-3.0-or-later
"""Platforms live as long as somebody needs them: a process, those that share a folder, or all stages of a run."""

from __future__ import annotations

import os
import runpy
import sys

import pytest

from lab.client import Lab
from tests.integration.platforms import OF_ALL_STAGES, Platforms


@pytest.fixture
def stopped(monkeypatch):
    """The labs that were stopped, by the name of their platform."""
    names = []

    class Stopped:
        def __init__(self, place):
            self.name = place.parent.name

        def stop(self):
            names.append(self.name)

    monkeypatch.setattr(Lab, "at", staticmethod(Stopped))
    monkeypatch.delenv(OF_ALL_STAGES, raising=False)
    return names


def provisioned(folder):
    (folder / "original-a-b/lab").mkdir(parents=True)
    return folder


def test_the_last_to_leave_stops_the_labs(tmp_path, stopped):
    first, last = (Platforms(provisioned(tmp_path / "own") if n == 0 else tmp_path / "own") for n in (0, 1))
    first.leave()
    assert stopped == []
    last.leave()
    assert stopped == ["original-a-b"] and not (tmp_path / "own/original-a-b").exists()


def test_platforms_of_all_stages_outlive_each_of_them_and_end_with_the_run(tmp_path, stopped, monkeypatch):
    shared = provisioned(tmp_path / "shared")
    monkeypatch.setenv(OF_ALL_STAGES, str(shared))
    here = Platforms(tmp_path / "own", copies=tmp_path / "copies")
    assert (here.folder, here.copies_folder) == (shared, tmp_path / "copies")
    here.leave()
    assert stopped == [] and (shared / "original-a-b").exists()
    monkeypatch.setattr(sys, "argv", ["platforms", str(shared)])
    monkeypatch.delitem(sys.modules, Platforms.__module__)
    runpy.run_module("tests.integration.platforms", run_name="__main__")
    assert stopped == ["original-a-b"] and OF_ALL_STAGES not in os.environ
