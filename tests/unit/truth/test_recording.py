# SPDX-License-Identifier: GPL-3.0-or-later
"""What processes have recorded becomes one document without values, and observations name no resource."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.truth import recording

GLOBAL = "rds.DescribeGlobalClusters"
ARN = "arn:aws:rds:{}:123456789012:cluster:orders-{}"
REGIONS = ["us-east-1", "eu-west-1", "ap-south-1"]
FIRST, SECOND = (ARN.format(region, region) for region in REGIONS[:2])


def line(seconds: float, form: str = "", **more: Any) -> dict[str, Any]:
    named = {"status": 200, "form": form} if form else {}
    return {"operation": GLOBAL, "client": "rds", "seconds": seconds, **named, **more}


def form(*names: str, word: str = "available") -> dict[str, Any]:
    """That of an answer with these fields in its one global database; of each, whether its list has it everywhere."""
    fields = {f"GlobalClusters[].{name}": {"in": "always", "type": "string"} for name in names}
    fields["GlobalClusters[].Status"]["words"] = [word]
    return {
        "structures": ["", "GlobalClusters[]"],
        "fields": {"GlobalClusters": {"in": "always", "type": "list"}, **fields},
    }


def merged(folder: Path, *processes: list[Any], scale: float = 1) -> dict[str, Any]:
    for number, lines in enumerate(processes):
        rows = (one if isinstance(one, str) else json.dumps(one) for one in lines)
        (folder / f"{number}.jsonl").write_text("".join(f"{row}\n" for row in rows))
    return recording.merge(folder, scale)


def test_processes_are_merged_into_one_document(tmp_path):
    whole = form("Status", "Engine")
    document = merged(
        tmp_path,
        [line(0.1, "a", **whole), line(0.5, "a"), line(3.0, error="ReadTimeoutError")],
        [line(0.3, "b", **form("Status", word="failing-over")), line(0.2, status=400, error="SlowDown")],
        [line(0.4, error="SlowDown")],
        scale=10,
    )
    always, text = "always", "string"
    assert document == {
        "version": recording.VERSION,
        "scale": 10,
        "operations": {
            GLOBAL: {
                "clients": ["rds"],
                "answers": 3,
                "seconds": {"min": 0.1, "median": 0.3, "max": 0.5},
                "errors": [
                    {"code": "ReadTimeoutError", "times": 1, "seconds": {"min": 3.0, "median": 3.0, "max": 3.0}},
                    {"code": "SlowDown", "times": 2, "seconds": {"min": 0.2, "median": 0.3, "max": 0.4}},
                ],
                "fields": {
                    "GlobalClusters": {"in": always, "type": "list"},
                    "GlobalClusters[].Engine": {"in": "sometimes", "type": text},
                    "GlobalClusters[].Status": {"in": always, "type": text, "words": ["available", "failing-over"]},
                },
            }
        },
        "series": [],
        "lost": 0,
    }


def test_a_form_that_another_process_wrote_counts(tmp_path):
    document = merged(tmp_path, [line(0.1, "a")], [line(0.2, "a", **form("Status"))])
    assert document["operations"][GLOBAL]["answers"] == 2 and document["lost"] == 0


def test_a_field_is_always_there_if_it_is_wherever_its_structure_is(tmp_path):
    empty = {"structures": [""], "fields": {"GlobalClusters": {"in": "always", "type": "list"}}}
    document = merged(tmp_path, [line(0.1, "a", **form("Status")), line(0.1, "b", **empty)])
    assert document["operations"][GLOBAL]["fields"]["GlobalClusters[].Status"]["in"] == "always"


def test_what_was_not_recorded_is_counted(tmp_path):
    document = merged(
        tmp_path, [line(0.1, "of nobody"), line(0.1, status=200, unread="TypeError"), '{"operation": "rd']
    )
    assert document["operations"] == {} and document["lost"] == 3


def test_an_operation_that_only_failed_has_no_seconds_of_answers(tmp_path):
    document = merged(tmp_path, [line(0.1, error="SlowDown")])
    one = document["operations"][GLOBAL]
    assert (one["answers"], one["seconds"], one["fields"]) == (0, None, {})


def test_the_series_keeps_what_the_format_has_and_no_value(tmp_path):
    seen = {"move": "switchover", "t": 1.5, "view": "second"} | recording.observe(answer(), REGIONS)
    rows = [seen, seen | {"move": FIRST, "note": "orders", "status": "at 10.0.0.1"}]
    (tmp_path / recording.SERIES).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert recording.merge(tmp_path)["series"] == [seen, seen | {"move": "*", "status": "*"}]


def test_the_command_writes_the_document_and_says_how_much_it_is(tmp_path, capsys):
    merged(tmp_path, [line(0.1, "a", **form("Status"))])
    recording.main(str(tmp_path), str(tmp_path / "out.json"), "20")
    assert json.loads((tmp_path / "out.json").read_text()) == recording.merge(tmp_path, 20)
    assert capsys.readouterr().out == f"1 operations, 1 answers, 0 lost: {tmp_path / 'out.json'}\n"


def answer(**changes: Any) -> dict[str, Any]:
    cluster = {
        "GlobalClusterIdentifier": "orders",
        "Status": "failing-over",
        "GlobalClusterMembers": [
            {"DBClusterArn": SECOND, "Readers": [], "IsWriter": False, "SynchronizationStatus": "connected"},
            {"DBClusterArn": FIRST, "Readers": [SECOND], "IsWriter": True},
        ],
        "FailoverState": {
            "Status": "failing-over",
            "FromDbClusterArn": FIRST,
            "ToDbClusterArn": SECOND,
            "IsDataLossAllowed": True,
        },
    }
    return {"GlobalClusters": [cluster | changes]}


def test_an_observation_names_regions_by_their_order():
    assert recording.observe(answer(), REGIONS) == {
        "status": "failing-over",
        "members": [
            {"region": "first", "writer": True, "status": None, "readers": ["second"]},
            {"region": "second", "writer": False, "status": "connected", "readers": []},
        ],
        "failover_state": {"status": "failing-over", "from": "first", "to": "second", "data_loss_allowed": True},
    }


def test_a_region_that_is_not_the_platforms_is_another():
    seen = recording.observe(answer(), REGIONS[1:])
    assert [one["region"] for one in seen["members"]] == ["first", "other"]
    assert seen["failover_state"]["from"] == "other"


@pytest.mark.parametrize("state", [None, {}])
def test_a_database_that_does_not_move_has_no_failover_state(state):
    assert recording.observe(answer(FailoverState=state), REGIONS)["failover_state"] is None


def test_no_global_database_is_an_observation_too():
    nothing = {"status": None, "members": [], "failover_state": None}
    assert recording.observe({"GlobalClusters": []}, REGIONS) == nothing


def test_refuses_to_choose_between_global_databases():
    with pytest.raises(ValueError, match="has 2 global databases"):
        recording.observe({"GlobalClusters": answer()["GlobalClusters"] * 2}, REGIONS)
