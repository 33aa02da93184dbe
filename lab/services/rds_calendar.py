# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine versions AWS offers when: a calendar, and the day that the lab takes for today.

Follows: "Release calendars for Aurora MySQL" and the document history of the Aurora MySQL release notes; "Amazon Aurora
major versions" of the Aurora User Guide; API reference DBEngineVersion (Status is `available` or `deprecated`) and
SupportedEngineLifecycle. Which versions DescribeDBEngineVersions listed on a day: aws-cdk, pull requests 36937, 36991
and 38053, and issue 38738. A version leaves the list, and can no longer be created, when its standard support ends
(aws-cdk, pull requests 31386 and 35952); one of a major version in extended support stays in it.

The calendar ends in November 2026, so the lab stays at TODAY unless the setting `calendar_date` moves it. Dates that it
shows move with the client's: what AWS ends 90 days after TODAY ends 90 days after the day on which a test runs.
Days marked (~) are ours: AWS publishes a month, or none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from lab.services.settings import SETTINGS

STANDARD, EXTENDED = "open-source-rds-standard-support", "open-source-rds-extended-support"

# A version a line: its name, the day of its release, and the day on which its standard support ends (- = that its major
# version has).
MYSQL_VERSIONS = """
5.7.mysql_aurora.2.11.6   2024-06-18 -
5.7.mysql_aurora.2.12.5   2025-04-09 -
5.7.mysql_aurora.2.12.6   2026-02-10 -
8.0.mysql_aurora.3.04.0   2023-07-31 2026-10-31
8.0.mysql_aurora.3.04.4   2025-05-05 2026-10-31
8.0.mysql_aurora.3.04.6   2026-01-30 2026-10-31
8.0.mysql_aurora.3.05.2   2024-01-31 2025-10-31
8.0.mysql_aurora.3.08.0   2024-11-18 2026-08-31
8.0.mysql_aurora.3.08.2   2025-02-17 2026-08-31
8.0.mysql_aurora.3.09.0   2025-05-14 2026-08-31
8.0.mysql_aurora.3.10.0   2025-07-31 -
8.0.mysql_aurora.3.10.1   2025-10-01 -
8.0.mysql_aurora.3.10.3   2026-01-02 -
8.0.mysql_aurora.3.10.4   2026-03-30 -
8.0.mysql_aurora.3.10.5   2026-07-30 -
8.0.mysql_aurora.3.11.1   2025-12-30 2026-11-13
8.0.mysql_aurora.3.12.0   2026-02-17 -
8.0.mysql_aurora.3.13.0   2026-08-28 -
8.4.mysql_aurora.8.4.7    2026-06-30 -
8.4.mysql_aurora.8.4.8    2026-09-30 -
"""
POSTGRESQL_VERSIONS = """
13.23          2026-01-31 -
14.13          2024-09-30 2026-07-31
14.22          2026-04-30 -
14.23          2026-07-31 -
15.8           2024-09-30 2026-07-31
15.17          2026-04-30 -
15.18          2026-07-31 -
16.4           2024-09-30 2026-07-31
16.8           2025-04-30 -
16.8-limitless 2025-05-13 -
16.11          2026-01-31 -
16.13          2026-04-30 -
16.14          2026-07-31 -
17.4           2025-04-30 -
17.7           2026-01-31 -
17.9           2026-04-30 -
17.10          2026-07-31 -
18.3           2026-04-30 -
18.4           2026-07-31 -
"""
# Engines without global databases, of which the lab needs one version or two.
OTHER_VERSIONS = {
    "mysql": "8.0.45 2026-01-31 -\n8.4.8 2026-01-31 -",
    "postgres": "16.11 2026-01-31 -\n17.7 2026-01-31 -",
}
# engine -> major version -> end of standard support, end of extended support.
MAJORS = {
    "aurora-mysql": {
        "5.7": ("2024-10-31", "2027-02-28"),
        "8.0": ("2028-04-30", "2029-07-31"),
        "8.4": ("2032-04-30", "2035-04-30"),  # (~)
    },
    "aurora-postgresql": {
        "13": ("2026-02-28", "2029-02-28"),
        "14": ("2027-02-28", "2030-02-28"),
        "15": ("2028-02-29", "2031-02-28"),
        "16": ("2029-02-28", "2032-02-29"),
        "17": ("2030-02-28", "2033-02-28"),
        "18": ("2031-02-28", "2034-02-28"),
    },
    "mysql": {"8.0": ("2026-07-31", "2029-07-31"), "8.4": ("2029-07-31", "2032-07-31")},
    "postgres": {"16": ("2029-02-28", "2032-02-29"), "17": ("2030-02-28", "2033-02-28")},
}
# What CreateGlobalCluster, CreateDBCluster and DefaultOnly take where no version is named.
DEFAULTS = {
    "aurora-mysql": "8.0.mysql_aurora.3.10.5",
    "aurora-postgresql": "17.7",
    "mysql": "8.4.8",
    "postgres": "17.7",
}


