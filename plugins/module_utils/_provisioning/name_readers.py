# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read the records of a name in Route 53. Changes nothing."""

from __future__ import annotations

from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.name import PRIMARY
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.health_checks import get_health_check
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.zones import find_zone

# Types that a client of the name may get.
ANSWERS = ("A", "AAAA", "CNAME")
# A name has no more records than that with one routing policy ("Quotas" of the Route 53 Developer Guide).
PAGE = "100"


@aws_call("ListResourceRecordSets")
def get_records(client: Any, zone_id: str, name: str) -> list[dict[str, Any]]:
    """Return the ResourceRecordSets of a name."""
    found = client.list_resource_record_sets(HostedZoneId=zone_id, StartRecordName=name, MaxItems=PAGE)
    return [one for one in found["ResourceRecordSets"] if one["Name"].removesuffix(".") == name]


def read_name(client: Any, domain: str, zone: str, is_private: bool) -> dict[str, Any] | None:
    """Return {zone_id, records, order, check_type} of a name (name.py), or None if there is no such zone."""
    zone_id = find_zone(client, zone, is_private)
    if zone_id is None:
        return None
    order = [one for one in get_records(client, zone_id, f"_regions.{domain}") if one["Type"] == "TXT"]
    words = order[0]["ResourceRecords"][0]["Value"].strip('"').split() if order else []
    records = [one for one in get_records(client, zone_id, domain) if one["Type"] in ANSWERS]
    checks = [one["HealthCheckId"] for one in records if one.get("Failover") == PRIMARY and one.get("HealthCheckId")]
    check = get_health_check(client, checks[0]) if checks else None
    kind = check["HealthCheckConfig"]["Type"] if check else ""
    return {"zone_id": zone_id, "records": records, "order": words, "check_type": kind}
