# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 replication that copies: new versions and delete markers reach the destination bucket, once, in either direction.

Follows: S3 User Guide, "Replication status information" (PENDING, COMPLETED, FAILED, REPLICA; of several destinations
COMPLETED once all have it, FAILED where one has not), "What does Amazon S3 replicate?" (a replica keeps version id,
time and metadata, and is not replicated again), "Replicating delete markers" and "Using S3 Replication metrics":
OperationsFailedReplication is published in the Region of the source bucket, ReplicationLatency in that of the
destination. A copy that failed is not tried again. Changes to the metadata of objects already copied are not carried
over.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import moto.s3.responses
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.responses import TYPE_RESPONSE, ActionResult
from moto.s3.exceptions import ReplicationConfigurationNotFoundError, S3ClientError
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response

from lab.clock import CLOCK
from lab.services import s3_replication_role
from lab.services.outage_log import OUTAGE_LOG
from lab.services.replication import has_reached
from lab.services.s3_rules import check_configuration, destination_name, enabled, rules_for
from lab.world import WORLD

PENDING, COMPLETED, FAILED = "PENDING", "COMPLETED", "FAILED"
# "Requirements and considerations for replication" of the S3 User Guide.
SUSPENDED = (
    "A replication configuration is present on this bucket, so you cannot change the versioning state. To change the "
    "versioning state, first delete the replication configuration."
)


@dataclass
class Pending:
    """A version on its way. `written` is monotonic; outcomes: {destination: COMPLETED or FAILED}.

    reported: {destination: the minute of Unix time whose ReplicationLatency is published}.
    """

    bucket: FakeBucket
    version: FakeKey | FakeDeleteMarker
    written: float
    outcomes: dict[str, str] = field(default_factory=dict)
    reported: dict[str, int] = field(default_factory=dict)


def _queue(backend: S3Backend) -> list[Pending]:
    return vars(backend).setdefault("lab_replication", [])


def _tags(backend: S3Backend, version: Any) -> dict[str, str]:
    return backend.tagger.get_tag_dict_for_resource(version.arn) if isinstance(version, FakeKey) else {}


def note(backend: S3Backend, bucket_name: str, version: FakeKey | FakeDeleteMarker) -> None:
    """Remember a new version of a bucket that has rules; the rule is chosen when its tags are known."""
    bucket = backend.get_bucket(bucket_name)
    if getattr(bucket, "replication", None):
        _queue(backend).append(Pending(bucket, version, CLOCK.now()))


def advance(backend: S3Backend) -> None:
    """Deliver what has had enough time and can reach its destination."""
    OUTAGE_LOG.refresh()
    _queue(backend)[:] = [one for one in _queue(backend) if not _settle(backend, one)]


def _settle(backend: S3Backend, pending: Pending) -> bool:
    """Whether nothing is left to do for this version."""
    version, outcomes = pending.version, pending.outcomes
    found = rules_for(pending.bucket, version.name, _tags(backend, version))
    rules = {destination_name(rule): rule for rule in found if _wanted(rule, version)}
    if not rules:
        return True
    for name, rule in rules.items():
        if name not in outcomes and (outcome := _try(backend, pending, rule)):
            outcomes[name] = outcome
    is_done = rules.keys() <= outcomes.keys()
    final = FAILED if FAILED in outcomes.values() else COMPLETED
    version.lab_replication_status = final if is_done else PENDING
    return is_done


def _try(backend: S3Backend, pending: Pending, rule: dict[str, Any]) -> str | None:
    """Copy a version to the destination of a rule; None while it is on its way."""
    source, version, destination = pending.bucket, pending.version, backend.buckets.get(destination_name(rule))
    region = destination.region_name if destination else source.region_name
    if not has_reached(pending.written, source.region_name, region):
        _report_latency(pending, rule, region)
        return None
    if getattr(version, "disposed", False):
        return COMPLETED
    role = (source.replication or {})["Role"]
    if (
        destination is None
        or not destination.is_versioned
        or not _key_fits(rule, destination)
        or s3_replication_role.refusal(role, version, source, destination, _replica_key(rule))
    ):
        _publish(source.region_name, pending, rule, "OperationsFailedReplication", 1, "Count")
        return FAILED
    _insert(destination, _copy(backend, version, destination, rule))
    _report_latency(pending, rule, region)
    return COMPLETED


