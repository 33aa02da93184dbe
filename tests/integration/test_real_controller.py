# SPDX-License-Identifier: GPL-3.0-or-later
"""controller.yml against the controller of CONTROLLER_HOST, where that is set (conftest.py says where it is not).

CONTROLLER_VARIABLES names a file with the variables of docs/controller.md: a project that the controller can clone,
above all. The objects are those of an environment of their own, and stay.
"""

from __future__ import annotations

import os

from tests.integration.test_controller import configure

ENVIRONMENT = "citest"


def test_a_real_controller_has_the_objects_after_one_run_and_nothing_to_change_after_that():
    environment = {key: value for key, value in os.environ.items() if key.startswith("CONTROLLER_")}
    variables = os.environ.get("CONTROLLER_VARIABLES")
    options = ["-e", f"environment_suffix={ENVIRONMENT}", *(["-e", f"@{variables}"] if variables else [])]
    for more, allowed in ([], None), ([], 0), (["--check"], 0):
        code, output, changed = configure(environment, *options, *more)
        assert code == 0, output[-5000:]
        assert allowed is None or changed == allowed, output[-5000:]
