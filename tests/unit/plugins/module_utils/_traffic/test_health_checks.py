# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Health checks found by name: every type, only what differs, and one check whatever answers are lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.health_checks import (
    build_changes,
    build_config,
    is_named,
    run,
)
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error, no_answer

MATCH = {
    "type": "HTTPS_STR_MATCH",
    "fqdn": "control.s3.us-east-2.amazonaws.com",
    "port": 443,
    "resource_path": "/active-region",
    "search_string": "[us-east-2 claims over us-east-1]",
    "request_interval": 10,
    "failure_threshold": 3,
    "inverted": True,
}


class FakeRoute53(FakeAws):
    """Health checks with caller references that stay spent, versions, tags, and pages of one."""

    def __init__(self):
        super().__init__()
        self.checks = {}
        self.tags = {}
        self.spent = {}

    def list_health_checks(self, region):
        return {"HealthChecks": list(self.checks.values())}

    def get_health_check(self, region, HealthCheckId):
        return {"HealthCheck": self.checks[HealthCheckId]}

    def create_health_check(self, region, CallerReference, HealthCheckConfig):
        known = self.spent.get(CallerReference)
        if known and (known not in self.checks or self.checks[known]["HealthCheckConfig"] != HealthCheckConfig):
            raise aws_error("HealthCheckAlreadyExists", status=409)
        identifier = known or f"check-{len(self.spent) + 1}"
        self.spent[CallerReference] = identifier
        self.checks[identifier] = {
            "Id": identifier,
            "CallerReference": CallerReference,
            "HealthCheckVersion": 1,
            "HealthCheckConfig": dict(HealthCheckConfig),
        }
        self.tags.setdefault(identifier, {})
        return {"HealthCheck": self.checks[identifier]}

    def update_health_check(self, region, HealthCheckId, HealthCheckVersion, **changes):
        check = self.checks[HealthCheckId]
        if check["HealthCheckVersion"] != HealthCheckVersion:
            raise aws_error("HealthCheckVersionMismatch", status=409)
        check["HealthCheckConfig"].update(changes)
        check["HealthCheckVersion"] += 1

    def delete_health_check(self, region, HealthCheckId):
        del self.checks[HealthCheckId]

    def list_tags_for_resource(self, region, ResourceType, ResourceId):
        tags = [{"Key": key, "Value": value} for key, value in self.tags[ResourceId].items()]
        return {"ResourceTagSet": {"Tags": tags}}

    def change_tags_for_resource(self, region, ResourceType, ResourceId, AddTags):
        self.tags[ResourceId].update({tag["Key"]: tag["Value"] for tag in AddTags})


@pytest.fixture
def route53():
    return FakeRoute53()


@pytest.fixture
def ensure(fake_time):
    def ensure(fake, check_mode=False, **said):
        return run(
            {"name": "trading-switch", "state": "present", **said}, fake.clients, check_mode, **fake_time.passing
        )

    return ensure


def test_creates_an_inverted_check_with_its_name_as_reference_and_tag(route53, ensure):
    result = ensure(route53, **MATCH, tags={"Project": "trading"})
    assert (result["changed"], result["health_check_id"]) == (True, "check-1")
    assert result["health_check"]["caller_reference"] == "trading-switch"
    assert result["health_check"]["tags"] == {"Name": "trading-switch", "Project": "trading"}
    assert result["health_check"]["config"]["Inverted"] is True
    assert result["health_check"]["config"]["EnableSNI"] is True


@pytest.mark.parametrize(
    "options",
    [
        MATCH,
        {"type": "CALCULATED", "child_health_checks": ["b", "a"], "health_threshold": 1},
        {"type": "CLOUDWATCH_METRIC", "alarm": {"region": "us-east-2", "name": "switch"}},
        {"type": "RECOVERY_CONTROL", "routing_control_arn": "arn:control"},
        {"type": "TCP", "ip_address": "192.0.2.1", "port": 3306, "inverted": False},
    ],
)
def test_a_second_run_changes_nothing_for_any_type(route53, ensure, options):
    ensure(route53, **options)
    route53.calls.clear()
    assert ensure(route53, **options)["changed"] is False
    assert route53.writes() == []


