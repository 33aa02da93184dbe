# SPDX-License-Identifier: GPL-3.0-or-later
"""`make truth`: moto's own tests that were verified against AWS, run against the lab and against moto as it is.

They are in moto's source distribution, of the version and with the hashes of our lock. A test that fails in the lab and
not with moto shows what the lab has made worse: it must be in verified.yml, with its reason. SERVICE: a part of the
services (dynamodb). The output of both runs is in .build/truth.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import moto
import yaml

from lab.client import Lab
from tests.integration.platforms import TOP

HOME = TOP / ".build/truth"
# Not found by its package: moto's tests are a package of the same name as ours.
PLUGIN = Path(__file__).with_name("moto_plugin")
ACCEPTED = Path(__file__).with_name("verified.yml")
# Those that site.yml makes something of, and that have verified tests.
SERVICES = (
    *("autoscaling", "awslambda", "cloudwatch", "dynamodb", "ec2", "elbv2", "events", "iam", "kms"),
    *("logs", "rds", "route53", "s3", "s3control", "secretsmanager", "sns", "sqs", "ssm"),
)
LAB, MOTO = "lab", "moto"
PASSED, FAILED = "passed", "failed"
# AWS seconds in a second: these tests wait for AWS.
SCALE = 600


def source() -> Path:
    """The folder of moto's source distribution, downloaded where it is not there, with a hash of the lock."""
    folder = HOME / f"moto-{moto.__version__}"
    if not folder.is_dir():
        HOME.mkdir(parents=True, exist_ok=True)
        lock = (TOP / f"requirements-dev-{sys.version_info.major}.{sys.version_info.minor}.lock").read_text()
        (pinned,) = re.findall(rf"^moto=={re.escape(moto.__version__)}(?: \\\n\s+--hash=\S+)+", lock, re.MULTILINE)
        wanted = HOME / "moto.lock"
        wanted.write_text(pinned + "\n")
        options = ["--quiet", "--no-deps", "--no-binary", "moto", "--no-build-isolation", "--require-hashes"]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, "-d", HOME, "-r", wanted], check=True)
        with tarfile.open(HOME / f"{folder.name}.tar.gz") as archive:
            archive.extractall(HOME, filter="data")
    return folder


def run(against: str, folder: Path, services: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """{test: passed or failed} of the verified tests of some services; what is skipped is not there."""
    report = HOME / f"{against}.xml"
    report.unlink(missing_ok=True)
    plugin = ["-p", "reset_plugin"] if against == LAB else []
    with (HOME / f"{against}.log").open("w") as log:
        subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "aws_verified", "-q", f"--junit-xml={report}", *plugin]
            + ["-o", "junit_family=xunit1", "-o", "addopts=", "--rootdir", folder]
            + [folder / "tests" / f"test_{service}" for service in services],
            cwd=folder,
            env={**without_accounts(), "PYTHONPATH": os.pathsep.join([str(folder), str(PLUGIN)]), **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if not report.exists():
        raise SystemExit(f"truth: no report of {against}; see {report.with_suffix('.log').relative_to(TOP)}")
    return results(report)


def without_accounts() -> dict[str, str]:
    """The environment, without anything that leads to an account."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_", "LAB_"))}


def results(report: Path) -> dict[str, str]:
    """Read a report in JUnit's form."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        if "skipped" not in kinds:
            name = f"{(case.get('file') or '').removeprefix('tests/')}::{case.get('name')}"
            found[name] = FAILED if kinds & {"failure", "error"} else PASSED
    return found


def against_the_lab(folder: Path, services: Iterable[str]) -> dict[str, str]:
    with Lab.start(HOME / "lab", scale=SCALE) as lab:
        keys = {name: value for name, value in lab.env().items() if name.startswith("AWS_")}
        there = {
            "TEST_SERVER_MODE": "true",
            "TEST_SERVER_MODE_ENDPOINT": lab.url,
            "LAB_RESET_URL": f"{lab.url}/lab/reset",
        }
        return run(LAB, folder, services, {**keys, **there})


def against_moto(folder: Path, services: Iterable[str]) -> dict[str, str]:
    """In the process of the tests, which is how moto's own project runs them first."""
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    return run(MOTO, folder, services, keys)


def judge(lab: Mapping[str, str], stock: Mapping[str, str], accepted: Mapping[str, str]) -> list[str]:
    """Sentences about what is not as it must be: failures of the lab alone, and exceptions that none needs. Pure."""
    alone = {test for test, outcome in lab.items() if outcome == FAILED and stock.get(test) == PASSED}
    return [
        *(f"{test} fails in the lab alone" for test in sorted(alone - accepted.keys())),
        *(
            f"{test} is accepted and does not fail in the lab alone"
            for test in sorted((accepted.keys() & lab.keys()) - alone)
        ),
        *(f"{test} was not run in the lab" for test in sorted(stock.keys() - lab.keys() - accepted.keys())),
    ]


def main() -> int:
    wanted = os.environ.get("SERVICE", "")
    services = [service for service in SERVICES if wanted in service]
    if not services:
        print(f"truth: SERVICE is {wanted}; allowed: a part of one of {', '.join(SERVICES)}.", file=sys.stderr)
        return 2
    folder = source()
    accepted = yaml.safe_load(ACCEPTED.read_text()) or {}
    with ThreadPoolExecutor(2) as pool:
        of_lab = pool.submit(against_the_lab, folder, services)
        of_moto = pool.submit(against_moto, folder, services)
        lab, stock = of_lab.result(), of_moto.result()
    passed = {name: sum(one == PASSED for one in found.values()) for name, found in ((LAB, lab), (MOTO, stock))}
    print(
        f"truth: of {len(lab)} tests that AWS has passed, {passed[LAB]} pass in the lab, {passed[MOTO]} with moto alone"
    )
    problems = judge(lab, stock, accepted)
    for sentence in problems:
        print(f"    {sentence}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
