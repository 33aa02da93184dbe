# SPDX-License-Identifier: GPL-3.0-or-later
"""Customers who place uniquely numbered orders, and the history of every attempt.

They differ in two habits: connections are kept alive or fresh, and a retry is naive (the order again) or idempotent (a
key that the database stores once). Their DNS caches honour the TTL, divided by the lab's scale: the lab does not scale
it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.abc
import dns.asyncresolver
import dns.exception

ADDRESS = "127.20.250.1"
ATTEMPT_TIMEOUT_S = 2.0
TRIES = 8
PAUSE_S = 0.25
READ_BACK_EVERY = 5
ACKED, REFUSED, UNKNOWN = "acknowledged", "refused", "unknown"
FOUND, MISSED, UNREAD = "found", "missed", "unread"


class CachingResolver(aiohttp.abc.AbstractResolver):
    """The lab's DNS with a cache of one's own."""

    def __init__(self, server: str, scale: float) -> None:
        self.scale, self.cached = scale, {}
        self.resolver = dns.asyncresolver.Resolver(configure=False)
        host, port = server.split(":")
        self.resolver.nameservers, self.resolver.port, self.resolver.lifetime = [host], int(port), 2.0

    async def resolve(self, host: str, port: int = 0, family: Any = None) -> list[Any]:
        address, until = self.cached.get(host, (None, 0.0))
        if time.monotonic() >= until:
            try:
                answer = await self.resolver.resolve(host, "A")
            except dns.exception.DNSException as error:
                raise OSError(f"{host} does not resolve: {error}") from error
            address = answer[0].address
            self.cached[host] = (address, time.monotonic() + answer.rrset.ttl / self.scale)
        return [{"hostname": host, "host": address, "port": port, "family": 2, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


@dataclass(frozen=True)
class Habit:
    keeps_alive: bool
    is_idempotent: bool


class Customer:
    def __init__(self, number: int, habit: Habit, url: str, dns_server: str, scale: float, history: History) -> None:
        self.name, self.habit, self.url, self.history = f"c{number:02}", habit, url, history
        # aiohttp refuses a time-out of kept connections where none are kept.
        kept = {"keepalive_timeout": 60} if habit.keeps_alive else {"force_close": True}
        resolver = CachingResolver(dns_server, scale)
        connector = aiohttp.TCPConnector(
            resolver=resolver, use_dns_cache=False, local_addr=(ADDRESS, 0), limit=2, **kept
        )
        timeout = aiohttp.ClientTimeout(total=ATTEMPT_TIMEOUT_S)
        self.session = aiohttp.ClientSession(connector=connector, timeout=timeout)

    async def run(self, stopping: asyncio.Event) -> None:
        count = 0
        async with self.session:
            await asyncio.sleep(random.random() * PAUSE_S)
            while not stopping.is_set():
                count += 1
                is_acked = await self._order(f"{self.name}-{count}", stopping)
                if is_acked and count % READ_BACK_EVERY == 0:
                    await self._read_back(f"{self.name}-{count}")
                await asyncio.sleep(PAUSE_S * random.uniform(0.8, 1.2))

    async def _order(self, number: str, stopping: asyncio.Event) -> bool:
        """Try until it is acknowledged, and give up at some point, as people do."""
        for _try in range(TRIES):
            if await self._attempt(number) == ACKED:
                return True
            if stopping.is_set():
                break
            await asyncio.sleep(PAUSE_S)
        return False

    async def _attempt(self, number: str) -> str:
        order = {"attempt": uuid.uuid4().hex, "number": number}
        if self.habit.is_idempotent:
            order["once"] = number
        began, outcome, body, why = time.time(), UNKNOWN, {}, ""
        try:
            async with self.session.post(f"{self.url}/orders", json=order) as answer:
                status = answer.status
                text = await answer.text()
            with contextlib.suppress(ValueError):
                body = json.loads(text)
            # A 503 of the load balancer itself means that no application got the request.
            outcome = {201: ACKED, 503: REFUSED}.get(status, UNKNOWN)
            why = body.get("why", f"HTTP {status}")
        except (aiohttp.ClientError, OSError) as error:
            is_refused = isinstance(error, aiohttp.ClientConnectorError)
            outcome, why = REFUSED if is_refused else UNKNOWN, repr(error)
        self.history.add(
            kind="order",
            customer=self.name,
            number=number,
            attempt=order["attempt"],
            keeps_alive=self.habit.keeps_alive,
            is_idempotent=self.habit.is_idempotent,
            began=began,
            ended=time.time(),
            outcome=outcome,
            region=body.get("region"),
            server=body.get("server"),
            why="" if outcome == ACKED else why,
        )
        return outcome

    async def _read_back(self, number: str) -> None:
        began, outcome = time.time(), UNREAD
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with self.session.get(f"{self.url}/orders/{number}") as answer:
                outcome = {200: FOUND, 404: MISSED}.get(answer.status, UNREAD)
        self.history.add(
            kind="read", customer=self.name, number=number, began=began, ended=time.time(), outcome=outcome
        )


class History:
    """One JSON line for each attempt, and all of them in memory."""

    def __init__(self, path: Path) -> None:
        self.entries: list[dict[str, Any]] = []
        self.file = path.open("w")

    def add(self, **entry: Any) -> None:
        self.entries.append(entry)
        self.file.write(json.dumps(entry) + "\n")

    def close(self) -> None:
        self.file.close()


class Customers:
    """All customers, in an asyncio loop of their own thread (relay.Loop)."""

    def __init__(self, loop: Any, many: int, domain: str, dns_server: str, scale: float, history: History) -> None:
        self.loop = loop
        self.stopping: asyncio.Event | None = None
        self.task: Any = None
        self.many, self.domain, self.dns, self.scale, self.history = many, domain, dns_server, scale, history

    def start(self) -> None:
        async def begin() -> None:
            self.stopping = asyncio.Event()
            habits = [Habit(keeps_alive, once) for keeps_alive in (True, False) for once in (True, False)]
            url = f"http://{self.domain}"
            all_ = [
                Customer(number, habits[number % len(habits)], url, self.dns, self.scale, self.history)
                for number in range(self.many)
            ]
            self.task = asyncio.gather(*(one.run(self.stopping) for one in all_))

        self.loop.run(begin())

    def stop(self) -> None:
        """Let all end their last order; they may have stopped already."""

        async def end() -> None:
            self.stopping.set()
            await self.task

        self.loop.run(end(), timeout=60)
