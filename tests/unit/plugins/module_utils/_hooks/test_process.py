# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A hook's process: its time is limited, its end is certain, its lease is renewed, and its failure is a sentence."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._control_table import lease_holder
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._hooks import process
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.lease_fakes import TABLE, WEST, LeaseTable

# Answers as ansible-playbook would, to "-e @file".
LEAVE_A_REASON = """
import json, sys
given = json.load(open(sys.argv[-1][1:]))
open(given["failover_hook_reason_file"], "w").write("Ask: the gateway said no")
sys.exit(2)
"""
# Ends only if it is killed, and has a child that is not.
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("hanging", flush=True)
time.sleep(600)
"""


def params(program: str, **more):
    given = {"name": "drain", "moment": "before_promotion", "file": "/hooks/drain.yml", "time_limit_seconds": 30}
    return {
        **{**given, "required": False, "variables": {"region": WEST}, "environment": {}},
        "command": [sys.executable, "-c", program],
        **more,
    }


def test_a_hook_gets_its_variables_and_every_line_is_said_while_it_runs():
    said = []
    program = "import json,sys; print(json.dumps(json.load(open(sys.argv[-1][1:]))['failover_hook'])); print('done')"
    result = process.run(params(program), None, say=said.append)
    given = {"region": WEST, "name": "drain", "moment": "before_promotion", "file": "/hooks/drain.yml"}
    assert json.loads(said[0]) == given and said[1] == "done"
    assert (result["outcome"], result["output"], result["region"]) == ("finished", said, WEST)
    assert result["reason"] == "Hook drain (before_promotion) finished." and result["warnings"] == []


def test_no_file_with_variables_is_left_and_nobody_else_can_read_it(tmp_path):
    seen = tmp_path / "seen"
    note = f"open({str(seen)!r}, 'w').write(f'{{os.stat(file).st_mode & 0o777:o}} {{file}}')"
    program = f"import os, sys; file = sys.argv[-1][1:]; {note}"
    process.run(params(program), None)
    mode, file = seen.read_text().split()
    assert mode == "600" and not Path(file).parent.exists()


@pytest.mark.parametrize("program", [STUBBORN, "import time; print('hanging', flush=True); time.sleep(600)"])
def test_a_hook_that_hangs_delays_the_move_no_longer_than_its_limit(program):
    began = time.monotonic()
    result = process.run(params(program, time_limit_seconds=2), None)
    assert 2 <= time.monotonic() - began < 2 + 4 * process.GRACE_SECONDS
    assert (result["outcome"], result["output"]) == ("stopped", ["hanging"])
    assert (
        result["warnings"]
        == [result["reason"]]
        == [
            "Hook drain (before_promotion) did not end within 2 s (time_limit_seconds) and was stopped. "
            "It is not required: the run goes on."
        ]
    )


def test_a_required_hook_that_fails_stops_the_move_with_its_own_reason():
    with pytest.raises(MultiRegionError, match=r"^Hook drain \(before_promotion\) failed: Ask: the gateway said no\.$"):
        process.run(params(LEAVE_A_REASON, required=True), None)
    assert process.run(params(LEAVE_A_REASON), None)["outcome"] == "failed"


def test_a_hook_that_cannot_begin_fails_with_what_ansible_says():
    program = "import sys; print('[ERROR]: the file is no YAML'); sys.exit(4)"
    assert "failed: the file is no YAML." in process.run(params(program), None)["reason"]
    assert "failed: exit code 4." in process.run(params("import sys; sys.exit(4)"), None)["reason"]


def test_check_mode_runs_nothing(tmp_path):
    program = f"open({str(tmp_path / 'ran')!r}, 'w')"
    assert "would be run" in process.run(params(program), None, check_mode=True)["reason"]
    assert not list(tmp_path.iterdir())


def leased(aws, seconds=60):
    given = {"table_name": TABLE, "region": WEST, "state": "held", "run_id": "r1", "owner": "ann"}
    taken = lease_holder.run(
        {**given, "lease_seconds": seconds, "resume_within": 60}, aws.clients, monotonic=aws.time.clock
    )
    aws.calls.clear()
    return {**taken["handle"], "step": "hook_drain"}


def test_a_hook_begins_only_under_the_lease_of_its_run(fake_time, tmp_path):
    aws = LeaseTable(fake_time)
    lease = leased(aws)
    process.run(params("pass", lease=lease), aws.clients)
    assert aws.writes() == ["update_item"]
    with pytest.raises(Refused, match="no longer holds the lease"):
        process.run(params(f"open({str(tmp_path / 'ran')!r}, 'w')", lease={**lease, "attempt": 7}), aws.clients)
    assert not list(tmp_path.iterdir())


def test_a_run_that_loses_its_lease_ends_its_hook(monkeypatch, tmp_path):
    class Lost:
        def hold(self):
            pass

        def sleep(self, _seconds):
            raise Refused("lease lost to bob")

    monkeypatch.setattr(process, "lease_of", lambda _params, _clients: Lost())
    began = time.monotonic()
    with pytest.raises(Refused, match="lease lost to bob"):
        process.run(params("import time; time.sleep(600)"), None)
    assert time.monotonic() - began < 10


def test_waiting_is_done_by_the_lease_which_renews_itself_in_time(monkeypatch):
    slept = []

    class Lease:
        def hold(self):
            pass

        def sleep(self, seconds):
            slept.append(seconds)
            time.sleep(seconds)

    monkeypatch.setattr(process, "lease_of", lambda _params, _clients: Lease())
    process.run(params("import time; time.sleep(0.5)"), None)
    assert slept and max(slept) <= process.LOOK_SECONDS
