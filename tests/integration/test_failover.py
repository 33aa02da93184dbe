# SPDX-License-Identifier: GPL-3.0-or-later
"""failover.yml while a region is gone, and site.yml after it has come back."""

from __future__ import annotations

import json

import pytest

from tests.integration.aws import (
    SUFFIX,
    capacity,
    cluster,
    healthy_targets,
    members,
    messages,
    name_points_at,
    runs,
    wait_for_data,
    writer_region,
)

LOST, TARGET = "us-east-1", "us-east-2"
# 2 s to connect or 3 s to read, and a margin for a busy machine.
SHORT_TIME_OUT = 5.0
# AWS seconds, of which ten pass in one, by which the name of the writer follows the writer.
DNS_S = 60


def calls_since(platform, began: float) -> list[dict]:
    return [call for call in platform.lab.calls() if call["time"] >= began]


# Of all the slowest by day; the chaos matrix loses a region in the other modes too.
@pytest.mark.parametrize(
    "mode", ["hang", *(pytest.param(mode, marks=pytest.mark.nightly) for mode in ("reset", "5xx", "throttle"))]
)
def test_moves_writer_and_traffic_while_the_region_is_gone(platform, mode, tmp_path):
    active_had = capacity(platform.lab, LOST)["desired"]
    platform.lab.settings(endpoint_dns_s=DNS_S)
    platform.lab.outage(LOST, mode)
    outcome_file = tmp_path / "outcome.json"
    run = platform.run("failover", "-e", f"failover_outcome_file={outcome_file}").ends_well()

    assert writer_region(platform.lab, asked_in=TARGET) == TARGET
    assert name_points_at(platform.lab) == TARGET
    assert capacity(platform.lab, TARGET)["desired"] >= active_had
    assert healthy_targets(platform.lab, TARGET) >= active_had

    calls = calls_since(platform, run.began)
    assert [call for call in calls if call["region"] == LOST and call["seconds"] > SHORT_TIME_OUT] == []
    assert {call["service"] for call in calls} & {"route53", "iam", "sts"} == set(), (
        "no global control plane on the path"
    )

    (promotion,) = [call for call in calls if call["operation"] == "FailoverGlobalCluster"]
    assert (promotion["region"], promotion["status"]) == (TARGET, 200)
    earlier = {(c["service"], c["operation"]) for c in calls if c["mutating"] and c["time"] < promotion["time"]}
    assert earlier <= {("dynamodb", "PutItem"), ("dynamodb", "UpdateItem")}, "only the lease comes before the promotion"

    outcome = json.loads(outcome_file.read_text())
    assert outcome["outcome"] == "successful"
    assert outcome["target_region"] == TARGET
    assert outcome["started_at"] == pytest.approx(run.began, abs=0.5), "the clock starts with the command"
    assert 0 < outcome["rto_seconds"] <= run.seconds
    # Each step begins where the one before it ended; fencing runs in parallel, without an end if nothing responds.
    steps = {step["name"]: step for step in outcome["steps"]}
    fence = steps.pop("fence")
    assert fence["seconds"] is None or fence["seconds"] > 0
    ends = [step["ended_at"] for step in steps.values()]
    begins = [step["ended_at"] - step["seconds"] for step in steps.values()]
    assert begins[1:] == pytest.approx(ends[:-1], abs=0.1)
    moved = next(entry["time"] for entry in platform.lab.timeline() if TARGET in entry["writers"])
    turned = min(call["time"] for call in calls if call["operation"] == "PutObject")
    assert turned - moved >= DNS_S / 10 and outcome["warnings"] == [], "traffic follows the name of the writer"
    assert steps["endpoint_wait"]["ended_at"] - outcome["started_at"] < outcome["rto_seconds"]
    assert messages(platform.lab, TARGET), "operators are notified in the region that works"
    assert "Joined" not in steps["promote_wait"]["reason"], "it is the run's own operation"
    read = [call for call in calls if (call["region"], call["operation"]) == (TARGET, "GetItem")]
    assert len(read) == 3, "the lease to take and to release it, and a copy of the fence: steps prove it by a write"
    if mode == "hang":
        said = [steps["announce"]["reason"], steps["notify"]["reason"], outcome["verdicts_after"][LOST]["reason"]]
        assert all("none before in this run" in one for one in said), "a silent region is waited for once"


