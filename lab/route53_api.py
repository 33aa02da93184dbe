# SPDX-License-Identifier: GPL-3.0-or-later
"""Route 53's API where moto lacks it or is wrong about it. Each class or function names what it fixes.

moto 5.2.5: ListHealthChecks shows neither MaxItems nor IsTruncated, nor the regions that checks of endpoints have by
default; UpdateHealthCheck never raises HealthCheckVersion and empties ChildHealthChecks and Regions that are not given;
alarm and routing control settings are dropped; a caller reference may be used twice; GetHealthCheckStatus is a
constant; GetHealthCheckLastFailureReason and TestDNSAnswer are missing; deleting a record deletes every record with
that SetIdentifier, whatever its name; a change batch that fails half-way is half made; a name may have two primary
records; no zone can be signed.
"""

from __future__ import annotations

import copy
from collections import Counter
from datetime import datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.route53 import urls
from moto.route53.exceptions import NoSuchHealthCheck, Route53ClientError
from moto.route53.models import FakeZone, HealthCheck, Route53Backend
from moto.route53.responses import Route53

from lab import route53
from lab.checks import CHECKS, ENDPOINT_TYPES, Observation
from lab.world import WORLD

# API, HealthCheckRegion: the regions health checkers work from.
CHECKER_REGIONS = (
    "us-east-1 us-west-1 us-west-2 eu-west-1 ap-southeast-1 ap-southeast-2 ap-northeast-1 sa-east-1"
).split()
# {member of HealthCheckConfig: attribute of moto's HealthCheck} that moto does not keep.
KEPT_BY_THE_LAB = {
    "AlarmIdentifier": "alarm_identifier",
    "InsufficientDataHealthStatus": "insufficient_data_health_status",
    "RoutingControlArn": "routing_control_arn",
}
# {parameter of UpdateHealthCheck: attribute}; Type, RequestInterval and MeasureLatency cannot be changed.
CHANGEABLE = {
    "IPAddress": "ip_address",
    "Port": "port",
    "ResourcePath": "resource_path",
    "FullyQualifiedDomainName": "fqdn",
    "SearchString": "search_string",
    "FailureThreshold": "failure_threshold",
    "Inverted": "inverted",
    "Disabled": "disabled",
    "HealthThreshold": "health_threshold",
    "ChildHealthChecks": "children",
    "EnableSNI": "enable_sni",
    "Regions": "regions",
    "AlarmIdentifier": "alarm_identifier",
    "InsufficientDataHealthStatus": "insufficient_data_health_status",
}
USED_REFERENCES: dict[str, dict[str, Any]] = {}


class HealthCheckAlreadyExists(Route53ClientError):
    """API, CreateHealthCheck, CallerReference: used for another check, or for one that was deleted."""

    def __init__(self, reference: str) -> None:
        message = f"A health check with caller reference {reference} exists with other settings, or was deleted"
        super().__init__("HealthCheckAlreadyExists", message)


class NestedCalculation(Route53ClientError):
    """Developer Guide, "Values that you specify when you create or update health checks", Health checks to monitor.

    A calculated check cannot monitor calculated ones. The guide names no error code; this one is the API's for input.
    """

    def __init__(self, children: list[str]) -> None:
        super().__init__("InvalidInput", f"Calculated health checks cannot be children: {', '.join(children)}")


class HealthCheckVersionMismatch(Route53ClientError):
    """API, UpdateHealthCheck, HealthCheckVersion."""

    def __init__(self, version: int) -> None:
        super().__init__("HealthCheckVersionMismatch", f"The version of the health check is {version}")


class VpcMissing(Route53ClientError):
    """API, CreateHostedZone, VPC: required for a private zone. The reference names no code; this is that of input."""

    def __init__(self) -> None:
        super().__init__("InvalidInput", "A private hosted zone requires a VPC")


class DoesNotFit(Route53ClientError):
    """API, ChangeResourceRecordSets, InvalidChangeBatch: a change that does not fit the zone's records."""

    def __init__(self, message: str) -> None:
        super().__init__("InvalidChangeBatch", message)


class SecondOfItsRole(DoesNotFit):
    """API, ResourceRecordSet, Failover: a name has two such record sets, one PRIMARY and one SECONDARY."""

    def __init__(self, name: str, role: str) -> None:
        super().__init__(f"[RRSet with DNS name {name}, type A has two records of type {role}]")


