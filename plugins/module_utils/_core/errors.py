# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One way for a call to AWS to fail, and the errors our modules end with.

Every function that makes one API call carries ``@aws_call("OperationName")``. Whatever botocore raises below it then
arrives as ``AwsCallError``, with the three answers a recovery path needs: may it be tried again, was there anybody at
the other end, and may the request have been carried out although no answer came.
"""

from __future__ import annotations

import functools
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnectionError
    from botocore.parsers import ResponseParserError
except ImportError:  # AnsibleAWSModule says so to the user before any call is made

    class ClientError(Exception):
        """Stand-in where botocore is not installed."""

    BotoCoreError = HTTPClientError = NoConnectionError = ResponseParserError = ClientError

# Codes AWS services answer with when the same request may succeed a little later.
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


# What Python raises where an answer, or a document that was stored, lacks what should be there.
UNREADABLE = (LookupError, TypeError, AttributeError, ValueError)
# The code of our own for such an answer.
UNREADABLE_ANSWER = "UnreadableAnswer"


class MultiRegionError(Exception):
    """Base of every error a module ends with.

    ``str(error)`` is the sentence for ``msg``; ``evidence`` is a dict merged into the failed result.
    """

    def __init__(self, message, **evidence):
        super().__init__(message)
        self.evidence = evidence


class Refused(MultiRegionError):
    """A guard said no before anything was changed; the message is the guard's sentence."""


class AwsCallError(MultiRegionError):
    """A call to AWS that did not succeed.

    operation: API operation, such as ``FailoverGlobalCluster``.
    code: AWS error code, or the name of botocore's exception when no answer came.
    message: what AWS or botocore said.
    retryable: the same request may succeed a little later (throttled, 5xx, no answer).
    unreachable: nobody answered (refused, reset, time-out, name not resolved).
    ambiguous: the request may have been carried out all the same, so a write has to be read back. Also true of a
        refusal that came when botocore asked again: it may be about what the first try had done already.
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
        # An earlier attempt of the same call may have been received even where the last one found nobody.
        self.ambiguous = unreachable if ambiguous is None else ambiguous
        self.region = region


def call_error(operation, error, region=None):
    """Return the AwsCallError for what botocore raised."""
    if isinstance(error, ClientError) and hasattr(error, "response"):
        answer = error.response.get("Error", {})
        code = str(answer.get("Code") or "Unknown")
        told = error.response.get("ResponseMetadata", {})
        status = told.get("HTTPStatusCode") or 0
        broken = status >= 500 or code in TRANSIENT_CODES
        retryable = broken or status == 429 or code in THROTTLING_CODES
        # Some services throttle with 503: the request was turned away, so nothing happened.
        ambiguous = bool(told.get("RetryAttempts")) or (broken and code not in THROTTLING_CODES)
        return AwsCallError(operation, code, answer.get("Message") or "", retryable, False, ambiguous, region)
    code = type(error).__name__
    if isinstance(error, ResponseParserError):
        return AwsCallError(operation, code, str(error), True, False, True, region)
    # HTTPClientError: read time-outs and broken connections; ConnectionError: no connection was made at all.
    unreachable = isinstance(error, (HTTPClientError, NoConnectionError))
    return AwsCallError(operation, code, str(error), unreachable, unreachable, None, region)


def unreadable_answer(operation, error, region=None):
    """Return the AwsCallError for an answer that is not what the API promises; the request was carried out."""
    words = f"the answer cannot be understood: {type(error).__name__}: {error}"
    return AwsCallError(operation, UNREADABLE_ANSWER, words, ambiguous=True, region=region)


def aws_call(operation, missing=()):
    """Decorate a function that makes exactly one API call (or pages through one operation).

    operation: API operation, used in messages.
    missing: error codes that mean the thing asked for does not exist; the function then returns None.

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
    """Return the region the first argument's client signs for, or None where it is no client."""
    meta = getattr(args[0], "meta", None) if args else None
    region = getattr(meta, "region_name", None)
    return region if isinstance(region, str) else None


def require_member(name: str, value: str | None, allowed: Any) -> None:
    """Raise MultiRegionError unless the value is None or one of the allowed ones."""
    if value is not None and value not in allowed:
        raise MultiRegionError(f"{name} is {value}; allowed: one of {', '.join(allowed)}.")
