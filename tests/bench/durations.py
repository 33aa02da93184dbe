# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml from nothing with AWS's creation times, compared with the longest chain of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.bench.goals import Goal, Line
from tests.chaos.faults import LOST, TARGET
from tests.integration.platforms import Platforms

# AWS seconds that pass in one. What the playbook itself costs is not scaled, so AWS's minutes are not either.
SCALE = 1
DURATIONS = {
    "cluster_create_s": 300,
    "instance_create_s": 480,
    "nat_gateway_create_s": 100,
    "load_balancer_create_s": 150,
    "replica_create_s": 200,
}
# The writer's cluster and instance, then the other region's: a secondary is made from a primary with an instance.
LONGEST_S = 2 * (DURATIONS["cluster_create_s"] + DURATIONS["instance_create_s"])


def provision(platforms: Platforms, _number: int) -> float:
    """Seconds of site.yml over a platform of its own."""
    platform = platforms.empty(LOST, TARGET, scale=SCALE)
    with platform.lab as lab:
        lab.settings(**DURATIONS)
        return platform.run("site", patience_s=3600).ends_well().seconds


def overlap(platforms: Platforms, runs: int) -> list[Line]:
    """All runs in parallel: each takes half an hour, nearly all of it waiting."""
    with ThreadPoolExecutor(runs) as pool:
        seconds = list(pool.map(partial(provision, platforms), range(runs)))
    listed = ", ".join(f"{name.removesuffix('_create_s').replace('_', ' ')} {s} s" for name, s in DURATIONS.items())
    together = "" if runs == 1 else " All runs in parallel."
    return [
        Line(
            "durations",
            "site.yml from nothing with AWS's durations, two regions",
            seconds,
            (Goal("times", 1.25),),
            "the longest chain of them: cluster and instance, twice",
            [LONGEST_S],
            note=f"{listed}; nothing is scaled.{together}",
        )
    ]
