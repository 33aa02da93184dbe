# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One HTTP or HTTPS request to an endpoint, as a client of the platform would make it."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.parse
from typing import Any

# A web ACL with AWS's core rule set blocks requests without one (NoUserAgent_HEADER of "Baseline rule groups" in the
# AWS WAF Developer Guide).
AGENT = "trading.multi_region"


class _NamedConnection(http.client.HTTPSConnection):
    """HTTPS to an address whose certificate is for another name: the one that clients use."""

    def __init__(self, address: str, port: int | None, name: str, timeout: float):
        super().__init__(address, port, timeout=timeout, context=ssl.create_default_context())
        self._name = name

    def connect(self) -> None:
        """Connect, through the tunnel if one is set, and verify the certificate for the name."""
        http.client.HTTPConnection.connect(self)
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self._name)


def probe(
    address: str, scheme: str, path: str, timeout: float, name: str | None = None, proxy: str | None = None
) -> dict[str, Any]:
    """Request an endpoint once, as a client would; return {status, milliseconds}. Redirects are not followed.

    timeout: seconds for connecting, and again for each read.
    name: the name that clients use for the endpoint, sent as Host; with https the certificate must be for it.
    proxy: URL of an HTTP proxy. The environment's proxies are not used: the result must not depend on the caller's
        shell.

    Raises OSError or http.client.HTTPException if there is no response.
    """
    via = urllib.parse.urlsplit(proxy) if proxy else None
    first_hop, port = (str(via.hostname), via.port) if via else (address, None)
    connection: http.client.HTTPConnection
    if scheme == "https":
        connection, target = _NamedConnection(first_hop, port, name or address, timeout), path
        if via:
            connection.set_tunnel(address, 443)
    else:
        connection = http.client.HTTPConnection(first_hop, port, timeout=timeout)
        target = f"http://{address}{path}" if via else path
    # A request to a proxy contains the endpoint twice, and both must agree (RFC 9112, "Request Target").
    host = address if via and scheme == "http" else name or address
    begun = time.monotonic()
    try:
        connection.request("GET", target, headers={"Host": host, "User-Agent": AGENT, "Connection": "close"})
        status = connection.getresponse().status
    finally:
        connection.close()
    return {"status": status, "milliseconds": round(1000 * (time.monotonic() - begun))}
