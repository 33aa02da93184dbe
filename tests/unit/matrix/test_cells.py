# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix of versions: what is asked for is taken, what is missing is a failure and never passed over."""

from __future__ import annotations

import os

import pytest

from tests.matrix import __main__ as matrix
from tests.matrix import cells
from tests.matrix.story import PARTS


def python_that_says(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A PATH with one empty directory, and no pyenv."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    return tmp_path


def test_cells_are_taken_by_name_and_all_of_them_without_one():
    assert [cell.name for cell in cells.named("newest, oldest")] == ["newest", "oldest"]
    assert cells.named("") == list(cells.CELLS)


def test_a_name_that_no_cell_has_is_refused():
    with pytest.raises(cells.CellFailed, match="no cell is called youngest; there are oldest"):
        cells.named("oldest,youngest")


def test_a_missing_python_is_a_failure_that_says_what_to_install(nowhere):
    with pytest.raises(cells.CellFailed, match="pyenv install 3.13"):
        cells.interpreter("3.13")


def test_a_shim_that_answers_for_no_version_is_passed_by(nowhere, monkeypatch):
    python_that_says(nowhere / "bin" / "python3.13", "echo 'command not found' >&2; exit 127")
    real = python_that_says(nowhere / "root/versions/3.13.0/bin/python3.13", "echo 3.13")
    monkeypatch.setenv("PYENV_ROOT", str(nowhere / "root"))
    assert cells.interpreter("3.13") == real


def test_a_python_of_another_version_than_its_name_is_not_taken(nowhere):
    python_that_says(nowhere / "bin" / "python3.13", "echo 3.14")
    with pytest.raises(cells.CellFailed):
        cells.interpreter("3.13")


def test_every_cell_is_locked_to_its_ansible_and_python():
    pinned = {cell.name: cells.locked(cell.lock) for cell in cells.CELLS}
    assert {
        name: "ansible-core" in packages and "moto" in packages for name, packages in pinned.items()
    } == dict.fromkeys(pinned, True)
    assert {cell.lock.name for cell in cells.CELLS} <= set(os.listdir(cells.HERE))


def test_a_cell_that_cannot_be_made_fails_the_matrix_and_not_the_other_cells(monkeypatch, tmp_path, capsys):
    def run(cell):
        if cell.name == "newest":
            raise cells.CellFailed("no Python 3.13")
        return dict.fromkeys(matrix.COLUMNS, "1 s") | {"cell": cell.name}

    monkeypatch.setattr(matrix, "run", run)
    monkeypatch.setattr(matrix, "BUILD", tmp_path)
    monkeypatch.setenv("CELL", "oldest,newest")
    assert matrix.main() == 1
    said = capsys.readouterr().out
    assert "newest FAILED: no Python 3.13" in said
    oldest, newest = (tmp_path / "matrix.md").read_text().splitlines()[2:]
    assert "FAILED" not in oldest
    assert newest.count("FAILED") == 1 and newest.count("not run") >= len(PARTS) - 1
