# SPDX-License-Identifier: GPL-3.0-or-later
"""GovCloud works by naming its regions: every ARN, principal and endpoint is of the regions' partition."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.integration.permissions import inventory_of, write_policies
from tests.integration.platforms import run_playbook

HERE = Path(__file__).parent
ARN = re.compile(r"arn:([a-z-]+):")
HOST = re.compile(r"[a-z0-9*.-]+\.amazonaws\.[a-z.]+")


@pytest.mark.parametrize(
    ("partition", "regions"),
    [
        pytest.param("aws", ("us-east-1", "eu-west-1"), marks=pytest.mark.nightly, id="aws"),
        pytest.param("aws-us-gov", ("us-gov-west-1", "us-gov-east-1"), marks=pytest.mark.nightly, id="aws-us-gov"),
    ],
)
def test_everything_is_of_the_partition_of_the_regions(tmp_path, partition, regions):
    inventory = inventory_of(tmp_path / "inventory", regions)
    given = ("-e", f"rendered_folder={tmp_path}")
    run_playbook(HERE / "partitions.yml", *given, lab=None, inventory=inventory).ends_well()
    for region in regions:
        rendered = json.loads((tmp_path / f"{region}.json").read_text())
        assert set(rendered) == {path.parent.parent.name for path in HERE.parents[1].glob("roles/*/vars/main.yml")} - {
            "global_database",
            "network",
            "session_table",
        }
        for role, found in rendered.items():
            text = json.dumps(found)
            assert {*ARN.findall(text)} == {partition}, role
            assert {host.rpartition("amazonaws.")[2] for host in HOST.findall(text)} <= {"com"}, role

    policies = json.dumps(write_policies(tmp_path / "policies", inventory))
    assert {*ARN.findall(policies)} == {partition}


def test_regions_of_china_are_refused_with_one_sentence(tmp_path):
    inventory = inventory_of(tmp_path / "inventory", ("cn-north-1", "cn-northwest-1"))
    run = run_playbook("policies", "-e", "aws_account_id=123456789012", lab=None, inventory=inventory)
    assert run.code != 0
    assert "allowed: regions of one partition, aws or aws-us-gov" in " ".join(run.output.split())
