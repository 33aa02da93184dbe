# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: a platform in two regions is built in the lab, one region is lost, the other takes over.

Every stage is what a user would do with the commands that it prints; this script only explains them.
Any stage that fails ends it with exit code 1. The lab is stopped at the end, unless KEEP=1.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from lab.client import Lab
from lab.daemon import LabError
from tests.demo import resources
from tests.demo.playbook import ROOT, PlaybookFailed, run_playbook

PLACE = ROOT / ".lab-demo"
REGIONS = ("us-east-1", "us-east-2")
LOST = REGIONS[0]
DOMAIN = "trading-platform-dev.example.com"
STAGES = 6


class DemoFailed(Exception):
    """The story did not end as it must."""


def heading(number: int, title: str, command: str) -> None:
    print(f"\n==> {number}/{STAGES} {title}\n        {command}", flush=True)


def show_counts(lab: Lab) -> None:
    by_region = {region: resources.of_region(lab, region) for region in REGIONS}
    types = sorted({name for counts in by_region.values() for name in counts})
    print(f"\n    {'made, as the API answers':<26}" + "".join(f"{region:>12}" for region in REGIONS))
    for name in types:
        print(f"    {name:<26}" + "".join(f"{by_region[region].get(name, 0):>12}" for region in REGIONS))
    print(f"    {'total':<26}" + "".join(f"{sum(by_region[region].values()):>12}" for region in REGIONS))
    print("    of no region: " + ", ".join(f"{number} {name}" for name, number in resources.global_ones(lab).items()))


def show_verdicts(title: str, verdicts: dict[str, Any]) -> None:
    print(f"\n    verdicts {title}")
    for region, verdict in sorted(verdicts.items()):
        print(f"        {region:<12} {verdict['verdict']:<10} {verdict.get('reason', '')}")


def show_name(lab: Lab) -> str:
    region = lab.resolve(DOMAIN)["region"]
    print(f"\n    {DOMAIN} answers with the load balancer in {region}")
    return region


def show_outcome(outcome: dict[str, Any]) -> None:
    print("\n    steps of the failover")
    for step in outcome["steps"]:
        took = "  unknown" if step["seconds"] is None else f"{step['seconds']:7.1f} s"
        print(f"        {took}  {step['name']:<24} {step['reason']}")
    bound = outcome["rpo_bound_ms"]
    rto = outcome["rto_seconds"]
    print(f"\n    RTO          {rto} s, from the start of the run until the platform was seen serving")
    print(
        f"    RPO bound    {f'{bound} ms' if isinstance(bound, int) else 'unknown, the old region may go on writing'}"
    )
    print(f"    safe         every write committed before {outcome['safe_instant']}")


def build(lab: Lab) -> None:
    heading(2, "two regions are provisioned", "ansible-playbook playbooks/site.yml -i inventories/demo")
    run_playbook("site", lab.env(), PLACE / "site.log")
    show_counts(lab)


def ask_health(lab: Lab) -> None:
    heading(3, "how are they?", "ansible-playbook playbooks/health_check.yml -i inventories/demo")
    report = PLACE / "health.json"
    run_playbook("health_check", lab.env(), PLACE / "health_check.log", health_report_file=report)
    show_verdicts("now", json.loads(report.read_text())["verdicts"])
    if show_name(lab) != LOST:
        raise DemoFailed(f"before the outage the name must point at {LOST}")


def lose_region(lab: Lab) -> None:
    heading(4, f"{LOST} is lost: its API hangs, its targets are gone", f"make lab-outage REGION={LOST} MODE=hang")
    lab.outage(LOST, "hang")


def fail_over(lab: Lab) -> dict[str, Any]:
    heading(5, "the other region takes over", "ansible-playbook playbooks/failover.yml -i inventories/demo")
    file = PLACE / "failover.json"
    run_playbook("failover", lab.env(), PLACE / "failover.log", failover_outcome_file=file)
    outcome = json.loads(file.read_text())
    show_outcome(outcome)
    show_verdicts("before the move, with the region lost", outcome["verdicts_before"])
    show_verdicts("after it", outcome["verdicts_after"])
    return outcome


def look_again(lab: Lab, target: str) -> None:
    """The proof is asked of AWS, not of the playbook."""
    heading(6, "the truth, asked of the lab", f"make lab-resolve NAME={DOMAIN}")
    (database,) = lab.client("rds", target).describe_global_clusters()["GlobalClusters"]
    (writer,) = [member["DBClusterArn"] for member in database["GlobalClusterMembers"] if member["IsWriter"]]
    print(f"\n    the writer of the database is {writer}")
    if show_name(lab) != target or writer.split(":")[3] != target:
        raise DemoFailed(f"name and writer must both be in {target}")


def show_where_next(keep: bool) -> None:
    place = PLACE.relative_to(ROOT)
    print("\n==> where to look next")
    print("    playbooks/failover.yml      the story you have just seen")
    print("    docs/tutorial.md            the same step by step, and the way back")
    print("    docs/failover.md            the guide for operators during an outage")
    print("    docs/lab.md                 what else can be broken, and how")
    print(f"    {place}/                  all that the playbooks said, and the failover's outcome")
    if keep:
        print(f"    the lab still runs: . {place}/env, then ansible-playbook or boto3; make demo-down stops it")
    else:
        print("    make demo KEEP=1            the same, and the lab goes on running for you to look round")


def play() -> None:
    started = time.monotonic()
    keep = os.environ.get("KEEP", "") not in ("", "0")
    heading(1, "AWS on loopback", f"make lab-up  (here in {PLACE.relative_to(ROOT)})")
    lab = start()
    try:
        build(lab)
        ask_health(lab)
        lose_region(lab)
        outcome = fail_over(lab)
        look_again(lab, outcome["target_region"])
    finally:
        if not keep:
            lab.stop()
    show_where_next(keep)
    print(f"\n    the whole demo took {time.monotonic() - started:.0f} s")


def start() -> Lab:
    """A lab with nothing in it, whatever an earlier demo left running."""
    Lab.start(PLACE).stop()
    return Lab.start(PLACE, scale=float(os.environ.get("SCALE") or 10))


def main() -> int:
    # This process asks the lab by boto3, and nothing of the user's own account settings may reach that.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    try:
        play()
    except (DemoFailed, LabError, PlaybookFailed, OSError, KeyError, ValueError) as problem:
        print(f"\ndemo FAILED: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
