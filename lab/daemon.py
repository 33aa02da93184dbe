# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab's directory and process, seen from outside: start it, find it, identify it, stop it.

The directory holds `env` (export lines), `pid`, `log`, and `state.json` {pid, started, url, port, dns, scale}. A
process is ours when its id *and* its start time are those of state.json: ids are used again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
LOOK_S = 0.02


class LabError(Exception):
    """The lab could not do what was asked; the message says why."""


def environment(port: int, dns_port: int) -> dict[str, str]:
    """What boto3, the AWS CLI and Ansible need to talk to a lab."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "lab",
        # Ansible masks this value in every result, so it must not be part of any word ("available").
        "AWS_SECRET_ACCESS_KEY": "0nly-for-the-1ab",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LAB_DNS_SERVER": f"127.0.0.1:{dns_port}",
        "LAB_PROBE_PROXY": f"http://127.0.0.1:{port}",
    }


def process_start(pid: int) -> str | None:
    """The start time of a live process as the kernel counts it, None when there is no such process (or a dead one)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def write_files(directory: Path, port: int, dns_port: int, scale: float) -> None:
    """Called by the serving process itself; state.json comes last, because `start` waits for it."""
    directory.mkdir(parents=True, exist_ok=True)
    lines = [f"export {name}={value}\n" for name, value in environment(port, dns_port).items()]
    (directory / "env").write_text("".join(lines))
    (directory / "pid").write_text(f"{os.getpid()}\n")
    state = {
        "pid": os.getpid(),
        "started": process_start(os.getpid()),
        "url": f"http://127.0.0.1:{port}",
        "port": port,
        "dns": dns_port,
        "scale": scale,
    }
    unfinished = directory / "state.json.new"
    unfinished.write_text(json.dumps(state, indent=1) + "\n")
    unfinished.replace(directory / "state.json")


def remove_files(directory: Path) -> None:
    """Remove the files of a running lab; `env` and `log` are kept."""
    for name in ("pid", "state.json"):
        (directory / name).unlink(missing_ok=True)


def read_state(directory: Path) -> dict[str, Any] | None:
    """state.json of a lab that runs, None when none does."""
    try:
        state = json.loads((directory / "state.json").read_text())
    except (OSError, ValueError):
        return None
    return state if process_start(state["pid"]) == state["started"] else None


def running(directory: Path) -> dict[str, Any]:
    """state.json of a lab that must run."""
    state = read_state(directory)
    if state is None:
        raise LabError(f"no lab runs in {directory} (start one: python -m lab up --dir {directory})")
    return state


def spawn(directory: Path, scale: float, port: int = 0) -> dict[str, Any]:
    """Start a lab in the background, in a session of its own, and wait until it responds."""
    directory.mkdir(parents=True, exist_ok=True)
    remove_files(directory)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
    options = ["--dir", str(directory), "--scale", str(scale), "--port", str(port)]
    with (directory / "log").open("w") as log:
        command = [sys.executable, "-m", "lab", "serve", *options]
        process = subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LabError(f"the lab ended with status {process.returncode}:\n{log_tail(directory)}")
        state = read_state(directory)
        if state and state["pid"] == process.pid:
            ask(state["url"], "GET", "state")
            threading.Thread(target=process.wait, daemon=True).start()  # leaves no zombie if it ends before us
            return state
        time.sleep(LOOK_S)
    process.kill()
    raise LabError(f"the lab did not answer within {START_TIMEOUT_S:.0f} s:\n{log_tail(directory)}")


def stop(directory: Path) -> int | None:
    """End the lab of a directory by its own process id; returns the id, None when none runs."""
    state = read_state(directory)
    if state is None:
        remove_files(directory)
        return None
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(state["pid"], signal_number)
        if _ended(state):
            break
    remove_files(directory)
    return int(state["pid"])


def _ended(state: dict[str, Any]) -> bool:
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while process_start(state["pid"]) == state["started"]:
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True


def log_tail(directory: Path, lines: int = 20) -> str:
    """The end of a lab's log."""
    with contextlib.suppress(OSError):
        return "\n".join((directory / "log").read_text(errors="replace").splitlines()[-lines:])
    return ""


def ask(url: str, method: str, path: str, timeout: float = 60.0, **options: Any) -> Any:
    """One request to the admin API; raises LabError with the lab's own message."""
    body = json.dumps(options).encode() if method == "POST" else None
    query = f"?{urllib.parse.urlencode(options)}" if method == "GET" and options else ""
    request = urllib.request.Request(f"{url}/lab/{path}{query}", data=body, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy
    try:
        with opener.open(request, timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            content = error.read().decode(errors="replace")
        with contextlib.suppress(ValueError):
            content = json.loads(content)["message"]
        raise LabError(content) from error
    except OSError as error:
        raise LabError(f"the lab at {url} does not answer: {error}") from error
