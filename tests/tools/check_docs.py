# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of plugins and roles: antsibull-docs accepts it, ansible-doc shows each of our modules, and the
site in .build/docs/html builds without a warning, with the pages of docs/ in it.

antsibull-docs takes pages in reStructuredText only, and ours are Markdown. So docs/docsite/rst has a short one for
each, which `check_docs.py write` writes and which links to the text; our own site contains the text instead.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SITE = ROOT / ".build" / "docs"
NAME = "trading.multi_region"
SHORT_PAGES = ROOT / "docs" / "docsite" / "rst"
REPOSITORY = yaml.safe_load((ROOT / "galaxy.yml").read_text())["repository"]
# A link to something that is neither on the web nor in the page nor another page of docs/, and a heading in it.
LINK_TO_FILE = re.compile(r"\]\((?!https?://|#)(\.\./[^)#]+|[^)#]+(?<!\.md))(#[^)]+)?\)")
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


def guides() -> dict[str, str]:
    """The text of each page of docs/, by its name."""
    return {path.stem: path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))}


def label(name: str) -> str:
    return f"ansible_collections.{NAME}.docsite.{name}"


def short_page(name: str, text: str) -> str:
    """The short page for readers of reStructuredText only."""
    title = text.partition("\n")[0].removeprefix("# ")
    where = f"`docs/{name}.md <{REPOSITORY}/docs/{name}.md>`__"
    # In two parts, so that it is read as no licence of this file.
    licence = "SPDX-License-" + "Identifier: GPL-3.0-or-later"
    body = f".. _{label(name)}:\n\n{title}\n{'=' * len(title)}\n\nThe text of this page is {where} of the collection.\n"
    return f".. {licence}\n\n{body}"


def write_short_pages() -> None:
    shutil.rmtree(SHORT_PAGES, ignore_errors=True)
    SHORT_PAGES.mkdir()
    for name, text in guides().items():
        (SHORT_PAGES / f"{name}.rst").write_text(short_page(name, text))


def problems_of_guides() -> list[str]:
    """Where docs/, the short pages and their table of contents differ."""
    wanted = {name: short_page(name, text) for name, text in guides().items()}
    written = {path.stem: path.read_text() for path in SHORT_PAGES.glob("*.rst")}
    found = [] if wanted == written else ["docs/docsite/rst is not what docs/ asks for: make specs"]
    index = yaml.safe_load((SHORT_PAGES.parent / "extra-docs.yml").read_text())
    listed = [name for section in index["sections"] for name in section["toctree"]]
    if sorted(listed) != sorted(wanted):
        found.append(f"extra-docs.yml lists {sorted(listed)}; docs/ has {sorted(wanted)}")
    return found


def put_guides(pages: Path) -> None:
    """The whole text in the place of each short page. Links to files of the repository go to its home."""
    for name, text in guides().items():
        (pages / f"{name}.rst").unlink()
        linked = LINK_TO_FILE.sub(lambda found: f"]({home_of(found[1])}{found[2] or ''})", text)
        (pages / f"{name}.md").write_text(f"({label(name)})=\n\n{linked}")


def home_of(target: str) -> str:
    path = (ROOT / "docs" / target).resolve()
    if not path.exists():
        # Unchanged, so that Sphinx reports it as a broken link.
        return target
    return f"{REPOSITORY}/{path.relative_to(ROOT)}"


def is_site_built(environment: dict[str, str]) -> bool:
    """Whether the pages of all plugins and roles were made, and Sphinx reports nothing about them."""
    shutil.rmtree(SITE, ignore_errors=True)
    pages = SITE / "rst"
    # antsibull-docs writes into no directory that others may write to.
    pages.mkdir(mode=0o700, parents=True)
    # The pages of one collection, its index on top.
    shape = ["--squash-hierarchy", "--fail-on-error"]
    make = [BIN / "antsibull-docs", "collection", "--use-current", *shape, "--dest-dir", pages, NAME]
    build = [BIN / "sphinx-build", "-q", "-W", "--keep-going", "-c", ROOT / "docs/docsite", pages, SITE / "html"]
    if subprocess.run(make, env=environment, check=False).returncode:
        return False
    put_guides(pages / "docsite")
    return subprocess.run(build, env=environment, check=False).returncode == 0


def main() -> int:
    # antsibull-docs copies the files that git knows, and git knows nothing of .collections. Where there is no
    # repository it takes all files.
    collections = str(ROOT / ".collections")
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": collections, "GIT_CEILING_DIRECTORIES": collections}
    linted = subprocess.run([str(BIN / "antsibull-docs"), *LINT], cwd=ROOT, env=environment, check=False)
    names = modules()
    missing = not_shown(names)
    for name in missing:
        print(f"ansible-doc does not show documentation, examples and return values of {name}")
    print(f"ansible-doc shows {len(names) - len(missing)} of {len(names)} modules")
    differences = problems_of_guides()
    print("\n".join(differences) if differences else f"{len(guides())} pages of docs/ are in the site's contents")
    is_built = not differences and is_site_built(environment)
    print(f"{(SITE / 'html').relative_to(ROOT)}: the site " + ("builds without a warning" if is_built else "fails"))
    return 1 if linted.returncode or missing or not is_built else 0


if __name__ == "__main__":
    sys.exit(write_short_pages() if sys.argv[1:] == ["write"] else main())
