# SPDX-License-Identifier: GPL-3.0-or-later
"""`make matrix`: the same story on every supported cell of versions, as many in parallel as there are cores.

CELL=oldest,newest takes a part. Prints a table, which is also .build/matrix/matrix.md; ends with 1 when a cell failed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.matrix.cells import BUILD, ROOT, Cell, CellFailed, collection_version, make, named
from tests.matrix.story import PARTS

COLUMNS = ("cell", "ansible-core", "amazon.aws", "community.aws", "Python", *PARTS, "seconds")
TAIL_LINES = 60


def run(cell: Cell) -> dict[str, str]:
    """The cell's row of the table. Raises CellFailed where it cannot be made."""
    began = time.monotonic()
    make(cell)
    python = cell.venv / "bin" / "python"
    with cell.log.open("w") as log:
        command = [python, "-m", "tests.matrix.story", cell.place]
        code = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False
        ).returncode
    seconds = json.loads((cell.place / "story.json").read_text())
    row = described(cell) | {part: f"{seconds[part]:.0f} s" for part in seconds}
    if code:
        row |= {part: "not run" for part in PARTS if part not in seconds}
        row[next((part for part in PARTS if part not in seconds), PARTS[-1])] = "FAILED"
    return row | {"seconds": f"{time.monotonic() - began:.0f}"}


def described(cell: Cell) -> dict[str, str]:
    return {
        "cell": cell.name,
        "ansible-core": cell.core,
        "amazon.aws": collection_version(cell, "amazon/aws"),
        "community.aws": collection_version(cell, "community/aws"),
        "Python": cell.python,
    }


def unmade(cell: Cell) -> dict[str, str]:
    row = dict.fromkeys(COLUMNS, "not run")
    return row | {"cell": cell.name, "ansible-core": cell.core, "Python": cell.python, PARTS[0]: "FAILED"}


def table(rows: list[dict[str, str]]) -> str:
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in COLUMNS}
    lines = [{name: name for name in COLUMNS}, {name: "-" * widths[name] for name in COLUMNS}, *rows]
    return "".join("| " + " | ".join(line[name].ljust(widths[name]) for name in COLUMNS) + " |\n" for line in lines)


def run_all(cells: list[Cell]) -> dict[str, dict[str, str]]:
    """{name of a cell: its row}; says of each that failed why."""
    rows: dict[str, dict[str, str]] = {}
    with ThreadPoolExecutor(os.cpu_count()) as cores:
        running = {cores.submit(run, cell): cell for cell in cells}
        for ended in as_completed(running):
            cell = running[ended]
            try:
                rows[cell.name] = ended.result()
            except CellFailed as problem:
                rows[cell.name] = unmade(cell)
                print(f"matrix: {cell.name} FAILED: {problem}", flush=True)
                continue
            if "FAILED" in rows[cell.name].values():
                end = "".join(cell.log.read_text().splitlines(keepends=True)[-TAIL_LINES:])
                print(f"matrix: {cell.name} FAILED, all it said is in {cell.log.relative_to(ROOT)}\n{end}", flush=True)
            else:
                print(f"matrix: {cell.name} done in {rows[cell.name]['seconds']} s", flush=True)
    return rows


def main() -> int:
    try:
        cells = named(os.environ.get("CELL", ""))
    except CellFailed as problem:
        print(f"matrix: {problem}", file=sys.stderr)
        return 1
    rows = run_all(cells)
    text = table([rows[cell.name] for cell in cells])
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "matrix.md").write_text(text)
    print("\n" + text)
    return 1 if any("FAILED" in row.values() for row in rows.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
