# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module's face: its arguments, its defaults and its one way to fail."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.modules import s3_bucket_replication as module

GOOD = {
    "bucket": "data",
    "role_arn": "arn:aws:iam::123456789012:role/copy",
    "destination_bucket_arn": "arn:aws:s3:::there",
}


def test_defaults_are_those_of_two_way_replication(run_main):
    params = run_main(module, GOOD)["seen"]["params"]
    assert (params["delete_marker_replication"], params["replica_modifications"], params["prefix"]) == (True, True, "")


@pytest.mark.parametrize("option", ["bucket", "role_arn", "destination_bucket_arn"])
def test_a_rule_needs_a_bucket_a_role_and_a_destination(run_main, option):
    assert option in run_main(module, {name: value for name, value in GOOD.items() if name != option})["msg"]


def test_removing_needs_the_bucket_only(run_main):
    assert run_main(module, {"bucket": "data", "state": "absent"})["exit_code"] == 0


def test_a_refusal_fails_with_its_sentence(run_main):
    assert run_main(module, GOOD, error=Refused("No versioning."))["msg"] == "No versioning."
