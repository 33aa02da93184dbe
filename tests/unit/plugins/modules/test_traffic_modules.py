# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The thin part of region_traffic, region_traffic_info and cloudwatch_dashboard: what main() adds to run()."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.modules import (
    cloudwatch_dashboard,
    region_traffic,
    region_traffic_info,
)

REGIONS = [{"region": "us-east-1", "bucket": "control-1"}, {"region": "us-east-2", "bucket": "control-2"}]


@pytest.fixture
def main(capsys, monkeypatch):
    """Return a function (module, result or error of its run, arguments) -> (the module's JSON, arguments of run)."""

    def call(module, outcome, **arguments):
        given = []

        def run(params, *rest):
            given.append((params, *rest))
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr(module, "run", run)
        with patch_module_args({"region": "us-east-1", **arguments}), pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out), given

    return call


def test_warns_of_a_region_that_may_take_the_traffic_back(main):
    result = {"changed": True, "after": "us-east-2", "may_take_back": ["us-east-1"]}
    said, _given = main(region_traffic, result, regions=REGIONS, active_region="us-east-2")
    assert "If us-east-1 took over since, it gets the traffic back when it returns" in json.dumps(said["warnings"])


def test_an_error_is_a_sentence_with_its_evidence(main):
    failure = MultiRegionError("The traffic was not moved: why.", errors={"us-east-1": "gone"})
    said, _given = main(region_traffic, failure, regions=REGIONS)
    assert (said["failed"], said["msg"], said["errors"]) == (
        True,
        "The traffic was not moved: why.",
        {"us-east-1": "gone"},
    )


def test_check_mode_reaches_the_switch(main):
    result = {"changed": False, "after": "us-east-1", "may_take_back": []}
    _said, given = main(region_traffic, result, regions=REGIONS, _ansible_check_mode=True)
    params, _clients, check_mode = given[0]
    assert (params["active_region"], params["object_key"], check_mode) == (None, "active-region", True)


def test_names_the_missing_library(main, monkeypatch):
    monkeypatch.setattr(region_traffic_info, "DNSPYTHON_IMPORT_ERROR", "Traceback ...")
    said, given = main(region_traffic_info, {}, domain="example.com", load_balancers={"us-east-1": "alb"})
    assert (said["failed"], given) == (True, [])
    assert "dnspython" in said["msg"]


def test_a_dashboard_that_is_to_be_there_needs_a_body(main):
    said, given = main(cloudwatch_dashboard, {}, name="trading")
    assert (said["failed"], given) == (True, [])
    assert "body" in said["msg"]
