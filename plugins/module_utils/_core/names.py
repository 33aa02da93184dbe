# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""DNS look-ups without caches, at given name servers or at those of the name's own zone."""

from __future__ import annotations

import socket
import traceback
from dataclasses import dataclass

try:
    import dns.exception
    import dns.nameserver
    import dns.rdatatype
    import dns.resolver

    DNSPYTHON_IMPORT_ERROR = None
except ImportError:  # the module reports it to the user
    DNSPYTHON_IMPORT_ERROR = traceback.format_exc()

DNS_PORT = 53


class NotFound(Exception):
    """A name that could not be looked up; the message is the reason."""


@dataclass(frozen=True)
class Answer:
    """The result of a DNS look-up: addresses, and the names on the way (CNAME), without the trailing dot."""

    addresses: frozenset[str]
    names: frozenset[str] = frozenset()


def plain(name):
    """Return a domain name in the form used for comparison: lower case, without the trailing dot."""
    return name.lower().rstrip(".")


def split_server(server):
    """Return (host, port) of ``host``, ``host:port`` or ``[IPv6]:port``."""
    if server.startswith("["):
        host, _bracket, port = server[1:].partition("]")
        port = port.lstrip(":")
    elif server.count(":") == 1:
        host, port = server.split(":")
    else:
        host, port = server, ""
    return host, int(port or DNS_PORT)


def addresses_of(host):
    """Return the addresses of a host according to the machine's own resolver. Raises NotFound."""
    try:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except OSError as error:
        raise NotFound(f"{host}: {error}") from error
    return frozenset(entry[4][0] for entry in found)


class Resolver:
    """Looks up names at the given servers, without caches. ``servers`` empty: those of the domain's own zone."""

    def __init__(self, domain, servers, timeout):
        self.domain = domain
        self.servers = servers
        self.timeout = timeout
        self._direct = None

    def direct(self):
        """Return the dnspython resolver that queries the servers, created on first use."""
        if self._direct is None:
            hosts, servers = self.servers or self.servers_of_zone(), []
            for host, port in map(split_server, hosts):
                try:
                    servers += [dns.nameserver.Do53Nameserver(address, port) for address in sorted(addresses_of(host))]
                except NotFound:
                    continue
            if not servers:
                raise NotFound(f"none of the name servers {', '.join(hosts)} of {self.domain} has an address")
            made = dns.resolver.Resolver(configure=False)
            made.nameservers, made.lifetime, made.timeout = servers, self.timeout, max(self.timeout / 3, 0.5)
            self._direct = made
        return self._direct

    def servers_of_zone(self):
        """Return the names of the zone's own name servers, from the machine's resolver."""
        try:
            zone = dns.resolver.zone_for_name(self.domain, lifetime=self.timeout)
            return [str(record.target) for record in dns.resolver.resolve(zone, "NS", lifetime=self.timeout)]
        except (dns.exception.DNSException, OSError) as error:
            raise NotFound(f"the name servers of {self.domain} could not be found: {error}") from error

    def look_up(self, name):
        """Return the servers' Answer. Raises NotFound."""
        if DNSPYTHON_IMPORT_ERROR:
            raise NotFound(f"{name}: dnspython is not installed on the controller")
        try:
            found = self.direct().resolve(f"{name}.", "A", raise_on_no_answer=False, search=False)
        except (dns.exception.DNSException, OSError) as error:
            raise NotFound(f"{name}: {error}") from error
        names = {
            plain(str(record.target))
            for section in found.response.answer
            if section.rdtype == dns.rdatatype.CNAME
            for record in section
        }
        return Answer(frozenset(record.address for record in found.rrset or ()), frozenset(names))

    def look_up_anywhere(self, name):
        """Return the servers' Answer, or that of the machine's resolver if they do not have this name."""
        try:
            answer = self.look_up(name)
        except NotFound:
            answer = Answer(frozenset())
        if answer.addresses:
            return answer
        try:
            return Answer(addresses_of(name), answer.names)
        except NotFound:
            # The servers of one zone do not know where a name of another zone leads.
            if answer.names:
                return answer
            raise
