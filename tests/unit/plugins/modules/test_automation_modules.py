# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The shells of the automation's modules: what they ask for, what they default to, and how they fail."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.modules import failover_automation, failover_decision

TABLES = {"table_name": "control", "regions": ["us-east-1", "us-east-2"]}
ENOUGH = {
    failover_automation: {**TABLES, "state": "active"},
    failover_decision: {
        **TABLES,
        "verdicts": {"us-east-1": {"verdict": "healthy", "reason": "It serves."}},
        "active_region": "us-east-1",
    },
}
MODULES = pytest.mark.parametrize("module", ENOUGH, ids=lambda module: module.__name__.rsplit(".", 1)[1])


@MODULES
def test_each_returns_what_its_function_returns_and_knows_of_check_mode(run_main, module):
    done = run_main(module, ENOUGH[module], result={"changed": True, "reason": "because"}, check_mode=True)
    assert (done["exit_code"], done["changed"], done["reason"]) == (0, True, "because")
    assert done["seen"]["check_mode"] is True


@MODULES
def test_each_fails_with_the_sentence_and_the_evidence(run_main, module):
    done = run_main(module, ENOUGH[module], error=MultiRegionError("Not today.", not_written_to={"us-east-1": "why"}))
    assert (done["exit_code"], done["msg"], done["not_written_to"]) == (1, "Not today.", {"us-east-1": "why"})


def test_nothing_is_started_by_default_and_three_runs_of_two_votes_are_needed(run_main):
    params = run_main(failover_decision, ENOUGH[failover_decision])["seen"]["params"]
    assert (params["auto_failover"], params["quorum"], params["consecutive_failures"]) == (False, 2, 3)
    assert (params["max_gap"], params["min_interval"], params["stream_limit"]) == (300, 5, 180)


@pytest.mark.parametrize("state, missing", [("paused", "pause_seconds, by, reason"), ("acknowledged", "run_id, by")])
def test_a_state_needs_what_it_is_made_of(run_main, state, missing):
    assert missing in run_main(failover_automation, {**TABLES, "state": state})["msg"]
