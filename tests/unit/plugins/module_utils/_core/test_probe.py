# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The probe is a client like any other."""

from __future__ import annotations

import http.server
import threading

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.probe import probe


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Answers with the status in its path and keeps what it was asked."""

    seen = []

    def do_GET(self):
        self.seen.append((self.path, self.headers["Host"]))
        self.send_response(int(self.path.rsplit("/", 1)[1]))
        self.end_headers()

    def log_message(self, *_args):
        """Say nothing."""


@pytest.fixture
def endpoint():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Endpoint.seen.clear()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("status", [200, 302, 503])
def test_a_probe_reports_the_answer_and_follows_no_redirect(endpoint, status):
    assert probe(endpoint, "http", f"/health/{status}", 5)["status"] == status
    assert Endpoint.seen == [(f"/health/{status}", endpoint)]


def test_a_probe_through_a_proxy_names_the_endpoint(endpoint):
    found = probe("alb.example", "http", "/200", 5, name="www.example", proxy=f"http://{endpoint}")
    assert found["status"] == 200
    assert Endpoint.seen == [("http://alb.example/200", "alb.example")]


def test_a_probe_of_an_address_asks_for_the_name(endpoint):
    assert probe(endpoint, "http", "/200", 5, name="www.example")["status"] == 200
    assert Endpoint.seen == [("/200", "www.example")]


def test_a_probe_that_meets_nobody_raises():
    with pytest.raises(OSError):
        probe("127.0.0.1:9", "http", "/", 1)
