# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module's face: its arguments, its defaults and its one way to fail."""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.modules import rds_global_cluster as module

GOOD = {"global_cluster_identifier": "trading-global"}


def test_only_the_identifier_is_required(run_main):
    params = run_main(module, GOOD)["seen"]["params"]
    assert (params["state"], params["engine"], params["wait"]) == ("present", "aurora-mysql", True)
    assert params["deletion_protection"] is None
    assert "global_cluster_identifier" in run_main(module, {})["msg"]


def test_an_engine_without_global_databases_is_refused(run_main):
    assert "aurora-mysql, aurora-postgresql" in run_main(module, {**GOOD, "engine": "mariadb"})["msg"]


def test_a_refusal_fails_with_its_sentence(run_main):
    result = run_main(module, GOOD, error=Refused("It still has members.", global_cluster={}))
    assert (result["failed"], result["msg"]) == (True, "It still has members.")