class NoActiveSigningKey(Route53ClientError):
    """API, EnableHostedZoneDNSSEC: a zone is signed with a key-signing key that is active."""

    def __init__(self, zone_id: str) -> None:
        super().__init__("KeySigningKeyWithActiveStatusNotFound", f"No active key-signing key in hosted zone {zone_id}")


class LabRoute53(Route53):
    """moto's Route 53 with what it lacks."""

    def create_hosted_zone(self) -> ActionResult:
        """A private zone is associated with a VPC from its creation on (API, CreateHostedZone, VPC)."""
        is_private = self._get_bool_param("HostedZoneConfig.PrivateZone", False)
        if is_private and not self._get_param("VPC.VPCId"):
            raise VpcMissing()
        return super().create_hosted_zone()

    def create_health_check(self) -> ActionResult:
        """CallerReference makes it idempotent; settings moto does not know are kept."""
        reference, config = self._get_param("CallerReference"), dict(self._get_param("HealthCheckConfig"))
        known = next((c for c in self.backend.health_checks.values() if c.caller_reference == reference), None)
        if reference in USED_REFERENCES and (known is None or USED_REFERENCES[reference] != config):
            raise HealthCheckAlreadyExists(reference)
        self._refuse_nesting(config.get("ChildHealthChecks"))
        if known is None:
            super().create_health_check()
            known = next(c for c in self.backend.health_checks.values() if c.caller_reference == reference)
            for member, attribute in KEPT_BY_THE_LAB.items():
                setattr(known, attribute, config.get(member))
            if config["Type"].startswith("HTTPS") and not config.get("Port"):
                known.port = 443  # moto's default is 80 for every type
            if config["Type"].startswith("HTTPS") and "EnableSNI" not in config:
                known.enable_sni = True  # API, HealthCheckConfig, EnableSNI: the default for HTTPS
            USED_REFERENCES[reference] = config
        return ActionResult({"HealthCheck": known, "Location": _location(known.id)})

    def list_health_checks(self) -> ActionResult:
        """All on one page, which says so (API, ListHealthChecks: MaxItems is 100 by default)."""
        shown = super().list_health_checks().result
        return ActionResult({**shown, "IsTruncated": False, "MaxItems": self._get_param("MaxItems") or "100"})

    def update_health_check(self) -> ActionResult:
        """What is given changes, what is not stays, and the version rises."""
        check = self.backend.get_health_check(self._get_param("HealthCheckId"))
        version = self._get_param("HealthCheckVersion")
        if version is not None and int(version) != check.health_check_version:
            raise HealthCheckVersionMismatch(check.health_check_version)
        self._refuse_nesting(self._get_param("ChildHealthChecks"))
        for parameter, attribute in CHANGEABLE.items():
            value = self._get_param(parameter)
            if value is not None:
                setattr(check, attribute, value)
        for element in self._get_param("ResetElements", []):
            setattr(check, CHANGEABLE[element], None)
        check.health_check_version += 1
        return ActionResult({"HealthCheck": check})

    def delete_health_check(self) -> ActionResult:
        """moto answers 200 for one that does not exist."""
        check_id = self._get_param("HealthCheckId")
        if check_id not in self.backend.health_checks:
            raise NoSuchHealthCheck(check_id)
        return super().delete_health_check()

    def get_health_check_status(self) -> ActionResult:
        """What the checkers have observed: the measurement before inversion."""
        observation = self._observation()
        report = observation and (observation.reason, observation.checked_at)
        return self._reports(report)

    def get_health_check_last_failure_reason(self) -> ActionResult:
        """The last failure a checker saw; no observations when it never saw one."""
        observation = self._observation()
        return self._reports(observation and observation.last_failure)

    def create_key_signing_key(self) -> ActionResult:
        """API, CreateKeySigningKey: the key belongs to the zone and is ACTIVE or INACTIVE from the beginning."""
        zone = self.backend.get_hosted_zone(self._get_param("HostedZoneId"))
        key = {
            "Name": self._get_param("Name"),
            "KmsArn": self._get_param("KeyManagementServiceArn"),
            "Status": self._get_param("Status"),
            "CreatedDate": datetime.now(),
            "LastModifiedDate": datetime.now(),
        }
        zone.signing_keys = [*getattr(zone, "signing_keys", []), key]
        return ActionResult({"ChangeInfo": _in_sync(), "KeySigningKey": key, "Location": ""})

    def enable_hosted_zone_dnssec(self) -> ActionResult:
        zone = self.backend.get_hosted_zone(self._get_param("HostedZoneId"))
        if not any(key["Status"] == "ACTIVE" for key in getattr(zone, "signing_keys", [])):
            raise NoActiveSigningKey(zone.id)
        zone.is_signed = True
        return ActionResult({"ChangeInfo": _in_sync()})

    def disable_hosted_zone_dnssec(self) -> ActionResult:
        self.backend.get_hosted_zone(self._get_param("HostedZoneId")).is_signed = False
        return ActionResult({"ChangeInfo": _in_sync()})

    def get_dnssec(self) -> ActionResult:
        zone = self.backend.get_hosted_zone(self._get_param("HostedZoneId"))
        status = "SIGNING" if getattr(zone, "is_signed", False) else "NOT_SIGNING"
        return ActionResult({"Status": {"ServeSignature": status}, "KeySigningKeys": getattr(zone, "signing_keys", [])})

    def _refuse_nesting(self, children: list[str] | None) -> None:
        checks = self.backend.health_checks
        nested = [child for child in children or () if child in checks and checks[child].type_ == "CALCULATED"]
        if nested:
            raise NestedCalculation(nested)

    def _observation(self) -> Observation | None:
        """None for checks that no checker makes requests for (calculated, alarms, routing controls)."""
        CHECKS.observe()
        check = self.backend.get_health_check(self._get_param("HealthCheckId"))
        return CHECKS.observations[check.id] if check.type_ in ENDPOINT_TYPES else None

    def _reports(self, report: tuple[str, datetime] | None) -> ActionResult:
        """The same report from every checker region, under addresses of the benchmarking range 198.18.0.0/15."""
        if report is None:
            return ActionResult({"HealthCheckObservations": []})
        check = self.backend.get_health_check(self._get_param("HealthCheckId"))
        status = {"Status": report[0], "CheckedTime": report[1].replace(tzinfo=None)}
        observations = [
            {"Region": region, "IPAddress": f"198.18.{number}.1", "StatusReport": status}
            for number, region in enumerate(check.regions or CHECKER_REGIONS)
        ]
        return ActionResult({"HealthCheckObservations": observations})

    def test_dns_answer(self) -> ActionResult:
        """What the zone answers now; the client's address and the resolver's play no part in the lab."""
        zone = self.backend.get_hosted_zone(self._get_param("HostedZoneId"))
        name, type_ = self._get_param("RecordName"), self._get_param("RecordType")
        found = route53.answer(name, type_)
        inside = found.zone is not None and found.zone.id == zone.id
        values = found.chain[0][3] if inside and found.chain else []
        result = {
            "Nameserver": zone.delegation_set.name_servers[0] if zone.delegation_set else "",
            "RecordName": route53.plain(name),
            "RecordType": type_,
            "RecordData": values,
            "ResponseCode": found.rcode if inside else "REFUSED",
            "Protocol": "UDP",
        }
        return ActionResult(result)


