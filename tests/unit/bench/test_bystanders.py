# SPDX-License-Identifier: GPL-3.0-or-later
"""The front of the lab answers for regions that take no part, and passes on everything else."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.bench.bystanders import Front, Recording, call_of

MOVES, WATCHES = "us-east-2", "eu-west-1"


class Numbered(BaseHTTPRequestHandler):
    """Answers each request with its number."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        body = str(self.server.asked).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Numbered) as server:
        server.asked = 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def ask(port: int, region: str, *actions: str) -> list[str]:
    """The bodies of the answers, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential=key/20261201/{region}/sns/aws4_request, Signature=0"}
    answers = []
    for action in actions:
        connection.request("POST", "/", f"Action={action}&Version=1", signed)
        answers.append(connection.getresponse().read().decode())
    connection.close()
    return answers


def test_a_recorded_region_repeats_its_answers_in_turn_and_another_is_asked(server: ThreadingHTTPServer) -> None:
    recording = Recording({WATCHES})
    with Front(server.server_port, recording) as front:
        assert ask(front.port, WATCHES, "Look", "Look", "Write") == ["1", "2", "3"]
        assert ask(front.port, MOVES, "Look") == ["4"]
    complete = replace(recording, complete=True)
    for _run in range(2):
        server.asked = 10
        with Front(server.server_port, complete) as front:
            assert ask(front.port, WATCHES, "Look", "Write", "Look", "Look") == ["1", "3", "2", "2"]
            assert ask(front.port, MOVES, "Look") == ["11"]
            assert ask(front.port, WATCHES, "NeverMade") == ["12"]


def test_a_call_is_known_by_region_and_operation_or_path() -> None:
    scope = b"Authorization: AWS4-HMAC-SHA256 Credential=key/20261201/us-east-2/s3/aws4_request, Signature=0\r\n\r\n"
    assert call_of(b"POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.GetItem\r\n" + scope, b"{}") == (
        MOVES,
        b"DynamoDB_20120810.GetItem",
    )
    assert call_of(b"GET /bucket/key?versionId=1 HTTP/1.1\r\n" + scope, b"") == (MOVES, b"GET /bucket/key")
    assert call_of(b"GET /bucket/key HTTP/1.1\r\n\r\n", b"") == ("", b"GET /bucket/key")
