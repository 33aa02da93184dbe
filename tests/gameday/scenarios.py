# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens in each scenario, and what has to be true of it beyond what checker.py tests of all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.moments import STEPS
from tests.gameday.checker import Findings, late_capacity
from tests.gameday.game import LAG_SEEN_AWS_S, Game
from tests.integration.aws import control_item, wait_for_checkers
from tests.lab.ecs_service import SERVICE

OLD, NEW, THIRD = "us-east-1", "us-east-2", "eu-west-1"
LOSS = ("-e", "accept_data_loss=true")
FORCE = ("-e", "force=true")
# Tasks of a service that has grown; it is made with two.
GROWN = 4


@dataclass(frozen=True)
class Scenario:
    """play: what happens; returns the findings and sentences on what was wrong with this scenario alone.

    variant: of the platform (tests/integration/platforms.py).
    """

    name: str
    text: str
    play: Callable[[Game], tuple[Findings, list[str]]]
    regions: tuple[str, ...] = (OLD, NEW)
    follow: bool = False
    variant: str = ""


def ended(game: Game, code: int = 0) -> list[str]:
    run = game.runs[-1]
    return [] if run.code == code else [f"the run ended with exit code {run.code}, see {game.folder.name}/"]


def lossless(found: Findings) -> list[str]:
    """What a planned move promises: nothing is lost, and what was acknowledged is read back at any moment."""
    wrong = [f"{len(found.lost)} acknowledged orders are lost, must be 0"] if found.lost else []
    missed = found.read_back_misses
    return wrong + (
        [f"{missed} acknowledged orders were missing when they were read back, must be 0"] if missed else []
    )


def some_lost(found: Findings) -> list[str]:
    """A scenario with late replication that loses nothing has not tested what it is for."""
    return [] if found.lost else ["nothing was lost: the replication was not late"]


def in_snapshot(game: Game, found: Findings) -> list[str]:
    """Every lost order must be in a snapshot that was kept."""
    kept = set().union(*game.evidence.kept.values())
    missing = [one.number for one in found.lost if one.number not in kept]
    return [f"{len(missing)} lost orders are in no kept snapshot, first {missing[0]}"] if missing else []


def planned(*playbooks: str) -> Callable[[Game], tuple[Findings, list[str]]]:
    def scenario(game: Game) -> tuple[Findings, list[str]]:
        wrong = []
        for playbook in playbooks:
            game.move(playbook)
            wrong += ended(game)
            game.wait(5)
        found = game.finish()
        return found, wrong + lossless(found)

    return scenario


def dead_region(game: Game) -> tuple[Findings, list[str]]:
    game.dead(OLD)
    game.move("failover")
    wrong = ended(game)
    game.wait_for_caches()
    return game.finish(), wrong


def dead_and_back(game: Game) -> tuple[Findings, list[str]]:
    game.delay_replication(1)  # so that there is something to find in the snapshot
    game.wait(LAG_SEEN_AWS_S / game.lab.scale)
    game.dead(OLD)
    game.move("failover")
    wrong = ended(game)
    game.wait(3)
    game.heal()
    game.delay_replication(0)
    game.wait_for_data()
    game.move("failback")
    wrong += ended(game)
    game.wait(5)
    found = game.finish()
    return found, wrong + some_lost(found) + in_snapshot(game, found)


def behind(game: Game) -> tuple[Findings, list[str]]:
    game.delay_replication(2)
    game.wait(LAG_SEEN_AWS_S / game.lab.scale)
    game.dead(OLD)
    game.move("failover")
    wrong = ended(game)
    game.wait(5)
    found = game.finish()
    return found, wrong + some_lost(found)


def partition(game: Game) -> tuple[Findings, list[str]]:
    game.partition(OLD)
    game.move("failover", *FORCE, *LOSS)
    wrong = ended(game)
    game.wait_for_caches()
    return game.finish(NEW), wrong


def partition_detach(game: Game) -> tuple[Findings, list[str]]:
    game.partition(OLD)
    game.move("failover", "-e", "method=detach", *FORCE, *LOSS)
    wrong = ended(game)
    game.wait_for_caches()
    return game.finish(NEW), wrong


