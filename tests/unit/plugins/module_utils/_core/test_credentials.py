# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every kind of credentials: looked up once, of the region's own STS, in time to be renewed, and of one account."""

from __future__ import annotations

import datetime
import json

import pytest
from botocore.exceptions import BotoCoreError

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import (
    client_config,
    clients_for,
    clients_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.credentials import (
    HOSTED_ZONES,
    CredentialsError,
    RegionalSessions,
    create_session_in_advance,
    start_session,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, aws_call
from tests.unit.wire import Endpoint

EAST, WEST = "us-east-1", "us-east-2"
ROLE = "arn:aws:iam::123456789012:role/runner"
CONFIG = client_config({"connect_timeout": 1, "read_timeout": 2, "retries": 0})
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "nothing"}
ZONES = (b"<ListHostedZonesResponse><HostedZones/><IsTruncated>false</IsTruncated></ListHostedZonesResponse>", 0.0)
PROFILES = """
[profile runner]
role_arn = arn:aws:iam::123456789012:role/runner
credential_source = Environment

[profile web]
role_arn = arn:aws:iam::123456789012:role/runner
web_identity_token_file = {folder}/token

[profile process]
credential_process = cat {folder}/process.json

[profile desk]
sso_session = desk
sso_account_id = 123456789012
sso_role_name = runner

[sso-session desk]
sso_start_url = https://desk.example/start
sso_region = us-east-1

[profile through-desk]
role_arn = arn:aws:iam::123456789012:role/runner
source_profile = desk
"""


def given_out(operation: str, seconds: float = 3600, account: str = "123456789012") -> tuple[bytes, float]:
    """STS's answer with credentials that end after so many seconds."""
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    document = f"""<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{operation}Result>
      <AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId><Arn>arn:aws:sts::{account}:assumed-role/runner/b</Arn>
      </AssumedRoleUser><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
      <SessionToken>t</SessionToken><Expiration>{end:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>
      </{operation}Result></{operation}Response>"""
    return document.encode(), 0.0


def caller(account: str) -> tuple[bytes, float]:
    """STS's answer to who signs."""
    document = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/u</Arn><UserId>u</UserId><Account>{account}</Account></GetCallerIdentityResult>
      </GetCallerIdentityResponse>"""
    return document.encode(), 0.0


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with profiles and no keys; sets variables of its environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text(PROFILES.format(folder=tmp_path))
    (tmp_path / "token").write_text("a token")
    process = {"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "nothing"}
    (tmp_path / "process.json").write_text(json.dumps(process))

    def put(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    files = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    put(HOME=str(tmp_path), AWS_EC2_METADATA_DISABLED="true", **files)
    return put


@aws_call("Publish")
def publish(client):
    return client.publish(TopicArn="arn:aws:sns:us-east-1:123456789012:t", Message="m")["MessageId"]


def asked(sts: Endpoint, operation: str) -> list[str]:
    return [request for request in sts.requests if f"Action={operation}&" in request]


@pytest.mark.parametrize(
    ("profile", "operation"), [("runner", "AssumeRole"), ("web", "AssumeRoleWithWebIdentity")], ids=["role", "token"]
)
def test_credentials_of_a_profile_are_looked_up_once_for_all_modules_and_regions(machine, profile, operation):
    with Endpoint(given_out(operation)) as sts, Endpoint() as aws:
        machine(AWS_ENDPOINT_URL_STS=sts.url, **(KEYS if profile == "runner" else {}))
        for _module in range(2):
            sessions = RegionalSessions(profile, CONFIG)
            for region in (EAST, WEST):
                publish(clients_of(sessions, CONFIG, region, aws.url)("sns"))
        assert len(asked(sts, operation)) == 1 and len(aws.requests) == 4


def test_a_role_of_a_region_is_assumed_with_its_external_id_and_only_there(machine):
    with Endpoint(given_out("AssumeRole")) as sts, Endpoint() as aws:
        machine(AWS_ENDPOINT_URL_STS=sts.url, **KEYS)
        sessions = RegionalSessions(None, CONFIG, {WEST: {"role_arn": ROLE, "external_id": "desk-7"}})
        publish(clients_of(sessions, CONFIG, EAST, aws.url)("sns"))
        assert sts.requests == [] and sessions.method(EAST) == "env"
        publish(clients_of(sessions, CONFIG, WEST, aws.url)("sns"))
        (request,) = asked(sts, "AssumeRole")
        assert "ExternalId=desk-7" in request and sessions.method(WEST) == "assume-role"


class Task:
    """A module whose keys are those of the environment, as amazon.aws's fallbacks set them, or of the task."""

    def __init__(self, url, key):
        own = {"access_key": key, "secret_key": "nothing", "region": EAST, "endpoint_url": url}
        nothing = ("session_token", "profile", "aws_ca_bundle", "validate_certs", "aws_config")
        self.params = {**dict.fromkeys(nothing), **own, "connect_timeout": 1, "read_timeout": 2, "retries": 0}


@pytest.mark.parametrize(("key", "signer"), [("AKIAEXAMPLE", "ASIAEXAMPLE"), ("AKIATASK", "AKIATASK")])
def test_keys_of_the_environment_assume_the_role_of_a_region_and_keys_of_a_task_count_alone(machine, key, signer):
    with Endpoint(given_out("AssumeRole")) as sts, Endpoint() as aws:
        own = {EAST: {"role_arn": ROLE}}
        machine(AWS_ENDPOINT_URL_STS=sts.url, TRADING_MULTI_REGION_CREDENTIALS=json.dumps(own), **KEYS)
        publish(clients_for(Task(aws.url, key))("sns"))
        # As amazon.aws creates a client in the playbooks' action plugin.
        keys = {"aws_access_key_id": key, "aws_secret_access_key": "nothing", "aws_session_token": None}
        publish(RegionalSessions(None, CONFIG, own).client("sns", EAST, endpoint_url=aws.url, **keys))
        assert aws.signers == [signer, signer]


def test_keys_of_the_environment_of_another_account_are_refused(machine):
    with Endpoint(caller("210987654321")) as sts, Endpoint() as aws:
        own = {EAST: {"account_id": "123456789012"}}
        machine(AWS_ENDPOINT_URL_STS=sts.url, TRADING_MULTI_REGION_CREDENTIALS=json.dumps(own), **KEYS)
        with pytest.raises(AwsCallError, match="belong to account 210987654321"):
            publish(clients_for(Task(aws.url, "AKIAEXAMPLE"))("sns"))
        assert aws.requests == []


ZONE_ROLE = "arn:aws:iam::210987654321:role/zone"


def zones_of(clients):
    """Ask for the hosted zones."""
    clients(HOSTED_ZONES).list_hosted_zones()


def test_a_zone_of_another_account_is_reached_with_its_role_and_its_health_checks_are_not(machine):
    with Endpoint(given_out("AssumeRole", account="210987654321")) as sts, Endpoint(ZONES) as aws:
        machine(AWS_ENDPOINT_URL_STS=sts.url, **KEYS)
        own = {"role_arn": ZONE_ROLE, "external_id": "zone"}
        sessions = RegionalSessions(None, CONFIG, {HOSTED_ZONES: own})
        clients = clients_of(sessions, CONFIG, EAST, aws.url)
        clients("route53").list_hosted_zones()
        assert (sts.requests, aws.signers) == ([], ["AKIAEXAMPLE"])
        zones_of(clients)
        (request,) = asked(sts, "AssumeRole")
        assert "210987654321%3Arole%2Fzone" in request and "ExternalId=zone" in request
        assert aws.signers == ["AKIAEXAMPLE", "ASIAEXAMPLE"]


def test_the_role_of_a_zone_is_assumed_with_the_role_of_the_region(machine):
    with Endpoint(given_out("AssumeRole")) as sts, Endpoint(ZONES) as aws:
        machine(AWS_ENDPOINT_URL_STS=sts.url, **KEYS)
        sessions = RegionalSessions(None, CONFIG, {EAST: {"role_arn": ROLE}, HOSTED_ZONES: {"role_arn": ZONE_ROLE}})
        zones_of(clients_of(sessions, CONFIG, EAST, aws.url))
        first, second = asked(sts, "AssumeRole")
        assert "role%2Fzone" not in first and "role%2Fzone" in second
        assert (sts.signers, aws.signers) == (["AKIAEXAMPLE", "ASIAEXAMPLE"], ["ASIAEXAMPLE"])


def test_without_a_role_of_their_own_zones_are_reached_as_everything_else_is(machine):
    with Endpoint(ZONES) as aws:
        machine(**KEYS)
        zones_of(clients_of(RegionalSessions(None, CONFIG), CONFIG, EAST, aws.url))
        zones_of(clients_of(start_session(config=CONFIG), CONFIG, EAST, aws.url))
        assert aws.signers == ["AKIAEXAMPLE"] * 2


def test_each_regions_role_asks_that_regions_own_sts(machine):
    machine(**KEYS)
    sessions = RegionalSessions(None, CONFIG, {region: {"role_arn": ROLE} for region in (EAST, WEST)})
    for region in (EAST, WEST):
        sts = sessions.of(region)._session.create_client("sts", region_name=region)
        assert sts.meta.endpoint_url == f"https://sts.{region}.amazonaws.com"
        assert sts.meta.config.read_timeout == 2 and sessions.bound_to(region) == {}


def test_credentials_that_are_about_to_end_are_renewed_before(machine):
    with Endpoint(given_out("AssumeRole", 300), given_out("AssumeRole", 3600)) as sts, Endpoint() as aws:
        machine(AWS_ENDPOINT_URL_STS=sts.url, **KEYS)
        sns = clients_of(RegionalSessions("runner", CONFIG), CONFIG, EAST, aws.url)("sns")
        for _request in range(3):
            publish(sns)
        assert len(asked(sts, "AssumeRole")) == 2


def test_a_profile_of_a_region_wins_over_the_environment_and_a_process_is_asked(machine):
    machine(**KEYS)
    sessions = RegionalSessions(None, CONFIG, {WEST: {"profile": "process"}})
    assert sessions.of(WEST).get_credentials().access_key == "AKIAPROCESS"
    assert sessions.of(EAST).get_credentials().access_key == "AKIAEXAMPLE"


def test_a_role_of_an_instance_depends_on_no_region(machine):
    end = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
    own = {"Code": "Success", "AccessKeyId": "ASIAINSTANCE", "SecretAccessKey": "s", "Token": "t", "Expiration": end}
    answers = [(b"a token", 0.0), (b"runner", 0.0), (json.dumps(own).encode(), 0.0)]
    with Endpoint(*answers) as metadata:
        machine(AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url)
        sessions = RegionalSessions(None, CONFIG)
        assert (sessions.method(WEST), sessions.bound_to(WEST)) == ("iam-role", {})
        assert sessions.of(WEST).get_credentials().access_key == "ASIAINSTANCE"


@pytest.mark.parametrize("profile", ["desk", "through-desk"])
def test_an_identity_center_in_one_region_is_named(machine, profile):
    sessions = RegionalSessions(profile, CONFIG)
    assert sessions.bound_to(WEST) == {EAST: "IAM Identity Center"}
    assert sessions.bound_to(EAST) == {}, "a region that is lost needs no credentials"


@pytest.mark.parametrize(
    ("host", "bound"),
    [
        ("sts.us-west-2.amazonaws.com", "us-west-2"),
        ("sts.amazonaws.com", EAST),
        ("vpce-1.sts.eu-west-1.vpce.amazonaws.com", "eu-west-1"),
    ],
)
def test_an_sts_end_point_of_another_region_is_named(machine, host, bound):
    machine(AWS_ENDPOINT_URL_STS=f"https://{host}", **KEYS)
    assert RegionalSessions("runner", CONFIG).bound_to(WEST) == {bound: f"STS at {host}"}


def test_the_old_setting_of_a_profile_does_not_bind_the_credentials_to_one_region(machine):
    machine(AWS_STS_REGIONAL_ENDPOINTS="legacy", **KEYS)
    assert RegionalSessions("runner", CONFIG).bound_to(EAST) == {}


def test_nothing_is_sent_with_credentials_of_another_account(machine):
    with Endpoint(caller("210987654321")) as sts, Endpoint() as aws:
        machine(AWS_ENDPOINT_URL_STS=sts.url, **KEYS)
        sessions = RegionalSessions(None, CONFIG, {EAST: {"account_id": "123456789012"}})
        with pytest.raises(AwsCallError) as error:
            publish(clients_of(sessions, CONFIG, EAST, aws.url)("sns"))
        assert aws.requests == []
        assert "account 210987654321; allowed: 123456789012 (expected_account_id)" in str(error.value)


def test_the_account_of_a_key_is_asked_once_for_all_modules(machine):
    with Endpoint(caller("123456789012")) as sts, Endpoint() as aws:
        machine(AWS_ENDPOINT_URL_STS=sts.url, **KEYS)
        for _module in range(2):
            sessions = RegionalSessions(None, CONFIG, {EAST: {"account_id": "123456789012"}})
            publish(clients_of(sessions, CONFIG, EAST, aws.url)("sns"))
        assert len(sts.requests) == 1 and len(aws.requests) == 2


def test_a_folder_that_cannot_be_written_costs_a_look_up_and_nothing_else(machine, tmp_path):
    (tmp_path / ".aws").write_text("a file")
    with Endpoint(given_out("AssumeRole")) as sts, Endpoint() as aws:
        machine(AWS_ENDPOINT_URL_STS=sts.url, **KEYS)
        assert publish(clients_of(RegionalSessions("runner", CONFIG), CONFIG, EAST, aws.url)("sns")) == "1"


def test_a_cache_that_cannot_be_read_is_written_again(machine, tmp_path):
    with Endpoint(given_out("AssumeRole")) as sts, Endpoint() as aws:
        machine(AWS_ENDPOINT_URL_STS=sts.url, **KEYS)
        for _module in range(2):
            publish(clients_of(RegionalSessions("runner", CONFIG), CONFIG, EAST, aws.url)("sns"))
            (cached,) = (tmp_path / ".aws/boto/cache").glob("*.json")
            cached.write_text("{")
        assert len(asked(sts, "AssumeRole")) == 2


def test_a_role_without_credentials_to_assume_it_with_is_named(machine):
    sessions = RegionalSessions(None, CONFIG, {EAST: {"role_arn": ROLE}})
    with pytest.raises(CredentialsError, match=ROLE):
        sessions.client("sns", EAST)


def test_what_could_not_be_had_is_a_failure_that_amazon_aws_reports(machine):
    with pytest.raises((ValueError, BotoCoreError), match="gone"):
        RegionalSessions(None, CONFIG, {EAST: {"profile": "gone"}}).client("sns", EAST)


def test_a_session_that_was_created_in_advance_has_the_settings_of_its_use_and_serves_once(machine):
    machine(**KEYS)
    create_session_in_advance()
    machine(AWS_ACCESS_KEY_ID="AKIALATER", AWS_DEFAULT_REGION=WEST)
    first, second = start_session(), start_session()
    assert first.get_credentials().access_key == "AKIALATER" and first.region_name == WEST
    assert first._session is not second._session


def test_a_session_of_a_profile_is_not_the_one_that_was_created_in_advance(machine):
    create_session_in_advance()
    assert start_session("process").get_credentials().access_key == "AKIAPROCESS"
    assert start_session().get_credentials() is None