def _report_latency(pending: Pending, rule: dict[str, Any], region: str) -> None:
    """Once a minute for each version on its way."""
    name, minute = destination_name(rule), int(time.time() // 60)
    if pending.reported.get(name) != minute and not WORLD.region_is_out(region):
        pending.reported[name] = minute
        _publish(region, pending, rule, "ReplicationLatency", CLOCK.aws_seconds_since(pending.written), "Seconds")


def _publish(region: str, pending: Pending, rule: dict[str, Any], metric: str, value: float, unit: str) -> None:
    if not enabled(rule["Destination"].get("Metrics")):
        return
    given = {"SourceBucket": pending.bucket.name, "DestinationBucket": destination_name(rule), "RuleId": rule["ID"]}
    dimensions = [{"Name": name, "Value": text} for name, text in given.items()]
    datum = {"MetricName": metric, "Dimensions": dimensions, "Value": value, "Unit": unit}
    cloudwatch_backends[pending.bucket.account_id][region].put_metric_data("AWS/S3", [datum])


def _wanted(rule: dict[str, Any], version: FakeKey | FakeDeleteMarker) -> bool:
    if isinstance(version, FakeDeleteMarker):
        return enabled(rule.get("DeleteMarkerReplication"))
    criteria = rule.get("SourceSelectionCriteria") or {}
    return version.encryption != "aws:kms" or enabled(criteria.get("SseKmsEncryptedObjects"))


def _replica_key(rule: dict[str, Any]) -> str | None:
    return (rule["Destination"].get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID")


def _key_fits(rule: dict[str, Any], destination: FakeBucket) -> bool:
    """Replicas are encrypted in the destination's Region, so the key has to be there."""
    key = _replica_key(rule) or ""
    return not key.startswith("arn:") or key.split(":")[3] == destination.region_name


def _copy(backend: S3Backend, version: Any, destination: FakeBucket, rule: dict[str, Any]) -> Any:
    if isinstance(version, FakeDeleteMarker):
        replica: Any = FakeDeleteMarker(key=version.key)
        replica._version_id = version.version_id
    else:
        kms = version.encryption == "aws:kms"
        replica = FakeKey(
            name=version.name,
            bucket_name=destination.name,
            value=version.value,
            account_id=version.account_id,
            region_name=destination.region_name,
            storage=rule["Destination"].get("StorageClass") or version.storage_class,
            etag=version.etag.strip('"'),
            is_versioned=True,
            version_id=version.version_id,
            encryption=version.encryption,
            kms_key_id=_replica_key(rule) if kms else None,
            bucket_key_enabled=version.bucket_key_enabled,
            lock_mode=version.lock_mode,
            lock_legal_status=version.lock_legal_status,
            lock_until=version.lock_until,
            checksum_value=version.checksum_value,
        )
        replica.checksum_algorithm = version.checksum_algorithm
        replica.set_metadata(dict(version.metadata), replace=True)
        replica.website_redirect_location = version.website_redirect_location
        backend.tagger.copy_tags(version.arn, replica.arn)
    replica.last_modified = version.last_modified
    replica.lab_replication_status = "REPLICA"
    return replica


def _insert(destination: FakeBucket, replica: Any) -> None:
    """Among the versions by time: the newest is the current one, wherever it was written."""
    versions = [*destination.keys.getlist(replica.name, []), replica]
    destination.keys.setlist(replica.name, sorted(versions, key=lambda one: one.last_modified))


class LabS3Response(S3Response):
    def setup_class(self, *args: Any, **kwargs: Any) -> None:
        super().setup_class(*args, **kwargs)
        advance(self.backend)

    def _bucket_response_put(self, request: Any, bucket_name: str, querystring: dict[str, Any]) -> str | TYPE_RESPONSE:
        if "replication" not in querystring:
            return super()._bucket_response_put(request, bucket_name, querystring)
        self._set_action("BUCKET", "PUT", querystring)
        self._authenticate_and_authorize_s3_action(bucket_name=bucket_name)
        self.data["Action"] = "PutBucketReplication"
        self.parse_parameters(request)
        bucket = self.backend.get_bucket(bucket_name)
        configuration = self.params["ReplicationConfiguration"]
        check_configuration(self.backend, bucket, configuration)
        bucket.replication = configuration
        return ""

    def get_bucket_replication(self) -> str | TYPE_RESPONSE:
        self.data["Action"] = "GetBucketReplication"
        configuration = self.backend.get_bucket_replication(self.bucket_name)
        if not configuration:
            raise ReplicationConfigurationNotFoundError(bucket_name=self.bucket_name)
        return self.serialized(ActionResult({"ReplicationConfiguration": configuration}))


def advance_all() -> None:
    """At each tick, so that a health check, which bypasses the API, sees what has arrived."""
    for account in list(s3_backends):
        for backend in list(s3_backends[account].values()):
            if _queue(backend):
                advance(backend)


def install() -> None:
    # moto reloads moto.s3.urls for each request, and with it the class of this name
    moto.s3.responses.S3Response = LabS3Response
    s3_replication_role.install()
    stock_put, stock_marker, stock_headers = (
        S3Backend.put_object,
        S3Backend._set_delete_marker,
        FakeKey.response_dict.fget,
    )
    stock_versioning = S3Backend.put_bucket_versioning

    def put_bucket_versioning(self: S3Backend, bucket_name: str, status: str) -> None:
        if status != "Enabled" and self.get_bucket_replication(bucket_name):
            raise S3ClientError("InvalidBucketState", SUSPENDED)
        stock_versioning(self, bucket_name, status)

    def put_object(self: S3Backend, bucket_name: str, *args: Any, **kwargs: Any) -> FakeKey:
        key = stock_put(self, bucket_name, *args, **kwargs)
        note(self, bucket_name, key)
        return key

    def set_delete_marker(self: S3Backend, bucket_name: str, key_name: str) -> FakeDeleteMarker:
        marker = stock_marker(self, bucket_name, key_name)
        note(self, bucket_name, marker)
        return marker

    def response_dict(self: FakeKey) -> dict[str, Any]:
        headers = stock_headers(self)
        status = getattr(self, "lab_replication_status", None)
        return headers | ({"x-amz-replication-status": status} if status else {})

    S3Backend.put_bucket_versioning = put_bucket_versioning
    S3Backend.put_object = put_object
    S3Backend._set_delete_marker = set_delete_marker
    FakeKey.response_dict = property(response_dict)
