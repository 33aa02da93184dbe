# SPDX-License-Identifier: GPL-3.0-or-later
"""The chapters of an acceptance run. Each can be done again, because all that it does reads first."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import BotoCoreError, ClientError

from tests.acceptance import isolation
from tests.acceptance.account import Clients
from tests.acceptance.state import State
from tests.integration.leftovers import delete_kept_snapshots, left_in
from tests.integration.platforms import RECAP, TOP
from tests.truth.recording import ORDINALS, SERIES, observe

HOOK = TOP / "tests/truth/hook"
RECORDS = "TRADING_RECORD"
# The smallest platform (docs/cost.md); what it lacks is room, not a layer.
SMALLEST = {
    "environment_protection": False,
    "global_database_instance_count": 1,
    "application_min_size": 1,
    "application_desired_capacity": 1,
    "application_max_size": 2,
}
# What a region that was cut off needs until it could take over again: checks, targets, replication.
RETURN_S, ASK_EVERY_S = 3600, 20


class Failed(Exception):
    """A chapter did not end as it must; the message says what was seen."""


@dataclass
class Acceptance:
    """A run: its state, how AWS is reached, and where it writes.

    environment: of the playbooks, beside the user's. variables: of the inventory, beside SMALLEST.
    """

    state: State
    client: Clients
    environment: Mapping[str, str]
    variables: Mapping[str, Any]
    folder: Path

    @property
    def first(self) -> str:
        return self.state.regions[0]

    @property
    def second(self) -> str:
        return self.state.regions[1]

    @property
    def vpc_name(self) -> str:
        return f"trading-{self.state.suffix}"

    def inventory(self) -> Path:
        """Write the inventory, and return it."""
        folder = self.folder / "inventory"
        variables = folder / "group_vars/all/platform.yml"
        variables.parent.mkdir(parents=True, exist_ok=True)
        hosts = [f"{region} vpc_cidr=10.{number}.0.0/16" for number, region in enumerate(self.state.regions)]
        shutil.copy(TOP / "inventories/production/platform.yml", folder)
        (folder / "hosts").write_text("\n".join(["[regions]", *hosts, ""]))
        found = {
            **SMALLEST,
            "environment_suffix": self.state.suffix,
            "global_database_engine_version": self.state.versions[0],
            # Nobody has to own it: the name is asked of the hosted zone's own name servers.
            "traffic_domain": f"{self.state.suffix}.trading-acceptance.test",
            **self.variables,
        }
        variables.write_text(yaml.safe_dump(found))
        return folder

    def play(self, playbook: str, **variables: Any) -> dict[str, int]:
        """Run a playbook, and return {host: tasks that changed something}. Raises Failed."""
        log = self.folder / "logs" / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{playbook}.log"
        log.parent.mkdir(exist_ok=True)
        left = max(60.0, self.state.deadline - time.time())
        command = [
            Path(sys.executable).with_name("ansible-playbook"),
            f"playbooks/{playbook}.yml",
            "-i",
            self.inventory(),
        ]
        command += (
            ["-e", json.dumps({"confirm": self.state.suffix, **variables})]
            if variables or playbook == "teardown"
            else []
        )
        own = {"ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "PYTHONPATH": str(HOOK)}
        own[RECORDS] = str(self.folder / "records")
        with log.open("w") as file:
            try:
                ended = subprocess.run(
                    command,
                    cwd=TOP,
                    env={**os.environ, **own, **self.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    timeout=None if playbook == "teardown" else left,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise Failed(f"{playbook}.yml was ended: the hours that the run may take have passed.") from None
        said = log.read_text()
        if ended.returncode:
            raise Failed(f"{said[-3000:]}\n{playbook}.yml failed; all it said is in {log}")
        return {host: int(changed) for host, _ok, changed, _unreachable, _failed in RECAP.findall(said)}

    def move(self, playbook: str, to: str, leaves: str = "", **variables: Any) -> dict[str, Any]:
        """Move the platform and observe the global database, and return what is kept of the outcome. Raises Failed.

        leaves: the region whose cluster the move takes out of the global database, which then has the rest.
        """
        file = self.folder / f"{playbook}.json"
        file.unlink(missing_ok=True)
        with self.observed(playbook):
            self.play(playbook, failover_outcome_file=str(file), **variables)
        members = self.members()
        if leaves in members if leaves else not members.get(to):
            raise Failed(f"{playbook}.yml has ended, and the global database has, with True at the writer: {members}.")
        outcome = json.loads(file.read_text()) if file.exists() else {}
        return {name: outcome.get(name) for name in ("outcome", "method", "rto_seconds", "rpo_bound_ms", "fenced")}

    def members(self) -> dict[str, bool]:
        """Return {region: whether it has the writer}, by the view of the first region that has a global database."""
        for region in self.state.regions:
            for cluster in self.global_database(self.client("rds", region))["GlobalClusters"]:
                return {one["DBClusterArn"].split(":")[3]: one["IsWriter"] for one in cluster["GlobalClusterMembers"]}
        return {}

    def global_database(self, rds: Any) -> dict[str, Any]:
        """The answer about the platform's global database; without one, an answer without any."""
        try:
            return rds.describe_global_clusters(GlobalClusterIdentifier=f"trading-global-{self.state.suffix}")
        except rds.exceptions.GlobalClusterNotFoundFault:
            return {"GlobalClusters": []}

    @contextmanager
    def observed(self, move: str) -> Iterator[None]:
        """Add what each region says of the global database to the series, once a second."""
        over, began = threading.Event(), time.monotonic()
        views = dict(zip(ORDINALS, [self.client("rds", region) for region in self.state.regions], strict=False))

        def look() -> None:
            with (self.folder / "records" / SERIES).open("a") as file:
                while not over.wait(1.0):
                    for view, rds in views.items():
                        try:
                            seen = observe(self.global_database(rds), self.state.regions)
                        except (BotoCoreError, ClientError) as error:  # a region that does not respond is part of it
                            seen = {"status": type(error).__name__, "members": [], "failover_state": None}
                        line = {"move": move, "t": round(time.monotonic() - began, 1), "view": view, **seen}
                        print(json.dumps(line), file=file, flush=True)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(30)


