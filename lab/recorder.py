# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps whole answers in a file, for tests that compare them with AWS's. Faults' answers are not kept."""

from __future__ import annotations

import base64
import json
import os

from lab.faults import Answer
from lab.request import ApiRequest


class Recorder:
    """Appends a JSON object a line while it has a file: service, operation, protocol, region, status, headers, body."""

    def __init__(self) -> None:
        self.path: str | None = None

    def into(self, path: str | None) -> None:
        """Write to a file from now on; None stops."""
        self.path = path

    def add(self, request: ApiRequest, answer: Answer) -> None:
        """Append an answer; one write, so that threads need no lock."""
        if self.path is None:
            return
        line = json.dumps(
            {
                "service": request.service,
                "operation": request.operation,
                "protocol": request.protocol,
                "region": request.region,
                "status": answer.status,
                "headers": dict(answer.headers),
                "body": base64.b64encode(answer.body).decode(),
            }
        )
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, f"{line}\n".encode())
        finally:
            os.close(file)
