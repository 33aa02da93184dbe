# SPDX-License-Identifier: GPL-3.0-or-later
"""Outages and finer faults: which one a request meets, and the answer AWS would give in the service's own protocol."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

from lab.request import ApiRequest
from lab.world import GLOBAL_CONTROL_PLANE, World

LONGEST_HANG_S = 120.0
GLOBAL_CONTROL_PLANE_SERVICES = ("route53", "iam")
FAULT_NUMBERS = itertools.count(1)


@dataclass
class Fault:
    """A fault for requests that fit all of region, service and operation (None fits any).

    `seconds`: how long to delay (latency) or to hang; `probability`: of a fitting request being hit;
    `count`: how many more requests to hit, None without end; `hits`: how many it has hit.
    `lost_answer`: the call is carried out, then the connection is reset ("Making retries safe with idempotent APIs",
    Amazon Builders' Library: the caller cannot know whether a request without an answer took effect).
    `stale`: see lab/stale.py.

    What a proxy or a broken network in between does to an answer (RFC 9112, "Message Body Length" and "Handling
    Incomplete Messages", for what a client makes of it):
    `trickle`: the call is carried out, its answer arrives one byte every `seconds` (1).
    `truncated`: the call is carried out, the connection ends in the middle of the answer's body.
    `empty`: the call is carried out, the answer is 200 without a body.
    `html`: the call is not carried out, a page is the answer, with 200, as a proxy's login page is.
    `doubled`: the call is carried out twice, as by a proxy that retries; the second answer is given.
    `expired`: the credentials have expired ("Common Errors" of each service's API reference).
    """

    mode: str
    region: str | None = None
    service: str | None = None
    operation: str | None = None
    seconds: float | None = None
    probability: float = 1.0
    count: int | None = None
    hits: int = 0
    id: int = field(default_factory=lambda: next(FAULT_NUMBERS))

    def fits(self, request: ApiRequest) -> bool:
        """Whether the fault applies to the request."""
        wanted = ((self.region, request.region), (self.service, request.service), (self.operation, request.operation))
        return self.count != 0 and all(one is None or one == other for one, other in wanted)

    def strikes(self) -> bool:
        """Whether a request that fits is hit, by chance; a hit uses up one of `count`."""
        if random.random() >= self.probability:
            return False
        if self.count is not None:
            self.count -= 1
        self.hits += 1
        return True

    def as_dict(self) -> dict[str, Any]:
        """The fault as the admin API shows it."""
        return asdict(self)


def fault_for(world: World, request: ApiRequest, bucket_region: str | None) -> Fault | None:
    """What the request meets: the loss of its region first, else the first fitting fault. Uses up a fault's count.

    A stale read is met later, where moto would be asked (lab/stale.py).
    """
    mode = outage_mode(world, request, bucket_region)
    if mode:
        return Fault(mode=mode, id=0)
    for fault in world.faults:
        if fault.mode != "stale" and fault.fits(request) and fault.strikes():
            return fault
    return None


def outage_mode(world: World, request: ApiRequest, bucket_region: str | None) -> str | None:
    """The mode of the outage that hits a request, None when none does.

    A lost region takes its API with it, except the services that have one endpoint for all regions. STS has one in each
    ("Manage AWS STS in an AWS Region" of the IAM User Guide).

    The global control planes (Route 53's API, IAM, the STS endpoint of us-east-1) are lost separately
    ("AWS Fault Isolation Boundaries", appendix B: they are hosted in us-east-1 but not part of its data planes).
    A bucket is in the region where it was created, whatever region the request was signed for.
    """
    if (request.service, request.region) == ("sts", "us-east-1") and GLOBAL_CONTROL_PLANE in world.outages:
        return world.outages[GLOBAL_CONTROL_PLANE]
    if request.region == GLOBAL_CONTROL_PLANE:
        lost = request.service in GLOBAL_CONTROL_PLANE_SERVICES
        return world.outages.get(GLOBAL_CONTROL_PLANE) if lost else None
    mode = world.outages.get(bucket_region or request.region)
    return "hang" if mode == "partition" else mode


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `pace`: seconds between two bytes; `cut`: the connection ends in the middle of the body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    pace: float = 0.0
    cut: bool = False


PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to continue.</body></html>"


def spoil(fault: Fault, answer: Answer) -> Answer:
    """The answer to a call that was carried out, as it arrives."""
    if fault.mode == "trickle":
        return replace(answer, pace=1.0 if fault.seconds is None else fault.seconds)
    if fault.mode == "truncated":
        return replace(answer, cut=True)
    if fault.mode == "empty":
        return Answer(200, [header for header in answer.headers if header[0].lower() != "content-type"], b"")
    return answer


def page() -> Answer:
    """What a proxy that wants a login answers with."""
    return Answer(200, [("Content-Type", "text/html")], PAGE)


# {mode: {service or protocol: (HTTP status, error code)}}, the service's own entry first.
# "Common Errors" of each service's API reference; S3: "Error responses"; EC2: "Error codes for the Amazon EC2 API".
ERRORS: dict[str, dict[str, tuple[int, str]]] = {
    "throttle": {
        "s3": (503, "SlowDown"),
        "ec2": (503, "RequestLimitExceeded"),
        "lambda": (429, "TooManyRequestsException"),
        "query": (400, "Throttling"),
        "rest-xml": (400, "Throttling"),
        "other": (400, "ThrottlingException"),
    },
    "expired": {
        "s3": (400, "ExpiredToken"),
        "ec2": (400, "RequestExpired"),
        "query": (403, "ExpiredToken"),
        "rest-xml": (403, "ExpiredToken"),
        "other": (400, "ExpiredTokenException"),
    },
    "5xx": {
        "dynamodb": (500, "InternalServerError"),
        "ec2": (503, "Unavailable"),
        "query": (503, "ServiceUnavailable"),
        "rest-xml": (503, "ServiceUnavailable"),
        "other": (503, "ServiceUnavailableException"),
    },
}
MESSAGES = {
    "throttle": "Rate exceeded",
    "5xx": "Service is temporarily unavailable. Please try again later.",
    "expired": "The security token included in the request is expired",
}


def fault_answer(mode: str, request: ApiRequest) -> Answer:
    """The service's error for throttling, unavailability or expired credentials."""
    table = ERRORS[mode]
    known = next((name for name in (request.service, request.protocol) if name in table), "other")
    status, code = table[known]
    return error_answer(request, status, code, MESSAGES[mode])


def error_answer(request: ApiRequest, status: int, code: str, message: str) -> Answer:
    """An error in the shape of the request's protocol ("AWS protocols", Smithy documentation)."""
    request_id = str(uuid4())
    if request.protocol == "smithy-rpc-v2-cbor":
        fields = {"__type": code, "message": message}
        headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
        headers.append(("x-amzn-query-error", f"{code};{_fault_party(status)}"))
        return Answer(status, [*headers, ("x-amzn-RequestId", request_id)], cbor_map(fields))
    if request.protocol in ("json", "rest-json"):
        body = json.dumps({"__type": code, "message": message}).encode()
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code)]
        return Answer(status, [*headers, ("x-amzn-RequestId", request_id)], body)
    body = '<?xml version="1.0" encoding="UTF-8"?>\n' + _xml_error(request, status, code, message, request_id)
    return Answer(status, [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)], body.encode())


def _fault_party(status: int) -> str:
    return "Sender" if status < 500 else "Receiver"


def _xml_error(request: ApiRequest, status: int, code: str, message: str, request_id: str) -> str:
    detail = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if request.service == "s3":
        return f"<Error>{detail}<RequestId>{request_id}</RequestId></Error>"
    if request.protocol == "ec2":
        return f"<Response><Errors><Error>{detail}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    error = f"<Error><Type>{_fault_party(status)}</Type>{detail}</Error>"
    return f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"


def cbor_map(fields: dict[str, str]) -> bytes:
    """A CBOR map of short texts (RFC 8949, major types 5 and 3)."""
    return bytes([0xA0 | len(fields)]) + b"".join(_cbor_text(item) for pair in fields.items() for item in pair)


def _cbor_text(text: str) -> bytes:
    data = text.encode()
    head = bytes([0x60 | len(data)]) if len(data) < 24 else bytes([0x78, len(data)])
    if len(data) > 255:
        head = bytes([0x79]) + len(data).to_bytes(2, "big")
    return head + data
