# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Statements stored in one S3 object per region, and the calls that read and write it."""

from __future__ import annotations

from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import PUBLIC_S3
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    MultiRegionError,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import statements as switch


@aws_call("GetObject", missing=("NoSuchKey", "404"))
def get_object(client, bucket, key):
    """Return the object's text, or None if there is no such object."""
    return client.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8", "replace")


# How S3 answers a request without credentials for an object that is closed to it, or not there: without s3:ListBucket
# the two look the same ("GetObject" of the S3 API Reference).
CLOSED = ("AccessDenied", "403", "NoSuchKey", "NoSuchBucket", "404")


@aws_call("GetObject", missing=CLOSED)
def get_object_publicly(client, bucket, key):
    """Return the object's text as a client without credentials reads it, or None if it is closed or absent.

    client: of the service PUBLIC_S3 of ``Clients``.
    """
    return client.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8", "replace")


def get_statements_publicly(client: Any, bucket: str, key: str) -> list[str] | None:
    """Return the statements that Route 53's health checkers read, or None if the object is closed or absent."""
    text = get_object_publicly(client, bucket, key)
    return None if text is None else sorted(switch.parse(text))


@aws_call("PutObject")
def put_object(client, bucket, key, text):
    """Write the object, not cacheable: a checker behind a cache would see the old version."""
    client.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="text/plain", CacheControl="no-store")


@aws_call("DeleteObject")
def delete_object(client, bucket, key):
    """Delete the object. Does nothing if it does not exist."""
    client.delete_object(Bucket=bucket, Key=key)


class S3Objects:
    """Statements stored in one object per region.

    Every store of statements has ``read`` and ``write``, which raise AwsCallError, ``repeat`` if is_forgetful, and
    ``read_publicly`` if is_public.
    """

    noun = "control object"
    is_forgetful = False
    is_public = True

    def __init__(self, clients, params):
        self.clients = clients
        self.key = params["object_key"]
        self.buckets = {entry["region"]: entry["bucket"] for entry in params["regions"]}

    def read(self, region):
        """Return the region's statements."""
        return switch.parse(get_object(self.clients("s3", region), self.buckets[region], self.key) or "")

    def read_publicly(self, region):
        """Return the region's statements as Route 53's health checkers read them."""
        client = self.clients(PUBLIC_S3, region)
        return switch.parse(get_object_publicly(client, self.buckets[region], self.key) or "")

    def write(self, region, statements):
        """Publish these statements, and read them back; a write whose response was lost counts if it is visible."""
        client, bucket = self.clients("s3", region), self.buckets[region]
        try:
            if statements:
                put_object(client, bucket, self.key, switch.render(statements))
            else:
                delete_object(client, bucket, self.key)
        except AwsCallError as error:
            if not error.ambiguous:
                raise
        found = self.read(region)
        if found != statements:
            raise MultiRegionError(f"The control object of {region} does not contain what was written to it.")


def get_statements(client: Any, bucket: str, key: str) -> list[str] | None:
    """Return the statements in a region's control object, or None if the object does not exist."""
    text = get_object(client, bucket, key)
    return None if text is None else sorted(switch.parse(text))
