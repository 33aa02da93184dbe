# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS over UDP and TCP on loopback: authoritative for the lab's hosted zones and the names of load balancers and RDS.

Follows RFC 1035 and 2308 (negative answers carry the zone's SOA); Route 53 answers any other name with REFUSED.
A lost region's load balancer still has an address: DNS is a data plane of its own.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import traceback

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from lab import route53
from lab.rds_names import RDS_DOMAIN, RDS_TTL_S, is_rds_name
from lab.world import WORLD

UDP_BYTES = 512
TCP_IDLE_S = 10.0
# Route 53 Developer Guide, "NS and SOA records that Amazon Route 53 creates for a public hosted zone".
AWS_SOA = "ns-2048.awsdns-64.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 60"


def respond(wire: bytes) -> bytes | None:
    """The answer to one question, None if it is not a DNS message."""
    try:
        query = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return None
    response = dns.message.make_response(query)
    try:
        WORLD.note_request()
        with WORLD.lock:
            _fill(query, response)
        return response.to_wire()
    except Exception:  # a defect of the lab: SERVFAIL to the client, the reason in the log
        traceback.print_exc()
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.SERVFAIL)
        return response.to_wire()


def _fill(query: dns.message.Message, response: dns.message.Message) -> None:
    if len(query.question) != 1:
        response.set_rcode(dns.rcode.FORMERR)
        return
    question = query.question[0]
    name, type_ = question.name, dns.rdatatype.to_text(question.rdtype)
    found = route53.answer(name.to_text(omit_final_dot=True), type_)
    response.set_rcode(dns.rcode.from_text(found.rcode))
    if found.rcode == "REFUSED":
        return
    response.flags |= dns.flags.AA
    for owner, kind, ttl, values in found.chain:
        if values:
            response.answer.append(_rrset(owner, ttl, kind, values))
    if not found.chain or not found.chain[-1][3]:
        response.authority.append(_soa(found, question.name))


def _rrset(owner: str, ttl: int, kind: str, values: list[str]) -> dns.rrset.RRset:
    """Route 53 treats every name in a value as fully qualified, with or without the trailing dot."""
    return dns.rrset.from_text_list(owner + ".", ttl, "IN", kind, values, origin=dns.name.root, relativize=False)


def _soa(found: route53.DnsAnswer, name: dns.name.Name) -> dns.rrset.RRset:
    if found.zone is None:
        is_rds = is_rds_name(route53.plain(name.to_text()))
        domain, ttl = (RDS_DOMAIN, RDS_TTL_S) if is_rds else (route53.ELB_DOMAIN, route53.ELB_TTL_S)
        return _rrset(domain, ttl, "SOA", [AWS_SOA])
    record = route53.records_of(found.zone, found.zone.name, "SOA")[0]
    return _rrset(route53.plain(found.zone.name), int(record.ttl), "SOA", route53.values_of(record))


def serve(udp: socket.socket, tcp: socket.socket) -> None:
    """Answer in the background for as long as the process lives."""
    for work, listener in ((_serve_udp, udp), (_serve_tcp, tcp)):
        threading.Thread(target=work, args=(listener,), daemon=True).start()


def _serve_udp(listener: socket.socket) -> None:
    while True:
        wire, client = listener.recvfrom(65_535)
        answer = respond(wire)
        if answer is None:
            continue
        if len(answer) > UDP_BYTES:
            answer = _truncated(wire)
        with contextlib.suppress(OSError):
            listener.sendto(answer, client)


def _truncated(wire: bytes) -> bytes:
    response = dns.message.make_response(dns.message.from_wire(wire))
    response.flags |= dns.flags.TC
    return response.to_wire()


def _serve_tcp(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve_connection, args=(connection,), daemon=True).start()


def _serve_connection(connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        connection.settimeout(TCP_IDLE_S)
        stream = connection.makefile("rb")
        while len(head := stream.read(2)) == 2:
            answer = respond(stream.read(struct.unpack("!H", head)[0]))
            if answer is None:
                return
            connection.sendall(struct.pack("!H", len(answer)) + answer)