def _in_sync() -> dict[str, Any]:
    return {"Id": "/change/C2682N5HXP0BZ4", "Status": "INSYNC", "SubmittedAt": datetime.now()}


def _location(check_id: str) -> str:
    return f"https://route53.amazonaws.com/2013-04-01/healthcheck/{check_id}"


def _patch_config() -> None:
    """HealthCheckConfig shows the settings moto does not know."""
    moto_config = HealthCheck.health_check_config.fget

    def health_check_config(self: HealthCheck) -> dict[str, Any]:
        kept = {member: getattr(self, attribute, None) for member, attribute in KEPT_BY_THE_LAB.items()}
        config = {**moto_config(self), **{member: value for member, value in kept.items() if value is not None}}
        if self.type_ in ("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"):
            for member in ("IPAddress", "Port", "RequestInterval", "FailureThreshold", "MeasureLatency", "EnableSNI"):
                config.pop(member, None)
        elif not config.get("Regions"):  # "from all of the regions in the list" (API, HealthCheckConfig, Regions)
            config["Regions"] = list(CHECKER_REGIONS)
        return config

    HealthCheck.health_check_config = property(health_check_config)


def _patch_record_deletion() -> None:
    """A record is deleted by name, type and SetIdentifier; moto looks at the SetIdentifier alone."""
    change_records = Route53Backend.change_resource_record_sets

    def change_resource_record_sets(self: Route53Backend, zoneid: str, change_list: list[dict[str, Any]]) -> None:
        def delete_rrset_by_id(zone: FakeZone, set_identifier: str) -> None:
            doomed = {
                (route53.plain(record["Name"]), record["Type"])
                for change in change_list
                for record in [change["ResourceRecordSet"]]
                if change["Action"] == "DELETE" and record.get("SetIdentifier") == set_identifier
            }
            zone.rrsets = [
                record
                for record in zone.rrsets
                if record.set_identifier != set_identifier or (route53.plain(record.name), record.type) not in doomed
            ]

        FakeZone.delete_rrset_by_id = delete_rrset_by_id
        change_records(self, zoneid, change_list)

    Route53Backend.change_resource_record_sets = change_resource_record_sets


