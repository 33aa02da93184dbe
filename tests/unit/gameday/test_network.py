# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of links, and the relay that delays."""

from __future__ import annotations

import socket
import threading
import time
from xml.etree import ElementTree

from tests.gameday import network
from tests.gameday.picture import picture
from tests.gameday.relay import Loop, Relay
from tests.gameday.report import per_second


def test_a_cut_is_in_both_directions():
    assert network.cut(["127.0.0.2", "127.0.0.3"], ["127.0.0.4"]) == [
        "ip saddr { 127.0.0.2, 127.0.0.3 } ip daddr { 127.0.0.4 } drop",
        "ip saddr { 127.0.0.4 } ip daddr { 127.0.0.2, 127.0.0.3 } drop",
    ]


def test_a_security_group_stops_new_connections_alone_and_an_acl_all():
    assert all("ct state new" in rule for rule in network.no_new("127.0.0.2", ["127.0.0.3"]))
    assert not any("ct state" in rule for rule in network.denied("127.0.0.2", ["127.0.0.3"]))


def test_a_relay_holds_back_what_comes_from_its_upstream_and_can_lose_it():
    loop = Loop("test")
    upstream = socket.create_server(("127.0.0.1", 0))

    def echo() -> None:
        connection, _peer = upstream.accept()
        with connection:
            while data := connection.recv(100):
                connection.sendall(data)

    threading.Thread(target=echo, daemon=True).start()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        relay = Relay(loop, "127.0.0.1", port)
        relay.upstream = upstream.getsockname()
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            client.settimeout(10)
            client.sendall(b"quick")
            assert client.recv(100) == b"quick"
            relay.delay_s = 0.5
            began = time.monotonic()
            client.sendall(b"slow")
            assert client.recv(100) == b"slow"
            assert time.monotonic() - began >= 0.5
            relay.delay_s = 60
            client.sendall(b"never")
            time.sleep(0.3)  # it is held back by now
            relay.lose()
            assert client.recv(100) == b""
    finally:
        upstream.close()
        loop.close()


def test_orders_are_counted_by_second_and_region():
    entries = [
        {"kind": "order", "outcome": outcome, "ended": ended, "region": "one"}
        for ended, outcome in (
            (10.2, "acknowledged"),
            (10.9, "acknowledged"),
            (11.5, "unknown"),
            (12.0, "acknowledged"),
        )
    ]
    assert per_second(entries, 10.0) == {0: {"one": 2}, 2: {"one": 1}}


def test_a_picture_is_a_document_with_a_bar_for_each_region_and_second_and_all_steps():
    drawn = picture("a < b", {0: {"one": 2, "two": 1}, 2: {"one": 1}}, ("one", "two"), [(1.0, "lost & gone")])
    root = ElementTree.fromstring(drawn)
    bars = [one for one in root.iter() if one.tag.endswith("rect") and one.get("fill") != "#fff"]
    assert len(bars) == 3
    texts = [one.text for one in root.iter() if one.tag.endswith("text")]
    assert "1: 1.0 s, lost & gone" in texts
