# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that AWS refuses because of the caller's clock: a signature that is too old, or not valid yet.

"AWS Signature Version 4 for API requests", IAM User Guide: in most cases a request must arrive within five minutes of
its time stamp. S3: "Error responses", RequestTimeTooSkewed, 15 minutes (the answer's MaxAllowedSkewMilliseconds is
900000); a presigned URL is good from X-Amz-Date for X-Amz-Expires seconds. Codes and status by protocol are those
callers report: aws-sdk-js-v3 issue 5192 (query), JuliaCloud AWS.jl issue 206 (JSON), aws-cli issue 6833 (REST-JSON) and
boto3 issue 3321 (EC2, which says AuthFailure and not that time is the matter).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from lab.faults import Answer, error_answer
from lab.request import ApiRequest

ALLOWED_MINUTES = 5
ALLOWED_MINUTES_S3 = 15
STAMP = "%Y%m%dT%H%M%SZ"

# {service or protocol: (HTTP status, error code)}, the service's own entry first.
REFUSALS = {
    "s3": (403, "RequestTimeTooSkewed"),
    "ec2": (401, "AuthFailure"),
    "query": (403, "SignatureDoesNotMatch"),
    "rest-xml": (403, "SignatureDoesNotMatch"),
    "rest-json": (403, "InvalidSignatureException"),
    "other": (400, "InvalidSignatureException"),
}
MESSAGES = {
    "s3": "The difference between the request time and the current time is too large.",
    "ec2": "AWS was not able to validate the provided access credentials",
}


def refusal(request: ApiRequest, environ: dict[str, Any]) -> Answer | None:
    """The refusal of a request whose time stamp is too far from the present, None for any other."""
    now = datetime.fromtimestamp(time.time(), UTC)
    query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    if "Signature" in query and query.get("Expires", "").isdigit():
        is_over = now.timestamp() > int(query["Expires"])
        return error_answer(request, 403, "AccessDenied", "Request has expired") if is_over else None
    if "X-Amz-Date" in query:
        return _refuse_presigned(request, query, now) if request.service == "s3" else None
    stamp = environ.get("HTTP_X_AMZ_DATE")
    if not stamp or "HTTP_AUTHORIZATION" not in environ:
        return None
    allowed = ALLOWED_MINUTES_S3 if request.service == "s3" else ALLOWED_MINUTES
    if abs(now - _instant(stamp)) <= timedelta(minutes=allowed):
        return None
    known = next((name for name in (request.service, request.protocol) if name in REFUSALS), "other")
    status, code = REFUSALS[known]
    return error_answer(request, status, code, MESSAGES.get(known) or _message(stamp, now, allowed))


def _refuse_presigned(request: ApiRequest, query: dict[str, str], now: datetime) -> Answer | None:
    signed = _instant(query["X-Amz-Date"])
    if now > signed + timedelta(seconds=int(query["X-Amz-Expires"])):
        return error_answer(request, 403, "AccessDenied", "Request has expired")
    if signed > now + timedelta(minutes=ALLOWED_MINUTES_S3):
        return error_answer(request, 403, "AccessDenied", "Request is not yet valid")
    return None


def _instant(stamp: str) -> datetime:
    return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)


def _message(stamp: str, now: datetime, allowed: int) -> str:
    shown, span = now.strftime(STAMP), timedelta(minutes=allowed)
    if _instant(stamp) < now:
        earliest = (now - span).strftime(STAMP)
        return f"Signature expired: {stamp} is now earlier than {earliest} ({shown} - {allowed} min.)"
    latest = (now + span).strftime(STAMP)
    return f"Signature not yet current: {stamp} is still later than {latest} ({shown} + {allowed} min.)"
