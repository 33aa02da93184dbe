# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lookup lambda_package: the trigger's package runs where there is no Ansible."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ansible import constants
from ansible.errors import AnsibleLookupError

from ansible_collections.trading.multi_region.plugins.lookup.lambda_package import LookupModule
from ansible_collections.trading.multi_region.plugins.module_utils._core import errors

MODULE_UTILS = "ansible_collections/trading/multi_region/plugins/module_utils"
TRIGGER = "plugins.module_utils._cloud_trigger.handler"
RUNTIME = Path(__file__).resolve().parents[3] / "lambda_runtime.py"


@pytest.fixture
def pack(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return lambda *names: LookupModule().run(list(names))


def test_packs_what_is_named_into_the_runs_own_folder(pack, tmp_path):
    trigger, api = pack(TRIGGER, "plugins.module_utils._core.errors")
    assert Path(trigger).parent == tmp_path
    assert zipfile.ZipFile(api).namelist() == [
        "ansible_collections/trading/multi_region/plugins/module_utils/_core/errors.py"
    ]
    assert zipfile.ZipFile(api).read(zipfile.ZipFile(api).namelist()[0]) == Path(errors.__file__).read_bytes()
    assert pack(TRIGGER) == [trigger], "the same code is the same file"
    assert {path.suffix for path in tmp_path.iterdir()} == {".zip"}


def test_holds_the_verdicts_and_the_planner_themselves(pack):
    names = {Path(name).relative_to(MODULE_UTILS).as_posix() for name in zipfile.ZipFile(pack(TRIGGER)[0]).namelist()}
    assert {
        "_automation/rule.py",
        "_automation/decision.py",
        "_failover/planner.py",
        "_health/regions.py",
        "_health/verdict.py",
    } <= names
    assert "_core/module.py" not in names, "nothing that needs Ansible"


def test_runs_with_boto3_and_without_ansible(pack, tmp_path):
    folder = tmp_path / "task"
    zipfile.ZipFile(pack(TRIGGER)[0]).extractall(folder)
    function = f"ansible_collections.trading.multi_region.{TRIGGER}.request_of"
    done = subprocess.run(
        [sys.executable, "-I", RUNTIME, folder, function],
        env={},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["extra_vars"]["move_method"] == "failover"


def test_a_name_that_is_no_module_is_refused(pack):
    with pytest.raises(AnsibleLookupError, match="plugins.module_utils._nothing is not a module; allowed: the name of"):
        pack("plugins.module_utils._nothing")
