# SPDX-License-Identifier: GPL-3.0-or-later
"""The load balancer (haproxy) and the application processes of one region."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.gameday.requirements import program

TOP = Path(__file__).resolve().parents[2]
MOST_APPLICATIONS = 6
PORT = 8080
# A child ends with the thread that started it (setpriv --pdeathsig), so one thread that lives on starts them all.
STARTER = ThreadPoolExecutor(1, thread_name_prefix="starter")


def start(command: list[str], log: Path, env: dict[str, str] | None = None) -> subprocess.Popen:
    def spawn() -> subprocess.Popen:
        with log.open("a") as out:
            return subprocess.Popen(
                [program("setpriv"), "--pdeathsig", "KILL", *command],
                cwd=TOP,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    return STARTER.submit(spawn).result()


@dataclass
class Region:
    """name, its number (1, 2, ...) within 127.20.<number>.0/24, its load balancer's and its database's addresses."""

    name: str
    number: int
    load_balancer: str
    database: str
    folder: Path
    settings: dict[str, Any]
    applications: list[subprocess.Popen] = field(default_factory=list)
    haproxy: subprocess.Popen | None = None
    wanted: int = 0

    @property
    def relay(self) -> str:
        return f"127.20.{self.number}.5"

    def application_address(self, number: int) -> str:
        return f"127.20.{self.number}.{10 + number}"

    @property
    def network(self) -> list[str]:
        """Everything that is in the region."""
        return [f"127.20.{self.number}.0/24", self.load_balancer, self.database]

    def start_load_balancer(self) -> None:
        servers = "\n".join(
            f"  server app{number} {self.application_address(number)}:{PORT} check inter 500 fall 2 rise 1"
            for number in range(MOST_APPLICATIONS)
        )
        config = self.folder / f"{self.name}.haproxy"
        config.write_text(
            f"""global
  maxconn 500
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 8s
  timeout check 2s
  option http-keep-alive
frontend in
  bind {self.load_balancer}:80
  default_backend applications
backend applications
  balance roundrobin
  option httpchk GET /health
  source 127.20.{self.number}.2
{servers}
"""
        )
        self.haproxy = start([program("haproxy"), "-db", "-f", str(config)], self.folder / f"{self.name}.haproxy.log")

    def set_capacity(self, wanted: int) -> None:
        """Run so many application processes."""
        self.wanted = wanted = min(wanted, MOST_APPLICATIONS)
        while len(self.applications) > wanted:
            process = self.applications.pop()
            process.kill()
            process.wait()
        while len(self.applications) < wanted:
            address = self.application_address(len(self.applications))
            settings = {**self.settings, "region": self.name, "address": address, "port": PORT}
            env = {"GAMEDAY_APPLICATION": json.dumps(settings)}
            command = [sys.executable, "-m", "tests.gameday.application"]
            self.applications.append(start(command, self.folder / f"{self.name}.application.log", env))

    def stop(self) -> None:
        for process in (*self.applications, self.haproxy):
            if process is not None:
                process.kill()
                process.wait()
        self.applications, self.haproxy = [], None
