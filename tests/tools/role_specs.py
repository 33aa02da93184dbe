# SPDX-License-Identifier: GPL-3.0-or-later
"""One truth for the options of roles: meta/argument_specs.yml.

    role_specs.py check [role ...]    exit code 1 if defaults/main.yml, the task files or README.md differ
    role_specs.py write [role ...]    writes the option table of each README.md

The rules: an option has a default in the spec exactly if defaults/main.yml has it, with the same value; an entry point
has a spec exactly when it has a task file; an option means the same (type, default, choices, required) at every entry
point.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- options: written by `make specs` from meta/argument_specs.yml -->"
END = "<!-- options: end -->"
VERBS = ("provision", "verify", "retire", "outputs")
SAME_EVERYWHERE = ("type", "elements", "default", "choices", "required")
ABSENT = object()


def load(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text()) or {}) if path.is_file() else {}


def entry_points(role: Path) -> dict[str, dict[str, Any]]:
    """{entry point: {option: spec}} of one role."""
    specs = load(role / "meta" / "argument_specs.yml").get("argument_specs", {})
    return {name: (spec.get("options") or {}) for name, spec in specs.items()}


def options_of(role: Path) -> dict[str, dict[str, Any]]:
    """{option: {spec, entry_points}}, in the order of their first appearance."""
    seen: dict[str, dict[str, Any]] = {}
    for entry_point, options in entry_points(role).items():
        for name, spec in options.items():
            seen.setdefault(name, {"spec": spec, "entry_points": []})["entry_points"].append(entry_point)
    return seen


# --- check ----------------------------------------------------------------------------------------


def problems_of_entry_points(role: Path) -> Iterator[str]:
    specs = entry_points(role)
    if not specs:
        yield "meta/argument_specs.yml is missing or empty"
        return
    files = {path.stem for path in (role / "tasks").glob("*.yml")}
    for name in specs:
        if name not in files:
            yield f"entry point {name} has a spec and no tasks/{name}.yml"
    for verb in VERBS:
        if verb in files and verb not in specs:
            yield f"tasks/{verb}.yml has no spec in meta/argument_specs.yml"


def problems_of_options(role: Path) -> Iterator[str]:
    first: dict[str, tuple[str, dict[str, Any]]] = {}
    for entry_point, options in entry_points(role).items():
        for name, spec in options.items():
            if spec.get("required") and "default" in spec:
                yield f"{entry_point}: {name} is required and has a default"
            if not spec.get("description"):
                yield f"{entry_point}: {name} has no description"
            known_at, known = first.setdefault(name, (entry_point, spec))
            for key in SAME_EVERYWHERE:
                if spec.get(key, ABSENT) != known.get(key, ABSENT):
                    yield f"{name}: {key} differs between the entry points {known_at} and {entry_point}"


def problems_of_defaults(role: Path) -> Iterator[str]:
    defaults = load(role / "defaults" / "main.yml")
    options = options_of(role)
    for name in defaults:
        if name not in options:
            yield f"defaults/main.yml has {name}, which no entry point declares"
    for name, option in options.items():
        declared, set_to = option["spec"].get("default", ABSENT), defaults.get(name, ABSENT)
        if declared is ABSENT and set_to is not ABSENT:
            yield f"{name}: defaults/main.yml says {show(set_to)}, the spec has no default"
        elif declared is not ABSENT and set_to is ABSENT:
            yield f"{name}: the spec's default is {show(declared)}, defaults/main.yml does not have it"
        elif declared is not ABSENT and declared != set_to:
            yield f"{name}: the spec's default is {show(declared)}, defaults/main.yml says {show(set_to)}"


def problems_of_readme(role: Path) -> Iterator[str]:
    readme = role / "README.md"
    if not readme.is_file():
        yield "README.md is missing"
    elif with_table(readme.read_text(), table(role)) != readme.read_text():
        yield "the option table of README.md is not up to date: make specs"


def problems(role: Path) -> list[str]:
    checks = (problems_of_entry_points, problems_of_options, problems_of_defaults, problems_of_readme)
    return [problem for check in checks for problem in check(role)]


# --- write ----------------------------------------------------------------------------------------


def show(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def plain(description: str | list[str]) -> str:
    """Ansible's markup as Markdown, on one line of a table."""
    text = description if isinstance(description, str) else " ".join(description)
    text = re.sub(r"\b[CVOEIB]\(([^)]*)\)", r"`\1`", " ".join(text.split()))
    return text.replace("|", "\\|")


def type_of(spec: dict[str, Any]) -> str:
    kind = spec.get("type", "str")
    return f"{kind} of {spec['elements']}" if "elements" in spec else kind


def default_of(spec: dict[str, Any]) -> str:
    if spec.get("required"):
        return "**required**"
    return f"`{show(spec['default'])}`".replace("|", "\\|") if "default" in spec else ""


def rows(name: str, spec: dict[str, Any], used_by: str) -> Iterator[str]:
    text = plain(spec.get("description", ""))
    if "choices" in spec:
        text += " One of " + ", ".join(f"`{choice}`" for choice in spec["choices"]) + "."
    yield f"| `{name}` | {type_of(spec)} | {default_of(spec)} | {used_by} | {text} |"
    for child, child_spec in (spec.get("options") or {}).items():
        yield from rows(f"{name}.{child}", child_spec, "")


def table(role: Path) -> str:
    every = list(entry_points(role))
    lines = ["| option | type | default | entry points | meaning |", "|---|---|---|---|---|"]
    for name, option in options_of(role).items():
        used_by = "all" if option["entry_points"] == every else ", ".join(option["entry_points"])
        lines += rows(name, option["spec"], used_by)
    return "\n".join(lines)


def with_table(readme: str, text: str) -> str:
    block = f"{BEGIN}\n\n{text}\n\n{END}"
    if BEGIN in readme and END in readme:
        before, rest = readme.split(BEGIN, 1)
        return before + block + rest.split(END, 1)[1]
    return f"{readme.rstrip()}\n\n## Options\n\n{block}\n"


# --- command --------------------------------------------------------------------------------------


def roles(names: list[str]) -> list[Path]:
    """The named roles, or all."""
    every = sorted(path for path in (ROOT / "roles").iterdir() if (path / "tasks").is_dir())
    return [role for role in every if not names or role.name in names]


def check(names: list[str]) -> int:
    found = [f"roles/{role.name}: {problem}" for role in roles(names) for problem in problems(role)]
    print("\n".join(found) if found else f"specs and defaults agree in {len(roles(names))} roles")
    return 1 if found else 0


def write(names: list[str]) -> int:
    for role in roles(names):
        readme = role / "README.md"
        before = readme.read_text() if readme.is_file() else f"# {role.name}\n"
        after = with_table(before, table(role))
        if after != before:
            readme.write_text(after)
            print(f"written: roles/{role.name}/README.md")
    return 0


def main() -> int:
    commands = {"check": check, "write": write}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    return commands[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
