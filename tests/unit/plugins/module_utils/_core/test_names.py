# SPDX-License-Identifier: GPL-3.0-or-later
"""Look-ups against a name server on loopback."""

from __future__ import annotations

import socket
import threading

import dns.message
import dns.rcode
import dns.rrset
import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core import names

DOMAIN = "trading.example.com"


@pytest.mark.parametrize(
    ("server", "split"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("ns-1.example.com", ("ns-1.example.com", 53)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_a_name_server_may_carry_a_port(server, split):
    assert names.split_server(server) == split


@pytest.fixture
def name_server():
    """A name server for trading.example.com and its alias; every other name is refused, as Route 53 does."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", 0))

    def serve():
        while True:
            data, client = listening.recvfrom(4096)
            if data == b"stop":
                return
            question = dns.message.from_wire(data)
            name, reply = str(question.question[0].name), dns.message.make_response(question)
            if name == f"{DOMAIN}.":
                reply.answer = [dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.9")]
            elif name == f"www.{DOMAIN}.":
                reply.answer = [
                    dns.rrset.from_text(name, 60, "IN", "CNAME", f"{DOMAIN}."),
                    dns.rrset.from_text(f"{DOMAIN}.", 60, "IN", "A", "192.0.2.9"),
                ]
            elif name == f"elsewhere.{DOMAIN}.":
                reply.answer = [dns.rrset.from_text(name, 60, "IN", "CNAME", "nowhere.invalid.")]
            else:
                reply.set_rcode(dns.rcode.REFUSED)
            listening.sendto(reply.to_wire(), client)

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    yield f"127.0.0.1:{listening.getsockname()[1]}"
    listening.sendto(b"stop", listening.getsockname())
    serving.join(2)
    listening.close()


def test_asks_the_given_server_past_the_machine_s_resolver(name_server):
    resolver = names.Resolver(DOMAIN, [name_server], 2.0)
    assert resolver.look_up(DOMAIN) == names.Answer(frozenset(["192.0.2.9"]))
    assert resolver.look_up(f"www.{DOMAIN}") == names.Answer(frozenset(["192.0.2.9"]), frozenset([DOMAIN]))


def test_what_the_servers_refuse_is_asked_of_the_machine(name_server):
    resolver = names.Resolver(DOMAIN, [name_server], 2.0)
    with pytest.raises(names.NotFound, match="localhost"):
        resolver.look_up("localhost")
    assert "127.0.0.1" in resolver.look_up_anywhere("localhost").addresses


def test_a_name_of_another_zone_is_known_although_nobody_has_its_address(name_server):
    found = names.Resolver(DOMAIN, [name_server], 2.0).look_up_anywhere(f"elsewhere.{DOMAIN}")
    assert found == names.Answer(frozenset(), frozenset(["nowhere.invalid"]))


def test_without_dnspython_the_machine_is_asked(monkeypatch, name_server):
    monkeypatch.setattr(names, "DNSPYTHON_IMPORT_ERROR", "no module named dns")
    resolver = names.Resolver(DOMAIN, [name_server], 2.0)
    with pytest.raises(names.NotFound, match="dnspython is not installed"):
        resolver.look_up("localhost")
    assert "127.0.0.1" in resolver.look_up_anywhere("localhost").addresses


def test_a_server_that_does_not_answer_is_unknown_within_the_time(name_server):
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    resolver = names.Resolver(DOMAIN, [f"127.0.0.1:{silent.getsockname()[1]}"], 0.5)
    with pytest.raises(names.NotFound):
        resolver.look_up(DOMAIN)
    silent.close()
