# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops the labs of a game day that was killed: `python -m tests.gameday.guardian FOLDER` waits for its input to end.

Servers, applications and load balancers end with the process that started them (setpriv --pdeathsig), the table of
nftables with its nft process. Labs are made to outlive their starter.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import daemon


@contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """Whatever happens in the block, the labs below the folder end with it, and the folder is removed."""
    command = [sys.executable, "-m", "tests.gameday.guardian", str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        process.stdin.close()
        process.wait(60)


def main(folder: Path) -> None:
    sys.stdin.read()
    for state in folder.glob("**/state.json"):
        daemon.stop(state.parent)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
