# SPDX-License-Identifier: GPL-3.0-or-later
"""The supported versions that are tried together, and the environment of each.

A cell's packages are those of tests/matrix/<name>.lock, its collections those that a version of the package `ansible`
carries. All of it is in .build/matrix/<name>, and is created again when a lock or the Python has changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.tools import set_up

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BUILD = ROOT / ".build" / "matrix"
SAYS_VERSION = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"


class CellFailed(Exception):
    """A cell could not be made, or its story did not end as it must; the message says why."""


@dataclass(frozen=True)
class Cell:
    """carrier: the lock of the package `ansible` whose copies of amazon.aws and community.aws are taken."""

    name: str
    python: str
    carrier: Path

    @property
    def lock(self) -> Path:
        return HERE / f"{self.name}.lock"

    @property
    def place(self) -> Path:
        return BUILD / self.name

    @property
    def venv(self) -> Path:
        return self.place / "venv"

    @property
    def collections(self) -> Path:
        return self.place / "collections" / "ansible_collections"

    @property
    def core(self) -> str:
        return locked(self.lock)["ansible-core"]

    @property
    def log(self) -> Path:
        return self.place / "log"


TEN, ELEVEN = set_up.OLDER_CARRIER, ROOT / "requirements-collections.lock"
CELLS = (
    Cell("oldest", "3.11", TEN),
    Cell("old-core", "3.12", ELEVEN),
    Cell("middle", "3.12", HERE / "collections-10.3.lock"),
    Cell("old-aws", "3.13", TEN),
    Cell("newest", "3.13", ELEVEN),
)


def named(names: str) -> list[Cell]:
    """The cells of a list such as "oldest,newest", all of them where it is empty."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {cell.name: cell for cell in CELLS}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise CellFailed(f"no cell is called {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in wanted] or list(CELLS)


def locked(lock: Path) -> dict[str, str]:
    """{package: version} of a lock."""
    lines = [line.split()[0] for line in lock.read_text().splitlines() if line[:1].isalnum()]
    return dict(line.split("==") for line in lines)


def candidates(python: str) -> Iterator[Path]:
    """Where a Python may be: every directory of PATH, and the versions of pyenv, whose shims only work for those
    that are enabled."""
    for directory in os.get_exec_path():
        yield Path(directory) / f"python{python}"
    pyenv = os.environ.get("PYENV_ROOT") or (shutil.which("pyenv") and output(["pyenv", "root"]))
    if pyenv:
        yield from sorted(Path(pyenv, "versions").glob(f"{python}.*/bin/python{python}"), reverse=True)


def output(command: list[str | Path]) -> str:
    """What a command prints, nothing where it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def interpreter(python: str) -> Path:
    """A Python of this version that can make a virtual environment."""
    for path in candidates(python):
        if path.is_file() and output([path, "-c", SAYS_VERSION]) == python:
            return path
    raise CellFailed(
        f"no Python {python} that makes virtual environments, neither on PATH nor in pyenv. Install it: "
        f"pyenv install {python}, or apt-get install python{python} python{python}-venv where there is such a package"
    )


def step(command: list[str | Path]) -> None:
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CellFailed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def make(cell: Cell) -> None:
    """The cell's environment, where it is not there yet as the locks say."""
    python = interpreter(cell.python)
    stamp = cell.place / "made"
    wanted = set_up.digest(cell.lock.read_text(), cell.carrier.read_text(), str(python), str(cell.venv))
    if set_up.is_current(stamp, wanted):
        return
    shutil.rmtree(cell.place, ignore_errors=True)
    cell.collections.mkdir(parents=True)
    step([python, "-m", "venv", cell.venv])
    step(set_up.install(cell.venv, cell.lock))
    download = cell.place / "download"
    step(set_up.download(cell.venv, cell.carrier, download))
    set_up.extract(next(download.glob("*.whl")), set_up.AWS, cell.collections)
    shutil.rmtree(download)
    (cell.collections / "trading").mkdir()
    (cell.collections / "trading" / "multi_region").symlink_to(ROOT)
    stamp.write_text(wanted)


def collection_version(cell: Cell, name: str) -> str:
    return set_up.collection_version(cell.collections / name)
