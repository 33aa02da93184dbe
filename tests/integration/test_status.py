# SPDX-License-Identifier: GPL-3.0-or-later
"""status.yml: what moved and who holds what, as a table and a file, also while a region does not answer."""

from __future__ import annotations

import json

import pytest

from lab.client import Lab
from tests.integration.platforms import run_playbook

WEST, TABLE = "us-east-2", "trading-failover-dev"
RUN = {
    "run_id": "20260101T030000Z-aaaaaa",
    "attempt": 2,
    "outcome": "successful",
    "reason": "us-east-2 answers for the name.",
    "owner": "bob",
    "trigger": "started by hand",
    "method": "failover",
    "from_region": "us-east-1",
    "target_region": WEST,
    "started_at": 1767236400.0,
    "rto_seconds": 58.2,
    "rpo_bound_ms": 130,
    "fenced": "unknown",
    "attempts": [
        {"attempt": 1, "owner": "ann", "outcome": "lost", "reason": "x", "started_at": 1, "ended_at": 2, "steps": []},
        {
            "attempt": 2,
            "owner": "bob",
            "outcome": "successful",
            "reason": "y",
            "started_at": 3,
            "ended_at": 4,
            "steps": [{"name": "traffic", "seconds": 1.2, "reason": "The switch was turned."}],
        },
    ],
}


@pytest.fixture
def lab(tmp_path):
    """A lab with one control table, of the region that is left, and one run in it."""
    with Lab.start(tmp_path / "lab") as running:
        client = running.client("dynamodb", WEST)
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        item = {"id": f"run#{RUN['run_id']}", "document": json.dumps(RUN), "written_at": "2026-01-01T03:01:00.000000Z"}
        client.put_item(TableName=TABLE, Item={name: {"S": value} for name, value in item.items()})
        running.outage("us-east-1", "reset")
        yield running


def test_the_history_is_reported_while_a_region_is_lost_and_nothing_can_be_planned(lab, tmp_path):
    lab.clear_calls()
    report = tmp_path / "status.json"
    options = ("-e", f"status_file={report}", "-e", f"run_id={RUN['run_id']}")
    done = run_playbook("status", *options, lab=lab).ends_well()
    row = next(line for line in done.output.splitlines() if f"- {RUN['run_id']}  " in line)
    expected = f"{RUN['run_id']} 2026-01-01 03:00:00Z failover us-east-1 -> us-east-2 successful 2 58.2s 130ms unknown"
    assert row.split()[1:] == expected.split()
    assert "lease      us-east-1: unknown" in done.output
    assert "lease      us-east-2: free" in done.output
    assert "attempt 1 by ann" in done.output and "The switch was turned." in done.output
    expected = json.loads(report.read_text())
    assert (expected["active_region"], expected["runs"][0]["attempt"], list(expected["unread"])) == (
        "unknown",
        2,
        ["us-east-1"],
    )
    assert [call for call in lab.calls() if call["mutating"]] == []
