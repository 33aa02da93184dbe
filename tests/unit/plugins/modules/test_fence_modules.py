# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The shells of the fencing modules: what they ask for, what they default to, and how they fail."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.modules import region_fence, region_fence_info

COMMON = {"table_name": "control", "regions": ["us-east-1", "us-east-2"]}
FENCE = {
    **COMMON,
    "region": "us-east-1",
    "mode": "database_ingress",
    "security_group_id": "sg-0123456789abcdef0",
    "run_id": "r",
}


def test_fencing_asks_for_little_and_bounds_its_time(run_main):
    params = run_main(region_fence, FENCE)["seen"]["params"]
    assert (params["state"], params["deadline"], params["traffic_region"]) == ("present", 6, None)


@pytest.mark.parametrize("left_out", ["run_id", "mode", "security_group_id", "region", "table_name", "regions"])
def test_what_fencing_needs_is_asked_for(run_main, left_out):
    done = run_main(region_fence, {name: value for name, value in FENCE.items() if name != left_out})
    assert done["exit_code"] == 1 and left_out in done["msg"]


def test_the_region_is_never_taken_from_the_environment(run_main, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    done = run_main(region_fence, {name: value for name, value in FENCE.items() if name != "region"})
    assert done["exit_code"] == 1 and "region" in done["msg"]


def test_giving_back_needs_only_the_region(run_main):
    done = run_main(region_fence, {**COMMON, "region": "us-east-1", "state": "absent"}, check_mode=True)
    assert done["exit_code"] == 0 and done["seen"]["check_mode"] is True


def test_info_defaults_to_no_events(run_main):
    params = run_main(region_fence_info, COMMON)["seen"]["params"]
    assert (params["db_clusters"], params["since"], params["deadline"]) == ({}, None, 4)


@pytest.mark.parametrize(("module", "given"), [(region_fence, FENCE), (region_fence_info, COMMON)])
def test_each_fails_with_its_sentence_and_evidence(run_main, module, given):
    done = run_main(module, given, error=MultiRegionError("Not today.", fenced="unknown"))
    assert (done["exit_code"], done["msg"], done["fenced"]) == (1, "Not today.", "unknown")
