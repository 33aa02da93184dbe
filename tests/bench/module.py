# SPDX-License-Identifier: GPL-3.0-or-later
"""One module in this process, without Ansible around it.

python -m tests.bench.module amazon.aws.ec2_vpc_net < options.json      PYTHONPATH has the collections
"""

from __future__ import annotations

import importlib
import json
import sys

from ansible.module_utils import basic


def main() -> None:
    namespace, name, module = sys.argv[1].split(".")
    # What ansible-core 2.19 hands to a module, and the profile in which a module of a collection speaks.
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": json.load(sys.stdin)}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    importlib.import_module(f"ansible_collections.{namespace}.{name}.plugins.modules.{module}").main()


if __name__ == "__main__":
    main()
