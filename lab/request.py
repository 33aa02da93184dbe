# SPDX-License-Identifier: GPL-3.0-or-later
"""What a signed HTTP request asks of AWS: region, service and operation.

Region and service come from the SigV4 credential scope (Authorization header or presigned query), as AWS's own front
doors do it ("Elements of an AWS API request signature", AWS IAM User Guide); the operation from the protocol.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from lab.api_models import ServiceCard, global_services, match_rest, services_by_signing_name
from lab.world import GLOBAL_CONTROL_PLANE

SCOPE = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
CBOR_PATH = re.compile(r"/service/[^/]+/operation/(?P<operation>\w+)")
UNKNOWN = "Unknown"


@dataclass(frozen=True)
class ApiRequest:
    """One API call. `region` is where it goes (`aws-global` for services with one endpoint for all regions).

    `service` is botocore's client name, `bucket` the bucket of an S3 request.
    """

    region: str
    service: str
    operation: str
    protocol: str
    bucket: str | None = None


@dataclass(frozen=True)
class Form:
    """The parts of an HTTP request that tell the operation; `headers` by lower-case name, `path` undecoded."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body_fields: dict[str, str]


def read_form(environ: dict[str, Any], body: bytes) -> Form:
    """The form of a WSGI request whose body has been read."""
    target = urlsplit(environ.get("RAW_URI") or environ["PATH_INFO"])
    headers = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")}
    fields: dict[str, str] = {}
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    return Form(environ["REQUEST_METHOD"], target.path or "/", query, headers, fields)


def read_scope(form: Form) -> tuple[str, str] | None:
    """(region, signing name) of the credential scope, None for an unsigned request.

    Signature Version 2, with which boto3 presigns URLs of S3 in us-east-1, has no scope ("Signing and authenticating
    REST requests" of the S3 User Guide: AWSAccessKeyId, Expires and Signature).
    """
    if {"AWSAccessKeyId", "Signature"} <= form.query.keys():
        return "us-east-1", "s3"
    presigned = form.query.get("X-Amz-Credential")
    found = SCOPE.search(f"Credential={presigned}" if presigned else form.headers.get("authorization", ""))
    return (found["region"], found["service"].lower()) if found else None


def read_request(environ: dict[str, Any], body: bytes) -> ApiRequest:
    """The API call a request makes. An unsigned request is treated as anonymous S3, as moto does.

    The exchange of a token for credentials is not signed either ("AssumeRoleWithWebIdentity" of the STS API Reference).
    On one address nothing shows its region, so it is that of no region and is lost with none.
    """
    form = read_form(environ, body)
    is_exchange = form.body_fields.get("Action") == "AssumeRoleWithWebIdentity"
    unsigned = (GLOBAL_CONTROL_PLANE, "sts") if is_exchange else ("us-east-1", "s3")
    region, signing_name = read_scope(form) or unsigned
    cards = services_by_signing_name().get(signing_name, [ServiceCard(signing_name, signing_name, "", "")])
    card, operation = _operation(cards, form)
    return ApiRequest(
        region=GLOBAL_CONTROL_PLANE if card.name in global_services() else region,
        service=card.name,
        operation=operation,
        protocol=_protocol(card, form),
        bucket=unquote(form.path.split("/")[1]) or None if card.name == "s3" else None,
    )


def _operation(cards: list[ServiceCard], form: Form) -> tuple[ServiceCard, str]:
    fields = {**form.query, **form.body_fields}
    target = form.headers.get("x-amz-target")
    smithy = CBOR_PATH.fullmatch(form.path)
    if smithy:
        return cards[0], smithy["operation"]
    if target:
        return cards[0], target.rpartition(".")[2]
    if "Action" in fields:
        same_version = [card for card in cards if card.version == fields.get("Version")]
        return (same_version or cards)[0], fields["Action"]
    return _rest_operation(cards, form)


def _rest_operation(cards: list[ServiceCard], form: Form) -> tuple[ServiceCard, str]:
    matches = []
    for card in cards:
        if card.protocol.startswith("rest"):
            match = match_rest(card.name, form.method, form.path, form.query, form.headers)
            if match:
                matches.append((match.score, card, match.operation))
    if not matches:
        return cards[0], UNKNOWN
    _, card, operation = max(matches, key=lambda found: found[0])
    return card, operation


def _protocol(card: ServiceCard, form: Form) -> str:
    """The protocol the client speaks, which decides the shape of an error; some services speak several."""
    if form.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return "smithy-rpc-v2-cbor"
    if "x-amz-target" in form.headers:
        return "json"
    if "Action" in form.body_fields or "Action" in form.query:
        return "ec2" if card.protocol == "ec2" else "query"
    return card.protocol
