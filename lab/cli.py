# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lab <command>`: thin over the admin API; `make lab-…` calls it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab import daemon
from lab.clock import DEFAULT_SCALE, LONGEST_ADVANCE_S
from lab.world import FAULT_MODES, GLOBAL_CONTROL_PLANE, OUTAGE_MODES, TARGET_STATES

Command = Callable[[argparse.Namespace], int | None]


def _directory(options: argparse.Namespace) -> Path:
    return Path(options.dir).resolve()


def _ask(options: argparse.Namespace, method: str, path: str, **values: Any) -> Any:
    return daemon.ask(daemon.running(_directory(options))["url"], method, path, **values)


def up(options: argparse.Namespace) -> None:
    """Start the lab in the background."""
    directory = _directory(options)
    state = daemon.read_state(directory)
    if state:
        print(f"The lab runs already: {state['url']}, {state['scale']:g} AWS seconds a second, pid {state['pid']}.")
    else:
        state = daemon.spawn(directory, options.scale, options.port)
        print(f"The lab runs: {state['url']}, {state['scale']:g} AWS seconds a second, pid {state['pid']}.")
    env = os.path.relpath(directory / "env")
    print(f"Next: . {env if os.sep in env else './' + env}   (then boto3, the AWS CLI and ansible-playbook talk to it)")


def serve(options: argparse.Namespace) -> None:
    """Run the lab in the foreground."""
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    from lab.process import Runtime
    from lab.world import WORLD

    WORLD.clock.scale = options.scale
    try:
        runtime = Runtime(WORLD, _directory(options), options.port)
    except OSError as error:
        raise daemon.LabError(f"port {options.port}: {error.strerror}") from error
    runtime.serve()


def down(options: argparse.Namespace) -> None:
    """Stop the lab."""
    pid = daemon.stop(_directory(options))
    print(f"The lab (pid {pid}) is stopped." if pid else "No lab runs.")


def fork(options: argparse.Namespace) -> None:
    """Start a second lab with a copy of the whole state."""
    copy = _ask(options, "POST", "fork", dir=str(Path(options.into).resolve()))
    # It answers once its files are written, and whoever reads the line below may read them.
    daemon.ask(f"http://127.0.0.1:{copy['port']}", "GET", "state")
    print(f"The copy runs: http://127.0.0.1:{copy['port']}, pid {copy['pid']}. Next: . {options.into}/env")


def reset(options: argparse.Namespace) -> None:
    """Empty the world."""
    _ask(options, "POST", "reset")
    print("The lab is empty.")


def database(options: argparse.Namespace) -> None:
    """Put a cluster, or its instances, into a state such as backing-up."""
    states = {"status": options.status, "instance_status": options.instances}
    shown = _ask(options, "POST", "database", region=options.region, cluster=options.cluster, **states)
    print(f"{options.cluster} is {shown['status']}; its instances: {shown['instances']}")


def advance(options: argparse.Namespace) -> None:
    """Let AWS seconds pass immediately."""
    _ask(options, "POST", "advance", seconds=options.seconds)
    print(f"{options.seconds:g} AWS seconds have passed.")


def outage(options: argparse.Namespace) -> None:
    """Lose a region."""
    out = _ask(options, "POST", "outage", region=options.region, mode=options.mode)
    print("Out: " + ", ".join(f"{region} ({mode})" for region, mode in out.items()))


def restore(options: argparse.Namespace) -> None:
    """Bring a region back."""
    out = _ask(options, "POST", "restore", region=options.region)
    print("Still out: " + ", ".join(out) if out else "No region is out.")


def calls(options: argparse.Namespace) -> None:
    """Print the API calls, one JSON object a line."""
    for call in _ask(options, "GET", "calls", since=options.since):
        print(json.dumps(call))
    if options.clear:
        _ask(options, "POST", "calls/clear")


def timeline(options: argparse.Namespace) -> None:
    """Print writers, names and desired capacities, one JSON object a line whenever they changed."""
    for entry in _ask(options, "GET", "timeline", since=options.since):
        print(json.dumps(entry))


def reachability(options: argparse.Namespace) -> None:
    """Print ingress, healthy targets and what the checkers would see, one JSON object a line whenever they changed."""
    for entry in _ask(options, "GET", "reachability", since=options.since):
        print(json.dumps(entry))


def resolve(options: argparse.Namespace) -> None:
    """Print which load balancer a name answers with now, and why."""
    answer = _ask(options, "GET", "resolve", name=options.name)
    print(json.dumps(answer, indent=1) if options.json else answer["text"])


def targets(options: argparse.Namespace) -> None:
    """Let targets fail or recover."""
    values = {"region": options.region, "state": options.state, "target_group": options.target_group}
    _ask(options, "POST", "targets", **values, healthy=options.healthy)
    but = f", the first {options.healthy} registered stay healthy" if options.healthy else ""
    print(f"Targets of {options.target_group or 'all target groups'} in {options.region}: {options.state}{but}.")


def instances(options: argparse.Namespace) -> None:
    """Let AWS run short of instances."""
    values = {"region": options.region, "type": options.type, "at_most": options.at_most}
    short = _ask(options, "POST", "instances", **values)
    words = [f"{one['region']}: at most {one['at_most']} {one['type'] or 'instances'}" for one in short]
    print("; ".join(words) or "AWS has as many instances as are wanted.")


