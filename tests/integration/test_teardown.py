# SPDX-License-Identifier: GPL-3.0-or-later
"""teardown.yml leaves nothing behind, asked of the lab resource type by resource type."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.integration.aws import DOMAIN, cluster, members, name_points_at, wait_for_data, writer_region
from tests.integration.leftovers import asked, delete_kept_snapshots, left_in, left_of_platform_in, mentions, without
from tests.integration.permissions import Runner, as_runner, gaps

# With every option of the roles switched on; the first one is active and preferred.
THREE = ("eu-west-1", "ap-southeast-1", "us-west-2")


def tear_down(platform, provisioner: Runner | None = None) -> tuple[Runner, list[dict]]:
    """Remove the platform as whoever may provision it and nothing else, and look for what is left.

    Return who did it, and the calls.
    """
    assert all(left_in(platform.lab, region) for region in platform.regions), "there is something to remove"
    provisioner, began = provisioner or as_runner(platform, "provisioning"), time.time()
    provisioner.run("teardown", "-e", json.dumps({"confirm": "dev"})).ends_well()
    calls = platform.lab.calls(began)
    assert {region: left_in(platform.lab, region) for region in platform.regions} == {
        region: {} for region in platform.regions
    }
    return provisioner, calls


def add_template_versions(platform) -> None:
    for region in platform.regions:
        platform.lab.client("ec2", region).create_launch_template_version(
            LaunchTemplateName="trading-app-dev", SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.large"}
        )


def test_leaves_the_lab_empty(platform):
    """Also of a launch template with several versions."""
    add_template_versions(platform)
    tear_down(platform)


def test_a_record_that_keeps_the_zone_is_named_before_anything_of_the_name_is_removed(platform):
    route53 = platform.lab.client("route53")
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    foreign = {"Name": f"mail.{DOMAIN}", "Type": "MX", "TTL": 300, "ResourceRecords": [{"Value": "10 mx.example.org"}]}
    changes = [{"Action": "CREATE", "ResourceRecordSet": foreign}]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    before, calls = name_points_at(platform.lab), len(platform.lab.calls())
    run = platform.run(Path(__file__).with_name("retire_traffic.yml"))
    assert run.code != 0 and f"mail.{DOMAIN} MX" in " ".join(run.output.split()), run.output[-3000:]
    assert name_points_at(platform.lab) == before
    assert [one for one in platform.lab.calls()[calls:] if one["mutating"]] == []


@pytest.mark.nightly
def test_an_account_is_empty_after_a_whole_life_and_no_right_but_the_policys_is_needed(copy_of, tmp_path):
    """Every option on; the active region is lost and returns as a standby, and another standby is retired for good."""
    platform = copy_of(*THREE)
    lost, target, leaving = THREE
    # Those that provisioned the platform. Moves have runners of their own.
    calls = platform.lab.calls()
    platform.lab.outage(lost, "reset")
    platform.run("failover").ends_well()
    platform.lab.restore(lost)
    wait_for_data(platform.lab, target)
    add_template_versions(platform)
    kept = without(platform, tmp_path / "inventory", leaving)
    provisioner, began = as_runner(kept, "provisioning"), time.time()
    provisioner.run("retire_region", *asked(leaving)).ends_well()
    calls += platform.lab.calls(began)
    assert (left_of_platform_in(platform, leaving), mentions(kept, leaving)) == ({}, {})
    assert name_points_at(platform.lab) == writer_region(platform.lab, lost) == target
    # Another run ends with site.yml, and neither finds anything to do.
    again = provisioner.run("retire_region", *asked(leaving)).ends_well()
    assert not any(again.changed.values()), again.output
    _provisioner, removing = tear_down(kept, provisioner)
    assert left_in(platform.lab, leaving) == {}
    assert gaps("provisioning", provisioner.documents, calls + removing) == []


@pytest.mark.nightly
def test_an_account_is_empty_after_a_failback_an_upgrade_and_a_rebuild_with_every_option_on(copy_of):
    platform = copy_of(*THREE)
    lab, (lost, target, other) = platform.lab, THREE
    lab.settings(minor_upgrade_s=20)
    lab.outage(lost, "reset")
    platform.run("failover", "-e", f"target_region={target}").ends_well()
    lab.restore(lost)
    wait_for_data(lab, target)
    platform.run("failback").ends_well()
    assert writer_region(lab, lost) == lost

    newer = "8.0.mysql_aurora.3.12.0"
    platform.run("upgrade", "-e", f"engine_version={newer}").ends_well()
    assert {cluster(lab, region)["EngineVersion"] for region in THREE} == {newer}

    lab.outage(lost, "reset")
    left = {"method": "detach", "accept_data_loss": True, "force": True, "target_region": target}
    platform.run("failover", "-e", json.dumps(left)).ends_well()
    lab.restore(lost)
    platform.run("failback", "-e", "rebuild=true").ends_well()
    assert members(lab, lost) == {lost: True, target: False, other: False}

    for region in THREE:
        delete_kept_snapshots(lab, region)
    tear_down(platform)
