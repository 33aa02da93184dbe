# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of two recordings finds every kind of difference, and nothing where there is none."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from tests.truth import diff
from tests.truth.forms import Difference, known_forms
from tests.truth.truth import exceptions

GLOBAL, SECRET = "rds.DescribeGlobalClusters", "secretsmanager.DescribeSecret"
STATUS, ENGINE = "GlobalClusters[].Status", "GlobalClusters[].Engine"
MEMBERS = "GlobalClusters[].GlobalClusterMembers"


def operation(client: str, fields: dict[str, str], seconds: float = 0.1) -> dict[str, Any]:
    return {
        "clients": [client],
        "answers": 3,
        "seconds": {"min": seconds, "median": seconds, "max": seconds},
        "errors": [{"code": "ThrottlingException", "times": 1, "seconds": {"min": 1, "median": 1, "max": 1}}],
        "fields": {path: {"in": "always", "type": kind} for path, kind in fields.items()},
    }


def observation(t: float, writer: str, moving: bool, **changes: Any) -> dict[str, Any]:
    members = [
        {"region": region, "writer": region == writer, "status": "connected", "readers": []}
        for region in ("first", "second")
    ]
    state = {"status": "pending", "from": "first", "to": "second", "data_loss_allowed": False}
    seen = {"status": "switching-over" if moving else "available", "failover_state": state if moving else None}
    return {"move": "switchover", "t": t, "view": "first", "members": members} | seen | changes


def series(scale: float = 1, begun: float = 2, moved: float = 60, settled: float = 90) -> list[dict[str, Any]]:
    """A switchover that was looked at each second of AWS, in a lab of this scale."""

    def at(second: float) -> dict[str, Any]:
        return observation(second / scale, "second" if second >= moved else "first", begun <= second < settled)

    return [at(second) for second in range(-1, 200)]


def recording(scale: float = 1) -> dict[str, Any]:
    fields = {"GlobalClusters": "list", STATUS: "string", ENGINE: "string", MEMBERS: "list"}
    document = {
        "version": diff.VERSION,
        "scale": scale,
        "operations": {
            GLOBAL: operation("rds", fields),
            SECRET: operation("secretsmanager", {"ARN": "string", "Tags": "list", "Tags[].Key": "string"}),
            "sns.ListTopics": operation("sns", {"Topics": "list"}),
            "sts.GetCallerIdentity": operation("sts", {"Arn": "string"}),
        },
        "series": series(scale),
        "lost": 0,
    }
    document["operations"][GLOBAL]["fields"][STATUS]["words"] = ["available"]
    return document


def set_field(document: dict, name: str, path: str, **changes: Any) -> None:
    document["operations"][name]["fields"].setdefault(path, {"in": "always", "type": "string"}).update(changes)


def set_speed(document: dict, name: str, seconds: float) -> None:
    document["operations"][name]["seconds"]["median"] = seconds


def add_error(document: dict, name: str, code: str) -> None:
    document["operations"][name]["errors"].append({"code": code, "times": 2, "seconds": None})


def fail_always(document: dict, name: str) -> None:
    document["operations"][name] |= {"answers": 0, "seconds": None, "fields": {}}


