# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Packing code for Lambda: what belongs to it and nothing else, the same bytes from the same code."""

from __future__ import annotations

import io
import zipfile

import pytest

from ansible_collections.trading.multi_region.plugins.plugin_utils.lambda_package import build_package, collect

CODE = {
    "own.one": "import json\nfrom own import two\nfrom own.deep.three import something\nimport boto3\n",
    "own.two": "def late():\n    import own.four\n    from . import five\n",
    "own.deep.three": "from other.own import six\nfrom own.one import loop\n",
    "own.four": "",
    "own.five": "",
    "other.own": "",
}


def test_packs_a_module_with_all_that_it_imports_of_the_package():
    assert sorted(collect(CODE.get, "own.one", "own")) == [
        "own/deep/three.py",
        "own/four.py",
        "own/one.py",
        "own/two.py",
    ]


def test_there_is_nothing_to_pack_where_there_is_no_such_module():
    assert collect(CODE.get, "own.none", "own") == {} == collect(CODE.get, "other.own", "own")


def test_the_same_code_gives_the_same_bytes_in_any_order():
    files = collect(CODE.get, "own.one", "own")
    assert build_package(files) == build_package(dict(reversed(files.items())))


@pytest.mark.parametrize("change", [{"own/two.py": "pass\n"}, {"own/new.py": ""}])
def test_other_code_gives_other_bytes(change):
    files = collect(CODE.get, "own.one", "own")
    assert build_package(files) != build_package(files | change)


def test_lambda_can_read_every_file_of_it():
    package = zipfile.ZipFile(io.BytesIO(build_package({"own/two.py": "pass\n", "own/one.py": ""})))
    assert package.testzip() is None
    assert package.namelist() == ["own/one.py", "own/two.py"]
    assert {entry.external_attr >> 16 for entry in package.infolist()} == {0o100644}
    assert package.read("own/two.py") == b"pass\n"
