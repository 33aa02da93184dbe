# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module's face: its arguments, its defaults and its one way to fail."""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.modules import dynamodb_global_table as module

GOOD = {"table_name": "sessions", "replicas": [{"region": "us-east-2"}]}


def test_nothing_is_removed_unless_asked_for(run_main):
    params = run_main(module, GOOD)["seen"]["params"]
    assert params["purge_replicas"] is False
    assert params["replicas"][0]["point_in_time_recovery"] is None


def test_a_replica_needs_its_region(run_main):
    assert "region" in run_main(module, {**GOOD, "replicas": [{"tags": {}}]})["msg"]


def test_an_unknown_setting_of_a_replica_is_refused_by_name(run_main):
    assert "pitr" in run_main(module, {**GOOD, "replicas": [{"region": "us-east-2", "pitr": True}]})["msg"]


def test_a_refusal_fails_with_its_sentence(run_main):
    assert run_main(module, GOOD, error=Refused("There is no table."))["msg"] == "There is no table."
