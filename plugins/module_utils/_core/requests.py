# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What holds for every request to AWS: it is only sent while the run exists and may act, and its answer has a deadline.

botocore's read_timeout limits the silence between two reads ("Config" of the botocore reference), so an answer that
arrives byte by byte lasts as long as it likes. Here an attempt ends after connect_timeout and read_timeout together,
whatever it is doing. The event ``before-send`` of botocore is emitted for each attempt, its own retries included, and
a handler may return the response ("Extensibility guide" of the boto3 documentation): one handler for every client.
"""

from __future__ import annotations

import contextlib
import copy
import io
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core import controller
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import OutOfTime

try:
    from botocore.exceptions import HTTPClientError, ReadTimeoutError
except ImportError:  # AnsibleAWSModule reports it to the user before a client is created
    HTTPClientError = ReadTimeoutError = Exception

# How the operations begin that change nothing.
READS = ("BatchGet", "Describe", "Get", "Head", "List", "Query", "Scan", "Simulate")

# Returns the seconds that a changing request may take at most, of those that it would take; raises if it must not be
# sent.
Permit = Callable[[float], float]


class LateAnswer(ReadTimeoutError):
    """The answer was not complete in time; botocore treats it like its own time-out and retries."""

    fmt = 'no answer within {seconds:.1f} s from "{endpoint_url}"'


class ForeignAnswer(HTTPClientError):
    """A page of a proxy in place of an answer; botocore retries.

    Its parsers for JSON would take it for an empty answer, and so a change for made.
    """

    fmt = 'a page of HTML, and no answer of AWS, from "{endpoint_url}"'


class _Time(threading.local):
    # Returns the seconds that the present wait leaves; None outside of one.
    left: Callable[[], float] | None = None


_time = _Time()


@contextlib.contextmanager
def at_most(left: Callable[[], float]) -> Iterator[None]:
    """Limit the requests that this thread sends in the block to the seconds that ``left`` returns, 0 or less: none."""
    outer = _time.left
    _time.left = (lambda: min(left(), outer())) if outer else left
    try:
        yield
    finally:
        _time.left = outer


def changes(operation: str) -> bool:
    """Return whether an API operation changes something. Pure."""
    return not operation.startswith(READS)


class Gate:
    """Through which the requests of clients are sent.

    permit: asked before each request that changes something, or None.
    """

    def __init__(self) -> None:
        self.permit: Permit | None = None

    def install(self, client: Any) -> Any:
        """Send the requests of a client through this gate; return the client."""
        # botocore has no public name for it. Without it requests are sent by botocore, with no deadline but its own.
        session = getattr(getattr(client, "_endpoint", None), "http_session", None)
        config = client.meta.config
        if session is not None:
            never_send_late(session)
        seconds = config.connect_timeout + config.read_timeout
        # botocore calls every handler, and each would send the request: of two gates of a client the first one counts.
        client.meta.events.register("before-send", partial(self.send, session, seconds), unique_id="trading-gate")
        return client

    def send(self, session: Any, seconds: float, request: Any, event_name: str, **_more: Any) -> Any:
        """Return the response to one attempt of a request, for botocore's event ``before-send``."""
        controller.require()
        if self.permit and changes(event_name.rpartition(".")[2]):
            seconds = self.permit(seconds)
        if _time.left:
            seconds = min(seconds, _time.left())
            if seconds <= 0:
                raise OutOfTime()
        return answer_within(seconds, session, request) if session is not None else None


class Attempt(threading.Thread):
    """A request in a thread of its own, which its caller may give up."""

    def __init__(self, call: Callable[[], Any]):
        super().__init__(daemon=True)
        self.call = call
        self.is_given_up = False
        self.answer: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Make the call, and keep what came of it."""
        try:
            self.answer = self.call()
        except BaseException as error:
            self.error = error


def answer_within(seconds: float, session: Any, request: Any) -> Any:
    """Return the response with its whole body; raise LateAnswer if it is not there in time."""
    whole = copy.copy(request)
    whole.stream_output = False
    attempt = Attempt(partial(session.send, whole))
    begun = time.monotonic()
    attempt.start()
    attempt.join(seconds)
    if attempt.is_alive():
        attempt.is_given_up = True
        raise LateAnswer(endpoint_url=request.url, seconds=time.monotonic() - begun)
    if attempt.error:
        raise attempt.error
    if not request.stream_output and is_page(attempt.answer.content):
        raise ForeignAnswer(endpoint_url=request.url)
    if request.stream_output:
        # Whoever reads the body expects a stream.
        attempt.answer.raw = Body(attempt.answer.content)
    return attempt.answer


def is_page(content: bytes) -> bool:
    """Return whether the body of a response is a page of HTML. Pure."""
    return content[:200].lstrip().lower().startswith((b"<!doctype html", b"<html"))


class Body(io.BytesIO):
    """A body that has been read, in the form of one that has not."""

    def stream(self, *_size: Any, **_how: Any) -> Iterator[bytes]:
        """Return its content."""
        yield self.read()


class _Punctual:
    """A connection over which nothing is sent for a caller that has given up while it was established."""

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        if getattr(threading.current_thread(), "is_given_up", False):
            self.close()  # type: ignore[attr-defined]
            raise TimeoutError("the caller has given up")


def never_send_late(session: Any) -> None:
    """Make the connections of botocore's HTTP session punctual."""
    pools = session._pool_classes_by_scheme
    for scheme, pool in pools.items():
        connection = pool.ConnectionCls
        if not issubclass(connection, _Punctual):
            punctual = type(connection.__name__, (_Punctual, connection), {})
            pools[scheme] = type(pool.__name__, (pool,), {"ConnectionCls": punctual})