@pytest.mark.nightly
def test_the_region_that_returns_gets_nothing_back_until_the_other_is_lost(platform):
    platform.lab.settings(resync_s=10**6)
    platform.lab.outage(LOST, "hang")
    platform.run("failover").ends_well()
    platform.lab.restore(LOST)
    before = (members(platform.lab, TARGET), capacity(platform.lab, TARGET), capacity(platform.lab, LOST))
    assert name_points_at(platform.lab) == TARGET

    run = platform.run("site").ends_well()
    assert f"trading-{LOST}-{SUFFIX} is being rebuilt by AWS" in run.output, "and is not waited for"
    assert (members(platform.lab, TARGET), capacity(platform.lab, TARGET), capacity(platform.lab, LOST)) == before
    assert name_points_at(platform.lab) == TARGET

    platform.lab.settings(resync_s=0)
    wait_for_data(platform.lab, TARGET)
    platform.lab.outage(TARGET, "reset")
    too_soon = platform.run("failover", "--check").ends_well()
    assert "cool_down" in too_soon.output
    (record,) = runs(platform.lab, LOST)
    platform.run("automation", "-e", f"acknowledge={record['run_id']}").ends_well()
    platform.run("failover").ends_well()
    assert writer_region(platform.lab, asked_in=LOST) == LOST
    assert name_points_at(platform.lab) == LOST
    platform.lab.restore(TARGET)
    assert name_points_at(platform.lab) == LOST


def test_the_control_planes_of_global_services_are_not_needed(platform):
    platform.lab.outage("aws-global", "hang")
    platform.lab.outage(LOST, "reset")
    platform.lab.settings(endpoint_dns_s=10**6)
    run = platform.run("failover", "-e", "failover_endpoint_wait=5").ends_well()
    told = " ".join(run.output.split())
    assert "WARNING" in told and "5 s (wait_timeout)" in told, "a name that does not follow is reported"
    (record,) = runs(platform.lab, TARGET)
    assert f"not to {cluster(platform.lab, TARGET)['Endpoint']}" in record["warnings"][0]
    assert writer_region(platform.lab, asked_in=TARGET) == TARGET
    assert name_points_at(platform.lab) == TARGET


PROFILE = """
[profile runner]
role_arn = arn:aws:iam::123456789012:role/runner
source_profile = base
region = us-east-1

[profile base]
aws_access_key_id = test
aws_secret_access_key = test
"""


# By day the roles of regions (test_credentials.py) show the same.
@pytest.mark.nightly
def test_an_assumed_role_leaves_a_region_whose_sts_hangs_with_it(platform, tmp_path):
    iam = platform.lab.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="runner", PolicyName="all", PolicyDocument=json.dumps(everything))
    (tmp_path / "config").write_text(PROFILE)
    variables = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_PROFILE": "runner", "HOME": str(tmp_path)}
    variables |= {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    platform.lab.outage(LOST, "hang")
    calls = len(platform.lab.calls())
    platform.run("failover", variables=variables).ends_well()
    assert (writer_region(platform.lab, TARGET), name_points_at(platform.lab)) == (TARGET, TARGET)
    asked = [one for one in platform.lab.calls()[calls:] if one["operation"] == "AssumeRole"]
    assert len([one for one in asked if one["region"] == TARGET]) == 1
    by = {one["operation"] for one in platform.lab.calls()[calls:] if one["region"] == TARGET}
    assert "FailoverGlobalCluster" in by


def test_a_dry_run_tells_the_plan_and_changes_nothing(platform):
    platform.lab.outage(LOST, "reset")
    before = len(platform.lab.calls())
    run = platform.run("failover", "--check").ends_well()
    assert "FailoverGlobalCluster" in run.output
    assert [call for call in platform.lab.calls()[before:] if call["mutating"]] == []