def provision(run: Acceptance) -> str:
    run.play("site")
    again = run.play("site")
    if any(again.values()):
        raise Failed(f"site.yml run again changed {again}; nothing was to be changed.")
    return "built; the second run changed nothing"


def examine(run: Acceptance) -> str:
    run.play("health_check")
    run.play("status")
    wait_until_ready(run)
    return "healthy and ready"


def switch_over(run: Acceptance) -> dict[str, Any]:
    return run.move("switchover", run.second, target_region=run.second)


def switch_back(run: Acceptance) -> dict[str, Any]:
    return run.move("failback", run.first)


def isolate(run: Acceptance) -> str:
    count = isolation.isolate(run.client("ec2", run.first), run.vpc_name)
    if not count:
        raise Failed(f"{run.first} has no network ACL of {run.vpc_name}.")
    return f"{count} network ACLs deny everything"


def fail_over(run: Acceptance) -> dict[str, Any]:
    wait_until_judged_unhealthy(run)
    return run.move("failover", run.second, expected_active_region=run.first)


def reconnect(run: Acceptance) -> str:
    count = isolation.reconnect(run.client("ec2", run.first), run.vpc_name)
    wait_until_ready(run)
    return f"{count} network ACLs are as they were; a move is possible again"


def upgrade(run: Acceptance) -> str:
    run.play("upgrade", engine_version=run.state.versions[1])
    return "to the newer minor version"


