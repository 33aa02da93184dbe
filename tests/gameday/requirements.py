# SPDX-License-Identifier: GPL-3.0-or-later
"""What a game day needs of this machine, checked before anything is started."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
from collections.abc import Iterable

# Program -> Debian's package.
PROGRAMS = {
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
    # mariadb-install-db calls it, and its package does not depend on the package that has it.
    "my_print_defaults": "mariadb-client-core",
    "haproxy": "haproxy",
    "nft": "nftables",
    "setpriv": "util-linux",
}
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


# The one table of nftables that a game day makes.
TABLE = "inet trading_gameday"


class Missing(Exception):
    """A game day cannot start; the message says what to do."""


class Incapable(Missing):
    """This machine cannot hold any: programs, privileges or parts of its kernel are missing."""


def program(name: str) -> str | None:
    return shutil.which(name, path=os.environ.get("PATH", "") + ":" + SYSTEM_PATH)


def check_programs() -> None:
    packages = sorted({package for name, package in PROGRAMS.items() if program(name) is None})
    if packages:
        raise Incapable(f"missing programs; install them: apt-get install --no-install-recommends {' '.join(packages)}")


# What network.py uses, for the kernel to check and to forget.
TRIAL = f"""add table {TABLE} {{ flags owner; }}
add chain {TABLE} input {{ type filter hook input priority 0; }}
add rule {TABLE} input ct state new ip saddr 127.20.0.1 ip daddr != {{ 127.20.0.2, 127.20.0.3 }} drop
add rule {TABLE} input tcp flags & rst == 0 reject with tcp reset
add rule {TABLE} input numgen random mod 100 < 5 drop
"""


def nft(*options: str, given: str = "") -> str:
    done = subprocess.run([program("nft"), *options], input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        first = next(iter(done.stderr.strip().splitlines()), f"exit code {done.returncode}")
        raise Incapable(f"nftables cannot be used here: {first}")
    return done.stdout


def check_privileges() -> None:
    """Rules of nftables need the capability, and load balancers listen on port 80."""
    if os.geteuid() != 0:
        raise Incapable("a game day changes nftables and listens on port 80: run it as root, best in a container")
    if f"table {TABLE}" in nft("list", "tables"):
        raise Missing(f"another game day is running: nftables has its table {TABLE}")
    nft("--check", "--file", "-", given=TRIAL)


def check_addresses(wanted: Iterable[tuple[str, int]]) -> None:
    """Whether each address and port is free."""
    for address, port in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                raise Missing(
                    f"port {port} of {address} is taken by another process; find it with: ss -ltnp 'sport = :{port}'"
                ) from error
