# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Figures reach every region that answers; what is not known is none of them."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring import metric_data
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error

EAST, WEST = "us-east-1", "us-east-2"


class Aws(FakeAws):
    """CloudWatch of several regions, some of which answer nothing."""

    def __init__(self):
        super().__init__()
        self.published, self.lost = {}, set()

    def put_metric_data(self, region, Namespace, MetricData):
        if region in self.lost:
            raise aws_error("InternalServiceFault")
        self.published[region] = (Namespace, MetricData)


@pytest.fixture
def aws():
    return Aws()


def publish(aws, check_mode=False, **more):
    params = {"metric_namespace": "Trading", "metrics": {"RecoveryTime": 48.8, "LossBound": None}}
    params |= {"units": {"RecoveryTime": "Seconds"}, "dimensions": {"Platform": "trading-dev"}}
    params |= {"regions": [EAST, WEST], "best_effort": False, "deadline": 5, **more}
    return metric_data.run(params, aws.clients, check_mode)


def test_what_is_known_is_published_in_every_region(aws):
    done = publish(aws)
    point = {"MetricName": "RecoveryTime", "Value": 48.8, "Unit": "Seconds"}
    point["Dimensions"] = [{"Name": "Platform", "Value": "trading-dev"}]
    assert aws.published == {region: ("Trading", [point]) for region in (EAST, WEST)}
    assert (done["changed"], sorted(done["published"]), done["not_published"]) == (True, [EAST, WEST], {})


def test_nothing_is_published_where_nothing_is_known(aws):
    done = publish(aws, metrics={"LossBound": None})
    assert (done["changed"], done["reason"], aws.published) == (False, "None of the values is known.", {})


def test_a_region_that_does_not_answer_is_reported(aws):
    aws.lost = {EAST}
    done = publish(aws)
    assert (done["published"], list(done["not_published"])) == ([WEST], [EAST])
    assert done["reason"].startswith("RecoveryTime published in us-east-2; not in us-east-1: PutMetricData")


def test_no_region_is_an_error_unless_it_is_best_effort(aws):
    aws.lost = {EAST, WEST}
    with pytest.raises(MultiRegionError, match="RecoveryTime was published in no region"):
        publish(aws)
    done = publish(aws, best_effort=True)
    assert (done["changed"], sorted(done["not_published"])) == (False, [EAST, WEST])


def test_a_dry_run_publishes_nothing(aws):
    assert publish(aws, check_mode=True)["reason"] == "RecoveryTime would be published in us-east-1, us-east-2."
    assert aws.published == {}


def test_the_namespaces_of_aws_are_refused(aws):
    with pytest.raises(MultiRegionError, match="metric_namespace is AWS/RDS; allowed"):
        publish(aws, metric_namespace="AWS/RDS")
