# SPDX-License-Identifier: GPL-3.0-or-later
"""One cell of the matrix: something breaks at a moment of a failover; then it is fixed and the same command is run
again."""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.daemon import LabError
from tests.chaos.faults import FAILED, KILLED, LOST, REFUSED, SUCCESSFUL, TARGET, Fault
from tests.chaos.invariants import Evidence, broken
from tests.chaos.moments import START, STEPS
from tests.integration.aws import capacity, control_item, healthy_targets, members, name_points_at, runs
from tests.integration.platforms import Platform, Run

# What a refusal may write: the alert and the record.
TELLING = {"Publish", "PutItem", "UpdateItem"}
WAIT_TIMEOUT_S = 40
# Of a run that is killed, so that the next one does not wait for a minute; less may expire on a busy machine by itself.
LEASE_S = 20
# What a killed run had sent still arrives.
IN_FLIGHT_S = 1.0
# After which a run is taken for one that does not end.
PATIENCE_S = 400
UNEXPLAINED, SILENT = "failed without a reason or a way on", "said successful and was not"
NOT_RUN = "could not be run"


@dataclass(frozen=True)
class Result:
    """What came of a cell.

    ended: how the first run ended (successful, refused, failed, killed), or what was wrong with its end.
    seconds: of the first run, and of the one that resumed it, None where nothing was left.
    waited_seconds: from the kill until the next run could start, None where nothing was killed.
    struck: how many calls met the fault (`times_struck`); 0: the run made no call that it affects.
    broken: violated invariants, in sentences. said: the run's last message.
    """

    fault: str
    moment: str
    ended: str
    seconds: float
    resumed_seconds: float | None
    struck: int | None
    broken: list[str]
    said: str
    waited_seconds: float | None = None

    @property
    def good(self) -> bool:
        return not self.broken

    def as_dict(self) -> dict:
        return asdict(self)


def make_sick(platform: Platform) -> None:
    """The active region is down but its API responds, and the target runs less: every step has something to do."""
    platform.lab.settings(failover_s=10, pending_s=1, target_initial_s=5)
    platform.lab.set_targets(LOST, "unhealthy")
    platform.lab.client("autoscaling", TARGET).update_auto_scaling_group(
        AutoScalingGroupName="trading-asg-dev", MinSize=1, DesiredCapacity=1
    )


def times_struck(platform: Platform) -> int | None:
    """How many calls met the fault; None for a fault that is not one of single calls."""
    faults = platform.lab.state()["faults"]
    return sum(fault["hits"] for fault in faults) if faults else None


def fix(platform: Platform) -> None:
    platform.lab.clear_faults()
    platform.lab.restore()
    platform.lab.settings(promotion_stuck=False)


def arrived(platform: Platform, wanted: int) -> bool:
    """Whether writer, traffic and capacity are where a failover brings them. Asked past every fault."""
    return (
        members(platform.lab, TARGET) == {region: region == TARGET for region in platform.regions}
        and name_points_at(platform.lab) == TARGET
        and capacity(platform.lab, TARGET)["desired"] >= wanted
        and healthy_targets(platform.lab, TARGET) >= wanted
    )


def how_it_ended(run: Run, calls: list[dict], there: bool) -> str:
    """The end in a word; anything but successful, refused, failed and killed is a defect."""
    if run.code == -9:
        return KILLED
    if run.code == 0:
        return SUCCESSFUL if there else SILENT
    changed = {call["operation"] for call in calls if call["mutating"] and call["status"] in (200, "lost")}
    if changed <= TELLING and "Run the same command again" not in run.output:
        return REFUSED if last_words(run) else UNEXPLAINED
    return FAILED if "Run the same command again" in run.output else UNEXPLAINED


def last_words(run: Run) -> str:
    """The run's own account of why it ended, shortened; empty where it gave none."""
    for mark in ("Stopped at: ", "Refused before any change.", "msg: "):
        _before, found, account = run.output.rpartition(mark)
        if found and run.code:
            return " ".join((found + account).partition("PLAY RECAP")[0].split())[:400]
    return ""


