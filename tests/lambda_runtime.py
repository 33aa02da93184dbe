# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS Lambda does with a package: python -I lambda_runtime.py <folder of the unpacked package> <handler>

The handler is called once, where there is Python, boto3 and the package; what it returns is printed as JSON. Ansible
and its collections, which are installed next to boto3 here, cannot be imported.
"""

from __future__ import annotations

import importlib
import json
import sys

NOT_IN_LAMBDA = ("ansible", "ansible_collections.amazon", "ansible_collections.community")


class Refuse:
    """A finder that comes first, and finds nothing of Ansible."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        if name in NOT_IN_LAMBDA:
            raise ModuleNotFoundError(name)


if __name__ == "__main__":
    folder, handler = sys.argv[1:]
    sys.meta_path.insert(0, Refuse)
    sys.path.insert(0, folder)
    module, _dot, function = handler.rpartition(".")
    print(json.dumps(getattr(importlib.import_module(module), function)({}, None)))
