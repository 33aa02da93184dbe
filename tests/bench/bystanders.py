# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions that a move neither leaves nor goes to, answered from a recording instead of by the lab.

The lab answers one call at a time, in one process on the cores that the playbook uses; AWS has a control plane in each
region. So the rows with four and eight regions put a front before the lab: it passes on what goes to the two regions of
the move, and answers for the others what they answered in a run before, each call in its turn. It computes nothing.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from email.utils import formatdate

from lab.client import Lab
from lab.request import SCOPE
from tests.integration.platforms import Platform, Run

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"^content-length: *(\d+)\r$", re.IGNORECASE | re.MULTILINE)
EXPECTS = re.compile(rb"^expect: *100-continue\r\n", re.IGNORECASE | re.MULTILINE)
DATE = re.compile(rb"^date: [^\r]*", re.IGNORECASE | re.MULTILINE)
TARGET_HEADER = re.compile(rb"^x-amz-target: *([^\r]*)", re.IGNORECASE | re.MULTILINE)
ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Call = tuple[str, bytes]


def call_of(head: bytes, body: bytes) -> Call:
    """(region, what is called: the operation, or method and path) of a signed request; the region is "" for another."""
    scope = SCOPE.search(head.decode("latin-1"))
    if target := TARGET_HEADER.search(head):
        what = target[1]
    elif action := ACTION.search(body):
        what = action[1]
    else:
        what = head.partition(b"?")[0].partition(b" HTTP/")[0]
    return (scope["region"] if scope else "", what)


@dataclass
class Recording:
    """What `regions` answered, by call, in the order of the calls; complete: it is answered from now on."""

    regions: Collection[str]
    answers: dict[Call, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    complete: bool = False


class Front:
    """A server before one lab, in a thread, while it is entered; one run of a playbook each."""

    def __init__(self, lab_port: int, recording: Recording) -> None:
        self.lab_port, self.recording = lab_port, recording
        self.turns: Counter[Call] = Counter()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.started = threading.Event()

    def __enter__(self) -> Front:
        self.thread.start()
        self.started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.left.set)
        self.thread.join()

    async def _run(self) -> None:
        self.loop, self.left = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = server.sockets[0].getsockname()[1]
        self.started.set()
        await self.left.wait()
        server.close()

    def recorded(self, call: Call) -> bytes | None:
        """The answer to a call from the recording, with the present date; None if the lab is to answer.

        The last answer is repeated for a call that the run before made less often.
        """
        kept = self.recording.answers.get(call)
        if not self.recording.complete or not kept:
            return None
        turn = min(self.turns[call], len(kept) - 1)
        self.turns[call] += 1
        return DATE.sub(b"Date: " + formatdate(usegmt=True).encode(), kept[turn], count=1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection of a client until it ends."""
        lab: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while True:
                head, body = await self._read_request(reader, writer)
                call = call_of(head, body)
                answer = self.recorded(call)
                if answer is None:
                    lab = lab or await asyncio.open_connection("127.0.0.1", self.lab_port)
                    lab[1].write(head + body)
                    answer = await _read_answer(lab[0], head.startswith(b"HEAD "))
                    if call[0] in self.recording.regions and not self.recording.complete:
                        self.recording.answers[call].append(answer)
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            for one in (writer, *(lab or ())[1:]):
                one.close()

    @staticmethod
    async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bytes, bytes]:
        head = await reader.readuntil(HEAD_END)
        if EXPECTS.search(head):
            writer.write(CONTINUE)
            head = EXPECTS.sub(b"", head)
        return head, await _read_body(reader, head)


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    length = LENGTH.search(head)
    return await reader.readexactly(int(length[1])) if length else b""


async def _read_answer(reader: asyncio.StreamReader, is_head: bool) -> bytes:
    head = await reader.readuntil(HEAD_END)
    return head if is_head else head + await _read_body(reader, head)


class FrontedLab(Lab):
    """The same lab, whose API is reached through a front."""

    def __init__(self, lab: Lab, port: int) -> None:
        vars(self).update(vars(lab))
        self.front_port = port

    def env(self) -> dict[str, str]:
        return {**super().env(), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.front_port}"}


def through(recording: Recording, side: Callable[[Platform], Run]) -> Callable[[Platform], Run]:
    """A side of a comparison, with the lab behind a front."""

    def run(platform: Platform) -> Run:
        with Front(platform.lab.port, recording) as front:
            return side(replace(platform, lab=FrontedLab(platform.lab, front.port)))

    return run