def detach(run: Acceptance) -> dict[str, Any]:
    """The second region gets a database of its own, and the name: what is left when a region does not return."""
    forced = {"method": "detach", "accept_data_loss": True, "force": True}
    return run.move("failover", run.second, leaves=run.second, target_region=run.second, **forced)


def rebuild(run: Acceptance) -> dict[str, Any]:
    return run.move("failback", run.first, rebuild=True)


def settle(run: Acceptance) -> str:
    run.play("site", global_database_engine_version=run.state.versions[1])
    wait_until_ready(run)
    return "site.yml accepts what the moves have left"


def tear_down(run: Acceptance) -> str:
    isolation.reconnect(run.client("ec2", run.first), run.vpc_name)
    run.play("teardown")
    return "removed"


def look_for_leftovers(run: Acceptance) -> str:
    for region in run.state.regions:
        delete_kept_snapshots(run, region, of=run.state.suffix)
    found = {region: ours for region in run.state.regions if (ours := left_of(run, region))}
    if found:
        raise Failed(f"After the teardown there is still: {json.dumps(found, default=str)}")
    return "nothing"


def left_of(run: Acceptance, region: str) -> dict[str, list[Any]]:
    """What a region has whose name or tags have the platform's suffix."""
    found = {
        kind: [one for one in resources if run.state.suffix in json.dumps(one, default=str)]
        for kind, resources in left_in(run, region).items()
    }
    return {kind: resources for kind, resources in found.items() if resources}


def wait_until_ready(run: Acceptance) -> None:
    """Wait until readiness.yml finds no blocker. Raises Failed with the last one."""
    until = min(time.time() + RETURN_S, run.state.deadline)
    while True:
        try:
            run.play("readiness")
            return
        except Failed:
            if time.time() >= until:
                raise
        time.sleep(ASK_EVERY_S)


def wait_until_judged_unhealthy(run: Acceptance) -> None:
    """Wait until the health check sees what isolation did: checks and targets need their consecutive failures first."""
    report, until = run.folder / "health.json", min(time.time() + RETURN_S, run.state.deadline)
    while run.members().get(run.first):
        run.play("health_check", health_report_file=str(report), auto_failover=False)
        verdict = json.loads(report.read_text())["verdicts"][run.first]["verdict"]
        if verdict == "unhealthy":
            return
        if time.time() >= until:
            raise Failed(f"{run.first} is isolated, and judged {verdict}.")
        time.sleep(ASK_EVERY_S)


@dataclass(frozen=True)
class Chapter:
    """name: of the file and of the table. says: what happens, for people. do: returns what is kept of it."""

    name: str
    says: str
    do: Callable[[Acceptance], str | dict[str, Any]]


CHAPTERS = (
    Chapter(
        "provision", "site.yml builds the smallest platform in two regions; run again it changes nothing", provision
    ),
    Chapter("examine", "health_check.yml, status.yml and readiness.yml find it as it must be", examine),
    Chapter("switchover", "switchover.yml moves it to the second region, without loss", switch_over),
    Chapter("switchback", "failback.yml moves it back", switch_back),
    Chapter("isolate", "network ACLs cut the first region off", isolate),
    Chapter("failover", "failover.yml moves it to the second region", fail_over),
    Chapter("reconnect", "the first region is reached again and becomes a standby", reconnect),
    Chapter("failback", "failback.yml moves it back", switch_back),
    Chapter("upgrade", "upgrade.yml brings the database to a newer minor version", upgrade),
    Chapter("detach", "failover.yml detaches the second region's database, as when nothing else is left", detach),
    Chapter("rebuild", "failback.yml -e rebuild=true makes one global database again, and moves back", rebuild),
    Chapter("settle", "site.yml and readiness.yml find nothing that the moves have left", settle),
)
# At the end, and when the hours are over.
END = (
    Chapter("teardown", "teardown.yml removes everything", tear_down),
    Chapter("leftovers", "nothing of the platform is left in the account", look_for_leftovers),
)
