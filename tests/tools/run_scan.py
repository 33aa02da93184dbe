# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans the platform in a running lab with Prowler, a scanner of AWS accounts: ``make scan LAB_DIR=.lab``.

Ends with 1 when Prowler finds something that scan_accepted.yml does not name with its reason, and when an entry there
no longer answers a finding. Prowler is large and of use to nothing else: it has a virtual environment of its own
(.build/scan), made from requirements-scan.lock when the lock has changed, and is no part of `make test`.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import subprocess
import sys
import venv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from lab.client import Lab

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements-scan.lock"
ACCEPTED = ROOT / "tests" / "tools" / "scan_accepted.yml"
HOME = ROOT / ".build" / "scan"
LOG = HOME / "prowler.log"
REGIONS = ("us-east-1", "us-east-2")
# Those that site.yml makes something of.
SERVICES = (
    *("autoscaling", "cloudtrail", "cloudwatch", "dynamodb", "ec2", "elbv2", "iam", "kms"),
    *("rds", "route53", "s3", "secretsmanager", "sns", "ssm", "vpc", "wafv2"),
)


def make_environment() -> Path:
    """The Prowler of the lock; makes its environment when there is none of this lock."""
    stamp, wanted = HOME / "lock.sha256", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        print("scan: installing Prowler into .build/scan, about 1.5 GB ...", file=sys.stderr, flush=True)
        venv.create(HOME / "venv", clear=True, with_pip=True)
        install = ["pip", "install", "--quiet", "--require-hashes", "--requirement", str(LOCK)]
        subprocess.run([HOME / "venv" / "bin" / "python", "-m", *install], check=True)
        stamp.write_text(wanted)
    return HOME / "venv" / "bin" / "prowler"


def scan(prowler: Path, lab: Lab) -> list[dict[str, str]]:
    """Prowler's findings, one mapping each; what the lab could not answer goes to LOG."""
    report = HOME / "report.csv"
    report.unlink(missing_ok=True)
    wanted = ["--service", *SERVICES, "--region", *REGIONS, "--mutelist-file", str(ACCEPTED)]
    # Shodan is a service outside of AWS.
    wanted += ["--excluded-check", "ec2_elastic_ip_shodan"]
    output = ["--output-formats", "csv", "--output-directory", str(HOME), "--output-filename", report.stem]
    quiet = ["--no-banner", "--no-color", "--ignore-exit-code-3", "--log-level", "ERROR"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")} | lab.env()
    command = [prowler, "aws", *wanted, *output, *quiet]
    with LOG.open("w") as log:
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=log)
    with report.open() as lines:
        return list(csv.DictReader(lines, delimiter=";"))


def accepted() -> dict[str, dict[str, Any]]:
    """The entries of scan_accepted.yml by check; a name that ends in ``*`` stands for all checks that begin so."""
    return yaml.safe_load(ACCEPTED.read_text())["Mutelist"]["Accounts"]["*"]["Checks"]


def problems(findings: list[dict[str, str]], accepted_checks: Iterable[str]) -> list[str]:
    """A sentence for each check that failed and is not accepted, and for each that is accepted and failed nowhere."""
    failed = [one for one in findings if one["STATUS"] in ("FAIL", "MUTED")]
    open_ones: dict[tuple[str, str], Counter[str]] = {}
    for one in failed:
        if one["MUTED"] != "True":
            where = f"{one['RESOURCE_NAME']} ({one['REGION']})"
            open_ones.setdefault((one["SEVERITY"], one["CHECK_ID"]), Counter())[where] += 1
    sentences = [f"{severity} {check}: {', '.join(sorted(where))}" for (severity, check), where in open_ones.items()]
    muted = {one["CHECK_ID"] for one in failed if one["MUTED"] == "True"}
    stale = [name for name in accepted_checks if not any(check.startswith(name.rstrip("*")) for check in muted)]
    return sorted(sentences) + [f"accepted, and found no more: {name}" for name in stale]


def unanswered() -> set[str]:
    """Operations, or paths, that the lab could not answer, so that Prowler did not check them."""
    asked = re.findall(
        r'calling the (\w+) operation|connect to the endpoint URL: "http://[^/]+([^"]+)"', LOG.read_text()
    )
    return {operation or path for operation, path in asked}


def main(arguments: list[Any]) -> int:
    lab = Lab.at(arguments[0] if arguments else ".lab")
    findings = scan(make_environment(), lab)
    found = problems(findings, accepted())
    for sentence in found:
        print(sentence)
    statuses = Counter(one["STATUS"] for one in findings)
    checks = len({one["CHECK_ID"] for one in findings})
    print(f"scan: {checks} checks, {len(findings)} findings {dict(statuses)}, {len(found)} to look at")
    print(f"scan: not seen, because the lab cannot answer: {', '.join(sorted(unanswered())) or 'nothing'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
