# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin API under /lab/: JSON in, JSON out, thin over the world. lab/cli.py and lab/client.py are its callers.

GET  state, calls?since=, timeline?since=, reachability?since=, resolve?name=, faults
POST outage {region, mode}, restore {region?}, targets {region, state, target_group?, healthy?},
     instances {region, type?, at_most?},
     faults {mode, region?, service?, operation?, seconds?, probability?, count?}, faults/clear {id?},
     calls/clear, settings {name: value}, advance {seconds}, reset, fork {dir, scale?},
     data_plane {at?}, record {into?},
     login {region, cluster, password}, database {region, cluster, status?, instance_status?}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.model_instances import reset_model_data
from moto.ec2.models import ec2_backends

from lab.calls import CallLog
from lab.clock import LONGEST_ADVANCE_S
from lab.data_plane import PLANE
from lab.faults import Answer, Fault
from lab.recorder import Recorder
from lab.timeline import Timeline
from lab.world import FAULT_MODES, GLOBAL_CONTROL_PLANE, OUTAGE_MODES, TARGET_STATES, TargetRule, World


class BadRequest(Exception):
    """The request cannot be carried out; the message names the option, the value and what is allowed."""


def one_of(name: str, value: Any, allowed: tuple[str, ...]) -> Any:
    """The value, when it is allowed."""
    if value not in allowed:
        raise BadRequest(f"{name} is {value!r}; it must be one of {', '.join(allowed)}")
    return value


def known_region(value: Any) -> str:
    """The region, when there is such a region."""
    if value not in ec2_backends[DEFAULT_ACCOUNT_ID].regions:
        raise BadRequest(f"region is {value!r}; it must be an AWS region such as us-east-1")
    return value


