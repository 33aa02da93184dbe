# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own process: its sockets, threads and files, and how it makes a copy of itself."""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import lab.services
from lab import anonymous_s3, daemon, dns, endpoints, route53, route53_api
from lab.admin import Admin
from lab.api_models import services_by_signing_name
from lab.calls import CallLog
from lab.data_plane import PLANE
from lab.reachability import REACHABILITY
from lab.server import Front, Server
from lab.timeline import TIMELINE
from lab.world import WORLD, World

# What happened, by the name of its admin command.
LOGS = {"timeline": TIMELINE, "reachability": REACHABILITY}
TICK_S, RESTING_TICK_S = 0.1, 1.0
BIND_TRIES = 20


class Runtime:
    """One lab process. `serve` returns when it receives a signal to stop."""

    def __init__(self, world: World, directory: Path, port: int) -> None:
        self.world = world
        self.directory = directory
        self.calls = CallLog()
        self.front = Front(world, self.calls)
        logs = (self.calls, self.front.recorder, LOGS)
        self.front.admin = Admin(world, *logs, self.describe, route53.resolve, self.fork)
        self.front.probe = endpoints.probe
        install()
        services_by_signing_name()  # read now, not during the first call
        self.sockets = listen(port)
        self.stopping = threading.Event()

    def describe(self) -> dict[str, Any]:
        """Where this lab runs."""
        return {
            "pid": os.getpid(),
            "dir": str(self.directory),
            "port": self.sockets.port,
            "dns": self.sockets.dns_port,
            "scale": self.world.clock.scale,
        }

    def serve(self) -> None:
        """Serve until SIGTERM or SIGINT, then end the process immediately: cleaning up moto takes seconds."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stopping.set())
        with self.world.lock:
            for log in LOGS.values():
                log.restart()
        # Before the first answer, so that its client finds them; until then connections wait in the backlog.
        daemon.write_files(self.directory, self.sockets.port, self.sockets.dns_port, self.world.clock.scale)
        server = Server(self.sockets.http, self.front)
        dns.serve(self.sockets.dns_udp, self.sockets.dns_tcp)
        for work in (server.serve_forever, self._tick):
            threading.Thread(target=work, daemon=True).start()
        self.stopping.wait()
        daemon.remove_files(self.directory)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    def _tick(self) -> None:
        """Things that change with time alone (an observation that has lasted long enough) are seen on time."""
        while not self.stopping.is_set():
            # A data plane asks nothing: it is called.
            time.sleep(RESTING_TICK_S if self.world.rests() and not PLANE.attached else TICK_S)
            self.world.tick(_guarded)

    def fork(self, directory: str, scale: float | None = None) -> dict[str, Any]:
        """A second process with a copy of the whole state and ports of its own; the answer says where it listens.

        The listening sockets are made before the fork, so that the copy can be reached as soon as the answer is there.
        """
        target = Path(directory).resolve()
        if daemon.read_state(target):
            raise ValueError(f"dir is {directory}; a lab runs there already")
        sockets = listen(0)
        with self.world.lock:
            sys.stdout.flush()
            sys.stderr.flush()
            pid = os.fork()
        if pid == 0:
            self._become(target, sockets, scale or self.world.clock.scale)
        sockets.close()
        threading.Thread(target=os.waitpid, args=(pid, 0), daemon=True).start()  # leaves no zombie behind
        return {**self.describe(), "pid": pid, "dir": str(target), "port": sockets.port, "dns": sockets.dns_port}

    def _become(self, directory: Path, sockets: Sockets, scale: float) -> None:
        """In the copy: release everything that belongs to the original, then serve. Never returns."""
        try:
            os.setsid()
            self.world.lock = threading.RLock()
            self.world.clock.scale = scale
            PLANE.detach()  # that of the original is the original's
            self.front.recorder.into(None)
            release_sockets(keep=sockets.filenos())
            directory.mkdir(parents=True, exist_ok=True)
            log = os.open(directory / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(log, 1)
            os.dup2(log, 2)
            # New objects: another thread of the original may have held the lock of the old ones when it was copied.
            sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
            sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
            self.directory, self.sockets, self.stopping = directory, sockets, threading.Event()
            self.serve()
        except BaseException:  # nothing may reach the original's request handler
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(1)


def install() -> None:
    """Put what the lab adds to moto in place, before moto's first request."""
    lab.services.install()
    for part in (anonymous_s3, endpoints, route53_api):
        part.install()
    WORLD.tick_hooks.append(PLANE.look)
    # Last, when the other hooks have brought everything up to the present.
    WORLD.tick_hooks.append(look)
    WORLD.reset_hooks += [*(log.restart for log in LOGS.values()), PLANE.detach]


def look() -> None:
    """Add what differs from the last look to what happened."""
    with WORLD.looking():
        for log in LOGS.values():
            log.look()


def _guarded(hook: Any) -> None:
    try:
        hook()
    except Exception:  # one bad hook must not stop the others; the log has the error
        traceback.print_exc()


class Sockets:
    """The listening sockets of one lab."""

    def __init__(self, http: socket.socket, dns_tcp: socket.socket, dns_udp: socket.socket) -> None:
        self.http, self.dns_tcp, self.dns_udp = http, dns_tcp, dns_udp
        self.port: int = http.getsockname()[1]
        self.dns_port: int = dns_tcp.getsockname()[1]

    def filenos(self) -> set[int]:
        """Their file descriptors."""
        return {one.fileno() for one in (self.http, self.dns_tcp, self.dns_udp)}

    def close(self) -> None:
        """Close them here; a copy of the process keeps its own."""
        for one in (self.http, self.dns_tcp, self.dns_udp):
            one.close()


def listen(port: int) -> Sockets:
    """Sockets on loopback: HTTP on `port` (0 = any free one), DNS on one free port for both UDP and TCP."""
    http = _listener(port)
    for _ in range(BIND_TRIES):
        dns_tcp = _listener(0)
        dns_udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            dns_udp.bind(dns_tcp.getsockname())
        except OSError:  # another process uses this UDP port
            dns_tcp.close()
            dns_udp.close()
        else:
            return Sockets(http, dns_tcp, dns_udp)
    raise OSError("no port is free for DNS on both UDP and TCP")


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener


def release_sockets(keep: set[int]) -> None:
    """Release every inherited socket.

    Each descriptor is pointed at /dev/null rather than closed: objects of the original still refer to it, and would
    close the next descriptor with that number.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/dev/fd"):
        number = int(name)
        if number in keep or number == null:
            continue
        try:
            is_socket = stat.S_ISSOCK(os.fstat(number).st_mode)
        except OSError:  # the descriptor of the listing itself
            continue
        if is_socket:
            os.dup2(null, number)
    os.close(null)
