# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One request to a controller on loopback: what is sent, and that no secret is shown."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._cloud_trigger.webhook import destination, post
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError


@pytest.fixture
def controller():
    """A server that answers with ``status`` and writes down what it was sent."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.seen.append((self.path, self.headers["Authorization"], body))
            self.send_response(self.server.status)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()

        def log_message(self, *_words):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    server.seen, server.status = [], 201
    server.url = f"http://127.0.0.1:{server.server_port}/hook/?key=value"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_sends_the_document_with_the_token(controller):
    assert post(controller.url, "t0ken", {"extra_vars": {"a": 1}}) == 201
    assert controller.seen == [("/hook/?key=value", "Bearer t0ken", {"extra_vars": {"a": 1}})]


@pytest.mark.parametrize("status", [302, 401, 503])
def test_any_other_answer_is_an_error_and_no_redirect_is_followed(controller, status):
    controller.status = status
    with pytest.raises(MultiRegionError, match=f"127.0.0.1 responded with status {status}") as refusal:
        post(controller.url, "t0ken", {})
    assert len(controller.seen) == 1
    assert "t0ken" not in str(refusal.value) and "key" not in str(refusal.value)


def test_nobody_there_is_an_error():
    with pytest.raises(MultiRegionError, match="127.0.0.1 did not respond: ConnectionRefusedError"):
        post("http://127.0.0.1:9/", "t0ken", {}, timeout=1)


@pytest.mark.parametrize("url", ["https://awx.example/x", "http://127.0.0.1:8052/x"])
def test_takes_an_address_with_https_or_on_this_machine(url):
    assert destination(json.dumps({"url": url, "token": "t"}), "s") == (url, "t")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "t0ken",
        '{"url": "https://awx.example/"}',
        '{"url": 7, "token": "t0ken"}',
        '{"url": "http://awx.example/", "token": "t0ken"}',
        '{"url": "https://awx.example:port/", "token": "t0ken"}',
        '{"url": "https:///path", "token": "t0ken"}',
        '{"url": "https://awx.example/", "token": ""}',
        '{"url": "https://awx.example/", "token": "t0ken\\nHost: elsewhere"}',
    ],
)
def test_refuses_any_other_secret_without_telling_what_it_holds(text):
    with pytest.raises(MultiRegionError, match="secret controller.*allowed") as refusal:
        destination(text, "controller")
    assert "t0ken" not in str(refusal.value) and "awx" not in str(refusal.value)
