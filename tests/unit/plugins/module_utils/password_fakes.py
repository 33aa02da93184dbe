# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A secret with copies that lag, and a database that takes its time to accept a password, in memory."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime

from ansible_collections.trading.multi_region.tests.unit.fake_global_database import FakeGlobalDatabase
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error

EAST, WEST = "us-east-1", "us-east-2"
NAME, TABLE = "trading-database-dev", "trading-failover-dev"
FIRST = "00000000-0000-0000-0000-000000000001"
NOW = 1_800_000_000.0


class Killed(BaseException):
    """The controller's process ends here."""


class FakeSecret(FakeGlobalDatabase):
    """The secret's versions are ``held``: {id: {value, labels, made_at}}.

    lag, takes, shows_after: seconds until a copy shows a change, until the database accepts a password, and until its
    status shows the change. has_event: whether RDS publishes an event. killed_at: (operation, "before" or "after").
    shown: what each copy shows, by region.
    """

    def __init__(self, time, writer=EAST):
        super().__init__(writer=writer)
        self.time = time
        self.primary = EAST
        self.lag, self.takes, self.has_event = 3, 40, True
        self.shows_after = 0
        value = json.dumps({"username": "tradingadmin", "password": "the-first-one-of-all", "note": "kept"})
        self.held = {FIRST: {"value": value, "labels": {"AWSCURRENT"}, "made_at": NOW - 100 * 86400}}
        self.shown = {WEST: copy.deepcopy(self.held)}
        self.accepted = "the-first-one-of-all"
        self.status = "available"
        self.events = []
        self.leases = {}
        self.killed_at = None
        self.every_moment = []

    def answer(self, service, region, operation, parameters):
        if self.killed_at == (operation, "before"):
            raise Killed
        try:
            result = super().answer(service, region, operation, parameters)
        finally:
            for look in self.every_moment:
                look()
        if self.killed_at == (operation, "after"):
            raise Killed
        return result

    # Secrets Manager

    def copies(self, region):
        return self.held if region == self.primary else self.shown[region]

    def changed(self):
        now = copy.deepcopy(self.held)
        for region in self.shown:
            self.time.at(self.time.now + self.lag, lambda region=region: self.shown.update({region: now}))

    def only_primary(self, region):
        if region != self.primary:
            raise aws_error("InvalidRequestException", message="Operation not permitted on a replica secret.")

    def describe_secret(self, region, SecretId):
        if SecretId != NAME or region not in (self.primary, *self.shown):
            raise aws_error("ResourceNotFoundException")
        labelled = {version: sorted(held["labels"]) for version, held in self.copies(region).items() if held["labels"]}
        found = {"ARN": f"arn:aws:secretsmanager:{region}:123456789012:secret:{NAME}-a1b2c3"}
        found |= {"PrimaryRegion": self.primary, "VersionIdsToStages": labelled}
        if region == self.primary:
            status = {one: "InSync" if self.shown[one] == self.held else "InProgress" for one in self.shown}
            found["ReplicationStatus"] = [{"Region": one, "Status": said} for one, said in status.items()]
        return found

    def list_secret_version_ids(self, region, SecretId):
        made = {version: held["made_at"] for version, held in self.copies(region).items()}
        return {
            "Versions": [{"VersionId": one, "CreatedDate": datetime.fromtimestamp(at, UTC)} for one, at in made.items()]
        }

    def get_secret_value(self, region, SecretId, VersionId):
        if VersionId not in self.copies(region):
            raise aws_error("ResourceNotFoundException")
        return {"SecretString": self.copies(region)[VersionId]["value"]}

    def put_secret_value(self, region, SecretId, ClientRequestToken, SecretString, VersionStages):
        self.only_primary(region)
        held = self.held.get(ClientRequestToken)
        if held and held["value"] != SecretString:
            raise aws_error("ResourceExistsException")
        if not held:
            self.held[ClientRequestToken] = {"value": SecretString, "labels": set(), "made_at": NOW}
            for label in VersionStages:
                self.attach(label, ClientRequestToken)
            self.changed()

    def attach(self, label, version):
        for held in self.held.values():
            held["labels"].discard(label)
        self.held[version]["labels"].add(label)

    def update_secret_version_stage(
        self, region, SecretId, VersionStage, MoveToVersionId=None, RemoveFromVersionId=None
    ):
        self.only_primary(region)
        at = next((version for version, held in self.held.items() if VersionStage in held["labels"]), None)
        if at not in (RemoveFromVersionId, MoveToVersionId if MoveToVersionId else RemoveFromVersionId):
            raise aws_error("InvalidParameterException")
        if RemoveFromVersionId and at is None:
            raise aws_error("InvalidParameterException")
        if VersionStage == "AWSCURRENT":
            self.attach("AWSPREVIOUS", at)
        if MoveToVersionId:
            self.attach(VersionStage, MoveToVersionId)
        else:
            self.held[at]["labels"].discard(VersionStage)
        self.changed()

    # RDS

    def describe_db_clusters(self, region, DBClusterIdentifier):
        answer = super().describe_db_clusters(region, DBClusterIdentifier)
        if region == self.writer:
            answer["DBClusters"][0]["Status"] = self.status
        return answer

    def modify_db_cluster(self, region, DBClusterIdentifier, MasterUserPassword, ApplyImmediately):
        assert (region, DBClusterIdentifier) == (self.writer, f"trading-{self.writer}") and ApplyImmediately is True
        self.time.at(self.time.now + self.shows_after, lambda: setattr(self, "status", "resetting-master-credentials"))
        self.time.at(self.time.now + self.takes, lambda: self.accept(MasterUserPassword))

    def accept(self, password):
        self.accepted, self.status = password, "available"
        if self.has_event:
            self.events.append(
                {"Date": datetime.fromtimestamp(self.time.now, UTC), "Message": "Reset master credentials"}
            )

    def describe_events(self, region, SourceType, SourceIdentifier, Duration):
        return {"Events": [{"Date": datetime.fromtimestamp(0, UTC), "Message": "DB cluster created"}, *self.events]}

    # the control tables

    def get_item(self, region, TableName, Key, ConsistentRead):
        if region not in self.leases:
            raise aws_error("ResourceNotFoundException")
        return {"Item": self.leases[region]} if self.leases[region] else {}

    # what a test asks

    def password(self, region, label):
        """Return the password at a label of a region's copy, or None."""
        at = (held["value"] for held in self.copies(region).values() if label in held["labels"])
        return json.loads(next(at, '{"password": null}'))["password"]

    def logs_in(self, region):
        """Return whether an application of the region, as the runbook wants it, reaches the writer now."""
        return self.accepted in (self.password(region, "AWSCURRENT"), self.password(region, "AWSPENDING"))

    def labels(self):
        """Return {label: version} of the primary secret."""
        return {label: version for version, held in self.held.items() for label in held["labels"]}
