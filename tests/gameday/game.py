# SPDX-License-Identifier: GPL-3.0-or-later
"""One scenario's world: a copy of the platform's lab, databases, load balancers, applications, customers, faults."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pymysql

from lab.data_plane import DataPlane
from tests.gameday import customers, network
from tests.gameday.checker import Claim, Evidence, Findings, Promotion, check
from tests.gameday.databases import Database, Heart
from tests.gameday.network import Network
from tests.gameday.plane import PlaneServer
from tests.gameday.regions import MOST_APPLICATIONS, PORT, STARTER, Region
from tests.gameday.relay import Loop, Relay
from tests.gameday.requirements import check_addresses
from tests.integration.aws import DOMAIN, writer_region
from tests.integration.platforms import Platform, Run

RELAY_PORT = 3307
PARAMETER = "/trading/dev/database/writer-endpoint"
READY_TIMEOUT_S = 90
# A sample of a lag is readable at most 4 minutes after its own, in AWS seconds.
LAG_SEEN_AWS_S = 300
# TTL of the answers for the platform's name.
NAME_TTL_AWS_S = 60
# Until an application asks for its endpoint parameter again, in AWS seconds.
PARAMETER_AWS_S = 10


class RealPlane(DataPlane):
    """Carries out what the lab says of databases, access and capacity."""

    def __init__(self, regions: dict[str, Region], databases: dict[str, Database], net: Network, template: Path):
        self.regions, self.databases, self.net, self.template = regions, databases, net, template
        self.relays = [one.relay for one in regions.values()]
        self.demoted_at = 0
        self.kept: dict[str, frozenset[str]] = {}
        self.rebuilding: dict[str, Any] = {}
        self.rebuilder = ThreadPoolExecutor(1, thread_name_prefix="rebuild")
        self.is_demoted = False
        self.promotions: list[Promotion] = []

    def promote(self, region: str) -> None:
        began = time.time()  # before its first acknowledgement, so that this is not one by an old writer
        self.databases[region].promote()
        self.promotions.append(Promotion(began, region, self.is_demoted))
        self.is_demoted = False

    def demote(self, region: str) -> None:
        self.databases[region].forbid_writes()
        self.demoted_at, self.is_demoted = self.databases[region].position(), True

    def block_writes(self, region: str) -> None:
        self.databases[region].forbid_writes()

    def follow(self, region: str, writer_region: str) -> None:
        self.databases[region].follow(self.databases[writer_region])

    def unfollow(self, region: str) -> None:
        self.databases[region].unfollow()

    def rebuild(self, region: str, writer_region: str) -> None:
        self.rebuilding[region] = self.rebuilder.submit(self._rebuild, region, writer_region)

    def _rebuild(self, region: str, writer_region: str) -> None:
        database = self.databases[region]
        database.follows = writer_region
        STARTER.submit(database.start, self.template, True).result()
        database.follow(self.databases[writer_region])

    def keep_volume(self, region: str, snapshot: str) -> None:
        self.kept[snapshot] = frozenset(self.databases[region].orders())

    def is_caught_up(self, region: str) -> bool:
        return self.databases[region].position() >= self.demoted_at

    def is_rebuilt(self, region: str) -> bool:
        work = self.rebuilding.get(region)
        if work is None:
            return True
        if not work.done():
            return False
        work.result()
        database = self.databases[region]
        lag = database.lag_s()
        return lag is not None and lag < 5

    def lag_ms(self, region: str) -> float | None:
        try:
            lag = self.databases[region].lag_s()
        except (pymysql.Error, OSError):
            return None  # its server starts again
        return None if lag is None else 1000 * lag

    def access(self, region: str, ingress: bool, denied: bool) -> None:
        database = self.databases[region].address
        self.net.change(
            {
                f"group {region}": [] if ingress else network.no_new(database, self.relays),
                f"acl {region}": network.denied(database, self.relays) if denied else [],
            }
        )

    def capacity(self, region: str, instances: int) -> None:
        self.regions[region].set_capacity(instances)


@dataclass
class Step:
    """Something that happened, for the report: a fault, a run's start or end."""

    time: float
    text: str


