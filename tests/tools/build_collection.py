# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the tarball, installs it into an empty place as a user would, and reads its modules from there.

Galaxy's own importer looks at the tarball as Galaxy does before it takes one. Also makes the build context of the
execution environment, and compares it with what the collection says of itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import yaml
from check_docs import modules, not_shown

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build" / "collection"
GALAXY = Path(sys.executable).parent / "ansible-galaxy"
BUILDER = Path(sys.executable).parent / "ansible-builder"
# Tools, tests and traces of work serve the repository, not the users of the collection.
FORBIDDEN = (
    ".",
    "lab/",
    "tests/",
    "Makefile",
    "pyproject.toml",
    "requirements-",
    "inventories/demo",
    "inventories/three_regions",
    "extensions/molecule",
)
NEEDED = (
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "LICENSES/GPL-3.0-or-later.txt",
    "MAINTAINERS.md",
    "README.md",
    "REUSE.toml",
    "SECURITY.md",
    "docs/docsite/extra-docs.yml",
    "docs/docsite/links.yml",
    "meta/execution-environment.yml",
    "meta/runtime.yml",
    "requirements.txt",
    "playbooks/site.yml",
    "playbooks/failover.yml",
    "inventories/production/platform.yml",
)


def run(command: list[str], **options) -> None:
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, **options)


def build() -> Path:
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    run([GALAXY, "collection", "build", "--force", "--output-path", BUILD, ROOT])
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    return BUILD / f"{galaxy['namespace']}-{galaxy['name']}-{galaxy['version']}.tar.gz"


def problems_of_content(tarball: Path) -> list[str]:
    with tarfile.open(tarball) as archive:
        names = archive.getnames()
    wrong = [f"{name} must not be in the tarball: build_ignore of galaxy.yml" for name in names if is_forbidden(name)]
    return wrong + [f"{name} is not in the tarball" for name in NEEDED if name not in names]


def is_forbidden(name: str) -> bool:
    return name.startswith(FORBIDDEN)


def problems_of_import(tarball: Path, others: Path) -> list[str]:
    """What galaxy-importer finds; each of its warnings is one too many."""
    environment = {
        **os.environ,
        # It gives ansible-doc our collection alone; what that says of options is in part in the others, found here.
        "PYTHONPATH": str(others),
        # `make lint` does that, by the same profile and with fewer exceptions.
        "GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false",
    }
    command = [sys.executable, "-m", "galaxy_importer.main", tarball]
    seen = subprocess.run(command, cwd=BUILD, env=environment, capture_output=True, text=True, check=False)
    found = [line for line in seen.stdout.splitlines() if line.startswith(("WARNING", "ERROR"))]
    if not found and (seen.returncode or not (BUILD / "importer_result.json").exists()):
        found = [f"ended with exit code {seen.returncode}: {seen.stderr}"]
    return [f"galaxy-importer: {line}" for line in found]


def problems_of_install(tarball: Path, others: Path) -> list[str]:
    """The collection installed alone: all its modules are read, its dependencies from the other path."""
    place, settings = BUILD / "installed", BUILD / "ansible.cfg"
    settings.write_text("[defaults]\n")
    # An empty configuration and another directory: the clone's own link must not answer for the installed files.
    paths = os.pathsep.join([str(place), str(others)])
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": paths, "ANSIBLE_CONFIG": str(settings)}
    install = ["collection", "install", "--no-deps", "--offline", "--collections-path", place, tarball]
    run([GALAXY, *install], cwd=BUILD, env=environment)
    missing = not_shown(modules(), cwd=BUILD, env=environment)
    return [f"ansible-doc does not show {name} of the installed collection" for name in missing]


def dependencies() -> Path:
    """A collections path with the two we depend on, and not with the clone itself."""
    place = BUILD / "dependencies" / "ansible_collections"
    place.mkdir(parents=True)
    for name in ("amazon", "community"):
        (place / name).symlink_to(ROOT / ".collections" / "ansible_collections" / name)
    return place.parent


def problems_of_context() -> list[str]:
    """The context of ansible-builder asks for our collection alone, which brings its dependencies and packages."""
    context = BUILD / "context"
    definition = ROOT / "execution-environment.yml"
    run([BUILDER, "create", "--file", definition, "--context", context, "--output-filename", "Containerfile"])
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    ours = [{"name": f"{galaxy['namespace']}.{galaxy['name']}", "version": galaxy["version"]}]
    asked = yaml.safe_load((context / "_build" / "requirements.yml").read_text())["collections"]
    found = [] if asked == ours else [f"execution-environment.yml asks for {asked}; galaxy.yml says {ours}"]
    kept = sorted(path.name for path in (context / "_build").iterdir())
    if kept != ["requirements.yml", "scripts"]:
        found.append(f"the context holds {kept}; allowed: requirements.yml and scripts")
    # ansible-builder reads the Python packages of each collection from the file that its metadata names.
    named = yaml.safe_load((ROOT / "meta" / "execution-environment.yml").read_text())["dependencies"]
    if named != {"python": "requirements.txt"}:
        found.append(f"meta/execution-environment.yml names {named}; allowed: python: requirements.txt")
    return found


def main() -> int:
    tarball, others = build(), dependencies()
    found = problems_of_content(tarball) + problems_of_import(tarball, others)
    found += problems_of_install(tarball, others) + problems_of_context()
    size = tarball.stat().st_size // 1024
    print(
        "\n".join(found)
        if found
        else f"{tarball.relative_to(ROOT)}: {size} KiB, installs and reads; Galaxy would take it"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
