# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab answers as AWS does: every answer is held to the forms of AWS's recorded and printed ones (docs/truth.md)."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.integration.aws import members
from tests.integration.platforms import TOP, Platform
from tests.truth import answers, diff, recording, truth
from tests.truth.reads import read_platform

HOME, OTHER = "us-east-1", "us-east-2"
# Outside of playbooks/, whose action plugin would run the module in the controller's process.
MODULE = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"amazon.aws.aws_caller_info": {}}]}]


def held_to_aws(file: Path) -> truth.Comparison:
    """Compare what was recorded; no difference is left."""
    comparison = truth.compare(answers.read(file, truth.known_forms()))
    print(comparison)  # the figures, for docs/truth.md
    assert comparison.found == [], f"{comparison}"
    return comparison


def test_a_provisioned_platform_is_shown_as_aws_shows_it(platform: Platform, tmp_path: Path) -> None:
    platform.lab.record(tmp_path / "answers")
    read_platform(platform.lab.client, platform.regions)
    comparison = held_to_aws(tmp_path / "answers")
    assert comparison.operations >= 50 and comparison.fields >= 800, comparison


def test_every_call_of_every_process_of_a_playbook_is_recorded(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "module.yml").write_text(json.dumps(MODULE))
    recorder = {"TRADING_RECORD": str(tmp_path / "recorded"), "PYTHONPATH": str(TOP / "tests/truth/hook")}
    platform.lab.clear_calls()
    for playbook in ("readiness", tmp_path / "module.yml"):
        platform.run(playbook, variables=recorder).ends_well()
    received = Counter((call["service"], call["operation"]) for call in platform.lab.calls())
    document = recording.merge(tmp_path / "recorded", scale=20)
    recorded: Counter[tuple[str, str]] = Counter()
    for name, one in document["operations"].items():
        [client] = one["clients"]
        recorded[client, name.partition(".")[2]] = one["answers"] + sum(error["times"] for error in one["errors"])
    assert recorded == received and document["lost"] == 0
    assert diff.differences(document, document) == []


@pytest.mark.nightly
def test_a_whole_story_of_playbooks_is_answered_as_by_aws(platforms, tmp_path: Path) -> None:
    platform = platforms.empty(HOME, OTHER, scale=20)
    with platform.lab as lab:
        lab.record(tmp_path / "answers")
        platform.run("site").ends_well()
        lab.advance(900)
        platform.run("readiness").ends_well()
        lab.outage(HOME)
        platform.run("failover").ends_well()
        lab.restore()
        platform.run("failback").ends_well()
        platform.run("switchover").ends_well()
        assert members(lab, HOME) == {HOME: False, OTHER: True}
        read_platform(lab.client, platform.regions)
        comparison = held_to_aws(tmp_path / "answers")
    assert comparison.unused == set(), "these exceptions are not needed"
