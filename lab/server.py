# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's front: one port for AWS's API (moto behind faults and the call log), the admin API and HTTP probes.

moto answers one request at a time under `WORLD.lock`; delays, hangs and resets happen outside it, so that a dead
region never holds up the others.
"""

from __future__ import annotations

import io
import select
import socket
import struct
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import ThreadedWSGIServer

from lab import anonymous_s3, authorization, clock_skew
from lab.calls import CallLog, is_mutating
from lab.faults import (
    ERRORS,
    LONGEST_HANG_S,
    PAGE,
    Answer,
    Fault,
    error_answer,
    fault_answer,
    fault_for,
    outage_mode,
    page,
    spoil,
)
from lab.recorder import Recorder
from lab.request import ApiRequest, read_form, read_request, read_scope
from lab.services import accelerator, arc
from lab.stale import StaleReads
from lab.world import World

LOOK_AROUND_S = 0.05
LOOPBACK = ("127.0.0.1", "localhost", "")
# Services that moto does not have: the lab answers them itself.
OWN = {**dict.fromkeys(arc.SERVICES, arc.answer), accelerator.SERVICE: accelerator.answer}
API_HOSTS = ("amazonaws.com", "localhost")


class NoAnswer(Exception):
    """The connection ends without an answer, in silence (`hang`) or with a TCP RST.

    `status` is what the call log says: `hang`; `reset`, nothing was done; `lost`, the call was carried out.
    """

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.reset = status != "hang"


class Trickle:
    """A file to which every byte is written after a pause."""

    def __init__(self, file: Any, pause_s: float) -> None:
        self.file, self.pause_s = file, pause_s

    def write(self, data: bytes) -> None:
        """Write the bytes one by one."""
        for number in range(len(data)):
            time.sleep(self.pause_s)
            self.file.write(data[number : number + 1])
            self.file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


class Handler(MotoRequestHandler):
    """HTTP/1.1 with keep-alive: the body is read whole first and the answer is sent in one piece.

    werkzeug's own handler closes the connection after each answer, and waits 10 ms before it does.
    """

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def handle_expect_100(self) -> bool:
        """`100 Continue` has to leave immediately: the client waits for it before it sends the body."""
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def run_wsgi(self) -> None:
        """Answer one request."""
        environ = self.make_environ()
        try:
            answer = self.server.front.answer(environ, self._read_body(environ))
        except NoAnswer as gone:
            self._drop(gone.reset)
        except Exception:  # a defect of the lab must not look like a network fault
            traceback.print_exc()
            self._send(Answer(500, [("Content-Type", "text/plain")], traceback.format_exc().encode()))
        else:
            self._send(answer)

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            return environ["wsgi.input"].read()
        return self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))

    def _send(self, answer: Answer) -> None:
        if answer.pace:
            self.wfile = Trickle(self.wfile, answer.pace)  # type: ignore[assignment]
        try:
            self.send_response(answer.status)
            length = str(len(answer.body))
            for key, value in answer.headers:
                if key.lower() == "content-length" and self.command == "HEAD":
                    length = value
                elif key.lower() not in ("content-length", "connection", "server", "date"):
                    self.send_header(key, value)
            if answer.status not in (204, 304):
                self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD" and answer.status not in (204, 304):
                self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
            self.wfile.flush()
            self.close_connection = self.close_connection or answer.cut
        except OSError:  # the client has gone
            self.close_connection = True
        if isinstance(self.wfile, Trickle):
            self.wfile = self.wfile.file

    def _drop(self, reset: bool) -> None:
        self.close_connection = True
        if reset:  # closing with no time to linger sends RST; detached, because the file objects still hold the socket
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.socket(fileno=self.connection.detach()).close()

    def finish(self) -> None:
        """Do not flush a connection that was reset."""
        try:
            super().finish()
        except OSError:
            self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing here: the call log has more details."""


class Server(ThreadedWSGIServer):
    """A thread per connection over a socket that listens already."""

    request_queue_size = 128

    def __init__(self, listener: socket.socket, front: Front) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(host, port, front.moto, Handler, fd=listener.fileno())
        self.front = front


