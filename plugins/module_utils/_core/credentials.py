# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the clients of each region get their credentials from: without another region, once a run, and of one account.

botocore asks one STS for all regions, in every process again, and waits for it for minutes. Here every region asks its
own STS ("Manage AWS STS in an AWS Region" of the IAM User Guide), with the time-outs of the run, and the credentials
are kept in botocore's own cache of files until shortly before they end.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import threading
from contextlib import suppress
from urllib.parse import urlsplit

try:
    import botocore.session
    from boto3.session import Session
    from botocore.credentials import (
        AssumeRoleCredentialFetcher,
        CredentialProvider,
        CredentialResolver,
        DeferredRefreshableCredentials,
        create_credential_resolver,
    )
    from botocore.exceptions import BotoCoreError
    from botocore.loaders import create_loader
    from botocore.utils import JSONFileCache
except ImportError:  # AnsibleAWSModule reports it to the user before a client is created

    class BotoCoreError(Exception):
        """Used if botocore is not installed."""

    JSONFileCache = CredentialProvider = object


from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._core.requests import Gate
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

# Passes the variables aws_profile, aws_role_arn, aws_external_id and expected_account_id of all regions to a module, as
# JSON: {region: {profile, role_arn, external_id, account_id}}, and HOSTED_ZONES: {role_arn, external_id} beside the
# regions, from traffic_zone_role_arn and traffic_zone_external_id. None of them is a secret.
VARIABLE = "TRADING_MULTI_REGION_CREDENTIALS"
# The name of the client of Route 53 for hosted zones and their records, which may be in another account. A record may
# use the health checks of another one, so these stay in the platform's ("route53").
HOSTED_ZONES = "hosted_zones"
# botocore's names of the ways in which STS gives out the credentials.
FROM_STS = frozenset({"assume-role", "assume-role-with-web-identity"})
# A client's arguments that no role, profile or account is looked up for.
KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
# With which botocore looks up credentials, for a profile that assumes a role or a token that is exchanged for one.
CREDENTIAL_SERVICES = ("signin", "sso", "sso-oidc", "sts")
# A host of one region, such as sts.us-east-1.amazonaws.com; the global endpoint is in us-east-1.
PLACED = re.compile(rf"(?:^|\.)(?P<region>{rules.REGION.pattern})\.")
GLOBAL_STS, GLOBAL_STS_REGION = "sts.amazonaws.com", "us-east-1"


class CredentialsError(MultiRegionError, ValueError):
    """Credentials that could not be had. amazon.aws reports a ValueError of botocore as its module's failure."""


class WrongAccount(BotoCoreError):
    """The credentials belong to another account than the platform; nothing is sent with them."""

    fmt = "the credentials for {region} belong to account {found}; allowed: {expected} (expected_account_id)"


class CredentialCache(JSONFileCache):
    """Temporary credentials in files of the user's (botocore's own cache), so that a run looks them up once.

    A folder that cannot be written costs a look-up in every process, and nothing else.
    """

    FOLDER = "~/.aws/boto/cache"

    def __contains__(self, key):
        """Return whether there is a file that can be read."""
        try:
            return bool(self[key])
        except KeyError:
            return False

    def __setitem__(self, key, value):
        """Keep the credentials if possible."""
        with suppress(OSError):
            super().__setitem__(key, value)


class RoleProvider(CredentialProvider):
    """Credentials of a role, assumed with those that a chain of providers finds."""

    METHOD = "assume-role"

    def __init__(self, chain, create_client, role_arn, external_id, cache):
        super().__init__()
        self.chain, self.create_client, self.cache = chain, create_client, cache
        self.role_arn, self.external_id = role_arn, external_id

    def load(self):
        """Return credentials that are fetched when the first request is signed, and again before they end."""
        source = self.chain.load_credentials()
        if source is None:
            raise CredentialsError(f"There are no AWS credentials with which to assume {self.role_arn}.")
        fetcher = AssumeRoleCredentialFetcher(
            self.create_client,
            source,
            self.role_arn,
            extra_args={"ExternalId": self.external_id} if self.external_id else None,
            cache=self.cache,
        )
        return DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method=self.METHOD)


