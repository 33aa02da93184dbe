# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch Logs of the lab: moto's, with keys that are set on an existing group.

Follows: API reference AssociateKmsKey and DisassociateKmsKey.
"""

from __future__ import annotations

import moto.logs.urls
from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.models import LogGroup
from moto.logs.responses import LogsResponse


class LabLogsResponse(LogsResponse):
    def _group(self) -> LogGroup:
        name = self._get_param("logGroupName")
        if not name:
            raise InvalidParameterException("logGroupName is missing; the lab knows keys of log groups only.")
        if name not in self.logs_backend.groups:
            raise ResourceNotFoundException()
        return self.logs_backend.groups[name]

    def associate_kms_key(self) -> str:
        self._group().kms_key_id = self._get_param("kmsKeyId")
        return ""

    def disassociate_kms_key(self) -> str:
        self._group().kms_key_id = None
        return ""


def install() -> None:
    moto.logs.urls.url_paths["{0}/$"] = LabLogsResponse.dispatch
