# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's data plane as an HTTP server: each call of lab/data_plane.py is a method of the handler's object."""

from __future__ import annotations

import json
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lab.data_plane import DataPlane

QUERIES = ("is_caught_up", "is_rebuilt", "lag_ms")


class PlaneServer:
    """Serves a data plane on a free port of 127.0.0.1; `events` are the calls that change something."""

    def __init__(self, plane: DataPlane) -> None:
        self.plane = plane
        self.events: list[dict[str, Any]] = []
        self.errors: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802 - the name is http.server's
                options = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, result = outer.call(self.path.strip("/"), options)
                data = json.dumps(result).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *values: Any) -> None:
                """Events are kept instead."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def call(self, name: str, options: dict[str, Any]) -> tuple[int, Any]:
        if name.startswith("_") or not hasattr(DataPlane, name):
            return 404, {}
        began = time.time()
        try:
            result = getattr(self.plane, name)(**options)
        except Exception:
            self.errors.append(f"{name} {options}: {traceback.format_exc()}")
            return 500, {}
        if name not in QUERIES:
            self.events.append({"time": began, "done": time.time(), "call": name, **options})
        return 200, result

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
