# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that AWS stores by name: parameters of Systems Manager and secrets."""

from __future__ import annotations

import functools
import os
import typing as t

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import client_config, clients_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.credentials import RegionalSessions
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import retry_transient

# {store: botocore's service}
SERVICES = {"parameter": "ssm", "secret": "secretsmanager"}


@aws_call("GetParameter")
def get_parameter(client: t.Any, name: str) -> str:
    """Return the value of a parameter."""
    return client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]


@aws_call("GetSecretValue")
def get_secret(client: t.Any, name: str) -> str:
    """Return the current text of a secret."""
    return client.get_secret_value(SecretId=name)["SecretString"]


READERS = {"parameter": get_parameter, "secret": get_secret}


def texts(store: str, region: str, names: t.Iterable[str], settings: t.Mapping[str, t.Any]) -> list[str]:
    """Return the texts of parameters or secrets.

    :param store: a key of SERVICES. :param settings: the credentials of every region, as of RegionalSessions.

    Raises MultiRegionError for one that could not be read.
    """
    config = client_config({})
    # AWS_URL is amazon.aws's variable; botocore reads its own, AWS_ENDPOINT_URL.
    clients = clients_of(RegionalSessions(None, config, settings), config, region, os.environ.get("AWS_URL"))
    client = clients(SERVICES[store])
    return [retry_transient(functools.partial(READERS[store], client, name)) for name in names]
