# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes each module of the AWS collections or of this one that a run called, as a line of JSON.

{host, module, options}, into the file that BENCH_MODULE_CALLS names. The options are as the module understood them,
without those that it keeps secret and those that are empty, which may exclude one another.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

SECRET = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
COLLECTIONS = ("amazon.aws.", "community.aws.", "trading.multi_region.")


class CallbackModule(CallbackBase):
    """Hears of every result, those of a loop's items among them."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "module_calls"

    def keep(self, result: Any) -> None:
        module = result._task.resolved_action or ""
        options = (result._result.get("invocation") or {}).get("module_args")
        if options is None or not module.startswith(COLLECTIONS):
            return
        with open(os.environ["BENCH_MODULE_CALLS"], "a", encoding="utf-8") as file:
            given = {name: value for name, value in options.items() if value not in (None, SECRET, [], {})}
            said = {"host": result._host.get_name(), "module": module, "options": given}
            file.write(json.dumps(said, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self.keep(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self.keep(result)