def fault_add(options: argparse.Namespace) -> None:
    """Add a fault."""
    names = ("mode", "region", "service", "operation", "seconds", "probability", "count")
    fault = _ask(options, "POST", "faults", **{name: getattr(options, name) for name in names})
    print(json.dumps(fault))


def fault_list(options: argparse.Namespace) -> None:
    """Print the faults, one JSON object a line."""
    for fault in _ask(options, "GET", "faults"):
        print(json.dumps(fault))


def fault_clear(options: argparse.Namespace) -> None:
    """Remove faults."""
    stay = _ask(options, "POST", "faults/clear", **({} if options.id is None else {"id": options.id}))
    print(f"{len(stay)} faults stay.")


def parser() -> argparse.ArgumentParser:
    """The command line; each command's help is its function's docstring."""
    top = argparse.ArgumentParser(prog="python -m lab", description="AWS on loopback.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_life(commands)
    _add_breaking(commands)
    _add_faults(commands)
    _add_looking(commands)
    return top


def _command(commands: Any, name: str, function: Command) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=(function.__doc__ or "").rstrip("."), description=function.__doc__)
    command.add_argument("--dir", default=".lab", help="the lab's directory (default %(default)s)")
    command.set_defaults(function=function)
    return command


def _add_life(commands: Any) -> None:
    for name, function in (("up", up), ("serve", serve)):
        command = _command(commands, name, function)
        command.add_argument("--scale", type=_scale, default=DEFAULT_SCALE, help="AWS seconds a second")
        command.add_argument("--port", type=int, default=0, help="port on loopback, 0 for a free one")
    _command(commands, "down", down)
    _command(commands, "reset", reset)
    command = _command(commands, "database", database)
    command.add_argument("--region", required=True)
    command.add_argument("--cluster", required=True, help="its identifier")
    command.add_argument("--status", help="of the cluster")
    command.add_argument("--instances", help="state of all of its instances")
    command = _command(commands, "advance", advance)
    command.add_argument("--seconds", type=_seconds, required=True, help="AWS seconds, such as 600")
    _command(commands, "fork", fork).add_argument("--into", required=True, help="the copy's directory")


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0 < scale <= 100_000:
        raise argparse.ArgumentTypeError(f"scale is {text}; it must be above 0 and at most 100000")
    return scale


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_ADVANCE_S:
        raise argparse.ArgumentTypeError(f"seconds is {text}; it must be from 0 to {LONGEST_ADVANCE_S}")
    return seconds


def _add_breaking(commands: Any) -> None:
    region = {"required": True, "help": f"a region, or {GLOBAL_CONTROL_PLANE}: Route 53's API, IAM and global STS"}
    command = _command(commands, "outage", outage)
    command.add_argument("--region", **region)
    command.add_argument("--mode", choices=OUTAGE_MODES, default=OUTAGE_MODES[0])
    _command(commands, "restore", restore).add_argument("--region", help="without it, all")
    command = _command(commands, "targets", targets)
    command.add_argument("--region", required=True)
    command.add_argument("--state", choices=TARGET_STATES, required=True)
    command.add_argument("--target-group", help="ARN; without it, all target groups of the region")
    command.add_argument("--healthy", type=int, default=0, help="this many, by order of registration, stay healthy")

    command = _command(commands, "instances", instances)
    command.add_argument("--region", required=True)
    command.add_argument("--type", help="such as t3.medium; without it, all types together")
    command.add_argument("--at-most", type=int, help="how many its groups can run; without it, as many as wanted")


def _add_faults(commands: Any) -> None:
    command = commands.add_parser("fault", help="Finer faults: add, list, clear")
    faults = command.add_subparsers(required=True, metavar="ACTION")
    command = _command(faults, "add", fault_add)
    command.add_argument("--mode", choices=FAULT_MODES, required=True)
    for name in ("region", "service", "operation"):
        command.add_argument(f"--{name}", help="without it, any")
    command.add_argument("--seconds", type=float, help="of latency or hanging, or between two bytes of a trickle")
    command.add_argument("--probability", type=float, default=1.0, help="of a fitting request being hit")
    command.add_argument("--count", type=int, help="hit this many requests; without it, all")
    _command(faults, "list", fault_list)
    _command(faults, "clear", fault_clear).add_argument("--id", type=int, help="without it, all")


def _add_looking(commands: Any) -> None:
    command = _command(commands, "calls", calls)
    command.add_argument("--since", type=float, default=0.0, help="Unix time; without it, since the start")
    command.add_argument("--clear", action="store_true", help="forget them after printing")
    for name, function in (("timeline", timeline), ("reachability", reachability)):
        command = _command(commands, name, function)
        command.add_argument("--since", type=float, default=0.0, help="Unix time; without it, since the start")
    command = _command(commands, "resolve", resolve)
    command.add_argument("name", metavar="NAME")
    command.add_argument("--json", action="store_true")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status is 1 with a message when it cannot be done."""
    options = parser().parse_args(arguments)
    try:
        return options.function(options) or 0
    except daemon.LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
