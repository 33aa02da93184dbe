# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""boto3 clients by service and region, cached, safe to share between threads, and never waiting long.

botocore waits 60 s for a connection and 60 s for an answer by default, times its retries ("Config" of the botocore
reference), so a call to a dead region stalls for minutes. Clients made here give up after seconds.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from itertools import product
from typing import Any

try:
    import boto3
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, NoRegionError
    from botocore.loaders import create_loader
except ImportError:  # AnsibleAWSModule says so to the user before a client is made

    class BotoCoreError(Exception):
        """Stand-in where botocore is not installed."""

    NoRegionError = BotoCoreError


try:
    from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_connection_info
except ImportError:  # where no Ansible is, as in the packed trigger, nobody asks for a module's clients

    def get_aws_connection_info(module):
        """Stand-in where amazon.aws is not installed."""
        raise MultiRegionError("amazon.aws is not installed; allowed: modules beside amazon.aws.")


from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

# The options of the doc fragment "timeouts", for the argument spec of every module that makes clients.
TIMEOUT_SPEC = {
    "connect_timeout": {"type": "float", "default": 2.0, "rule": rules.TIMEOUT},
    "read_timeout": {"type": "float", "default": 3.0, "rule": rules.TIMEOUT},
    "retries": {"type": "int", "default": 1, "rule": rules.number(0, 100)},
}


class Clients:
    """``clients(service, region)`` returns a client, made at the first request for the pair and kept.

    factory: function of (service, region) that makes a client, and of (service, region, endpoint) where a caller names
    an endpoint; tests pass one that returns fakes.
    default_region: what region=None stands for.
    """

    def __init__(self, factory, default_region=None):
        self._factory = factory
        self._made = {}
        self._lock = threading.Lock()
        self.default_region = default_region

    def __call__(self, service, region=None, endpoint=None):
        """Return the client of a service in a region; endpoint: URL to ask in place of the region's own."""
        key = (service, region or self.default_region, *([endpoint] if endpoint else []))
        # botocore sessions are not safe to make clients from in several threads; the clients themselves are
        # ("Multithreading or multiprocessing with clients" of the boto3 guide). The lock covers the making only.
        with self._lock:
            if key not in self._made:
                self._made[key] = self._factory(*key)
            return self._made[key]


def client_config(params, base=None):
    """Return the botocore Config for the options of the fragment "timeouts".

    base: dict of the option aws_config; the time-outs given here win over what it says about them.
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
    """Return the option's value, or the fragment's default where the caller left it out."""
    value = params.get(name)
    return TIMEOUT_SPEC[name]["default"] if value is None else value


@functools.cache
def service_models(data_path):
    """Return botocore's reader of service models, one for all sessions of a process, since it keeps what it has read.

    data_path: botocore's setting of that name (more places to look in), or None.
    """
    return create_loader(data_path)


def read_ahead(services):
    """Read the models of services before any client is wanted, for a process that forks those that make clients."""
    models = service_models(os.environ.get("AWS_DATA_PATH"))
    with contextlib.suppress(BotoCoreError):  # whoever makes a client is told
        for service in services:
            models.load_service_model(service, "service-2")
            models.load_service_model(service, "endpoint-rule-set-1")
        for shared in ("endpoints", "partitions"):
            models.load_data_with_path(shared)


@contextlib.contextmanager
def models_read_once():
    """Have the sessions that others start in this block take what this process has read of models."""
    before = botocore.session.create_loader
    botocore.session.create_loader = service_models
    try:
        yield
    finally:
        botocore.session.create_loader = before


def start_session(profile=None):
    """Return a boto3 session; profile: name of a profile of the AWS configuration files, or None."""
    try:
        core = botocore.session.Session(profile=profile)
        core.register_component("data_loader", service_models(core.get_config_variable("data_path")))
        return boto3.session.Session(botocore_session=core)
    except BotoCoreError as error:
        raise MultiRegionError(f"Could not start an AWS session: {error}") from error


def clients_of(session, config, region=None, endpoint=None, connection=None):
    """Return the Clients of a boto3 session.

    config: botocore Config. region: what region=None stands for. endpoint: URL in place of AWS's own, or None.
    connection: more arguments for every client, such as the certificates to trust.
    """

    def make(service, in_region, one_of_many=None):
        # Who names an endpoint has others to go to, so the next endpoint is the retry.
        settings = (
            config.merge(Config(retries={"total_max_attempts": 1, "mode": "standard"})) if one_of_many else config
        )
        url = one_of_many or endpoint
        try:
            return session.client(
                service, region_name=in_region, endpoint_url=url, config=settings, **(connection or {})
            )
        except NoRegionError as error:
            raise MultiRegionError(
                "region is not given; allowed: the code of an AWS region, such as us-east-1, here or in AWS_REGION."
            ) from error
        except (BotoCoreError, ValueError) as error:
            raise MultiRegionError(f"Could not make a client for {service} in {in_region}: {error}") from error

    return Clients(make, default_region=region)


def clients_for(module):
    """Return the Clients of an AnsibleAWSModule: its credentials, endpoint, certificates, region and time-outs.

    module needs only ``params`` and ``fail_json``, so that an action plugin can pass a stand-in.
    """
    region, endpoint, connection = get_aws_connection_info(module)
    connection.pop("aws_config", None)
    profile = connection.pop("profile_name", None)
    config = client_config(module.params, module.params.get("aws_config"))
    # One session for all: credentials are looked for once, not once a region.
    return clients_of(start_session(profile), config, region, endpoint, connection)


def make_clients(clients: Any, services: Iterable[str], regions: Iterable[str]) -> None:
    """Make the clients that threads are about to ask for.

    Making them is work of this machine, and reading service models takes long on a busy one. Done beforehand it does
    not count as time that AWS took to answer. What cannot be made is found out again, and reported, by who asks for it.
    """
    for service, region in product(services, regions):
        with suppress(MultiRegionError):
            clients(service, region)