def _patch_change_batches() -> None:
    """A batch is made as a whole or not at all, and leaves no name with two records of one failover role.

    API, ChangeResourceRecordSets, "Change Batches and Transactional Changes".
    """
    change_records = Route53Backend.change_resource_record_sets

    def change_resource_record_sets(self: Route53Backend, zoneid: str, change_list: list[dict[str, Any]]) -> None:
        zone = self.get_hosted_zone(zoneid)
        before, journal = list(zone.rrsets), list(zone.rr_changes)
        kept = copy.deepcopy(change_list)
        _refuse_what_does_not_fit(zone, kept)
        try:
            change_records(self, zoneid, change_list)
            _refuse_two_of_a_role(zone, {route53.plain(one["ResourceRecordSet"]["Name"]) for one in kept})
        except Route53ClientError:
            zone.rrsets[:] = before
            zone.rr_changes[:] = journal
            raise

    Route53Backend.change_resource_record_sets = change_resource_record_sets


def _refuse_what_does_not_fit(zone: FakeZone, changes: list[dict[str, Any]]) -> None:
    """A record that is not there cannot be deleted, and one that is there cannot be created (API reference, Action)."""
    there = {(route53.plain(one.name), one.type, one.set_identifier) for one in zone.rrsets}
    for change in changes:
        asked = change["ResourceRecordSet"]
        key = (route53.plain(asked["Name"]), asked["Type"], asked.get("SetIdentifier"))
        if change["Action"] == "DELETE" and key not in there:
            raise DoesNotFit(f"[Tried to delete resource record set {list(key)} but it was not found]")
        if change["Action"] == "CREATE" and key in there:
            raise DoesNotFit(f"[Tried to create resource record set {list(key)} but it already exists]")
        there = there - {key} if change["Action"] == "DELETE" else there | {key}


def _refuse_two_of_a_role(zone: FakeZone, names: set[str]) -> None:
    roles = Counter(
        (route53.plain(one.name), one.type, one.failover)
        for one in zone.rrsets
        if one.failover and route53.plain(one.name) in names
    )
    for (name, _type, role), count in roles.items():
        if count > 1:
            raise SecondOfItsRole(name, role)


def install() -> None:
    """Register with moto, before its first request."""
    more = (r"{0}/(?P<api_version>[\d_-]+)/healthcheck/(?P<health_check_id>[^/]+)/lastfailurereason$",)
    more += (r"{0}/(?P<api_version>[\d_-]+)/testdnsanswer$", r"{0}/(?P<api_version>[\d_-]+)/keysigningkey$")
    more += (r"{0}/(?P<api_version>[\d_-]+)/hostedzone/(?P<zone_id>[^/]+)/enable-dnssec$",)
    more += (r"{0}/(?P<api_version>[\d_-]+)/hostedzone/(?P<zone_id>[^/]+)/disable-dnssec$",)
    for path in (*urls.url_paths, *more):
        urls.url_paths[path] = LabRoute53.dispatch
    _patch_config()
    _patch_record_deletion()
    _patch_change_batches()
    WORLD.reset_hooks.append(USED_REFERENCES.clear)
