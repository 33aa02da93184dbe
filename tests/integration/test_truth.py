# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab answers as AWS does: every answer is held to the forms of AWS's recorded and printed ones (docs/truth.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.aws import members
from tests.integration.platforms import Platform
from tests.truth import answers, truth
from tests.truth.reads import read_platform

HOME, OTHER = "us-east-1", "us-east-2"


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