def test_the_order_of_children_means_nothing(route53, ensure):
    ensure(route53, type="CALCULATED", child_health_checks=["a", "b"], health_threshold=1)
    assert ensure(route53, type="CALCULATED", child_health_checks=["b", "a"], health_threshold=1)["changed"] is False


def test_an_alarms_status_without_data_is_passed_on(route53, ensure):
    alarm = {"region": "us-east-2", "name": "switch", "insufficient_data_health_status": "LastKnownStatus"}
    config = ensure(route53, type="CLOUDWATCH_METRIC", alarm=alarm)["health_check"]["config"]
    assert config["AlarmIdentifier"] == {"Region": "us-east-2", "Name": "switch"}
    assert config["InsufficientDataHealthStatus"] == "LastKnownStatus"


def test_only_what_differs_is_sent(route53, ensure):
    ensure(route53, **MATCH)
    result = ensure(route53, **{**MATCH, "inverted": False, "failure_threshold": 2})
    sent = next(parameters for _s, _r, operation, parameters in route53.calls if operation == "update_health_check")
    assert sent == {"HealthCheckId": "check-1", "HealthCheckVersion": 1, "Inverted": False, "FailureThreshold": 2}
    assert result["health_check"]["version"] == 2


def test_what_is_left_out_is_left_alone(route53, ensure):
    ensure(route53, **MATCH)
    assert ensure(route53, type="HTTPS_STR_MATCH")["changed"] is False


@pytest.mark.parametrize(("option", "value"), [("type", "HTTP"), ("request_interval", 30), ("measure_latency", True)])
def test_refuses_what_cannot_be_changed_and_names_the_option(route53, ensure, option, value):
    ensure(route53, **MATCH)
    with pytest.raises(Refused, match=f"{option} is .*, {value} was requested"):
        ensure(route53, **{**MATCH, option: value})
    assert "update_health_check" not in route53.writes()


def test_latency_that_was_never_measured_is_measured_not(route53, ensure):
    ensure(route53, **MATCH)
    assert ensure(route53, **MATCH, measure_latency=False)["changed"] is False


def test_tags_are_added_and_others_stay(route53, ensure):
    ensure(route53, **MATCH, tags={"Project": "trading"})
    result = ensure(route53, **MATCH, tags={"Environment": "dev"})
    assert result["health_check"]["tags"] == {"Name": "trading-switch", "Project": "trading", "Environment": "dev"}


def test_check_mode_foresees_and_calls_nothing(route53, ensure):
    foreseen = ensure(route53, check_mode=True, **MATCH)
    assert (foreseen["changed"], route53.writes(), foreseen["health_check_id"]) == (True, [], None)
    done = ensure(route53, **MATCH)
    assert foreseen.keys() == done.keys()
    assert foreseen["health_check"]["config"] == done["health_check"]["config"]


def test_check_mode_foresees_a_change(route53, ensure):
    ensure(route53, **MATCH)
    foreseen = ensure(route53, check_mode=True, **{**MATCH, "inverted": False})
    assert foreseen["health_check"]["config"]["Inverted"] is False
    assert route53.checks["check-1"]["HealthCheckConfig"]["Inverted"] is True


def test_deletes_and_finds_nothing_to_delete_again(route53, ensure):
    ensure(route53, **MATCH)
    assert ensure(route53, state="absent")["changed"] is True
    assert ensure(route53, state="absent")["changed"] is False
    assert route53.checks == {}


def test_a_name_can_be_used_again_after_its_check_was_deleted(route53, ensure):
    ensure(route53, **MATCH)
    ensure(route53, state="absent")
    result = ensure(route53, **MATCH)
    assert result["health_check"]["caller_reference"].startswith("trading-switch@")
    assert ensure(route53, **MATCH)["changed"] is False


