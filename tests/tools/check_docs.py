# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of plugins and roles: antsibull-docs accepts it, ansible-doc shows each of our modules, and the
site in .build/docs/html builds without a warning.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SITE = ROOT / ".build" / "docs"
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


def is_site_built(environment: dict[str, str]) -> bool:
    """Whether the pages of all plugins and roles were made, and Sphinx has nothing to say about them."""
    shutil.rmtree(SITE, ignore_errors=True)
    pages = SITE / "rst"
    # antsibull-docs writes into no directory that others may write to.
    pages.mkdir(mode=0o700, parents=True)
    # The pages of one collection, its index on top.
    shape = ["--squash-hierarchy", "--fail-on-error"]
    make = [BIN / "antsibull-docs", "collection", "--use-current", *shape, "--dest-dir", pages, NAME]
    build = [BIN / "sphinx-build", "-q", "-W", "--keep-going", "-c", ROOT / "docs/docsite", pages, SITE / "html"]
    return all(subprocess.run(command, env=environment, check=False).returncode == 0 for command in (make, build))


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
    is_built = is_site_built(environment)
    print(f"{(SITE / 'html').relative_to(ROOT)}: the site " + ("builds without a warning" if is_built else "fails"))
    return 1 if linted.returncode or missing or not is_built else 0


if __name__ == "__main__":
    sys.exit(main())
