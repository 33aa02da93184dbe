# SPDX-License-Identifier: GPL-3.0-or-later
"""What the dashboard module promises, against one dashboard in memory."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._monitoring import dashboard

BODY = {"widgets": [{"type": "metric", "properties": {"region": "us-east-2"}}]}


class FakeCloudWatch:
    def __init__(self, text=None):
        self.text, self.writes, self.fails = text, [], None

    def get_dashboard(self, DashboardName):
        if self.text is None:
            raise ClientError({"Error": {"Code": "DashboardNotFoundError"}}, "GetDashboard")
        return {"DashboardBody": self.text}

    def put_dashboard(self, DashboardName, DashboardBody):
        self.writes.append("put")
        if self.fails and not isinstance(self.fails, ReadTimeoutError):
            raise self.fails
        self.text = DashboardBody
        if self.fails:
            raise self.fails
        return {"DashboardValidationMessages": [{"DataPath": "/widgets/0", "Message": "no metrics"}]}

    def delete_dashboards(self, DashboardNames):
        self.writes.append("delete")
        self.text = None


def run(client, check_mode=False, **options):
    params = {"name": "trading-us-east-2-dev", "body": BODY, "state": "present", **options}
    return dashboard.run(params, lambda service, region: client, check_mode)


def test_creates_and_passes_on_what_cloudwatch_says():
    client = FakeCloudWatch()
    result = run(client)
    assert (result["changed"], json.loads(client.text)) == (True, BODY)
    assert result["messages"] == ["/widgets/0: no metrics"]
    assert "was created" in result["reason"]


def test_the_same_body_written_differently_is_no_difference():
    client = FakeCloudWatch(json.dumps(BODY, indent=3))
    assert (run(client)["changed"], client.writes) == (False, [])


def test_changes_what_differs():
    client = FakeCloudWatch(json.dumps({"widgets": []}))
    result = run(client)
    assert (result["diff"]["before"], result["diff"]["after"]) == ({"widgets": []}, BODY)


def test_deletes_once():
    client = FakeCloudWatch("{}")
    assert [run(client, state="absent", body=None)["changed"] for _time in range(2)] == [True, False]
    assert client.writes == ["delete"]


def test_check_mode_writes_nothing():
    client = FakeCloudWatch()
    result = run(client, check_mode=True)
    assert (result["changed"], client.writes) == (True, [])
    assert "would be created" in result["reason"]


def test_a_write_whose_answer_was_lost_counts_when_it_is_there():
    client = FakeCloudWatch()
    client.fails = ReadTimeoutError(endpoint_url="https://monitoring")
    assert run(client)["changed"] is True


def test_an_old_reading_after_the_write_is_not_believed():
    client = FakeCloudWatch()
    read, late = client.get_dashboard, []

    def get_dashboard(DashboardName):
        if client.text is not None and not late:
            late.append("once")
            raise ClientError({"Error": {"Code": "DashboardNotFoundError"}}, "GetDashboard")
        return read(DashboardName)

    client.get_dashboard = get_dashboard
    assert (run(client)["changed"], client.writes, late) == (True, ["put"], ["once"])


def test_an_error_of_aws_is_passed_on():
    client = FakeCloudWatch()
    client.fails = ClientError({"Error": {"Code": "InvalidParameterInput", "Message": "bad"}}, "PutDashboard")
    with pytest.raises(AwsCallError, match="InvalidParameterInput"):
        run(client)


def test_refuses_a_body_without_widgets():
    with pytest.raises(Refused, match="has no widgets; allowed"):
        run(FakeCloudWatch(), body={"widget": []})