def test_a_lost_answer_to_creation_makes_no_second_check(route53, ensure):
    route53.lose_answer("create_health_check")
    assert ensure(route53, **MATCH)["health_check_id"] == "check-1"
    assert len(route53.checks) == 1


def test_a_lost_answer_to_a_change_is_read_back(route53, ensure):
    ensure(route53, **MATCH)
    route53.lose_answer("update_health_check")
    assert ensure(route53, **{**MATCH, "inverted": False})["health_check"]["config"]["Inverted"] is False


def test_an_old_reading_leads_to_no_second_change_and_is_not_returned(route53, ensure):
    ensure(route53, **MATCH)
    route53.calls.clear()
    route53.stale["get_health_check"] = 2
    changed = ensure(route53, **{**MATCH, "inverted": False}, tags={"Project": "trading"})
    assert changed["health_check"]["config"]["Inverted"] is False
    assert changed["health_check"]["tags"]["Project"] == "trading"
    assert sorted(route53.writes()) == ["change_tags_for_resource", "update_health_check"]


def test_looks_again_when_somebody_else_changed_it_meanwhile(route53, ensure):
    ensure(route53, **MATCH)
    route53.fail("update_health_check", aws_error("HealthCheckVersionMismatch", status=409))
    assert ensure(route53, **{**MATCH, "inverted": False})["health_check"]["config"]["Inverted"] is False


def test_does_not_fight_for_ever(route53, ensure):
    ensure(route53, **MATCH)
    route53.fail("update_health_check", *[aws_error("HealthCheckVersionMismatch", status=409)] * 99)
    with pytest.raises(MultiRegionError, match="run again"):
        ensure(route53, **{**MATCH, "inverted": False})


def test_throttling_is_waited_through(route53, ensure):
    route53.fail("list_health_checks", aws_error("Throttling"), no_answer())
    route53.fail("change_tags_for_resource", aws_error("PriorRequestNotComplete"))
    assert ensure(route53, **MATCH)["changed"] is True


def test_bad_input_is_reported_in_the_words_of_aws(route53, ensure):
    route53.fail("create_health_check", aws_error("InvalidInput", message="bad fqdn"))
    with pytest.raises(AwsCallError, match="bad fqdn"):
        ensure(route53, **MATCH)


def test_refuses_to_choose_between_two_of_one_name(route53, ensure):
    ensure(route53, **MATCH)
    route53.create_health_check("us-east-1", "trading-switch@1", {"Type": "TCP"})
    with pytest.raises(Refused, match="check-1, check-2"):
        ensure(route53, **MATCH)


@pytest.mark.parametrize("name", ["", "x" * 51, "with@sign"])
def test_refuses_a_name_that_no_reference_can_be_made_of(route53, ensure, name):
    with pytest.raises(Refused, match="1 to 50 characters"):
        ensure(route53, name=name, type="TCP")
    assert route53.calls == []


def test_a_longer_name_is_another_check():
    assert not is_named({"CallerReference": "trading-switch-2"}, "trading-switch")
    assert is_named({"CallerReference": "trading-switch@1f"}, "trading-switch")


OPTIONS = st.fixed_dictionaries(
    {"type": st.just("HTTP")},
    optional={
        "port": st.integers(1, 65535),
        "inverted": st.booleans(),
        "failure_threshold": st.integers(1, 10),
        "resource_path": st.sampled_from(["/", "/health"]),
    },
)


@given(OPTIONS, OPTIONS)
def test_applying_the_changes_leaves_nothing_to_change(current, wanted):
    config = build_config(current)
    changes = build_changes(config, build_config(wanted), "x")
    assert build_changes({**config, **changes}, build_config(wanted), "x") == {}
    assert set(changes) <= set(build_config(wanted))
