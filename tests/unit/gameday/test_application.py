# SPDX-License-Identifier: GPL-3.0-or-later
"""What the game day does where a server has become a replica, and where a run fails."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from tests.gameday.application import Application
from tests.gameday.checker import Evidence, check
from tests.gameday.game import Game
from tests.gameday.scenarios import lossless


class Link:
    """A connection that answers every statement with one row."""

    def __init__(self, row):
        self.row, self.is_closed = row, False

    @contextmanager
    def cursor(self):
        yield SimpleNamespace(execute=lambda *statement: None, fetchone=lambda: self.row)

    def _force_close(self):
        self.is_closed = True


@pytest.mark.parametrize(
    ("count", "is_replica", "status", "is_closed"),
    [(1, 0, 200, False), (0, 0, 404, False), (1, 1, 503, True), (0, 1, 503, True)],
)
def test_a_replica_answers_no_read_and_its_connection_is_closed(count, is_replica, status, is_closed):
    application, link = Application.__new__(Application), Link((count, is_replica))
    application.settings, application.own = {"follow": False}, SimpleNamespace(link=link, server=1)
    assert application.find("c00-1")[0] == status
    assert link.is_closed is is_closed


@pytest.mark.parametrize(("outcome", "wrong"), [("missed", 1), ("found", 0), ("unread", 0)])
def test_a_planned_move_promises_that_what_was_acknowledged_is_read_back(outcome, wrong):
    read = {"kind": "read", "customer": "c0", "number": "c0-1", "began": 1.0, "ended": 2.0, "outcome": outcome}
    assert len(lossless(check(Evidence([read], {}, ("one", "two"), "one")))) == wrong


@pytest.mark.parametrize(("codes", "resumed"), [([0], []), ([2, 0], ["failover"]), ([2, 2], ["failover"])])
def test_a_move_that_fails_is_run_again_once_and_the_table_says_so(codes, resumed):
    game, ended, asked = Game.__new__(Game), iter(codes), []
    game.resumed = []
    game.run = lambda *words: asked.append(words) or SimpleNamespace(code=next(ended))
    game.move("failover", "-e", "force=true")
    assert asked == [("failover", "-e", "force=true")] * len(codes)
    assert game.resumed == resumed