SEEN = "failback seen in the first region"
SLOW, FAST = "failover seen in the first region", "drill seen in the first region"
# What each does to AWS's recording and to the lab's, and the difference that it makes.
PLANTED = {
    "an operation that the lab never ran": (
        lambda aws, lab: aws["operations"].update({"rds.AddTagsToResource": operation("rds", {})}),
        Difference("rds.AddTagsToResource", "", "AWS only"),
    ),
    "an operation that AWS never ran": (
        lambda aws, lab: lab["operations"].update({"rds.RebootDBCluster": operation("rds", {})}),
        Difference("rds.RebootDBCluster", "", "lab only"),
    ),
    "an operation that only AWS allows": (
        lambda aws, lab: fail_always(lab, "sts.GetCallerIdentity"),
        Difference("sts.GetCallerIdentity", "", "AWS only", "the other has only errors"),
    ),
    "a field that the lab has not": (
        lambda aws, lab: set_field(aws, SECRET, "KmsKeyId"),
        Difference(SECRET, "KmsKeyId", "AWS only", "always, string"),
    ),
    "a field that only the lab has": (
        lambda aws, lab: set_field(lab, SECRET, "Tags[].Color"),
        Difference(SECRET, "Tags[].Color", "lab only", "always, string"),
    ),
    "a field that the lab leaves out at times": (
        lambda aws, lab: set_field(lab, SECRET, "ARN", **{"in": "sometimes"}),
        Difference(SECRET, "ARN", "AWS only", "not in every answer of the lab"),
    ),
    "a field that AWS leaves out at times": (
        lambda aws, lab: set_field(aws, SECRET, "Tags", **{"in": "sometimes"}),
        Difference(SECRET, "Tags", "lab only", "not in every answer of AWS"),
    ),
    "a type": (
        lambda aws, lab: set_field(lab, GLOBAL, ENGINE, type="number"),
        Difference(GLOBAL, ENGINE, "type", "string, in the lab number"),
    ),
    "a state": (
        lambda aws, lab: set_field(aws, GLOBAL, STATUS, words=["available", "resting"]),
        Difference(GLOBAL, STATUS, "new state", "resting"),
    ),
    "an error": (
        lambda aws, lab: add_error(aws, GLOBAL, "SlowDown"),
        Difference(GLOBAL, "SlowDown", "new error", "2 times"),
    ),
    "a slower operation": (
        lambda aws, lab: set_speed(aws, SECRET, 0.31),
        Difference(SECRET, "", "slower", "0.31 s, in the lab 0.1 s"),
    ),
    "a faster operation": (
        lambda aws, lab: set_speed(lab, "sns.ListTopics", 0.31),
        Difference("sns.ListTopics", "", "faster", "0.1 s, in the lab 0.31 s"),
    ),
    "a move that the lab did not make": (
        lambda aws, lab: aws["series"].append(observation(0, "first", False, move="failback")),
        Difference(SEEN, "", "AWS only"),
    ),
    "a slower phase": (
        lambda aws, lab: add_move(aws, lab, "failover", moved=190, settled=195),
        Difference(SLOW, "writer", "slower", "189 to 190 s, in the lab 59 to 60 s"),
    ),
    "a faster phase": (
        lambda aws, lab: add_move(aws, lab, "drill", moved=15, settled=90),
        Difference(FAST, "writer", "faster", "14 to 15 s, in the lab 59 to 60 s"),
    ),
}


def add_move(aws: dict, lab: dict, name: str, moved: float, settled: float) -> None:
    """A move whose writer changes after `moved` seconds in AWS, and after 60 in the lab."""
    aws["series"] += [one | {"move": name} for one in series(moved=moved, settled=settled)]
    lab["series"] += [one | {"move": name} for one in series(lab["scale"], settled=settled)]


def found(*plants: str, scale: float = 10) -> list[Difference]:
    aws, lab = recording(), recording(scale)
    for plant in plants:
        PLANTED[plant][0](aws, lab)
    before = deepcopy((aws, lab))
    differences = diff.differences(aws, lab)
    assert (aws, lab) == before
    return differences


@pytest.mark.parametrize("scale", [1, 10, 60])
def test_recordings_that_agree_have_no_difference_at_any_scale(scale):
    assert found(scale=scale) == []


@pytest.mark.parametrize("plant", PLANTED)
def test_each_planted_difference_is_found_and_nothing_else(plant):
    assert found(plant) == [PLANTED[plant][1]]


def test_all_planted_differences_are_found_at_once_and_nothing_else():
    assert sorted(found(*PLANTED)) == sorted(difference for _plant, difference in PLANTED.values())


def test_every_kind_of_difference_is_planted():
    assert {difference.kind for _plant, difference in PLANTED.values()} == {*diff.KINDS}


def test_what_lies_in_a_structure_that_the_other_did_not_answer_is_not_compared():
    aws, lab = recording(), recording()
    set_field(aws, GLOBAL, f"{MEMBERS}[].IsWriter", type="boolean")
    assert diff.differences(aws, lab) == []


def test_keys_of_a_map_that_are_not_always_there_are_no_difference():
    aws, lab = recording(), recording()
    set_field(aws, SECRET, "VersionIdsToStages.*", **{"in": "sometimes"})
    set_field(lab, SECRET, "VersionIdsToStages.*")
    assert diff.differences(aws, lab) == []


def test_medians_of_two_answers_and_within_the_factor_are_no_difference():
    aws, lab = recording(), recording()
    set_speed(aws, SECRET, 0.29)
    set_speed(lab, GLOBAL, 9)
    aws["operations"][GLOBAL]["answers"] = 2
    assert diff.differences(aws, lab) == []
    assert [one.kind for one in diff.differences(aws, lab, factor=2.5)] == ["slower"]


def test_phases_between_rare_observations_are_no_difference_unless_they_must_be():
    aws, lab = recording(), recording(scale=60)
    lab["series"] = [one for one in lab["series"] if round(one["t"] * 60) % 50 == 0 or one["t"] < 0]
    assert diff.phases(lab["series"], 60)["begun"] == (0, 50)
    assert diff.differences(aws, lab) == []