class Admin:
    """The admin API. lab.process passes `resolve`, `fork` and `describe`."""

    def __init__(
        self,
        world: World,
        calls: CallLog,
        recorder: Recorder,
        logs: Mapping[str, Timeline],
        describe: Callable[[], dict[str, Any]],
        resolve: Callable[[str], dict[str, Any]],
        fork: Callable[[str, float | None], dict[str, Any]],
    ) -> None:
        self.world = world
        self.calls = calls
        self.describe = describe
        self.resolve_name = resolve
        self.fork_into = fork
        self.routes: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("GET", "state"): self.state,
            ("GET", "calls"): lambda options: self.calls.since(float(options.get("since", 0))),
            ("POST", "calls/clear"): lambda options: self.calls.clear(),
            ("GET", "resolve"): self.resolve,
            ("POST", "outage"): self.outage,
            ("POST", "restore"): self.restore,
            ("POST", "targets"): self.targets,
            ("POST", "instances"): self.instances,
            ("GET", "faults"): lambda options: [fault.as_dict() for fault in self.world.faults],
            ("POST", "faults"): self.add_fault,
            ("POST", "faults/clear"): self.clear_faults,
            ("POST", "settings"): self.settings,
            ("POST", "advance"): self.advance,
            ("POST", "reset"): self.reset,
            ("POST", "login"): self.login,
            ("POST", "data_plane"): self.data_plane,
            ("POST", "database"): self.database,
            ("POST", "record"): lambda options: recorder.into(options.get("into")),
            ("POST", "fork"): lambda options: self.fork_into(options["dir"], options.get("scale")),
        }
        for name, log in logs.items():
            self.routes["GET", name] = lambda options, log=log: log.since(float(options.get("since", 0)))

    def __call__(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        route = self.routes.get((method, path.strip("/")))
        if route is None:
            return _answer(404, {"message": f"the admin API has no {method} /lab/{path}"})
        try:
            options = {**query, **(json.loads(body) if body else {})}
            return _answer(200, route(options))
        except (BadRequest, KeyError, ValueError) as error:
            return _answer(400, {"message": str(error) if not isinstance(error, KeyError) else f"{error} is missing"})
        except LookupError as error:
            return _answer(404, {"message": str(error)})

    def state(self, options: dict[str, Any]) -> dict[str, Any]:
        """Where the lab runs and what is broken in it."""
        targets = [
            {"region": region, "target_group": group, "state": rule.state, "healthy": rule.healthy}
            for (region, group), rule in self.world.target_states.items()
        ]
        faults = [fault.as_dict() for fault in self.world.faults]
        short = [
            {"region": region, "type": kind, "at_most": most}
            for (region, kind), most in self.world.instance_limits.items()
        ]
        broken = {"outages": dict(self.world.outages), "targets": targets, "faults": faults, "instances": short}
        return {**self.describe(), **broken, "calls": len(self.calls.entries)}

    def resolve(self, options: dict[str, Any]) -> dict[str, Any]:
        """Which load balancer a name answers with now, and why."""
        with self.world.lock:
            return self.resolve_name(options["name"])

    def outage(self, options: dict[str, Any]) -> dict[str, str]:
        """Lose a region, or the global control planes."""
        region = options["region"]
        if region != GLOBAL_CONTROL_PLANE:
            known_region(region)
        mode = one_of("mode", options.get("mode") or OUTAGE_MODES[0], OUTAGE_MODES)
        with self.world.lock:
            self.world.outages[region] = mode
            self.world.tick()
        return dict(self.world.outages)

    def restore(self, options: dict[str, Any]) -> dict[str, str]:
        """Bring a region back, all without one. A region that is not out is no error."""
        region = options.get("region")
        with self.world.lock:
            if region:
                self.world.outages.pop(region, None)
            else:
                self.world.outages.clear()
            self.world.tick()
        return dict(self.world.outages)

    def targets(self, options: dict[str, Any]) -> dict[str, Any]:
        """Let the targets of a region, or of one target group, fail or recover."""
        state = one_of("state", options["state"], TARGET_STATES)
        healthy = int(options.get("healthy") or 0)
        if healthy < 0:
            raise BadRequest(f"healthy is {healthy}; it must be 0 or more")
        key = (known_region(options["region"]), options.get("target_group"))
        with self.world.lock:
            self.world.target_states[key] = TargetRule(state, healthy)
            self.world.tick()
        return {"region": key[0], "target_group": key[1], "state": state, "healthy": healthy}

    def instances(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        """Let AWS run short of instances of a region, of one type or of all; without at_most it has enough again."""
        key, most = (known_region(options["region"]), options.get("type")), options.get("at_most")
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 0):
            raise BadRequest(f"at_most is {most!r}; it must be a whole number, 0 or more")
        with self.world.lock:
            self.world.instance_limits.pop(key, None)
            if most is not None:
                self.world.instance_limits[key] = most
            self.world.tick()
            return self.state({})["instances"]

    def add_fault(self, options: dict[str, Any]) -> dict[str, Any]:
        """Add a fault; the answer has its id."""
        one_of("mode", options["mode"], FAULT_MODES)
        probability = float(options.get("probability", 1.0))
        if not 0 < probability <= 1:
            raise BadRequest(f"probability is {probability}; it must be above 0 and at most 1")
        seconds, count = options.get("seconds"), options.get("count")
        fault = Fault(
            mode=options["mode"],
            region=options.get("region"),
            service=options.get("service"),
            operation=options.get("operation"),
            seconds=None if seconds is None else float(seconds),
            probability=probability,
            count=None if count is None else int(count),
        )
        with self.world.lock:
            self.world.faults.append(fault)
        return fault.as_dict()

    def clear_faults(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        """Remove one fault, all without an id; the answer lists those that stay."""
        wanted = options.get("id")
        with self.world.lock:
            stay = [fault for fault in self.world.faults if wanted is not None and fault.id != int(wanted)]
            self.world.faults[:] = stay
        return [fault.as_dict() for fault in stay]

    def login(self, options: dict[str, Any]) -> dict[str, bool]:
        """Whether a region's cluster accepts a password from its first user; the lab has no database to ask."""
        from lab.services.rds_passwords import accepts

        with self.world.lock:
            return {"accepted": accepts(known_region(options["region"]), options["cluster"], options["password"])}

    def data_plane(self, options: dict[str, Any]) -> dict[str, Any]:
        """Attach a data plane (lab/data_plane.py) by its URL; detach it without one. The answer has the addresses."""
        from lab.services.access import addresses

        with self.world.lock:
            PLANE.attach(options.get("at"))
            return addresses()

    def database(self, options: dict[str, Any]) -> dict[str, Any]:
        """Put a cluster, or its instances, into a state; it stays until AWS's own work on them ends."""
        from lab.services.rds_passwords import cluster_in
        from lab.services.rds_states import CLUSTER_STATES, INSTANCE_STATES

        for name, allowed in (("status", CLUSTER_STATES), ("instance_status", INSTANCE_STATES)):
            one_of(name, options.get(name) or allowed[0], allowed)
        with self.world.lock:
            cluster = cluster_in(known_region(options["region"]), options["cluster"])
            if options.get("status"):
                cluster.status = options["status"]
            for instance in cluster.members:
                instance.status = options.get("instance_status") or instance.status
            return {"status": cluster.status, "instances": {one.resource_id: one.status for one in cluster.members}}

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        """Change the settings of lab/services/settings.py: durations in AWS seconds and metric values."""
        from lab.services.settings import SETTINGS

        with self.world.lock:
            SETTINGS.update(options)
            self.world.tick()
        return options

    def advance(self, options: dict[str, Any]) -> dict[str, float]:
        """Let AWS seconds pass immediately, with everything as it is now."""
        seconds = options["seconds"]
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= LONGEST_ADVANCE_S:
            raise BadRequest(f"seconds is {seconds!r}; it must be a number of AWS seconds, 0 to {LONGEST_ADVANCE_S}")
        with self.world.lock:
            self.world.tick()
            self.world.clock.advance(seconds)
            self.world.tick()
        return {"seconds": seconds}

    def reset(self, options: dict[str, Any]) -> dict[str, Any]:
        """Empty the world: every resource, outage, fault and call."""
        with self.world.lock:
            empty_moto()
            self.world.reset()
            self.calls.clear()
        return {}


def empty_moto() -> None:
    """Forget every resource.

    moto's own reset creates each backend again before it drops it, which takes seconds; only backends that hold more
    than memory (S3's files) are reset.
    """
    for backends in list(BackendDict._instances):
        for account in backends.values():
            for backend in account.values():
                if type(backend).reset is not BaseBackend.reset:
                    backend.reset()
        backends.clear()
    BackendDict._instances.clear()
    reset_model_data()


def _answer(status: int, content: Any) -> Answer:
    return Answer(status, [("Content-Type", "application/json")], json.dumps(content, default=str).encode())
