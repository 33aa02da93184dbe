# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One POST to a controller, whose URL and token are in a secret: {"url": "https://...", "token": "..."}.

The body is the one with which AWX launches a job template ("Launch a Job Template" of its API reference). Redirects are
not followed, because they would receive the token, and the environment's proxies are not used.
"""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, aws_call

LOOPBACK = ("127.0.0.1", "::1", "localhost")
ALLOWED = 'allowed: {"url": "https://...", "token": "..."}'
# Seconds for connecting, and again for each read.
TIMEOUT = 5.0


@aws_call("GetSecretValue")
def get_secret(client: Any, name: str) -> str:
    """Return the text of a secret."""
    return client.get_secret_value(SecretId=name)["SecretString"]


def destination(text: str, name: str) -> tuple[str, str]:
    """Return (url, token) from a secret's text. Pure.

    Raises MultiRegionError, whose message contains nothing of the secret.
    """
    try:
        document = json.loads(text)
        url, token = document["url"], document["token"]
        parts = urllib.parse.urlsplit(url)
        host, _port = parts.hostname, parts.port
    except (ValueError, LookupError, TypeError, AttributeError):
        raise MultiRegionError(f"The secret {name} cannot be used; {ALLOWED}.") from None
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)):
        raise MultiRegionError(f"The url in the secret {name} is not an https URL; {ALLOWED}.")
    if not (isinstance(token, str) and token.isascii() and token.isprintable() and token):
        raise MultiRegionError(f"The token in the secret {name} is not a line of ASCII; {ALLOWED}.")
    return url, token


def post(url: str, token: str, document: Mapping[str, Any], timeout: float = TIMEOUT) -> int:
    """Send a document; return the status of the response, from 200 to 299.

    Raises MultiRegionError for another status, and if there is no response. The request may have arrived nevertheless.
    """
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=timeout)
    target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Connection": "close"}
    try:
        connection.request("POST", target, json.dumps(document).encode(), headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise MultiRegionError(f"{parts.hostname} did not respond: {type(error).__name__}.") from None
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise MultiRegionError(f"{parts.hostname} responded with status {status}.")
    return status
