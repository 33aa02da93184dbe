# SPDX-License-Identifier: GPL-3.0-or-later
"""`make soak`: the playbooks move the platform back and forth, MOVES times, and it must end as it began.

Each odd move is a switchover, each even one a failback. After every failback the state is compared with that of the
beginning: writer, members, name, capacities, switch, database rules, endpoints, and the number of resources of each
type. The records of the runs are the one thing that grows.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from typing import Any

from lab.client import Lab
from tests.demo import resources
from tests.demo.playbook import ROOT, PlaybookFailed, run_playbook
from tests.integration.aws import DOMAIN, capacity, database_acl, global_cluster, healthy_targets, runs

PLACE = ROOT / ".lab-soak"
REGIONS = ("us-east-1", "us-east-2")
# AWS seconds that pass in one: this tests the order of steps, not the waiting.
SCALE = 100


def state_of(lab: Lab) -> dict[str, Any]:
    """Everything a move may touch, and the number of everything else."""
    state: dict[str, Any] = {"name": lab.resolve(DOMAIN)["region"]}
    for region in REGIONS:
        found = global_cluster(lab, region)
        state[region] = {
            "members": [{k: m[k] for k in ("DBClusterArn", "IsWriter")} for m in found["GlobalClusterMembers"]],
            "operation": found.get("FailoverState"),
            "endpoint": found["Endpoint"],
            "capacity": capacity(lab, region),
            "healthy": healthy_targets(lab, region),
            "acl": database_acl(lab, region),
            "switch": lab.client("s3", region).list_objects_v2(Bucket=f"trading-control-{region}-dev")["KeyCount"],
            "resources": resources.of_region(lab, region),
        }
    return state


def soak(lab: Lab, moves: int) -> list[float]:
    """Return the seconds of each move. Raises AssertionError at the first state that differs from the first one."""
    before, seconds = state_of(lab), []
    for number in range(1, moves + 1):
        playbook = "switchover" if number % 2 else "failback"
        began = time.monotonic()
        run_playbook(playbook, lab.env(), PLACE / f"{playbook}.log")
        seconds.append(time.monotonic() - began)
        if playbook == "failback":
            after = state_of(lab)
            assert after == before, f"after move {number}:\n{before}\n{after}"
    assert len(runs(lab, REGIONS[0])) == moves, "a record for every move"
    return seconds


def main() -> int:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    moves = int(os.environ.get("MOVES") or 200)
    Lab.start(PLACE).stop()
    lab = Lab.start(PLACE, scale=SCALE)
    try:
        run_playbook("site", lab.env(), PLACE / "site.log")
        seconds = soak(lab, moves)
    except (AssertionError, PlaybookFailed) as problem:
        print(f"\nsoak FAILED: {problem}", file=sys.stderr)
        return 1
    finally:
        lab.stop()
    print(f"{moves} moves; state and resources as at the beginning after each failback")
    print(f"median {statistics.median(seconds):.1f} s a move, the longest {max(seconds):.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
