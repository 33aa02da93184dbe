# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of links, as rules of one nftables table that ends with this process.

The table has the flag `owner` (nft(8), "Tables"): the kernel removes it when the nft process that made it ends, which
is when its standard input closes, however the game day ends.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence

from tests.gameday.requirements import TABLE, program

CHAIN = f"{TABLE} input"
CHANGE_TIMEOUT_S = 10
DROP = "drop"
# The reset itself must pass, too.
RESET = "tcp flags & rst == 0 reject with tcp reset"


def addresses(of: Sequence[str]) -> str:
    return "{ " + ", ".join(of) + " }"


class Network:
    """rules: {name: [rule, ...]}; each change replaces all rules together."""

    def __init__(self) -> None:
        self.rules: dict[str, list[str]] = {}
        self.lock = threading.Lock()
        self.nft = subprocess.Popen(
            [program("nft"), "-i"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for this process, which ends in order
        )
        self.errors: list[str] = []
        self.changes = 0
        threading.Thread(target=self._read_errors, daemon=True).start()
        self._say(f"add table {TABLE} {{ flags owner; }}")
        self._say(f"add chain {CHAIN} {{ type filter hook input priority 0; }}")
        self._apply()

    def _read_errors(self) -> None:
        for line in self.nft.stderr:
            self.errors.append(line.rstrip())

    def _say(self, line: str) -> None:
        self.nft.stdin.write(line + "\n")
        self.nft.stdin.flush()

    def _apply(self) -> None:
        # The first rule has connections tracked from the beginning: a stateful rule that is the first to need tracking
        # would not know the connections that were open before it.
        self.changes += 1
        mark = f'comment "change {self.changes}"'
        lines = [f"flush chain {CHAIN}", f"add rule {CHAIN} ct state established counter {mark}"]
        lines += [f"add rule {CHAIN} {rule}" for rules in self.rules.values() for rule in rules]
        self._say("; ".join(lines))
        deadline = time.monotonic() + CHANGE_TIMEOUT_S
        while mark not in self._listed():
            if self.errors or time.monotonic() > deadline:
                raise RuntimeError(f"nftables refused a rule: {self.errors}")
            time.sleep(0.01)

    @staticmethod
    def _listed() -> str:
        command = [program("nft"), "list", "chain", *CHAIN.split()]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def change(self, changes: Mapping[str, list[str]]) -> None:
        """Set rules by name; an empty list removes."""
        with self.lock:
            for name, rules in changes.items():
                self.rules.pop(name, None)
                if rules:
                    self.rules[name] = list(rules)
            self._apply()

    def close(self) -> None:
        self.nft.stdin.close()
        self.nft.wait(10)


def cut(one: Sequence[str], other: Sequence[str] | None = None, verdict: str = DROP) -> list[str]:
    """Rules for all packets between two sets of addresses, in both directions; all of the first without a second."""
    here = addresses(one)
    if other is None:
        return [f"ip saddr {here} {verdict}", f"ip daddr {here} {verdict}"]
    there = addresses(other)
    return [f"ip saddr {here} ip daddr {there} {verdict}", f"ip saddr {there} ip daddr {here} {verdict}"]


def denied(database: str, except_from: Sequence[str]) -> list[str]:
    """A network ACL that denies: stateless, so open connections too. Aurora's replication is not in the subnet."""
    kept = addresses(except_from)
    return [f"ip daddr {database} ip saddr != {kept} drop", f"ip saddr {database} ip daddr != {kept} drop"]


def no_new(database: str, except_from: Sequence[str]) -> list[str]:
    """A security group without ingress: connections that are tracked go on."""
    return [f"ip daddr {database} ip saddr != {addresses(except_from)} ct state new drop"]


def lossy(one: Sequence[str], other: Sequence[str], percent: int) -> list[str]:
    """A slow link: part of its packets is lost, and TCP sends them again later."""
    return cut(one, other, f"numgen random mod 100 < {percent} drop")