@functools.cache
def service_models(data_path):
    """Return botocore's loader of service models: one for all sessions of a process, because it caches them.

    data_path: botocore's setting of that name (additional search paths), or None.
    """
    return create_loader(data_path)


def in_time(create_client, config):
    """Return botocore's ``create_client`` with a deadline for the requests that look up credentials.

    botocore creates their clients itself ("Assume role provider" and others of the guide "Credentials" of boto3), when
    the first request is signed, so the deadline of that request does not include them.
    """

    @functools.wraps(create_client)
    def create(service_name, *arguments, **more):
        if service_name not in CREDENTIAL_SERVICES:
            return create_client(service_name, *arguments, **more)
        if config:
            more["config"] = more["config"].merge(config) if more.get("config") else config
        # No permit is asked: credentials change nothing, although AssumeRole is not named like a read.
        return Gate().install(create_client(service_name, *arguments, **more))

    return create


# A session that was created before it was needed; the first caller without a profile takes it.
_in_advance = []


def create_session_in_advance():
    """Create a botocore session without settings, for a process that forks those that start one.

    It reads its settings when they are used, so those of the fork count. Creating it takes as long as creating a
    client.
    """
    _in_advance[:] = [botocore.session.Session()]


def create_session(profile):
    """Return a new botocore session, or the one that was created in advance."""
    return _in_advance.pop() if _in_advance and profile is None else botocore.session.Session(profile=profile)


def start_session(profile=None, config=None, region=None, roles=()):
    """Return a boto3 session.

    profile: name of a profile in the AWS configuration files, or None.
    config: botocore Config of the clients with which botocore looks up credentials.
    region: region whose STS gives out credentials, or None for that of the first client.
    roles: (ARN, external id or None) of roles to assume, the first with the credentials of the profile, or of AWS's
    default chain, each other one with those of the role before it.
    """
    try:
        core = create_session(profile)
        core.set_config_variable("sts_regional_endpoints", "regional")
        if region:
            core.set_config_variable("region", region)
        core.create_client = in_time(core.create_client, config)
        core.register_component("data_loader", service_models(core.get_config_variable("data_path")))
        cache = CredentialCache(os.path.expanduser(CredentialCache.FOLDER))
        chain = create_credential_resolver(core, cache=cache, region_name=region)
        create_client = functools.partial(core.create_client, region_name=region)
        for role_arn, external_id in roles:
            chain = CredentialResolver([RoleProvider(chain, create_client, role_arn, external_id, cache)])
        core.register_component("credential_provider", chain)
        return Session(botocore_session=core)
    except BotoCoreError as error:
        raise CredentialsError(f"Could not start an AWS session: {error}") from error


def settings_of_environment():
    """Return the settings of every region that the playbook's variables give: {region: {name: value}}."""
    return json.loads(os.environ.get(VARIABLE) or "{}")


def without_keys_of_environment(arguments):
    """Return a client's arguments without the keys of the environment, which botocore finds there itself.

    amazon.aws passes them like keys of a task (its fallbacks), and then they would count instead of a role or profile.
    """
    key = arguments.get("aws_access_key_id")
    if key is None or key != os.environ.get("AWS_ACCESS_KEY_ID"):
        return arguments
    return {name: value for name, value in arguments.items() if name not in KEYS}


