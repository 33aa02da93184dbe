# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `ansible-test sanity` on a copy of the tree. Arguments are handed on: run_sanity.py --test pylint

ansible-test wants its collection at .../ansible_collections/<namespace>/<name>, and fetches a script that installs pip
into its virtual environments from a host of its own. Here the copy is in .build, and the script is GET_PIP below, on
Python's own pip: nothing but the package index is asked. Needs no container.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build" / "sanity"
HOME = BUILD / "home"
LOG = BUILD / "log"
GET_PIP = """\
import ensurepip
ensurepip.bootstrap()
"""
# Not shipped (galaxy.yml), so no content: the link to itself, the lab, the inventories (examples;
# they link to group_vars by directory, which is fine in a clone), and our own tests. Ruff and codespell read these too.
LEFT_OUT = (".collections/", "inventories/", "lab/", "tests/")
# What ansible-test itself reads or runs.
KEPT = ("tests/config.yml", "tests/integration/targets/")
# The log has everything; pip's pages of progress are not for the terminal.
WORTH_SHOWING = re.compile(r"^(Running sanity test|ERROR|FATAL|See documentation|WARNING: (?!Location))")


def files() -> list[str]:
    """What git has or would take, so that a desk and a clean checkout see the same."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (name.startswith(KEPT) or not name.startswith(LEFT_OUT))]


def copy_tree(collections: Path) -> Path:
    """The collection's files in the layout of ansible-test, with their dependencies; returns the path of ours."""
    tree = collections / "trading" / "multi_region"
    shutil.rmtree(collections, ignore_errors=True)
    for name in files():
        source, target = ROOT / name, tree / name
        if source.exists() or source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    # ansible-test asks git for the files; without a repository here it would find ours, which ignores .build.
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
    for other in ("amazon", "community"):
        (collections / other).symlink_to(ROOT / ".collections" / "ansible_collections" / other)
    return tree


def prepare_home(home: Path) -> None:
    """A home of its own, so that nothing is left in the user's; the user's pip settings (mirror, ...) still hold."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / f"get_pip_{bundled_pip_version().replace('.', '_')}.py").write_text(GET_PIP)
    for settings in (".pip", ".config/pip", ".netrc"):
        theirs, ours = Path.home() / settings, home / settings
        if theirs.exists() and not ours.is_symlink():
            ours.parent.mkdir(parents=True, exist_ok=True)
            ours.symlink_to(theirs)


def bundled_pip_version() -> str:
    """The version whose script this ansible-test looks for."""
    from ansible_test._internal import python_requirements

    text = Path(python_requirements.__file__).read_text()
    return text.split("pip='", 1)[1].split("'", 1)[0]


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "HOME": str(home), "LC_ALL": os.environ.get("LC_ALL", "C.UTF-8")}


def run(tree: Path) -> int:
    ansible_test = Path(sys.executable).parent / "ansible-test"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [str(ansible_test), "sanity", "--local", "--python", version, "--color", "no", *sys.argv[1:]]
    with (
        LOG.open("w") as log,
        subprocess.Popen(
            command,
            cwd=tree,
            env=environment(HOME),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        for line in process.stdout:
            log.write(line)
            if WORTH_SHOWING.match(line):
                print(line, end="", flush=True)
    return process.returncode


def main() -> int:
    tree = copy_tree(BUILD / "ansible_collections")
    prepare_home(HOME)
    code = run(tree)
    if code:
        print(f"ansible-test sanity failed with exit code {code}; its whole output is in {LOG.relative_to(ROOT)}")
    return code


if __name__ == "__main__":
    sys.exit(main())
