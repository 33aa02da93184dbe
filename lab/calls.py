# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of API calls, and which operations change something."""

from __future__ import annotations

import re
from typing import Any

from lab.request import ApiRequest

# An operation reads when its name starts with one of these words, AWS's own verbs for reading. Everything else is
# taken to change something: a wrong "mutating" is seen immediately, a wrong "reading" would hide a change.
READING_VERBS = (
    "Assume BatchDescribe BatchGet Check Count Decode Describe Detect Discover Download Estimate Filter Get Head List "
    "Lookup Preview Query Scan Search Select Simulate Test TransactGet Validate Verify View"
)
READING = re.compile(rf"(?:{'|'.join(READING_VERBS.split())})(?=[A-Z0-9]|$)")

# Cryptographic operations of KMS compute something and change nothing.
READING_EXCEPTIONS = frozenset(
    {
        ("kms", "Encrypt"),
        ("kms", "Decrypt"),
        ("kms", "ReEncrypt"),
        ("kms", "Sign"),
        ("kms", "GenerateDataKey"),
        ("kms", "GenerateDataKeyWithoutPlaintext"),
        ("kms", "GenerateRandom"),
    }
)


def is_mutating(service: str, operation: str) -> bool:
    """Whether an operation may change state."""
    return not READING.match(operation) and (service, operation) not in READING_EXCEPTIONS


class CallLog:
    """Calls in the order in which they ended. Appending to a list is atomic, so no lock is needed."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def add(self, request: ApiRequest, started: float, status: int | str, seconds: float) -> None:
        """`started` is Unix time; `status` the HTTP status, or `reset`, `hang` or `lost` when there was no answer.

        `html`: a page was the answer.
        """
        self.entries.append(
            {
                "time": round(started, 6),
                "region": request.region,
                "service": request.service,
                "operation": request.operation,
                "mutating": is_mutating(request.service, request.operation),
                "status": status,
                "seconds": round(seconds, 3),
            }
        )

    def since(self, instant: float = 0.0) -> list[dict[str, Any]]:
        """Calls that began at or after a Unix time."""
        return [entry for entry in list(self.entries) if entry["time"] >= instant]

    def clear(self) -> None:
        """Forget all calls."""
        self.entries.clear()
