# SPDX-License-Identifier: GPL-3.0-or-later
"""Route 53: what checks observe and when, and what records answer."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from lab.daemon import LabError
from tests.lab.stage import DOMAIN, SCALE, Stage, wait

EAST, WEST = "us-east-1", "us-east-2"
CLAIM = f"[{WEST} claims over {EAST}]"
TICK_S = 0.15  # the lab looks ten times a second


def test_a_new_check_is_healthy_and_a_new_inverted_one_is_not_until_data_arrives(
    provisioned: Stage, tmp_path: Path
) -> None:
    with provisioned.lab.fork(tmp_path / "slow", scale=60) as slow:  # an interval takes half a second
        _new_checks_have_no_data(provisioned.on(slow))


def test_a_new_check_has_no_status_before_so_many_results_in_a_row_as_its_threshold(
    provisioned: Stage, tmp_path: Path
) -> None:
    with provisioned.lab.fork(tmp_path / "slow", scale=60) as slow:
        stage = provisioned.on(slow)
        stage.lab.set_targets(EAST, "unhealthy")
        check = stage.endpoint_check(EAST, RequestInterval=30, FailureThreshold=3)
        stage.lab.advance(45)  # one result
        assert (stage.observed(check).partition(":")[0], stage.healthy(check)) == ("Failure", True)
        stage.lab.advance(60)  # three
        assert not stage.healthy(check)


def _new_checks_have_no_data(stage: Stage) -> None:
    stage.lab.set_targets(EAST, "unhealthy")
    config = {"RequestInterval": 30, "FailureThreshold": 3}
    plain = stage.endpoint_check(EAST, **config)
    inverted = stage.check(
        "inverted",
        Type="HTTP",
        FullyQualifiedDomainName=stage.balancers[EAST]["DNSName"],
        Port=80,
        Inverted=True,
        **config,
    )
    assert (stage.healthy(plain), stage.healthy(inverted)) == (True, False)
    assert wait(lambda: (stage.healthy(plain), stage.healthy(inverted)), lambda now: now == (False, True))[1]


def test_a_check_follows_its_endpoint_only_after_threshold_times_interval(stage: Stage) -> None:
    check = stage.endpoint_check(EAST, RequestInterval=30, FailureThreshold=10)
    stage.settle(check)
    lasts = 30 * 10 / SCALE
    for state, healthy in (("unhealthy", False), ("healthy", True)):
        start = time.monotonic()
        stage.lab.set_targets(EAST, state)
        assert stage.healthy(check) is not healthy
        assert wait(lambda: stage.healthy(check), lambda now, wanted=healthy: now is wanted) is healthy
        assert time.monotonic() - start >= lasts - 0.01


def test_a_short_failure_changes_nothing(stage: Stage) -> None:
    check = stage.endpoint_check(EAST, RequestInterval=30, FailureThreshold=10)
    stage.settle(check)
    for _ in range(4):
        stage.lab.set_targets(EAST, "unhealthy")
        time.sleep(0.2)
        stage.lab.set_targets(EAST, "healthy")
    assert stage.healthy(check)


def test_an_endpoint_is_lost_with_its_region_and_back_with_it(stage: Stage) -> None:
    check = stage.endpoint_check(EAST)
    stage.settle(check)
    assert stage.observed(check).startswith("Success: HTTP Status Code 200")
    stage.lab.outage(EAST, "hang")
    assert not wait(lambda: stage.healthy(check), lambda now: not now)
    assert "us-east-1 is out" in stage.observed(check)
    reason = stage.route53.get_health_check_last_failure_reason(HealthCheckId=check)["HealthCheckObservations"]
    assert len(reason) == 8 and reason[0]["StatusReport"]["Status"].startswith("Failure")
    stage.lab.restore(EAST)
    assert wait(lambda: stage.healthy(check))


def test_an_endpoint_without_targets_or_listener_is_unhealthy(stage: Stage) -> None:
    no_listener = stage.endpoint_check(WEST, Port=8443)
    no_targets = stage.endpoint_check(EAST)
    stage.deregister_all(EAST)
    for check, reason in ((no_listener, "no listener on port 8443"), (no_targets, "503")):
        assert reason in wait(lambda one=check: stage.observed(one), lambda now, text=reason: text in now)


def test_an_object_is_read_as_anybody_reads_it(stage: Stage) -> None:
    check = stage.object_check("claim", WEST, CLAIM, inverted=False, FailureThreshold=1)
    assert "403" in wait(lambda: stage.observed(check), lambda now: "403" in now)
    stage.write(WEST, f"first line\n{CLAIM}\n")
    assert wait(lambda: stage.healthy(check))
    stage.block_public_access(WEST, True)
    assert not wait(lambda: stage.healthy(check), lambda now: not now)
    stage.block_public_access(WEST, False)
    assert wait(lambda: stage.healthy(check))
    stage.lab.outage(WEST)
    assert not wait(lambda: stage.healthy(check), lambda now: not now)
    assert "is out" in stage.observed(check)


@pytest.mark.parametrize("text", ["", "something else", "x" * 5120 + CLAIM, CLAIM.upper()])
def test_the_search_string_must_be_in_the_first_5120_bytes_as_written(stage: Stage, text: str) -> None:
    stage.write(WEST, text)
    check = stage.object_check("claim", WEST, CLAIM, inverted=False, FailureThreshold=1)
    assert "not found" in wait(lambda: stage.observed(check), lambda now: "not found" in now)


def test_only_the_public_key_is_readable(stage: Stage) -> None:
    stage.lab.client("s3", WEST).put_object(Bucket=stage.bucket(WEST), Key="other", Body=CLAIM.encode())
    check = stage.object_check("other", WEST, CLAIM, ResourcePath="/other", FailureThreshold=1)
    assert "403" in wait(lambda: stage.observed(check), lambda now: "403" in now)


def test_a_calculated_check_counts_its_healthy_children(stage: Stage) -> None:
    children = [stage.endpoint_check(EAST), stage.endpoint_check(WEST)]
    for threshold, healthy in ((0, True), (1, True), (2, True), (3, False)):
        check = stage.check(f"of-{threshold}", Type="CALCULATED", ChildHealthChecks=children, HealthThreshold=threshold)
        assert stage.healthy(check) is healthy
    both = stage.check("both", Type="CALCULATED", ChildHealthChecks=children, HealthThreshold=2)
    one = stage.check("one", Type="CALCULATED", ChildHealthChecks=children, HealthThreshold=1)
    neither = stage.check("not-one", Type="CALCULATED", ChildHealthChecks=children, HealthThreshold=1, Inverted=True)
    stage.lab.set_targets(EAST, "unhealthy")
    wait(lambda: stage.healthy(both), lambda now: not now)
    assert (stage.healthy(both), stage.healthy(one), stage.healthy(neither)) == (False, True, False)


def test_a_calculated_check_cannot_count_calculated_ones(stage: Stage) -> None:
    inner = stage.check("inner", Type="CALCULATED", ChildHealthChecks=[stage.endpoint_check(EAST)], HealthThreshold=1)
    with pytest.raises(ClientError, match="InvalidInput"):
        stage.check("outer", Type="CALCULATED", ChildHealthChecks=[inner], HealthThreshold=1)


def test_a_disabled_check_is_healthy_and_inverting_still_applies(stage: Stage) -> None:
    stage.lab.set_targets(EAST, "unhealthy")
    check = stage.endpoint_check(EAST)
    assert not wait(lambda: stage.healthy(check), lambda now: not now)
    stage.route53.update_health_check(HealthCheckId=check, Disabled=True)
    assert stage.healthy(check)
    stage.route53.update_health_check(HealthCheckId=check, Inverted=True)
    assert not stage.healthy(check)


class Alarm:
    """An alarm on a metric of its own, and the values published for it."""

    def __init__(self, stage: Stage, missing: str = "missing") -> None:
        self.client = stage.lab.client("cloudwatch", WEST)
        self.client.put_metric_alarm(
            AlarmName="alarm",
            Namespace="space",
            MetricName="metric",
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData=missing,
        )

    def publish(self, value: float, stamp: datetime | None = None) -> None:
        stamp = stamp or datetime.now(UTC)
        self.client.put_metric_data(
            Namespace="space", MetricData=[{"MetricName": "metric", "Value": value, "Timestamp": stamp}]
        )

    def state(self) -> str:
        return self.client.describe_alarms(AlarmNames=["alarm"])["MetricAlarms"][0]["StateValue"]


def alarm_check(stage: Stage, insufficient: str) -> str:
    config = {"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": {"Region": WEST, "Name": "alarm"}}
    return stage.check(f"alarm-{insufficient}", **config, InsufficientDataHealthStatus=insufficient)


def test_a_check_on_an_alarm_keeps_the_alarm_it_was_given(stage: Stage) -> None:
    check = alarm_check(stage, "LastKnownStatus")
    read = stage.route53.get_health_check(HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]
    assert read["AlarmIdentifier"] == {"Region": WEST, "Name": "alarm"}


def test_a_check_on_an_alarm_follows_the_data_a_period_later_and_keeps_what_it_heard_last(stage: Stage) -> None:
    alarm, check = Alarm(stage, "ignore"), alarm_check(stage, "LastKnownStatus")
    assert stage.healthy(check)  # no data yet
    started = time.monotonic()
    alarm.publish(1)
    assert wait(lambda: stage.healthy(check), lambda healthy: not healthy) is False
    assert time.monotonic() - started >= 60 / SCALE
    time.sleep(5 * 60 / SCALE)
    assert not stage.healthy(check)
    assert alarm.state() == "ALARM"
    stage.lab.outage(WEST)
    assert not stage.healthy(check)


def test_a_zero_does_not_take_back_a_one_of_the_same_minute_but_one_dated_ahead_does(stage: Stage) -> None:
    alarm, check = Alarm(stage, "ignore"), alarm_check(stage, "LastKnownStatus")
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    alarm.publish(1, minute)
    alarm.publish(0, minute + timedelta(seconds=30))
    assert wait(lambda: stage.healthy(check), lambda healthy: not healthy) is False
    alarm.publish(0, minute + timedelta(minutes=1))
    assert wait(lambda: stage.healthy(check)) is True


def test_a_check_on_an_alarm_without_data_is_what_its_setting_says_and_no_forced_state(stage: Stage) -> None:
    alarm = Alarm(stage)
    checks = {name: alarm_check(stage, name) for name in ("Healthy", "Unhealthy")}
    assert [stage.healthy(checks[name]) for name in ("Healthy", "Unhealthy")] == [True, False]
    alarm.client.set_alarm_state(AlarmName="alarm", StateValue="ALARM", StateReason="forced")
    assert stage.healthy(checks["Healthy"])
    alarm.publish(0)
    assert wait(lambda: stage.healthy(checks["Unhealthy"])) is True
    assert wait(lambda: stage.healthy(checks["Unhealthy"]), lambda healthy: not healthy) is False
    assert wait(alarm.state, lambda state: state == "INSUFFICIENT_DATA") == "INSUFFICIENT_DATA"


def test_failover_goes_to_the_secondary_and_back_and_to_the_primary_when_neither_is_healthy(stage: Stage) -> None:
    checks = {region: stage.endpoint_check(region) for region in (EAST, WEST)}
    stage.put(stage.failover("PRIMARY", EAST, checks[EAST]), stage.failover("SECONDARY", WEST, checks[WEST]))
    for check in checks.values():
        stage.settle(check)
    assert wait(stage.region, lambda now: now == EAST) == EAST
    stage.lab.outage(EAST)
    assert wait(stage.region, lambda now: now == WEST) == WEST
    stage.lab.set_targets(WEST, "unhealthy")
    assert wait(stage.region, lambda now: now == EAST) == EAST
    stage.lab.restore(EAST)
    stage.lab.set_targets(WEST, "healthy")
    assert wait(stage.region) == EAST


def test_an_inverted_check_on_an_object_moves_the_name_without_the_control_plane(stage: Stage) -> None:
    claim = stage.object_check("not_claim", WEST, CLAIM)
    stage.settle(claim)
    level = stage.check("level", Type="CALCULATED", ChildHealthChecks=[claim], HealthThreshold=1)
    stage.put(stage.failover("PRIMARY", EAST, level), stage.failover("SECONDARY", WEST))
    # An inverted check is unhealthy until it has had as many results as its threshold.
    assert wait(stage.region, lambda now: now == EAST) == EAST
    stage.lab.outage(EAST)
    stage.lab.outage("aws-global")
    stage.write(WEST, f"{CLAIM}\n")
    start = time.monotonic()
    assert wait(stage.region, lambda now: now == WEST) == WEST
    assert time.monotonic() - start >= 30 / SCALE - TICK_S


def test_evaluate_target_health_takes_an_empty_target_group_for_unhealthy(stage: Stage) -> None:
    stage.put(stage.failover("PRIMARY", EAST, evaluate=True), stage.failover("SECONDARY", WEST, evaluate=True))
    stage.deregister_all(EAST)
    answer = stage.lab.resolve(DOMAIN)
    assert answer["region"] == WEST
    assert "no registered target" in answer["text"]


def test_an_alias_leads_to_another_record_of_the_zone_and_inherits_its_health(stage: Stage) -> None:
    level = f"level-2.{DOMAIN}"
    first = stage.endpoint_check(EAST)
    stage.put(
        stage.failover("PRIMARY", EAST, name=level, evaluate=True),
        stage.failover("SECONDARY", WEST, name=level, evaluate=True),
        stage.failover("PRIMARY", EAST, first),
        stage.failover("SECONDARY", level),
        stage.alias(level, name=f"inheriting.{DOMAIN}", evaluate=True),
    )
    stage.lab.set_targets(EAST, "unhealthy")
    assert wait(stage.region, lambda now: now == WEST) == WEST
    assert [step["name"] for step in stage.lab.resolve(DOMAIN)["why"]] == [DOMAIN, level]
    assert stage.lab.resolve(f"inheriting.{DOMAIN}")["why"][0]["records"][0]["target_health"]["healthy"]
    stage.lab.set_targets(WEST, "unhealthy")
    assert not stage.lab.resolve(f"inheriting.{DOMAIN}")["why"][0]["records"][0]["target_health"]["healthy"]


def test_weights_choose_among_the_healthy(stage: Stage) -> None:
    stage.put(stage.alias(EAST, SetIdentifier="east", Weight=0), stage.alias(WEST, SetIdentifier="west", Weight=5))
    assert {stage.region() for _ in range(5)} == {WEST}
    stage.put(stage.alias(EAST, SetIdentifier="east", Weight=5))
    assert {stage.region() for _ in range(40)} == {EAST, WEST}
    stage.put(stage.alias(WEST, SetIdentifier="west", Weight=5, evaluate=True))
    stage.deregister_all(WEST)
    assert {stage.region() for _ in range(5)} == {EAST}


def test_resolve_says_where_and_why(stage: Stage) -> None:
    check = stage.endpoint_check(EAST)
    stage.put(stage.failover("PRIMARY", EAST, check), stage.failover("SECONDARY", WEST))
    answer = stage.lab.resolve(f"{DOMAIN.upper()}.")
    assert (answer["load_balancer"], answer["region"]) == (f"alb-{EAST}", EAST)
    assert answer["dns_name"] == stage.balancers[EAST]["DNSName"]
    assert ([answer["address"]], 60) == (answer["values"], answer["ttl"])
    (step,) = answer["why"]
    assert [(one["policy"], one["chosen"]) for one in step["records"]] == [("PRIMARY", True), ("SECONDARY", False)]
    assert step["records"][0]["health_check"]["name"] == f"endpoint-{EAST}"
    assert f"check endpoint-{EAST} (HTTP): healthy" in answer["text"]


@pytest.mark.parametrize("name", [f"nowhere.{DOMAIN}", "example.org", "alb-9.us-east-1.elb.amazonaws.com"])
def test_resolve_refuses_a_name_that_does_not_exist(stage: Stage, name: str) -> None:
    with pytest.raises(LabError, match=f"{name} does not answer"):
        stage.lab.resolve(name)


def test_the_version_rises_with_each_update_and_guards_it(stage: Stage) -> None:
    children = [stage.endpoint_check(EAST), stage.endpoint_check(WEST)]
    check = stage.check("calculated", Type="CALCULATED", ChildHealthChecks=children, HealthThreshold=1)
    made = stage.route53.update_health_check(HealthCheckId=check, HealthCheckVersion=1, HealthThreshold=2)
    assert made["HealthCheck"]["HealthCheckVersion"] == 2
    assert sorted(made["HealthCheck"]["HealthCheckConfig"]["ChildHealthChecks"]) == sorted(children)
    with pytest.raises(ClientError, match="HealthCheckVersionMismatch"):
        stage.route53.update_health_check(HealthCheckId=check, HealthCheckVersion=1, HealthThreshold=1)


def test_a_caller_reference_makes_one_check_only(stage: Stage) -> None:
    config = {"Type": "CALCULATED", "ChildHealthChecks": [stage.endpoint_check(EAST)], "HealthThreshold": 1}
    create = stage.route53.create_health_check
    first = create(CallerReference="once", HealthCheckConfig=config)["HealthCheck"]["Id"]
    assert create(CallerReference="once", HealthCheckConfig=config)["HealthCheck"]["Id"] == first
    with pytest.raises(ClientError, match="HealthCheckAlreadyExists"):
        create(CallerReference="once", HealthCheckConfig={**config, "HealthThreshold": 2})
    stage.route53.delete_health_check(HealthCheckId=first)
    with pytest.raises(ClientError, match="HealthCheckAlreadyExists"):
        create(CallerReference="once", HealthCheckConfig=config)
    with pytest.raises(ClientError, match="NoSuchHealthCheck"):
        stage.route53.delete_health_check(HealthCheckId=first)


def test_deleting_a_record_leaves_others_with_its_set_identifier(stage: Stage) -> None:
    other = f"other.{DOMAIN}"
    stage.put(stage.failover("PRIMARY", EAST), stage.failover("PRIMARY", EAST, name=other))
    stage.put(stage.failover("PRIMARY", EAST), action="DELETE")
    records = stage.route53.list_resource_record_sets(HostedZoneId=stage.zone_id)["ResourceRecordSets"]
    assert [record["Name"] for record in records if record["Type"] == "A"] == [f"{other}."]


def test_test_dns_answer_answers_as_dns_does(stage: Stage) -> None:
    stage.put(stage.alias(EAST))
    ask = stage.route53.test_dns_answer
    answer = ask(HostedZoneId=stage.zone_id, RecordName=DOMAIN, RecordType="A")
    assert answer["ResponseCode"] == "NOERROR"
    assert answer["RecordData"] == [stage.lab.resolve(DOMAIN)["address"]]
    answer = ask(HostedZoneId=stage.zone_id, RecordName=f"no.{DOMAIN}", RecordType="A")
    assert (answer["ResponseCode"], answer["RecordData"]) == ("NXDOMAIN", [])


def test_a_zone_is_signed_once_it_has_an_active_key_and_until_that_is_ended(lab) -> None:
    route53 = lab.client("route53", EAST)
    zone = route53.create_hosted_zone(Name="signed.example.com", CallerReference="1")["HostedZone"]["Id"]

    def signs() -> str:
        return route53.get_dnssec(HostedZoneId=zone)["Status"]["ServeSignature"]

    assert signs() == "NOT_SIGNING"
    with pytest.raises(ClientError) as refused:
        route53.enable_hosted_zone_dnssec(HostedZoneId=zone)
    assert refused.value.response["Error"]["Code"] == "KeySigningKeyWithActiveStatusNotFound"
    key = {"KeyManagementServiceArn": "arn:aws:kms:us-east-1:123456789012:key/1", "Name": "first", "Status": "ACTIVE"}
    route53.create_key_signing_key(CallerReference="2", HostedZoneId=zone, **key)
    route53.enable_hosted_zone_dnssec(HostedZoneId=zone)
    assert signs() == "SIGNING"
    assert [one["Name"] for one in route53.get_dnssec(HostedZoneId=zone)["KeySigningKeys"]] == ["first"]
    route53.disable_hosted_zone_dnssec(HostedZoneId=zone)
    assert signs() == "NOT_SIGNING"


def test_a_name_in_a_zone_of_another_account_follows_a_health_check_of_this_one(stage: Stage) -> None:
    name, route53 = "name.theirs.example", stage.lab.client_of_account("210987654321", "route53")
    zone = route53.create_hosted_zone(Name="theirs.example", CallerReference="1")["HostedZone"]["Id"]
    check = stage.endpoint_check(EAST)
    records = [stage.failover("PRIMARY", EAST, name=name, check=check), stage.failover("SECONDARY", WEST, name=name)]
    changes = [{"Action": "CREATE", "ResourceRecordSet": one} for one in records]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    assert stage.lab.resolve(name)["region"] == EAST
    stage.lab.set_targets(EAST, "unhealthy")
    assert wait(lambda: stage.lab.resolve(name)["region"], lambda found: found == WEST) == WEST
    assert [one["Name"] for one in stage.route53.list_hosted_zones()["HostedZones"]] == [f"{DOMAIN}."]


def test_a_private_zone_answers_only_inside_its_vpcs_and_needs_one(stage: Stage) -> None:
    route53, private = stage.route53, {"PrivateZone": True}
    with pytest.raises(ClientError, match="requires a VPC"):
        route53.create_hosted_zone(Name=DOMAIN, CallerReference="without", HostedZoneConfig=private)
    vpc = {"VPCRegion": EAST, "VPCId": "vpc-inside"}
    made = route53.create_hosted_zone(Name=DOMAIN, CallerReference="private", HostedZoneConfig=private, VPC=vpc)
    stage.put(stage.alias(EAST))
    inside = stage.on(stage.lab)
    inside.zone_id = made["HostedZone"]["Id"]
    inside.put(inside.alias(WEST))
    assert stage.region() == EAST
    for place, region in (("vpc-inside", WEST), ("vpc-other", EAST)):
        stage.lab.settings(dns_client_vpc=place)
        assert stage.region() == region


def test_a_change_batch_is_made_as_a_whole_or_not_at_all(stage: Stage) -> None:
    route53 = stage.lab.client("route53")
    zone = route53.create_hosted_zone(Name="batch.example.com", CallerReference="batch")["HostedZone"]["Id"]

    def change(*changes: tuple[str, str, str]) -> None:
        alias = {"HostedZoneId": "Z3AADJGX6KTTL2", "DNSName": "x.example.org", "EvaluateTargetHealth": False}
        of_name = {"Name": "batch.example.com", "Type": "A", "AliasTarget": alias}
        sets = [
            {"Action": action, "ResourceRecordSet": {**of_name, "SetIdentifier": one, "Failover": role}}
            for action, one, role in changes
        ]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": sets})

    def roles() -> dict[str, str]:
        found = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        return {one["SetIdentifier"]: one["Failover"] for one in found if one["Type"] == "A"}

    change(("CREATE", "a", "PRIMARY"), ("CREATE", "b", "SECONDARY"))
    for refused in (
        [("UPSERT", "b", "PRIMARY")],  # a second one of its role
        [("DELETE", "a", "PRIMARY"), ("CREATE", "b", "PRIMARY")],  # b is there
        [("DELETE", "a", "PRIMARY"), ("DELETE", "c", "PRIMARY")],  # c is not
    ):
        with pytest.raises(ClientError, match="InvalidChangeBatch"):
            change(*refused)
        assert roles() == {"a": "PRIMARY", "b": "SECONDARY"}
    change(("DELETE", "a", "PRIMARY"), ("DELETE", "b", "SECONDARY"), ("CREATE", "b", "PRIMARY"))
    assert roles() == {"b": "PRIMARY"}