def major_of(engine: str, version: str) -> str:
    """MajorEngineVersion: 8.0 and 8.4 of MySQL, 16 and 17 of PostgreSQL."""
    parts = version.split(".")
    return parts[0] if engine.endswith(("postgresql", "postgres")) else ".".join(parts[:2])


@dataclass(frozen=True)
class Version:
    """A version of an engine, and the span in which AWS offers it."""

    engine: str
    name: str
    released: date
    ends: date

    @property
    def major(self) -> str:
        return major_of(self.engine, self.name)

    @property
    def is_released(self) -> bool:
        return self.released <= today()

    @property
    def is_offered(self) -> bool:
        return self.is_released and today() <= self.ends

    @property
    def supports_global(self) -> bool:
        """Aurora has them, Limitless has not ("Supported Regions and DB engines for Aurora global databases")."""
        return self.engine.startswith("aurora-") and not self.name.endswith("-limitless")


def _read(engine: str, text: str) -> dict[str, Version]:
    found = {}
    for line in text.strip().splitlines():
        name, released, ends = line.split()
        last = MAJORS[engine][major_of(engine, name)][1] if ends == "-" else ends
        found[name] = Version(engine, name, date.fromisoformat(released), date.fromisoformat(last))
    return found


VERSIONS = {
    "aurora-mysql": _read("aurora-mysql", MYSQL_VERSIONS),
    "aurora-postgresql": _read("aurora-postgresql", POSTGRESQL_VERSIONS),
    **{engine: _read(engine, text) for engine, text in OTHER_VERSIONS.items()},
}


def today() -> date:
    """The day by which the lab offers and retires."""
    return date.fromisoformat(SETTINGS.calendar_date)


def shown(day: date | str) -> datetime:
    """An instant as the API shows it: as far from the client's day as the calendar's is from the lab's."""
    day = date.fromisoformat(day) if isinstance(day, str) else day
    return datetime.combine(datetime.now(UTC).date() + (day - today()), datetime.min.time(), UTC)


def is_past_standard_support(engine: str, version: str) -> bool:
    return today() > date.fromisoformat(MAJORS[engine][major_of(engine, version)][0])


def is_withheld(region: str, version: str) -> bool:
    """Whether a Region has not got a version that others have: AWS brings them to one after the other."""
    return f"{region} {version}" in SETTINGS.withheld_versions


def released(engine: str, region: str) -> list[Version]:
    """What DescribeDBEngineVersions shows with IncludeAll, oldest first."""
    return [one for one in VERSIONS[engine].values() if one.is_released and not is_withheld(region, one.name)]


def offered(engine: str, region: str) -> list[Version]:
    """What can be created in a Region, oldest first."""
    return [one for one in released(engine, region) if one.is_offered]


def default_version(engine: str, region: str, major: str | None = None) -> str:
    """The version for who names none, or none but the major one."""
    names = [one.name for one in offered(engine, region) if major in (None, one.major)]
    return DEFAULTS[engine] if DEFAULTS[engine] in names else names[-1]


def upgrade_targets(engine: str, name: str) -> list[Version]:
    """Where a version can be upgraded to, in one step.

    Within the major version to what is newer; to another major version only where the target is no older than the
    source. Of MySQL's major versions to the next one only ("Upgrade paths" of "Upgrading the major version of an Aurora
    MySQL DB cluster"), of PostgreSQL's to any later one (terraform-provider-aws, issue 45026: 13 to 17).
    """
    source, order = VERSIONS[engine][name], list(MAJORS[engine])
    names = list(VERSIONS[engine])

    def is_target(other: Version) -> bool:
        steps = order.index(other.major) - order.index(source.major)
        if steps == 0:
            return names.index(other.name) > names.index(name)
        is_reachable = steps == 1 or (steps > 1 and engine.endswith("postgresql"))
        return is_reachable and other.released >= source.released and other.supports_global

    return [other for other in VERSIONS[engine].values() if other.is_offered and is_target(other)]