class RegionalSessions:
    """boto3 sessions: one for all regions, or one for each that has credentials of its own or gets them from STS.

    Each region's session asks that region's own STS, so that no region depends on another one to be reached.
    profile, config: as of start_session. settings: by region, as of settings_of_environment.
    default_region: returns the region of clients that name none.
    """

    def __init__(self, profile=None, config=None, settings=None, default_region=lambda: None):
        self._profile, self._config = profile, config
        self._settings, self._default_region = settings or {}, default_region
        self._sessions, self._accounts, self._locks = {}, {}, {}

    @property
    def region_name(self):
        """The region of clients that name none, as of a boto3 session."""
        return self._default_region() or self.of(None).region_name

    def of(self, region, for_zones=False):
        """Return the session of a region; None: that of all regions without their own.

        for_zones: of hosted zones. If they have a role of their own, it is assumed with the region's credentials.
        """
        own, zones = self._settings.get(region) or {}, for_zones and self._settings.get(HOSTED_ZONES) or {}
        is_own = bool(own.get("profile") or own.get("role_arn"))
        if not is_own and not zones and region and self.method(None) not in FROM_STS:
            region = None
        key = (region, bool(zones))
        if key not in self._sessions:
            roles = [(one["role_arn"], one.get("external_id")) for one in (own, zones) if one.get("role_arn")]
            self._sessions[key] = start_session(self._profile or own.get("profile"), self._config, region, roles)
        return self._sessions[key]

    def method(self, region):
        """Return botocore's name of the way in which the credentials of a region are found; None: there are none."""
        try:
            return getattr(self.of(region).get_credentials(), "method", None)
        except BotoCoreError as error:
            raise CredentialsError(f"No AWS credentials could be had: {error}") from error

    def client(self, service, region_name=None, **settings):
        """Return a client of the session of its region, which sends nothing to an account that is not expected."""
        return self._make("client", service, region_name, settings)

    def resource(self, service, region_name=None, **settings):
        """Return a resource of boto3, as ``client`` does."""
        return self._make("resource", service, region_name, settings)

    def _make(self, kind, service, region, settings):
        region = region or self._default_region()
        self.method(region)
        for_zones = service == HOSTED_ZONES
        session = self.of(region, for_zones)
        if self._settings:
            settings = without_keys_of_environment(settings)
        made = getattr(session, kind)("route53" if for_zones else service, region_name=region, **settings)
        expected = (self._settings.get(region) or {}).get("account_id")
        if expected:
            self._locks.setdefault(region, threading.Lock())
            sts = self.of(region).client("sts", region_name=region)
            check = functools.partial(self._require_account, region, sts, expected)
            (made if kind == "client" else made.meta.client).meta.events.register("before-send", check)
        return made

    def _require_account(self, region, sts, expected, **_event):
        """Raise WrongAccount unless the region's credentials belong to an account."""
        with self._locks[region]:
            if region not in self._accounts:
                self._accounts[region] = account_of(self.of(region).get_credentials(), sts)
        if self._accounts[region] != expected:
            raise WrongAccount(region=region, found=self._accounts[region], expected=expected)

    def bound_to(self, region):
        """Return {other region: what of it the credentials of a region need}. Empty if they depend on no other one."""
        session = self.of(region)
        core = session._session
        found = {}
        if session.get_credentials() is not None and self.method(region) in FROM_STS:
            host = urlsplit(core.create_client("sts", region_name=region).meta.endpoint_url).hostname or ""
            placed = PLACED.search(host)
            where = GLOBAL_STS_REGION if host == GLOBAL_STS else placed and placed["region"]
            if where:
                found[where] = f"STS at {host}"
        for profile in profiles_behind(core):
            identity = {**core.full_config.get("sso_sessions", {}).get(profile.get("sso_session"), {}), **profile}
            if identity.get("sso_region"):
                found[identity["sso_region"]] = "IAM Identity Center"
        found.pop(region, None)
        return found


def profiles_behind(core):
    """Yield the settings of a session's profile, and of those whose credentials it uses."""
    profiles, name, met = core.full_config.get("profiles", {}), core.profile or "default", set()
    while name in profiles and name not in met:
        met.add(name)
        yield profiles[name]
        name = profiles[name].get("source_profile")


def account_of(credentials, sts):
    """Return the account of credentials: what they say themselves, else what STS says, kept for the next module.

    An access key belongs to one account for good ("Managing access keys" of the IAM User Guide).
    """
    frozen = credentials.get_frozen_credentials()
    if getattr(frozen, "account_id", None):
        return frozen.account_id
    cache = CredentialCache(os.path.expanduser(CredentialCache.FOLDER))
    key = "account-" + hashlib.sha256(frozen.access_key.encode()).hexdigest()
    if key in cache:
        return cache[key]["account"]
    account = sts.get_caller_identity()["Account"]
    cache[key] = {"account": account}
    return account
