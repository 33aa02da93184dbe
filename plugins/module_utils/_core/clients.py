# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""boto3 clients by service and region: cached, thread-safe, and with short time-outs.

By default botocore waits 60 s for a connection and 60 s for a response, for each of its retries ("Config" of the
botocore reference), so a call to a dead region blocks for minutes. The clients created here give up after seconds.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import threading
import urllib.parse
from collections.abc import Iterable
from contextlib import suppress
from itertools import product
from typing import Any

try:
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, NoRegionError
except ImportError:  # AnsibleAWSModule reports it to the user before a client is created

    class BotoCoreError(Exception):
        """Used if botocore is not installed."""

    NoRegionError = BotoCoreError


try:
    from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_connection_info
except ImportError:  # without Ansible, as in the packaged Lambda function, no module's clients are created

    def get_aws_connection_info(module):
        """Used if amazon.aws is not installed."""
        raise MultiRegionError("amazon.aws is not installed; allowed: modules in a collection path with amazon.aws.")


from ansible_collections.trading.multi_region.plugins.module_utils._core.credentials import (
    HOSTED_ZONES,
    RegionalSessions,
    service_models,
    settings_of_environment,
    start_session,
    without_keys_of_environment,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.requests import Gate
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

# The options of the doc fragment "timeouts", for the argument spec of every module that creates clients.
TIMEOUT_SPEC = {
    "connect_timeout": {"type": "float", "default": 2.0, "rule": rules.TIMEOUT},
    "read_timeout": {"type": "float", "default": 3.0, "rule": rules.TIMEOUT},
    "retries": {"type": "int", "default": 1, "rule": rules.number(0, 100)},
}

# The name under which Clients has S3 without credentials, as a browser or a health checker uses it.
PUBLIC_S3 = "s3 without credentials"


class Clients:
    """``clients(service, region)`` returns a client, created at the first call for the pair and cached.

    factory: function of (service, region), or of (service, region, endpoint) if the caller specifies an endpoint, that
    creates a client; tests pass one that returns fakes.
    default_region: the region that is used for region=None.
    gate: through which the clients send their requests.
    sessions: the RegionalSessions of the clients, or None if their credentials come from elsewhere.
    """

    def __init__(self, factory, default_region=None, gate=None, sessions=None):
        self._factory = factory
        self.sessions = sessions
        self.gate = gate or Gate()
        self._made = {}
        self._lock = threading.Lock()
        self.default_region = default_region

    def __call__(self, service, region=None, endpoint=None):
        """Return the client of a service in a region; endpoint: URL to use instead of the region's own."""
        key = (service, region or self.default_region, *([endpoint] if endpoint else []))
        # Creating clients from one botocore session is not thread-safe; using them is ("Multithreading or
        # multiprocessing with clients" of the boto3 guide). The lock covers only their creation.
        with self._lock:
            if key not in self._made:
                self._made[key] = self._factory(*key)
            return self._made[key]


def client_config(params, base=None):
    """Return the botocore Config for the options of the fragment "timeouts".

    base: dict of the option aws_config; the time-outs in params override it.
    """
    short = Config(
        connect_timeout=pick(params, "connect_timeout"),
        read_timeout=pick(params, "read_timeout"),
        retries={"total_max_attempts": 1 + pick(params, "retries"), "mode": "standard"},
        max_pool_connections=25,
        user_agent_extra="trading.multi_region",
    )
    return Config(**base).merge(short) if base else short


def pick(params, name):
    """Return the option's value, or the fragment's default if the caller omitted it."""
    value = params.get(name)
    return TIMEOUT_SPEC[name]["default"] if value is None else value


def read_ahead(services):
    """Load the models of services before any client is created, for a process that forks those that create clients."""
    models = service_models(os.environ.get("AWS_DATA_PATH"))
    with contextlib.suppress(BotoCoreError):  # creating a client reports the same error
        for service, kind in product(services, ("service-2", "endpoint-rule-set-1")):
            models.load_service_model(service, kind)
        for shared in ("endpoints", "partitions"):
            models.load_data_with_path(shared)
    for service, kind in product(services, ("paginators-1", "waiters-2")):
        with contextlib.suppress(BotoCoreError):  # not every service has them
            models.load_service_model(service, kind)


@contextlib.contextmanager
def models_read_once():
    """Make sessions that are started in this block reuse the models that this process has loaded."""
    before = botocore.session.create_loader
    botocore.session.create_loader = service_models
    try:
        yield
    finally:
        botocore.session.create_loader = before


def clients_of(session, config, region=None, endpoint=None, connection=None, asked_once=()):
    """Return the Clients of a boto3 session. Their requests go through the gate of requests.py.

    config: botocore Config. region: used for region=None. endpoint: URL instead of AWS's own, or None.
    connection: further arguments for every client, such as the certificates to trust. asked_once: regions where
    nothing is retried.
    """
    gate, sessions = Gate(), session if isinstance(session, RegionalSessions) else None
    once = config.merge(Config(retries={"total_max_attempts": 1, "mode": "standard"}))

    def make(service, in_region, one_of_many=None):
        # A caller that specifies an endpoint has others, and the next endpoint is its retry.
        settings = once if one_of_many or in_region in asked_once else config
        url = one_of_many or endpoint
        if service == HOSTED_ZONES and sessions is None:
            service = "route53"
        if service == PUBLIC_S3:
            service, settings = "s3", settings.merge(public_config(settings))
        try:
            client = session.client(
                service, region_name=in_region, endpoint_url=url, config=settings, **(connection or {})
            )
            client.meta.events.register("before-sign.s3-control", without_account_in_address)
            return gate.install(client)
        except NoRegionError as error:
            raise MultiRegionError(
                "region is not given; allowed: the code of an AWS region, such as us-east-1, here or in AWS_REGION."
            ) from error
        except (BotoCoreError, ValueError) as error:
            raise MultiRegionError(f"Could not create a client for {service} in {in_region}: {error}") from error

    return Clients(make, default_region=region, gate=gate, sessions=sessions)


def public_config(config):
    """Return what changes a botocore Config for S3 so that its requests are those of a Route 53 health checker.

    They are not signed, and go to the bucket's name at the endpoint of its region.
    """
    return Config(
        signature_version=UNSIGNED,
        s3={**(config.s3 or {}), "us_east_1_regional_endpoint": "regional"},
    )


def without_account_in_address(request, **_more):
    """Remove the account from the host name of a request to S3 Control if the rest is an IP address.

    botocore writes the account in front of any endpoint, and an IP address has no subdomains. A header has it too.
    """
    host = urllib.parse.urlsplit(request.url).hostname or ""
    account, _dot, rest = host.partition(".")
    with suppress(ValueError):
        ipaddress.ip_address(rest)
        request.url = request.url.replace(f"//{account}.", "//", 1)


def clients_for(module):
    """Return the Clients of an AnsibleAWSModule: its credentials, endpoint, certificates, region and time-outs.

    In a region that the run has found silent nothing is retried: no step waits for it, and a retry fails as well.

    Only ``params`` and ``fail_json`` of the module are used, so that an action plugin can pass a substitute.
    """
    region, endpoint, connection = get_aws_connection_info(module)
    silent = tuple(module.params.get("silent_regions") or ())
    connection.pop("aws_config", None)
    profile = connection.pop("profile_name", None)
    config = client_config(module.params, module.params.get("aws_config"))
    if settings := settings_of_environment():
        connection = without_keys_of_environment(connection)
    # Keys that are given need no look-up.
    if connection.get("aws_access_key_id"):
        return clients_of(start_session(profile, config), config, region, endpoint, connection, silent)
    sessions = RegionalSessions(profile, config, settings)
    if not settings:
        sessions.method(None)
    return clients_of(sessions, config, region, endpoint, connection, silent)


def make_clients(clients: Any, services: Iterable[str], regions: Iterable[str]) -> None:
    """Create the clients that threads are going to use.

    Creating clients is local work, and loading service models is slow on a busy machine. Done beforehand, it does not
    count as response time of AWS. If a client cannot be created, the thread that needs it reports the error.
    """
    for service, region in product(services, regions):
        with suppress(MultiRegionError):
            clients(service, region)
