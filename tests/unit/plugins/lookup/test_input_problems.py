# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The gate reads the files of all roles only where a name needs them; what it says of inputs: tests/unit/playbooks."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.lookup import input_problems


class Loader:
    """Stands for Ansible's DataLoader, and counts the files."""

    def __init__(self):
        self.read = []

    def load_from_file(self, path):
        self.read.append(path)
        return {"argument_specs": {"main": {"options": {"application_instance_type": {}}}}}


@pytest.mark.parametrize("names", [[], ["target_region", "failover_reason"], ["ansible_user", "awx_job_id"]])
def test_no_role_is_read_for_inputs_and_what_a_controller_adds(names):
    loader = Loader()
    assert input_problems.LookupModule(loader=loader)._unknown(names, ()) == []
    assert loader.read == []


def test_a_slip_of_a_roles_option_is_found_in_the_roles():
    loader = Loader()
    (told,) = input_problems.LookupModule(loader=loader)._unknown(["target_region", "aplication_instance_type"], ())
    assert "did you mean application_instance_type?" in told
    assert len(loader.read) == len(list(input_problems.ROLES.glob("*/meta/argument_specs.yml")))
