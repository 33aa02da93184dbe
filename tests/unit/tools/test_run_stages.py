# SPDX-License-Identifier: GPL-3.0-or-later
"""`make test` says of every stage whether it passed, failed or was not run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools/run_stages.py"


def run(folder, stages):
    """The runner in a folder of its own, with a Makefile of its own."""
    (folder / "tests/tools").mkdir(parents=True, exist_ok=True)
    script = folder / "tests/tools/run_stages.py"
    script.write_text(SCRIPT.read_text())
    (folder / "Makefile").write_text("".join(f"{name}:\n\t@{recipe}\n" for name, recipe in stages.items()))
    return subprocess.run([sys.executable, script, *stages], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("stage", ["lint", "integration"])
@pytest.mark.parametrize(
    ("recipe", "code", "verdict"),
    [
        ("true", 0, "ok"),
        ("false", 1, "FAILED"),
        ('echo "because of the weather" > "$$STAGE_NOT_RUN"', 0, "NOT run"),
        ('echo "because of the weather" > "$$STAGE_NOT_RUN"; false', 1, "FAILED"),
    ],
)
def test_the_summary_has_every_stage_and_why_one_was_not_run(tmp_path, stage, recipe, code, verdict):
    done = run(tmp_path, {stage: recipe, "unit": "true"})
    summary = done.stdout.partition("==> summary")[2]
    assert done.returncode == code, done.stderr
    assert f"{stage:<14} {verdict}" in summary
    assert "unit           ok" in summary
    assert ("because of the weather" in summary) is ("weather" in recipe)


def test_stages_share_a_folder_for_their_platforms_which_is_gone_afterwards(tmp_path):
    put = 'test -d "$$STAGES_PLATFORMS" && echo "folder $$STAGES_PLATFORMS" && touch "$$STAGES_PLATFORMS/mine"'
    look = 'echo "folder $$STAGES_PLATFORMS" && test -f "$$STAGES_PLATFORMS/mine"'
    done = run(tmp_path, {"integration": put, "gameday-short": look})
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = {line.removeprefix("folder ") for line in done.stdout.splitlines() if line.startswith("folder ")}
    assert not Path(folder).exists()


def test_the_platform_of_integration_is_provisioned_beside_the_stages_before_it(tmp_path):
    (tmp_path / "tests/integration").mkdir(parents=True)
    program = "import pathlib, sys; pathlib.Path(sys.argv[1], 'regions').write_text(' '.join(sys.argv[2:]))"
    (tmp_path / "tests/integration/platforms.py").write_text(program)
    wait = (
        "until test -s $$STAGES_PLATFORMS/regions; do sleep 0.1; done; echo regions: $$(cat $$STAGES_PLATFORMS/regions)"
    )
    done = run(tmp_path, {"unit": f"timeout 30 bash -c '{wait}'", "integration": "true"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "regions: us-east-1 us-east-2" in done.stdout
