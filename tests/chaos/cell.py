# SPDX-License-Identifier: GPL-3.0-or-later
"""One cell of the matrix: something breaks at a moment of a failover; then it is fixed and the same command is run
again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from tests.chaos.faults import FAILED, KILLED, LOST, REFUSED, SUCCESSFUL, TARGET, Fault
from tests.chaos.invariants import Evidence, broken
from tests.chaos.moments import START, STEPS
from tests.integration.aws import capacity, control_item, healthy_targets, members, name_points_at, runs
from tests.integration.platforms import Platform, Run

# What a refusal may write: the alert and the record.
TELLING = {"Publish", "PutItem", "UpdateItem"}
WAIT_TIMEOUT_S = 40
UNEXPLAINED, SILENT = "failed without a reason or a way on", "said successful and was not"


@dataclass(frozen=True)
class Result:
    """What came of a cell.

    ended: how the first run ended (successful, refused, failed, killed), or what was wrong with its end.
    seconds: of the first run, and of the one that resumed it, None where nothing was left.
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


def run_cell(platform: Platform, fault: Fault, moment: str, folder: Path) -> Result:
    """Break `platform`, a copy for this cell only, and check the invariants.

    folder: an empty one, from which the second run is started.
    """
    lab = platform.lab
    make_sick(platform)
    wanted = capacity(lab, LOST)["desired"]
    lab.clear_calls()
    options = ["-e", f"wait_timeout={WAIT_TIMEOUT_S}"]
    task = "" if moment == START else STEPS[moment]
    first = platform.run("failover", *options, break_at=task, breaks=fault.what)
    calls, struck = lab.calls(), times_struck(platform)
    fix(platform)
    ended = how_it_ended(first, calls, arrived(platform, wanted))
    wrong = [] if ended in fault.may_end else [f"ended: {ended}, must be {' or '.join(fault.may_end)}"]

    resumed = None
    if ended != SUCCESSFUL:
        lease = control_item(lab, TARGET, "lease")
        # The process is known to be dead, so its lease need not expire first.
        dead = ["-e", f"takeover_run_id={lease['run_id']}"] if lease and lease["outcome"] == "running" else []
        resumed = platform.run("failover", *options, *dead, folder=folder)
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
    )
