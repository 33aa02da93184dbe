# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The records of a name are read from its own zone, and those of other names beside it are not taken for its own."""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.name_readers import read_name

DOMAIN, ZONE = "orders.example.org", "example.org"
PAIR = [
    {"Name": f"{DOMAIN}.", "Type": "A", "SetIdentifier": "east", "Failover": "PRIMARY", "HealthCheckId": "check-1"},
    {"Name": f"{DOMAIN}.", "Type": "A", "SetIdentifier": "west", "Failover": "SECONDARY"},
]
ORDER = {
    "Name": f"_regions.{DOMAIN}.",
    "Type": "TXT",
    "ResourceRecords": [{"Value": '"us-east-1 us-east-2 was=PRIMARY:check-0 was=SECONDARY:"'}],
}
NEXT = {"Name": "zebra.example.org.", "Type": "A"}
NOTE = {"Name": f"{DOMAIN}.", "Type": "TXT", "ResourceRecords": [{"Value": '"v=spf1"'}]}


class Route53:
    """The client, with a public and a private zone of the same name; the records are those of the public one."""

    def __init__(self, *records):
        self.records = records

    def list_hosted_zones_by_name(self, DNSName):
        return {
            "HostedZones": [
                {"Id": "/hostedzone/Z1", "Name": f"{DNSName}.", "Config": {"PrivateZone": True}},
                {"Id": "/hostedzone/Z2", "Name": f"{DNSName}.", "Config": {"PrivateZone": False}},
                {"Id": "/hostedzone/Z3", "Name": f"x.{DNSName}."},
            ]
        }

    def list_resource_record_sets(self, HostedZoneId, StartRecordName, MaxItems):
        found = self.records if HostedZoneId == "Z2" else ()
        names = [one["Name"] for one in found]
        first = names.index(f"{StartRecordName}.") if f"{StartRecordName}." in names else len(names)
        return {"ResourceRecordSets": list(found[first:])}

    def get_health_check(self, HealthCheckId):
        return {"HealthCheck": {"HealthCheckConfig": {"Type": "CALCULATED" if HealthCheckId == "check-1" else "HTTP"}}}


def test_the_records_their_order_and_the_type_of_the_check_are_read_from_the_names_zone():
    found = read_name(Route53(ORDER, *PAIR, NOTE, NEXT), DOMAIN, ZONE, False)
    assert found == {
        "zone_id": "Z2",
        "records": PAIR,
        "order": ["us-east-1", "us-east-2", "was=PRIMARY:check-0", "was=SECONDARY:"],
        "check_type": "CALCULATED",
    }


def test_a_name_that_is_free_and_a_private_zone_have_none():
    nothing = {"records": [], "order": [], "check_type": ""}
    assert read_name(Route53(NEXT), DOMAIN, ZONE, False) == {"zone_id": "Z2", **nothing}
    assert read_name(Route53(ORDER, *PAIR), DOMAIN, ZONE, True) == {"zone_id": "Z1", **nothing}


def test_without_a_zone_there_is_nothing_to_read():
    class NoZone(Route53):
        def list_hosted_zones_by_name(self, DNSName):
            return {"HostedZones": []}

    assert read_name(NoZone(), DOMAIN, ZONE, False) is None
