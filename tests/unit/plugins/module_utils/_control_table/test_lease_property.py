# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""At most one controller believes in its lease at any time, whatever happens to controllers, requests and clocks.

Each controller runs in a thread of its own and stops before every call to the table; chance says who goes on, how the
call fares, how much time passes and who is killed. So calls interleave as they like, unlike in a test that nests one
contender into the other. A history is its seed.
"""

from __future__ import annotations

import random
import threading
from collections import Counter

from ansible_collections.trading.multi_region.plugins.module_utils._control_table import lease_holder
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import Lease
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, Refused
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeTime, no_answer
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.lease_fakes import (
    TABLE,
    WEST,
    LeaseTable,
)

CONTROLLERS, SECONDS = 3, 10
# How a call to the table fares: carried out; its answer lost; lost on its way; carried out later, unanswered; carried
# out, and answered after whatever else happens until this controller's next turn.
FATES = ("fine",) * 12 + ("answer lost", "request lost", "late", "slow")
REQUEST = {"table_name": TABLE, "region": WEST, "lease_seconds": SECONDS, "resume_within": 40}


class Killed(BaseException):
    """The controller's process ends without a word."""


class Controller(threading.Thread):
    """A machine that takes the lease, holds it over some steps and releases it, again and again."""

    def __init__(self, world, name, offset):
        super().__init__(daemon=True)
        self.world, self.owner, self.offset, self.runs = world, name, offset, 0
        self.lease = self.fate = None
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)

    def clock(self):
        """A monotonic clock: its zero means nothing to anybody else."""
        return self.world.time.now + self.offset

    def proceed(self, fate):
        """Let the thread run up to its next call."""
        self.fate = fate
        self._go.release()
        self._stopped.acquire()

    def stop_here(self):
        """Wait for permission to go on, and return how the call is to fare."""
        self._stopped.release()
        self._go.acquire()
        if self.fate in ("kill", "end"):
            raise Killed
        return self.fate

    def run(self):
        self._go.acquire()
        while self.fate != "end":
            try:
                self.stop_here()
                self._one_run()
            except MultiRegionError as error:
                self.world.seen["refused" if isinstance(error, Refused) else "unproven"] += 1
                self.lease = None
            except Killed:
                self.lease = None
                self.offset += 1000
        self._stopped.release()

    def _one_run(self):
        self.runs += 1
        offer = {**REQUEST, "state": "held", "run_id": f"{self.owner}-{self.runs}", "owner": self.owner}
        # A run now and then is other work, so that leases are taken over as well as resumed.
        offer["method"] = "failover" if self.runs % 3 else "upgrade"
        taken = self._ask(offer)
        self.world.seen["resumed" if taken["resumed"] else "new"] += 1
        self.lease = Lease(taken["handle"], self.world.client_of(self), self.clock)
        for _step in range(3):
            self.lease.hold()
            self.world.acts(self)
            self.world.seen["held"] += 1
            self.stop_here()
        self.lease = None
        handle = taken["handle"]
        outcome = "failed" if self.runs % 2 else "successful"
        self._ask({**REQUEST, "state": "released", "outcome": outcome, **{k: handle[k] for k in ("run_id", "attempt")}})

    def _ask(self, params):
        return lease_holder.run(params, self._clients, monotonic=self.clock)

    def _clients(self, _service, _region):
        return self.world.client_of(self)


class World:
    """Controllers, their table, and the requests still on their way."""

    def __init__(self, offsets, seen):
        self.time = FakeTime()
        self.table = LeaseTable(self.time)
        self.late = []
        self.seen = seen
        self.wrong = []
        self.controllers = [Controller(self, f"c{n}", offset) for n, offset in enumerate(offsets)]
        for controller in self.controllers:
            controller.start()
            controller.proceed("fine")

    def client_of(self, controller):
        """Return a client whose every call waits for its turn."""
        world, plain = self, self.table.clients("dynamodb", WEST)

        class Client:
            meta = plain.meta

            def __getattr__(self, operation):
                return lambda **request: world.call(controller, getattr(plain, operation), request)

        return Client()

    def call(self, controller, operation, request):
        fate = controller.stop_here()
        if fate == "fine":
            return operation(**request)
        if fate == "slow":
            answer = operation(**request)
            controller.stop_here()
            self.seen["answered late"] += 1
            return answer
        if fate == "answer lost":
            operation(**request)
        elif fate == "late":
            self.late.append((operation, request))
        raise no_answer()

    def happen(self, kind, what, fate=None):
        """Let one thing happen: a controller goes on or is killed, seconds pass, a late request arrives."""
        if kind == "time":
            self.time.sleep(what)
        elif kind == "arrive":
            self.arrive()
        else:
            self.controllers[what].proceed("kill" if kind == "kill" else fate)

    def arrive(self):
        """Carry out the oldest pending request; its answer is lost."""
        if self.late:
            operation, request = self.late.pop(0)
            try:
                operation(**request)
            except Exception as error:
                assert "ConditionalCheckFailed" in str(error)

    def acts(self, controller):
        """Note a controller that may act now, by its lease, and does not hold it."""
        item = self.table.items[WEST]
        if item["owner"]["S"] != controller.owner or float(item["expires_at"]["N"]) <= self.table.now():
            self.wrong.append(controller.owner)

    def holders(self):
        """Return the controllers that would act now without asking anybody."""
        return [c.owner for c in self.controllers if c.lease and c.lease._is_proven()]

    def end(self):
        for controller in self.controllers:
            controller.proceed("end")
            controller.join()


HISTORIES, EVENTS = 60, 250


def random_event(draw):
    """Return one thing that happens."""
    kind = draw.choices(("go", "kill", "time", "arrive"), (80, 2, 14, 4))[0]
    if kind == "time":
        return kind, draw.choice((0.1, 0.3, 0.95, 3.0, 8.9, 9.1, 10.0, 11.1, 60.0))
    return kind, draw.randrange(CONTROLLERS), draw.choice(FATES)


def live(seed, seen):
    """Let everything happen; return the events up to the first moment with more than one holder, or None."""
    draw = random.Random(seed)
    world = World([draw.uniform(0, 1e6) for _controller in range(CONTROLLERS)], seen)
    events = []
    try:
        while len(events) < EVENTS:
            events.append(random_event(draw))
            world.happen(*events[-1])
            if world.wrong or len(world.holders()) > 1:
                return world.wrong, world.holders(), events
        return None
    finally:
        world.end()


def test_at_most_one_controller_believes_in_its_lease():
    seen = Counter()
    for seed in range(HISTORIES):
        assert live(seed, seen) is None, f"seed {seed}"
    # The histories are worth their name: all of this happened, and often.
    assert min(seen[kind] for kind in ("new", "resumed", "held", "refused", "unproven", "answered late")) > 50, seen