@dataclass
class Game:
    """`with Game(...) as game:` starts everything, and ends all of it however the block ends."""

    name: str
    platform: Platform
    folder: Path
    template: Path
    many: int = 12
    follow: bool = False
    steps: list[Step] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    ends: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Game:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _start(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.lab = self.platform.lab
        self.ends.callback(self.lab.stop)
        # A secondary's lag is measured; without a measurement there is no sample.
        self.lab.settings(lag_ms=None, rpo_lag_ms=None)
        where = self.lab.attach_data_plane(None)
        check_addresses([(one["load_balancer"], 80) for one in where.values()])
        check_addresses([(one["database"], one["port"]) for one in where.values()])
        self.net = Network()
        self.ends.callback(self.net.close)
        self.loop = Loop("relays and customers")
        self.ends.callback(self.loop.close)
        settings = {
            "api": f"http://127.0.0.1:{self.lab.port}",
            "dns": f"127.0.0.1:{self.lab.dns_port}",
            "scale": self.lab.scale,
            "parameter": PARAMETER,
            "parameter_s": PARAMETER_AWS_S / self.lab.scale,
            "follow": self.follow,
        }
        self.regions, self.databases = {}, {}
        for number, name in enumerate(self.platform.regions, 1):
            at = where[name]
            own = {**settings, "database_port": at["port"]}
            region = Region(name, number, at["load_balancer"], at["database"], self.folder, own)
            check_addresses([(region.application_address(one), PORT) for one in range(MOST_APPLICATIONS)])
            relay = Relay(self.loop, region.relay, RELAY_PORT)
            self.ends.callback(relay.close)
            folder = self.folder / name
            self.ends.callback(shutil.rmtree, folder, ignore_errors=True)  # the volume; logs and histories stay
            self.regions[name] = region
            self.databases[name] = Database(name, number, at["database"], at["port"], folder, relay)
        self.first_writer = next(name for name in self.regions if where[name]["is_writer"])
        for name, database in self.databases.items():
            self.ends.callback(database.stop)
            database.follows = None if name == self.first_writer else self.first_writer
            STARTER.submit(database.start, self.template, name != self.first_writer).result()
        self.heart = Heart(list(self.databases.values()))
        self.ends.callback(self.heart.stop)
        for name, database in self.databases.items():
            if name != self.first_writer:
                database.follow(self.databases[self.first_writer])
        for region in self.regions.values():
            self.ends.callback(region.stop)
            region.start_load_balancer()
        self.plane = RealPlane(self.regions, self.databases, self.net, self.template)
        self.ends.callback(self.plane.rebuilder.shutdown)
        self.server = PlaneServer(self.plane)
        self.ends.callback(self.server.close)
        self.ends.callback(self.lab.attach_data_plane, None)  # no more calls come
        self.lab.attach_data_plane(self.server.url)
        self.history = customers.History(self.folder / "history.jsonl")
        self.ends.callback(self.history.close)
        dns = f"127.0.0.1:{self.lab.dns_port}"
        self.customers = customers.Customers(self.loop, self.many, DOMAIN, dns, self.lab.scale, self.history)
        self.customers.start()
        self.ends.callback(self.customers.stop)
        self._wait_for_orders()

    def _wait_for_orders(self) -> None:
        """Until every customer has been served, and a lag sample of this data plane can be read."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while len({one["customer"] for one in self.history.entries if one["outcome"] == customers.ACKED}) < self.many:
            if time.monotonic() > deadline:
                last = self.history.entries[-1] if self.history.entries else None
                raise RuntimeError(f"customers are not served: {last}; {self.server.errors[:1]}; {self.net.errors}")
            time.sleep(0.1)
        # CloudWatch shows samples up to 4 AWS minutes late. The lab takes those of the minutes that it leaves out from
        # what is measured now, when all the more has arrived: a safe instant that follows from them is too early.
        self.lab.advance(LAG_SEEN_AWS_S)
        self.note("customers are served")

    def note(self, text: str) -> None:
        self.steps.append(Step(time.time(), text))

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def wait_for_caches(self) -> None:
        """Until the answers in the customers' caches have expired, and some more orders were placed."""
        self.wait(NAME_TTL_AWS_S / self.lab.scale + 2)

    def wait_for_capacity(self, region: str, wanted: int) -> None:
        """Until so many applications of a region have been started."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while self.regions[region].wanted != wanted:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{region} runs {self.regions[region].wanted} applications, not {wanted}")
            time.sleep(0.1)
        self.note(f"{region} runs {wanted}")

    # --- faults -----------------------------------------------------------------------------------------------------

    def dead(self, region: str, mode: str = "hang") -> None:
        verdict = network.DROP if mode == "hang" else network.RESET
        self.note(f"{region} is lost ({mode})")
        self.net.change({"dead": network.cut(self.regions[region].network, verdict=verdict)})
        self._lose_unsent()
        self.lab.outage(region, mode)

    def partition(self, region: str) -> None:
        """Customers reach it; its peers and the operators do not."""
        self.note(f"{region} is partitioned")
        self.net.change({"partition": network.cut(self.regions[region].network, self._others(region))})
        self._lose_unsent()
        self.lab.outage(region, "partition")

    def cut_replication(self, region: str) -> None:
        """The region and its API live; only its peers do not reach it."""
        self.note(f"the links of {region} to its peers are cut")
        self.net.change({"partition": network.cut(self.regions[region].network, self._others(region))})
        self._lose_unsent()

    def _lose_unsent(self) -> None:
        for database in self.databases.values():
            database.relay.lose()

    def _others(self, region: str) -> list[str]:
        return [address for name, one in self.regions.items() if name != region for address in one.network]

    def heal(self) -> None:
        self.note("links and regions are back")
        self.net.change({"dead": [], "partition": [], "flapping": [], "slow": []})
        self.lab.restore()

    @contextmanager
    def flapping(self, region: str, down_s: float = 0.7, up_s: float = 1.5) -> Iterator[None]:
        """The links of a region fail and return, again and again."""
        stopping = threading.Event()
        rules = network.cut(self.regions[region].network, [customers.ADDRESS, *self._others(region)])

        def flap() -> None:
            while not stopping.wait(up_s):
                self.net.change({"flapping": rules})
                stopping.wait(down_s)
                self.net.change({"flapping": []})

        thread = threading.Thread(target=flap, daemon=True)
        self.note(f"links of {region} flap")
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()
            self.net.change({"flapping": []})
            self.note(f"links of {region} are steady again")

    def delay_replication(self, seconds: float) -> None:
        self.note(f"replication is {seconds:g} s late")
        for database in self.databases.values():
            database.relay.delay_s = seconds

    # --- the product ------------------------------------------------------------------------------------------------

    def run(self, playbook: str, *options: str, **how: Any) -> Run:
        """Run a playbook; what it claims is read from the outcome that it writes."""
        outcome = self.folder / f"outcome-{len(self.runs) + 1}.json"
        self.note(f"{playbook}.yml starts")
        run = self.platform.run(playbook, *options, "-e", f"failover_outcome_file={outcome}", **how)
        self.runs.append(run)
        (self.folder / f"run-{len(self.runs)}-{playbook}.log").write_text(run.output)
        self.note(f"{playbook}.yml ends with exit code {run.code}")
        if outcome.exists():
            self.claims.append(read_claim(playbook, json.loads(outcome.read_text()), run))
        return run

    def move(self, playbook: str, *options: str) -> None:
        """Run a playbook, and again if it fails, which continues the run. The table shows that it took two."""
        if self.run(playbook, *options).code:
            self.resumed.append(playbook)
            self.run(playbook, *options)

    def wait_for_data(self) -> None:
        """Until no member is being rebuilt."""
        from tests.integration.aws import wait_for_data

        wait_for_data(self.lab, self.asked_in())
        self.note("every member is connected")

    def asked_in(self) -> str:
        out = self.lab.state()["outages"]
        return next(name for name in self.regions if name not in out)

    # --- the end ----------------------------------------------------------------------------------------------------

    def finish(self, final: str | None = None) -> Findings:
        """Stop the customers, and check. final: the region whose database is the platform's; asked of the lab if None.

        After a detach the global database still names the old writer, so the scenario says it.
        """
        self.customers.stop()
        self.note("customers have stopped")
        time.sleep(0.5)
        final = final or writer_region(self.lab, self.asked_in())
        if self.server.errors:
            raise RuntimeError("the data plane failed:\n" + "\n".join(self.server.errors))
        if self.net.errors:
            raise RuntimeError("nftables refused a rule:\n" + "\n".join(self.net.errors))
        self.evidence = Evidence(
            entries=self.history.entries,
            stored=self.databases[final].orders(),
            regions=tuple(self.regions),
            first_writer=self.first_writer,
            promotions=tuple(self.plane.promotions),
            claims=tuple(self.claims),
            kept=dict(self.plane.kept),
        )
        return check(self.evidence)

    def close(self) -> None:
        """End everything that was started, also if ending one part fails."""
        self.ends.close()


def known(value: Any) -> Any:
    return None if value in (None, "unknown") else value


def read_claim(playbook: str, outcome: dict[str, Any], run: Run) -> Claim:
    instant, bound = known(outcome.get("safe_instant")), known(outcome.get("rpo_bound_ms"))
    return Claim(
        playbook=playbook,
        began=run.began,
        ended=run.began + run.seconds,
        outcome=outcome.get("outcome", ""),
        method=outcome.get("method", ""),
        safe_instant=instant and datetime.fromisoformat(instant).timestamp(),
        bound_s=None if bound is None else bound / 1000,
        rto_s=known(outcome.get("rto_seconds")),
        fenced=outcome.get("fenced", ""),
    )
