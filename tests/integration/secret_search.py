# SPDX-License-Identifier: GPL-3.0-or-later
"""Search for secrets in everything that a platform and its runs show to users without access to the secret."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.client import Lab
from tests.integration.aws import TABLE

# A part of a secret as long as this is a find: nothing else has so many letters in common with it.
PART = 8


def forms(secret: str) -> Iterator[str]:
    """Yield what a secret looks like: as it is, in JSON, in an address, and in base64 at any place of a longer text."""
    yield from (secret, json.dumps(secret)[1:-1], quote(secret, safe=""))
    raw = secret.encode()
    for before in range(3):
        # Six bits a letter: those that contain bits of the neighbours too are omitted.
        first, end = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        yield base64.b64encode(b"\0" * before + raw + b"\0\0").decode()[first:end]


def parts(secret: str) -> set[str]:
    """Return every part of every form of a secret."""
    return {form[start : start + PART] for form in forms(secret) for start in range(len(form) - PART + 1)}


def finds(secrets: Iterable[str], texts: Iterable[tuple[str, str]]) -> list[str]:
    """Return where any part of any secret was found. texts: (where, text)."""
    wanted = {part for secret in secrets for part in parts(secret)}
    return [where for where, text in texts if any(part in text for part in wanted)]


def files_in(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the path and the content of every file below a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes().decode(errors="replace")


def shown_by(lab: Lab, regions: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield what the platform's APIs show without the right to read the secret, and the lab's own log."""
    yield "log of the lab", (lab.directory / "log").read_text()
    yield "the lab's calls", json.dumps(lab.calls())
    for region in regions:
        for kind, read in READERS.items():
            yield f"{kind} in {region}", json.dumps(read(lab, region), default=str)


def control_table(lab: Lab, region: str) -> list[dict[str, Any]]:
    pages = lab.client("dynamodb", region).get_paginator("scan").paginate(TableName=TABLE)
    return [item for page in pages for item in page["Items"]]


def parameters(lab: Lab, region: str) -> list[dict[str, Any]]:
    pages = lab.client("ssm", region).get_paginator("get_parameters_by_path").paginate(Path="/trading", Recursive=True)
    return [one for page in pages for one in page["Parameters"]]


def dashboards(lab: Lab, region: str) -> list[str]:
    cloudwatch = lab.client("cloudwatch", region)
    names = [one["DashboardName"] for one in cloudwatch.list_dashboards()["DashboardEntries"]]
    return [cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"] for name in names]


def alarms(lab: Lab, region: str) -> dict[str, Any]:
    return lab.client("cloudwatch", region).describe_alarms()


def launch_templates(lab: Lab, region: str) -> list[Any]:
    ec2 = lab.client("ec2", region)
    templates = ec2.describe_launch_templates()["LaunchTemplates"]
    versions = [
        version
        for one in templates
        for version in ec2.describe_launch_template_versions(LaunchTemplateId=one["LaunchTemplateId"])[
            "LaunchTemplateVersions"
        ]
    ]
    return [versions, *[user_data(version["LaunchTemplateData"].get("UserData", "")) for version in versions]]


def user_data(encoded: str) -> str:
    """Return what an instance would run, also where it was compressed to fit."""
    raw = base64.b64decode(encoded)
    return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode(errors="replace")


def tags(lab: Lab, region: str) -> list[dict[str, Any]]:
    pages = lab.client("resourcegroupstaggingapi", region).get_paginator("get_resources").paginate()
    return [one for page in pages for one in page["ResourceTagMappingList"]]


def databases(lab: Lab, region: str) -> list[Any]:
    rds = lab.client("rds", region)
    return [rds.describe_db_clusters(), rds.describe_db_instances(), rds.describe_events(Duration=10_000)]


def secret_descriptions(lab: Lab, region: str) -> dict[str, Any]:
    return lab.client("secretsmanager", region).list_secrets()


READERS = {
    "the control table": control_table,
    "the parameters": parameters,
    "the dashboards": dashboards,
    "the alarms": alarms,
    "the launch templates": launch_templates,
    "the tags": tags,
    "the databases": databases,
    "the secret's description": secret_descriptions,
}
