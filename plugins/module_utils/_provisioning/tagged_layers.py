# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What tags find of the layers that others have made, where nothing names them. Pure.

Of the global database, and of each region's load balancer, exactly one must be found. A platform may be without a
session table and without buckets: what no region has is absent. A session table has one name in all regions
("Global tables" of the DynamoDB Developer Guide), and its replicas have tags of their own, so one of them is enough; a
bucket must be found in every region.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._options.layers import ABSENT, EXISTING
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.rows import (
    ALL,
    OK,
    Row,
    unread,
)
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.tagged import (
    found_ids,
    row_unless_one,
    shown_tags,
)

BALANCER, TARGET, TABLE, BUCKET = "load_balancer", "target_group", "session_table", "object_storage"

Tags = Mapping[str, Any]
# {region: Observation of {BALANCER, TARGET, TABLE and BUCKET: names}}
Found = Mapping[str, Observation]


def has_tags(found: Mapping[str, str], tags: Tags) -> bool:
    """Return whether something has all the tags. found: its own."""
    return all(found.get(name) == str(value) for name, value in tags.items())


def _name_it(variable: str) -> tuple[str, str]:
    """Return the remedies where the tags find nothing, and more than one."""
    return f"Tag it, or name it in {variable}.", f"Name one of them in {variable}, or add a tag to adopt_tags."


def global_database_row(tags: Tags, found: Observation) -> Row | None:
    """Return what is missing if the tags do not find exactly one global cluster. found: of their identifiers."""
    row = Row(ALL, "global database", OK, "")
    if not found.known:
        return unread(row.region, row.what, found.error)
    return row_unless_one(row, shown_tags(tags), found.value, *_name_it("adopt_global_cluster"))


def load_balancer_row(region: str, tags: Tags, found: Observation) -> Row | None:
    """Return what is missing if the tags do not find exactly one application load balancer in a region."""
    row = Row(region, "load balancer", OK, "")
    if not found.known:
        return unread(row.region, row.what, found.error)
    return row_unless_one(row, shown_tags(tags), found_ids(found, BALANCER), *_name_it("adopt_load_balancers"))


def store_rows(tags: Tags, found: Found) -> Iterator[Row]:
    """Yield the rows of session table and buckets."""
    unknown = [region for region, one in found.items() if not one.known]
    for region in unknown:
        yield unread(region, "session table and bucket", found[region].error)
    shown, tables = shown_tags(tags), session_tables(found)
    table = Row(ALL, "session table", OK, f"The tags {shown} find {', '.join(tables)}.")
    if tables:
        yield row_unless_one(table, shown, tables, *_name_it("session_table_name")) or table
    elif not unknown:
        yield Row(ALL, "session table", OK, f"No table has the tags {shown}: the platform is without one.")
    if states_of(found)[BUCKET] == EXISTING:
        yield from _bucket_rows(shown, found)
    elif not unknown:
        yield Row(ALL, "bucket", OK, f"No bucket has the tags {shown}: the platform is without them.")


def _bucket_rows(shown: str, found: Found) -> Iterator[Row]:
    for region, one in found.items():
        if one.known:
            buckets = found_ids(one, BUCKET)
            row = Row(region, "bucket", OK, f"The tags {shown} find {', '.join(buckets)}.")
            yield row_unless_one(row, shown, buckets, *_name_it("object_storage_bucket")) or row


def session_tables(found: Found) -> list[str]:
    """Return the names of the tables that the tags find in any region."""
    return sorted({name for one in found.values() for name in found_ids(one, TABLE)})


def states_of(found: Found) -> dict[str, str]:
    """Return {layer: existing or absent} of session table and buckets, for platform_layers."""
    return {
        layer: EXISTING if any(found_ids(one, layer) for one in found.values()) else ABSENT for layer in (TABLE, BUCKET)
    }
