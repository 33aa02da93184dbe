# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Fake AWS clients, and a clock that only advances in ``sleep``."""

from __future__ import annotations

import copy

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import Clients


def aws_error(code, operation="Operation", message="said the fake", status=400):
    """Return the ClientError botocore raises for an error answer."""
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


def no_answer():
    """Return what botocore raises when the request was sent and nothing came back."""
    return ReadTimeoutError(endpoint_url="https://aws.example")


class FakeClient:
    """A client of one service in one region: every operation is a method of the backend, and is written down."""

    def __init__(self, aws, service, region):
        self._aws, self._service, self._region = aws, service, region
        self.meta = type("Meta", (), {"region_name": region})()

    def get_paginator(self, operation):
        """Return a paginator with the one page the operation answers."""
        call = getattr(self, operation)
        return type("Paginator", (), {"paginate": staticmethod(lambda **kwargs: [call(**kwargs)])})()

    def __getattr__(self, operation):
        if operation.startswith("_"):
            raise AttributeError(operation)
        return lambda **kwargs: self._aws.answer(self._service, self._region, operation, kwargs)


class FakeAws:
    """Backend of fake clients. Subclasses have a method ``operation(region, **parameters)`` for each operation.

    calls: [(service, region, operation, parameters)]. lost: regions that do not respond.
    faults: {operation: [error or None, ...]}; each call takes the first one; an error marked ``after`` comes after the
    operation was carried out, as when an answer is lost.
    repeated: operations whose next call botocore makes twice, the first answer having been lost.
    stale: {reading operation: how many of its answers, after a write, are those from before it}.
    """

    def __init__(self):
        self.calls = []
        self.lost = set()
        self.faults = {}
        self.repeated = set()
        self.stale = {}
        self._answered = {}
        self.clients = Clients(lambda service, region: FakeClient(self, service, region), default_region="us-east-1")

    def answer(self, service, region, operation, parameters):
        """Answer one call."""
        self.calls.append((service, region, operation, parameters))
        if region in self.lost:
            raise EndpointConnectionError(endpoint_url=f"https://{service}.{region}.example")
        fault = (self.faults.get(operation) or [None]).pop(0) if self.faults.get(operation) else None
        if fault is not None and not getattr(fault, "after", False):
            raise fault
        result = self._carry_out(region, operation, parameters)
        if fault is not None:
            raise fault
        return result

    def _carry_out(self, region, operation, parameters):
        if operation in self.repeated:
            return self._carry_out_again(region, operation, parameters)
        key, writes = (region, operation, repr(parameters)), len(self.writes())
        before = self._answered.get(key)
        if self.stale.get(operation) and before and before[0] < writes:
            self.stale[operation] -= 1
            return copy.deepcopy(before[1])
        result = getattr(self, operation)(region, **parameters)
        self._answered[key] = (writes, copy.deepcopy(result))
        return result

    def _carry_out_again(self, region, operation, parameters):
        self.repeated.remove(operation)
        getattr(self, operation)(region, **parameters)
        try:
            return getattr(self, operation)(region, **parameters)
        except ClientError as error:
            error.response["ResponseMetadata"]["RetryAttempts"] = 1
            raise

    def lose_answer(self, operation):
        """Carry the next call of an operation out and lose its answer."""
        error = no_answer()
        error.after = True
        self.faults.setdefault(operation, []).append(error)

    def fail(self, operation, *errors):
        """Let the next calls of an operation fail with these errors."""
        self.faults.setdefault(operation, []).extend(errors)

    def made(self, *prefixes):
        """Return [(region, operation)] of the calls whose operation begins with one of the prefixes."""
        return [(region, operation) for _s, region, operation, _p in self.calls if operation.startswith(prefixes)]

    def writes(self):
        """Return the operations that change something, in order."""
        return [
            operation
            for _s, _r, operation, _p in self.calls
            if not operation.startswith(("describe", "get", "list", "batch_get"))
        ]


class FakeTime:
    """Seconds that pass only in ``sleep``; ``at`` lets something happen then."""

    def __init__(self):
        self.now = 0.0
        self.slept = []
        self.events = []

    def clock(self):
        """Return the seconds so far."""
        return self.now

    def sleep(self, seconds):
        """Let seconds pass, and with them what was arranged."""
        self.slept.append(seconds)
        self.now += seconds
        due = [event for event in self.events if event[0] <= self.now]
        self.events = [event for event in self.events if event[0] > self.now]
        for _when, action in due:
            action()

    def at(self, seconds, action):
        """Arrange for action() at a time."""
        self.events.append((seconds, action))

    @property
    def passing(self):
        """The keyword arguments of functions that take time."""
        return {"clock": self.clock, "sleep": self.sleep}
