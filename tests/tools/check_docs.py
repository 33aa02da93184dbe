# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of plugins and roles: antsibull-docs accepts it, and ansible-doc shows each of our modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
NAME = "trading.multi_region"
LINT = ["lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", "."]


def modules() -> list[str]:
    files = (ROOT / "plugins" / "modules").glob("*.py")
    return sorted(f"{NAME}.{path.stem}" for path in files if path.stem != "__init__")


def not_shown(names: list[str], **options: Any) -> list[str]:
    """Those of `names` without documentation, examples or return values in ansible-doc. `options` are subprocess's."""
    if not names:
        return []
    command = [str(BIN / "ansible-doc"), "--json", *names]
    seen = subprocess.run(command, capture_output=True, text=True, check=False, **{"cwd": ROOT, **options})
    if seen.returncode:
        print(seen.stderr, file=sys.stderr)
        return names
    shown = json.loads(seen.stdout)
    return [name for name in names if not all(shown.get(name, {}).get(part) for part in ("doc", "examples", "return"))]


def main() -> int:
    # antsibull-docs copies the files that git knows, and git knows nothing of .collections. Where there is no
    # repository it takes the files as they lie.
    collections = str(ROOT / ".collections")
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": collections, "GIT_CEILING_DIRECTORIES": collections}
    linted = subprocess.run([str(BIN / "antsibull-docs"), *LINT], cwd=ROOT, env=environment, check=False)
    names = modules()
    missing = not_shown(names)
    for name in missing:
        print(f"ansible-doc does not show documentation, examples and return values of {name}")
    print(f"ansible-doc shows {len(names) - len(missing)} of {len(names)} modules")
    return 1 if linted.returncode or missing else 0


if __name__ == "__main__":
    sys.exit(main())