def detach(game: Game) -> tuple[Findings, list[str]]:
    """The old region answers, and serves: what only fencing can stop."""
    game.move("failover", "-e", "method=detach", *FORCE, *LOSS)
    wrong = ended(game)
    game.wait_for_caches()
    return game.finish(NEW), wrong


def managed(block: str) -> Callable[[Game], tuple[Findings, list[str]]]:
    def play(game: Game) -> tuple[Findings, list[str]]:
        game.lab.settings(write_block=block)
        game.move("failover", *FORCE, *LOSS)
        wrong = ended(game)
        game.wait_for_caches()
        return game.finish(NEW), wrong

    return play


def flapping(game: Game) -> tuple[Findings, list[str]]:
    with game.flapping(OLD):
        game.wait(5)
        game.move("switchover")
        wrong = ended(game)
        game.wait(5)
    game.wait(3)
    found = game.finish()
    return found, wrong + lossless(found)


def killed(game: Game) -> tuple[Findings, list[str]]:
    game.dead(OLD)
    game.run("failover", break_at=STEPS["promote_wait"], breaks="kill")
    wrong = ended(game, -9)
    lease = control_item(game.lab, NEW, "lease")
    game.run("failover", "-e", f"takeover_run_id={lease['run_id']}")
    wrong += ended(game)
    game.wait_for_caches()
    return game.finish(), wrong


def automatic(game: Game) -> tuple[Findings, list[str]]:
    game.dead(OLD)
    wait_for_checkers(game.lab, NEW, OLD)
    for _check in range(8):
        game.run("health_check", "-e", "auto_failover=true", "-e", "health_min_interval=1")
        if game.plane.promotions:
            break
    wrong = [] if game.plane.promotions else ["no failover was started"]
    game.wait(5)
    return game.finish(NEW), wrong


def ecs(game: Game) -> tuple[Findings, list[str]]:
    """The service of the lost region had grown: what the other one has to run is known from a health check."""
    cluster, name = SERVICE.split("/")
    game.lab.client("ecs", OLD).update_service(cluster=cluster, service=name, desiredCount=GROWN)
    game.wait_for_capacity(OLD, GROWN)
    game.run("health_check")
    wrong = ended(game)
    lost_at = time.time()
    game.dead(OLD)
    game.move("failover")
    wrong += ended(game)
    game.wait_for_caches()
    found = game.finish()
    return found, wrong + late_capacity(game.evidence, game.server.events, NEW, lost_at, GROWN)


def three_regions(game: Game) -> tuple[Findings, list[str]]:
    game.dead(OLD)
    game.move("failover")
    wrong = ended(game)
    game.wait_for_caches()
    return game.finish(), wrong


SCENARIOS = (
    Scenario("switchover", "switchover and failback", planned("switchover", "failback")),
    Scenario("switchover-only", "switchover", planned("switchover")),
    Scenario("dead-region", "region dead, failover", dead_region),
    Scenario("partition-detach", "region partitioned, failover by detach", partition_detach),
    Scenario("dead-and-back", "region dead, return, rebuild, failback", dead_and_back),
    Scenario("behind", "region dead, replication 2 s behind", behind),
    Scenario("partition", "region partitioned, managed failover", partition),
    Scenario("managed-blocked", "region lives, managed failover, Aurora blocks writes", managed("succeeds")),
    Scenario("managed-unblocked", "the same, Aurora's block times out", managed("times_out")),
    Scenario("detach", "region lives, failover by detach", detach),
    Scenario("detach-follow", "the same, connection pools follow the endpoint's name", detach, follow=True),
    Scenario("flapping", "switchover while links flap", flapping),
    Scenario("killed", "region dead, failover killed and resumed", killed),
    Scenario("automatic", "region dead, automatic failover", automatic),
    Scenario("three-regions", "region of three dead, failover", three_regions, (OLD, NEW, THIRD)),
    Scenario("ecs", "region dead, failover, ECS services", ecs, variant="service"),
)