class Front:
    """Dispatches each request. `admin` and `probe` are set by lab.process, which knows the rest of the lab."""

    def __init__(self, world: World, calls: CallLog) -> None:
        self.world = world
        self.calls = calls
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.stale_reads = StaleReads(world)
        self.recorder = Recorder()
        self.admin: Callable[[str, str, dict[str, str], bytes], Answer] | None = None
        self.probe: Callable[[str, str], Answer | Fault | None] | None = None

    def answer(self, environ: dict[str, Any], body: bytes) -> Answer:
        """The answer to one request; raises NoAnswer when it gets none."""
        self.world.note_request()
        form = read_form(environ, body)
        if form.method == "CONNECT":
            return Answer(501, [("Content-Type", "text/plain")], b"the lab has no TLS: probe http:// names\n")
        if read_scope(form) is None:
            host = (urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname or "").rstrip(".")
            if self.admin and host in LOOPBACK and form.path.startswith("/lab/"):
                return self.admin(form.method, form.path.removeprefix("/lab/"), form.query, body)
            if self.probe and host not in LOOPBACK:
                answer = self._probe(host, environ)
                if answer is None and not host.endswith(API_HOSTS):
                    answer = Answer(502, [("Content-Type", "text/plain")], f"the lab knows no {host}\n".encode())
                if answer is not None:
                    return answer
            if form.path.startswith("/moto-api/"):
                return self.call_moto(environ, body)
        return self._api_call(environ, body)

    def _probe(self, host: str, environ: dict[str, Any]) -> Answer | None:
        agent = environ.get("HTTP_USER_AGENT", "")
        found = self._locked_probe(host, agent)
        if isinstance(found, Fault):
            self._delay(found, environ, lambda: self._locked_probe(host, agent) == found)
        return found

    def _locked_probe(self, host: str, agent: str) -> Answer | Fault | None:
        with self.world.lock:
            return self.probe(host, agent)

    def _api_call(self, environ: dict[str, Any], body: bytes) -> Answer:
        request = read_request(environ, body)
        started, start = time.time(), time.monotonic()
        status: int | str = 500
        try:
            answer = self._answer_api_call(request, environ, body)
            # A page says 200 too, but nothing was carried out.
            status = "html" if answer.body is PAGE else answer.status
            return answer
        except NoAnswer as gone:
            status = str(gone)
            raise
        finally:
            self.calls.add(request, started, status, time.monotonic() - start)

    def _answer_api_call(self, request: ApiRequest, environ: dict[str, Any], body: bytes) -> Answer:
        with self.world.lock:
            fault = fault_for(self.world, request, bucket_region(request.bucket))
        if fault:
            answer = self._suffer(fault, request, environ)
            if answer:
                return answer
        if fault and fault.mode == "doubled":
            self._moto_or_error(request, environ, body)
        answer = self._moto_or_error(request, environ, body)
        self.recorder.add(request, answer)
        if fault and fault.mode == "lost_answer":
            raise NoAnswer("lost")
        return spoil(fault, answer) if fault else answer

    def _suffer(self, fault: Fault, request: ApiRequest, environ: dict[str, Any]) -> Answer | None:
        """The effect of the fault on the request; None if the request goes on to moto."""
        if fault.mode in ERRORS:
            return fault_answer(fault.mode, request)
        if fault.mode == "html":
            return page()
        if fault.mode in ("latency", "hang", "reset"):
            self._delay(fault, environ, lambda: self._still_hangs(fault, request))
        return None

    def _delay(self, fault: Fault, environ: dict[str, Any], lasts: Callable[[], bool]) -> None:
        if fault.mode == "latency":
            time.sleep(fault.seconds or 0)
        elif fault.mode == "hang":
            hold(environ["werkzeug.socket"], fault.seconds or LONGEST_HANG_S, lasts)
            raise NoAnswer("hang")
        else:
            raise NoAnswer("reset")

    def _still_hangs(self, fault: Fault, request: ApiRequest) -> bool:
        if fault.id:
            return fault in list(self.world.faults)
        with self.world.lock:
            return outage_mode(self.world, request, bucket_region(request.bucket)) == "hang"

    def _moto_or_error(self, request: ApiRequest, environ: dict[str, Any], body: bytes) -> Answer:
        """moto's answer; where moto has none (it raises), an error that boto3 can read instead of an HTML page."""
        try:
            with self.world.lock:
                refused = (
                    clock_skew.refusal(request, environ)
                    or authorization.refusal(request, environ, body)
                    or anonymous_s3.refusal(request, read_form(environ, body))
                )
                carry_out = partial(self._carry_out, request, environ, body)
                return refused or self.stale_reads.answer(request, environ, body, carry_out)
        except NotImplementedError:
            message = f"moto has no {request.service} {request.operation}, and the lab does not add it"
            return error_answer(request, 501, "LabNotImplemented", message)
        except Exception as error:
            traceback.print_exc()
            message = f"moto failed on {request.service} {request.operation}: {error!r}"
            return error_answer(request, 500, "LabInternalFailure", message)

    def _carry_out(self, request: ApiRequest, environ: dict[str, Any], body: bytes) -> Answer:
        own = OWN.get(request.service)
        answer = own(request, environ, body) if own else self.call_moto(environ, body)
        if is_mutating(request.service, request.operation):
            self.world.tick()
        return answer

    def call_moto(self, environ: dict[str, Any], body: bytes) -> Answer:
        """moto's answer to a request whose body has been read."""
        environ = {**environ, "wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        head: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            head.update(status=int(status.split()[0]), headers=headers)

        with self.world.lock:
            parts = self.moto(environ, start_response)
            data = b"".join(parts)
            if hasattr(parts, "close"):
                parts.close()
        return Answer(head["status"], head["headers"], data)


def bucket_region(bucket: str | None) -> str | None:
    """The region a bucket lives in, None when there is no such bucket."""
    found = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.get(bucket) if bucket else None
    return found.region_name if found else None


def hold(connection: socket.socket, seconds: float, lasts: Callable[[], bool]) -> None:
    """Keep a connection open and silent until the client gives up, the fault ends or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and lasts():
        readable, _, _ = select.select([connection], [], [], LOOK_AROUND_S)
        if not readable:
            continue
        try:
            if not connection.recv(1, socket.MSG_PEEK):
                return
        except OSError:
            return
        time.sleep(LOOK_AROUND_S)