def test_a_phase_that_was_not_reached_is_a_difference():
    aws, lab = recording(), recording()
    lab["series"] = [one for one in lab["series"] if one["t"] < 80]
    assert diff.differences(aws, lab) == [
        Difference("switchover seen in the first region", "settled", "AWS only", "89 to 90 s")
    ]


def test_a_move_is_settled_only_when_the_old_writer_follows_again():
    rows = [observation(0, "first", False), observation(30, "second", False), observation(60, "second", False)]
    rows[1]["members"][0]["status"] = "pending-resync"
    assert diff.phases(rows) == {"writer": (0, 30), "settled": (30, 60)}


def known(kind: str, word: str = "") -> Difference:
    return Difference(GLOBAL, STATUS, kind, word)


def test_what_is_known_already_is_accepted_and_says_where():
    operation, field, _kind = next(one for one in exceptions() if one[2] == "missing")
    sometimes = next(path for path, one in known_forms()[GLOBAL].items() if one["in"] == "sometimes")
    assert diff.why_accepted(Difference(operation, field, "AWS only"), ["rds"]) == "exceptions.yml"
    assert diff.why_accepted(Difference(GLOBAL, sometimes, "lab only"), ["rds"]) == "other recordings"
    assert diff.why_accepted(known("new state", "failing-over"), ["rds"]) == "other recordings"
    state = Difference(GLOBAL, "GlobalClusters[].FailoverState.Status", "new state", "switching-over")
    assert diff.why_accepted(state, ["rds"]) == "documentation"
    error = Difference(GLOBAL, "GlobalClusterNotFoundFault", "new error")
    assert diff.why_accepted(error, ["rds"]) == "documentation"


@pytest.mark.parametrize(
    "one",
    [
        known("AWS only"),
        known("new state", "resting"),
        known("slower"),
        Difference(GLOBAL, "SlowDown", "new error"),
        Difference("rds.NoOperationOfAws", "", "AWS only"),
    ],
)
def test_what_is_not_known_is_not_accepted(one):
    assert diff.why_accepted(one, ["rds"]) == ""


def run(tmp_path, capsys, aws: Any, lab: Any, *factor: str) -> tuple[int, str, str]:
    for name, document in (("aws", aws), ("lab", lab)):
        (tmp_path / name).write_text(document if isinstance(document, str) else json.dumps(document))
    code = diff.main(str(tmp_path / "aws"), str(tmp_path / "lab"), *factor)
    return code, *capsys.readouterr()


def test_prints_a_line_for_each_difference_those_to_look_at_first(tmp_path, capsys):
    aws, lab = recording(), recording()
    for plant in ("a state", "a type"):
        PLANTED[plant][0](aws, lab)
    set_field(aws, GLOBAL, STATUS, words=["available", "failing-over", "resting"])
    lab["lost"] = 2
    code, output, _error = run(tmp_path, capsys, aws, lab)
    assert code == 0
    assert output.splitlines() == [
        f"{GLOBAL} {ENGINE}: type (string, in the lab number)",
        f"{GLOBAL} {STATUS}: new state (resting)",
        f"{GLOBAL} {STATUS}: new state (failing-over), accepted: other recordings",
        "4 operations compared: 3 differences (1 type, 2 new state), 1 of them accepted",
        "2 answers of the lab were lost by the recorder",
    ]


def test_says_so_if_nothing_differs(tmp_path, capsys):
    assert run(tmp_path, capsys, recording(), recording())[1].splitlines() == [
        "4 operations compared: 0 differences (none), 0 of them accepted"
    ]


def test_the_factor_is_an_option(tmp_path, capsys):
    aws, lab = recording(), recording()
    set_speed(aws, SECRET, 0.31)
    assert "slower" not in run(tmp_path, capsys, aws, lab, "4")[1]


@pytest.mark.parametrize("lab", ["", "[]", "{}", json.dumps({"version": diff.VERSION + 1})])
def test_a_file_that_is_no_such_recording_ends_in_a_sentence(tmp_path, capsys, lab):
    code, output, error = run(tmp_path, capsys, recording(), lab)
    assert (code, output) == (2, "") and error.startswith("truth-diff: ") and error.count("\n") == 1


def test_a_file_that_is_not_there_ends_in_a_sentence(tmp_path, capsys):
    assert diff.main(str(tmp_path / "none"), str(tmp_path / "none")) == 2
    assert "cannot be read" in capsys.readouterr().err
