# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP relay with a delay: the link over which a replica receives. It runs in an asyncio loop of its own thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Coroutine
from typing import Any

CHUNK = 65_536
STEP_S = 0.01


class Loop:
    """An asyncio loop in a thread."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)
        self.thread.start()

    def run(self, work: Coroutine[Any, Any, Any], timeout: float | None = 30) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def close(self) -> None:
        async def cancel() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for one in others:
                one.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self.run(cancel())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()


class Relay:
    """Listens on `address`, connects from it to `upstream`, and holds back what comes from there by `delay_s`.

    What it holds back counts as not sent yet: `lose` drops it, because it is lost with the region that it is of.
    A delay at the handshake breaks the replication silently: set it afterwards.
    """

    def __init__(self, loop: Loop, address: str, port: int) -> None:
        self.loop, self.address, self.port = loop, address, port
        self.upstream: tuple[str, int] | None = None
        self.delay_s = 0.0
        self.writers: set[asyncio.StreamWriter] = set()
        self.server = loop.run(asyncio.start_server(self._serve, address, port))

    def close(self) -> None:
        self.loop.loop.call_soon_threadsafe(self.server.close)

    def connect_to(self, address: str, port: int) -> None:
        self.upstream = (address, port)
        self.lose()

    def lose(self) -> None:
        """Close the connections, with what is held back."""
        self.loop.loop.call_soon_threadsafe(self._drop)

    def _drop(self) -> None:
        for writer in list(self.writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        far = None
        try:
            if self.upstream is None:
                return
            opening = asyncio.open_connection(*self.upstream, local_addr=(self.address, 0))
            far_reader, far = await asyncio.wait_for(opening, 5)
            self.writers.add(far)
            copies = [asyncio.create_task(self._up(reader, far)), asyncio.create_task(self._down(far_reader, writer))]
            await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
            for copy in copies:
                copy.cancel()
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # the replica tries again, or the game day ends
        finally:
            for one in (writer, far):
                if one is not None:
                    self.writers.discard(one)
                    one.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held: deque[tuple[float, bytes]] = deque()
        now = asyncio.get_running_loop().time

        async def read() -> None:
            while data := await reader.read(CHUNK):
                held.append((now(), data))

        reading = asyncio.create_task(read())
        try:
            with contextlib.suppress(OSError):
                while held or not reading.done():
                    while held and now() >= held[0][0] + self.delay_s:
                        writer.write(held.popleft()[1])
                    await writer.drain()
                    await asyncio.sleep(STEP_S)
        finally:
            reading.cancel()
