# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The shell of region_readiness_info: what it asks for, what it defaults to, and how it fails."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._readiness import run as readiness_run
from ansible_collections.trading.multi_region.plugins.module_utils._readiness.seen import Limits
from ansible_collections.trading.multi_region.plugins.modules import region_readiness_info as module

ENOUGH = {"table_name": "control", "regions": ["us-east-1", "us-east-2"]}


def test_it_returns_what_its_function_returns(run_main):
    done = run_main(module, ENOUGH, result={"changed": False, "ready": True, "reason": "because"})
    assert (done["exit_code"], done["changed"], done["ready"], done["reason"]) == (0, False, True, "because")


def test_its_defaults_are_the_checks_own(run_main):
    params = run_main(module, ENOUGH)["seen"]["params"]
    assert Limits(**{name: params[name] for name in readiness_run.LIMITS}) == Limits()
    assert params["deadline"] == 20
    assert not any(params["expected"].values()), "no name is guessed"


def test_it_fails_with_the_sentence_and_the_evidence(run_main):
    failed = run_main(module, ENOUGH, error=MultiRegionError("No usable manifest.", copies={"us-east-1": "unknown"}))
    assert failed["exit_code"] == 1
    assert (failed["msg"], failed["copies"]) == ("No usable manifest.", {"us-east-1": "unknown"})


@pytest.mark.parametrize("name", ["table_name", "regions"])
def test_it_needs_to_know_where_to_look(run_main, name):
    failed = run_main(module, {key: value for key, value in ENOUGH.items() if key != name})
    assert failed["exit_code"] == 1 and name in failed["msg"]
