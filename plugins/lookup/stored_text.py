# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a parameter or a secret, read with the credentials of its region."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stored_text
author: Trading platform maintainers (@trading-multi-region)
version_added: 0.3.0
short_description: Text of a parameter of Systems Manager, or of a secret
description:
  - Reads the value of a parameter of Systems Manager's Parameter Store, or the current text of a secret of Secrets
    Manager.
  - Unlike the lookups of amazon.aws it uses the credentials of the region that the play's C(platform_credentials)
    set, such as a role, and refuses those of an unexpected account.
options:
  _terms:
    description: Names of the parameters or secrets.
    type: list
    elements: str
    required: true
  store:
    description: Where the text is.
    type: str
    required: true
    choices: [parameter, secret]
  region:
    description: Region.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show a region's image
  ansible.builtin.debug:
    msg: "{{ lookup('trading.multi_region.stored_text', name, store='parameter', region='us-east-1') }}"
  vars:
    name: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64
"""

RETURN = r"""
_raw:
  description: The texts.
  type: list
  elements: str
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.plugin_utils.stored_text import texts

# The variable with the settings of every region's credentials.
SETTINGS = "platform_credentials"


class LookupModule(LookupBase):
    """Returns the texts."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        settings = self._templar.template((variables or {}).get(SETTINGS)) or {}
        store, region = self.get_option("store"), self.get_option("region")
        try:
            return texts(store, region, terms, settings)
        except MultiRegionError as error:
            raise AnsibleLookupError(f"A {store} could not be read in {region}: {error}") from error
