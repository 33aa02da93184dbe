# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A package for AWS Lambda of this collection's code, in a temporary file of the run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lambda_package
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.2.0
short_description: Package code of this collection for AWS Lambda
description:
  - Packages modules of this collection, each with everything that it imports from the collection, and returns the path
    of each zip file, for O(amazon.aws.lambda#module:zip_file). Other imports must be part of the runtime, as boto3 is.
  - The same code produces the same bytes on every machine, so the function is updated only when the code has changed.
  - The file is in Ansible's temporary folder of the run (C(DEFAULT_LOCAL_TMP)) and is deleted with it. No call to AWS
    is made, so check mode makes no difference.
options:
  _terms:
    description:
      - Dotted names below C(ansible_collections.trading.multi_region), such as C(plugins.module_utils._health.verdict).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Create the function
  amazon.aws.lambda:
    name: trading-trigger-dev
    runtime: python3.13
    role: trading-trigger-dev
    handler: ansible_collections.trading.multi_region.plugins.module_utils._cloud_trigger.handler.handler
    zip_file: "{{ lookup('trading.multi_region.lambda_package', 'plugins.module_utils._cloud_trigger.handler') }}"
"""

RETURN = r"""
_raw:
  description: Path of each package.
  type: list
  elements: path
"""

import hashlib
import os
import typing as t
from pathlib import Path

from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.trading.multi_region.plugins.plugin_utils.lambda_package import build_package, collect

COLLECTION = "ansible_collections.trading.multi_region"
ROOT = Path(__file__).resolve().parents[2]


def read(name: str) -> str | None:
    """Return the source of a module of this collection, or None if there is none with that name."""
    path = ROOT.joinpath(*name.removeprefix(f"{COLLECTION}.").split(".")).with_suffix(".py")
    return path.read_text(encoding="utf-8") if path.is_file() else None


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        """Return the path of the package of each module."""
        del variables
        self.set_options(direct=kwargs)
        return [self._pack(str(term)) for term in terms]

    @staticmethod
    def _pack(name: str) -> str:
        files = collect(read, f"{COLLECTION}.{name}", COLLECTION)
        if not files:
            raise AnsibleLookupError(
                f"lambda_package: {name} is not a module; allowed: the name of one of {COLLECTION}"
            )
        package = build_package(files)
        path = Path(constants.DEFAULT_LOCAL_TMP, f"{hashlib.sha256(package).hexdigest()}.zip")
        if not path.exists():
            # Hosts run in parallel, and none may read what another one has half written.
            part = path.with_suffix(f".{os.getpid()}")
            part.write_bytes(package)
            part.replace(path)
        return str(path)
