# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the advisory services of pip-audit for known vulnerabilities of every package that is locked here.

Ends with 1 when one is known of any package. A service that cannot be reached, or does not know a package, fails
nothing and is always reported: the last line has the number of packages that were looked up, and of those that no
service could be asked about.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted(
    str(path.relative_to(ROOT)) for place in (ROOT, ROOT / "tests" / "matrix") for path in place.glob("*.lock")
)
# Each is asked about the packages that the previous ones could not answer for.
SERVICES = ("pypi", "osv")
TIMEOUT_S = 120
SIDE_BY_SIDE = 4


@dataclass
class Findings:
    """known: sentences, one for each vulnerability. asked: packages a service answered for. unasked: packages none
    did."""

    known: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    unasked: set[str] = field(default_factory=set)

    @property
    def exit_code(self) -> int:
        return 1 if self.known else 0

    def last_line(self) -> str:
        looked_up = f"{len(self.asked)} packages looked up, {len(self.known)} vulnerabilities known"
        if not self.unasked:
            return looked_up
        return (
            f"{looked_up}; NOT looked up, because no advisory service answered for them: {len(self.unasked)} packages"
        )


def locked_packages(text: str) -> set[str]:
    """Names in a lock file."""
    return {
        line.split("==")[0].strip() for line in text.splitlines() if "==" in line and not line.startswith((" ", "#"))
    }


def read_report(report: dict[str, Any], locked: set[str]) -> Findings:
    """What pip-audit's JSON says of the locked packages."""
    found = Findings()
    for package in report["dependencies"]:
        if "skip_reason" in package:
            continue
        found.asked.add(package["name"])
        for one in package["vulns"]:
            fixed = ", ".join(one["fix_versions"]) or "no version yet"
            found.known.append(f"{package['name']} {package['version']}: {one['id']}, fixed in {fixed}")
    found.unasked = locked - found.asked
    return found


def ask(lock: Path, service: str) -> dict[str, Any]:
    """pip-audit's JSON, without any package when the service did not answer."""
    command = [
        *(
            str(Path(sys.executable).with_name("pip-audit")),
            "--requirement",
            str(lock),
            "--require-hashes",
            "--disable-pip",
        ),
        *("--vulnerability-service", service, "--format", "json", "--progress-spinner", "off"),
    ]
    nothing: dict[str, Any] = {"dependencies": []}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        print(f"audit: {service} did not answer in {TIMEOUT_S} s")
    except json.JSONDecodeError:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        print(f"audit: {service} did not answer: {reason[:160]}")
    return nothing


def audit(lock: Path) -> Findings:
    """Ask one service after the other, until each package has been answered for."""
    locked = locked_packages(lock.read_text())
    found = Findings(unasked=locked)
    for service in SERVICES:
        if not found.unasked:
            break
        service_report = read_report(ask(lock, service), locked)
        found.known += [one for one in service_report.known if one not in found.known]
        found.asked |= service_report.asked
        found.unasked = locked - found.asked
    return found


def main() -> int:
    code = 0
    # Nearly all of it is waiting for the services.
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        findings = list(threads.map(audit, (ROOT / name for name in LOCKS)))
    for name, found in zip(LOCKS, findings, strict=True):
        for one in found.known:
            print(f"audit: {one}")
        print(f"audit: {name}: {found.last_line()}")
        code = max(code, found.exit_code)
    return code


if __name__ == "__main__":
    sys.exit(main())
