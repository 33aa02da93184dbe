# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Versions of a secret and their staging labels: one function per call to Secrets Manager.

A label is attached to one version at a time. AWSCURRENT is the version that applications read, AWSPENDING the next one,
and AWSPREVIOUS the one before ("What's in a Secrets Manager secret?", AWS Secrets Manager User Guide).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, aws_call

CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
MISSING = "ResourceNotFoundException"


class Hidden:
    """A text that is shown only by ``reveal``: never in messages or tracebacks."""

    def __init__(self, text: str):
        self._text = text

    def __repr__(self) -> str:
        return "<hidden>"

    def reveal(self) -> str:
        """Return the text."""
        return self._text


@contextlib.contextmanager
def discreet(secret: Hidden) -> Iterator[None]:
    """Remove the secret from an AwsCallError that leaves the block, in case AWS or botocore quoted it."""
    try:
        yield
    except AwsCallError as error:
        if secret.reveal() not in str(error):
            raise
        flags = (error.retryable, error.unreachable, error.ambiguous)
        message = "the message contains the secret and is withheld"
        raise AwsCallError(error.operation, error.code, message, *flags, error.region) from None


@aws_call("DescribeSecret", missing=(MISSING,))
def describe_versions(client: Any, name: str) -> dict[str, Any] | None:
    """Return {arn, primary_region, is_deleted, versions: {id: [labels]}, replicas: {region: status}}, or None.

    primary_region: None for a secret without replicas. replicas: reported by the primary secret only; InSync,
    InProgress, Failed, ... (ReplicationStatusType of the API reference). The result never contains a value.
    """
    found = client.describe_secret(SecretId=name)
    return {
        "arn": found["ARN"],
        "primary_region": found.get("PrimaryRegion"),
        "is_deleted": bool(found.get("DeletedDate")),
        "versions": {version: sorted(labels) for version, labels in found.get("VersionIdsToStages", {}).items()},
        "replicas": {one["Region"]: one.get("Status") for one in found.get("ReplicationStatus", [])},
    }


@aws_call("ListSecretVersionIds")
def created_at(client: Any, name: str, version: str) -> float | None:
    """Return when a labelled version was created, in epoch seconds, or None if there is none with that id.

    One page lists them all: a secret has at most 20 labels, and versions without one are not listed ("AWS Secrets
    Manager quotas" of the User Guide).
    """
    listed = client.list_secret_version_ids(SecretId=name).get("Versions", [])
    return next((one["CreatedDate"].timestamp() for one in listed if one["VersionId"] == version), None)


@aws_call("GetSecretValue", missing=(MISSING,))
def get_value(client: Any, name: str, version: str) -> Hidden | None:
    """Return the text of a version, or None if the version does not exist or has no text."""
    text = client.get_secret_value(SecretId=name, VersionId=version).get("SecretString")
    return None if text is None else Hidden(text)


@aws_call("PutSecretValue")
def put_value(client: Any, name: str, version: str, value: Hidden, label: str) -> None:
    """Add a version with a label. A repeated call does nothing; another value for the same version is rejected.

    version: id of the new version, called ClientRequestToken in the API.
    """
    client.put_secret_value(
        SecretId=name, ClientRequestToken=version, SecretString=value.reveal(), VersionStages=[label]
    )


@aws_call("UpdateSecretVersionStage")
def move_label(client: Any, name: str, label: str, to: str | None = None, away_from: str | None = None) -> None:
    """Move a label, attach it (only ``to``) or remove it (only ``away_from``).

    AWS rejects the call with InvalidParameterException if the label is not at ``away_from``, so if two runs move it
    from the same version, one succeeds.
    """
    given = {"MoveToVersionId": to, "RemoveFromVersionId": away_from}
    client.update_secret_version_stage(
        SecretId=name, VersionStage=label, **{key: value for key, value in given.items() if value}
    )


def version_at(secret: Mapping[str, Any] | None, label: str) -> str | None:
    """Return the id of the version that has a label, or None. Pure."""
    versions = (secret or {}).get("versions", {})
    return next((version for version, labels in versions.items() if label in labels), None)