def run_any_cell(platform: Platform, fault: Fault, moment: str, folder: Path) -> Result:
    """`run_cell`; a cell that cannot be run is a broken one, and does not end the matrix."""
    try:
        return run_cell(platform, fault, moment, folder)
    except (AssertionError, LabError, subprocess.TimeoutExpired) as error:
        return Result(fault.name, moment, NOT_RUN, 0.0, None, None, [f"{type(error).__name__}: {error}"[:2000]], "")


def run_cell(platform: Platform, fault: Fault, moment: str, folder: Path) -> Result:
    """Break `platform`, a copy for this cell only, and check the invariants.

    folder: an empty one, from which the second run is started.
    """
    lab = platform.lab
    make_sick(platform)
    wanted = capacity(lab, LOST)["desired"]
    lab.clear_calls()
    options = ["-e", f"wait_timeout={WAIT_TIMEOUT_S}"]
    short = ["-e", f"failover_lease_seconds={LEASE_S}"] if fault.kills_after_s is not None else []
    task = "" if moment == START else STEPS[moment]
    first = platform.run("failover", *options, *short, break_at=task, breaks=fault.what, patience_s=PATIENCE_S)
    calls, struck = lab.calls(), times_struck(platform)
    fix(platform)
    ended = how_it_ended(first, calls, arrived(platform, wanted))
    wrong = [] if ended in fault.may_end else [f"ended: {ended}, must be {' or '.join(fault.may_end)}"]

    resumed = waited = None
    late: list[dict] = []
    if ended != SUCCESSFUL:
        if ended == KILLED:
            killed_at = (first.broke_at or 0) + (fault.kills_after_s or 0)
            waited, late = wait_for_the_lease(platform, killed_at, first.began + first.seconds)
        resumed = platform.run("failover", *options, *way_on(first), folder=folder, patience_s=PATIENCE_S)
        if resumed.code != 0 or not arrived(platform, wanted):
            wrong.append(f"resumed: exit {resumed.code}, {last_words(resumed)}")
    found = runs(lab, TARGET)
    seen = Evidence(
        timeline=lab.timeline(),
        calls=lab.calls(),
        lease=control_item(lab, TARGET, "lease"),
        record=max(found, key=lambda one: one["ended_at"], default=None),
        outputs=[run.output for run in (first, resumed) if run],
        wanted=wanted,
        repeats=fault.repeats,
        late=late,
    )
    return Result(
        fault.name,
        moment,
        ended,
        round(first.seconds, 1),
        resumed and round(resumed.seconds, 1),
        struck,
        wrong + broken(seen),
        last_words(first),
        waited and round(waited, 1),
    )


def wait_for_the_lease(platform: Platform, killed_at: float, looked_from: float) -> tuple[float, list[dict]]:
    """Wait until the lease of a killed run has expired by itself.

    looked_from: the time since which this cell has read what became of the platform.
    Returns the seconds since the kill, and the calls that others began later than what was on its way.
    """
    lease = control_item(platform.lab, TARGET, "lease")
    looked_until = time.time()
    is_held = lease and lease["outcome"] == "running"
    # The table's time has whole seconds.
    over = float(lease["expires_at"]) + 1 if is_held else 0.0
    time.sleep(max(0.0, over - time.time(), killed_at + IN_FLIGHT_S - time.time()))
    late = platform.lab.calls(killed_at + IN_FLIGHT_S)
    return time.time() - killed_at, [one for one in late if not looked_from <= one["time"] <= looked_until]


def way_on(run: Run) -> list[str]:
    """The option with which a run that could not release its lease says that the next one can start immediately."""
    named = re.search(r"immediately with (takeover_run_id=[\w-]+)", " ".join(run.output.split()))
    return ["-e", named[1]] if named else []
