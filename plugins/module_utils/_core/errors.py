# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How calls to AWS fail, and the errors with which modules end.

Every function that makes one API call is decorated with ``@aws_call("OperationName")``. Whatever botocore raises in it
becomes an ``AwsCallError``, with what a recovery needs to know: whether to retry, whether the endpoint responded, and
whether the request may have been carried out although no response arrived.
"""

from __future__ import annotations

import functools
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnectionError
    from botocore.parsers import ResponseParserError
except ImportError:  # AnsibleAWSModule reports it to the user before any call is made

    class ClientError(Exception):
        """Used if botocore is not installed."""

    BotoCoreError = HTTPClientError = NoConnectionError = ResponseParserError = ClientError


class OutOfTime(BotoCoreError):
    """The time that the caller has for a whole wait is over: nothing is sent, or not again."""

    fmt = "the time for this wait is over"


# Error codes after which the same request may succeed a little later.
# Source: botocore, retries/standard.py and "Error retries and exponential backoff in AWS" of the AWS documentation.
THROTTLING_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
TRANSIENT_CODES = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
    }
)


# What botocore calls for credentials before it signs a request of ours.
CREDENTIAL_OPERATIONS = frozenset({"AssumeRole", "AssumeRoleWithWebIdentity", "GetRoleCredentials"})

# Error codes of credentials that have ended: "Common Errors" of each service's API reference; the last is EC2's.
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
RENEW = "Renew the credentials, then run the same command again: it continues where it stopped."

# What Python raises if a response, or a stored document, lacks an expected part.
UNREADABLE = (LookupError, TypeError, AttributeError, ValueError)
# This collection's own code for such a response.
UNREADABLE_ANSWER = "UnreadableAnswer"


class MultiRegionError(Exception):
    """Base class of every error with which a module ends.

    ``str(error)`` is the sentence for ``msg``; ``evidence`` is a dict merged into the failed result.
    """

    def __init__(self, message, **evidence):
        super().__init__(message)
        self.evidence = evidence


class Refused(MultiRegionError):
    """A guard refused before anything was changed; the message is the guard's sentence."""


class AwsCallError(MultiRegionError):
    """A call to AWS that did not succeed.

    operation: API operation, such as ``FailoverGlobalCluster``.
    code: AWS error code, or the name of botocore's exception if there was no response.
    message: the message of AWS or botocore.
    retryable: the same request may succeed a little later (throttled, 5xx, no response, one that cannot be read).
    unreachable: the endpoint did not respond (refused, reset, time-out, name not resolved).
    ambiguous: the request may have been carried out nevertheless, so a write has to be read back. Also true for a
        rejection of a botocore retry, because the first attempt may be what caused it.
    region: region the client signs for, or None.
    """

    def __init__(self, operation, code, message, retryable=False, unreachable=False, ambiguous=None, region=None):
        where = f" in {region}" if region else ""
        super().__init__(f"{operation}{where} failed: {code}: {message}", error_code=code)
        self.operation = operation
        self.code = code
        self.message = message
        self.retryable = retryable
        self.unreachable = unreachable
        # An earlier attempt of the same call may have been received even if the last one got no connection.
        self.ambiguous = unreachable if ambiguous is None else ambiguous
        self.region = region


def call_error(operation, error, region=None):
    """Return the AwsCallError for an exception of botocore."""
    if isinstance(error, ClientError) and hasattr(error, "response"):
        answer = error.response.get("Error", {})
        code = str(answer.get("Code") or "Unknown")
        message = answer.get("Message") or ""
        if getattr(error, "operation_name", None) in CREDENTIAL_OPERATIONS:
            message = f"{error.operation_name} gave no credentials: {message}"
        if code in EXPIRED_CODES:
            message = f"{message.rstrip('. ')}. {RENEW}"
        metadata = error.response.get("ResponseMetadata", {})
        status = metadata.get("HTTPStatusCode") or 0
        broken = status >= 500 or code in TRANSIENT_CODES
        retryable = broken or status == 429 or code in THROTTLING_CODES
        # Some services throttle with 503: the request was rejected, so nothing was changed.
        ambiguous = bool(metadata.get("RetryAttempts")) or (broken and code not in THROTTLING_CODES)
        return AwsCallError(operation, code, message, retryable, False, ambiguous, region)
    code = type(error).__name__
    if isinstance(error, ResponseParserError):
        return AwsCallError(operation, code, str(error), True, False, True, region)
    # HTTPClientError: read time-outs and broken connections; ConnectionError: no connection could be established. An
    # earlier attempt of a call that is out of time may have been received.
    unreachable = isinstance(error, (HTTPClientError, NoConnectionError, OutOfTime))
    return AwsCallError(operation, code, str(error), unreachable, unreachable, None, region)


def unreadable_answer(operation, error, region=None):
    """Return the AwsCallError for a response that differs from the API's specification.

    The request may have been carried out. Such a response may be a proxy's, as an empty or an HTML one, so the same
    request may succeed a little later.
    """
    words = f"the response cannot be interpreted: {type(error).__name__}: {error}"
    return AwsCallError(operation, UNREADABLE_ANSWER, words, retryable=True, ambiguous=True, region=region)


def aws_call(operation, missing=()):
    """Decorate a function that makes exactly one API call (or pages through one operation).

    operation: API operation, used in messages.
    missing: error codes that mean that the resource does not exist; the function then returns None.
    The first positional argument should be the client: its region goes into the message.
    """

    def decorate(function):
        @functools.wraps(function)
        def call(*args, **kwargs):
            try:
                return function(*args, **kwargs)
            except (ClientError, BotoCoreError, ResponseParserError) as error:
                failure = call_error(operation, error, client_region(args))
                if failure.code in missing:
                    return None
                raise failure from error
            except UNREADABLE as error:
                raise unreadable_answer(operation, error, client_region(args)) from error

        return call

    return decorate


def client_region(args):
    """Return the region for which the first argument's client signs, or None if it is not a client."""
    meta = getattr(args[0], "meta", None) if args else None
    region = getattr(meta, "region_name", None)
    return region if isinstance(region, str) else None


def require_member(name: str, value: str | None, allowed: Any) -> None:
    """Raise MultiRegionError unless the value is None or one of the allowed values."""
    if value is not None and value not in allowed:
        raise MultiRegionError(f"{name} is {value}; allowed: one of {', '.join(allowed)}.")
