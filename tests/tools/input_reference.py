# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of all inputs, docs/reference.md, built from the rules that validate them.

    input_reference.py check    exit code 1 if docs/reference.md differs from the specs
    input_reference.py write    writes it

Allowed values come from the gate itself (plugins/plugin_utils/inputs.py), the values of an inventory are those of
group_vars/all, and docs/inputs.yml has the inputs of each playbook and their meaning.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.trading.multi_region.plugins.plugin_utils import inputs as input_rules  # noqa: E402

INPUTS, REFERENCE = ROOT / "docs" / "inputs.yml", ROOT / "docs" / "reference.md"
# A value that no variable may have, so that the gate names the allowed ones.
NONSENSE = [{}]
# Set by playbooks for playbooks.
INTERNAL = frozenset({"move_method"})
HEADER = """\
# Reference of the playbooks' inputs

Written by `make specs` from `plugins/plugin_utils/inputs.py`, `group_vars/all` and [inputs.yml](inputs.yml);
`make lint` compares. The roles' own options are in `roles/<role>/README.md`.

Inputs come with `-e name=value`. A wrong one is refused before the first call to AWS, with its name, its value and what
is allowed; so is a name that is a slip away from one of these. Where no default is shown, an input may be left out.
"""
OF_INVENTORY = """\
## In the inventory

Every playbook knows these. They belong into an environment's `group_vars`, `vpc_cidr` and `aws_region` to its hosts;
the command line wins over both.
"""


def known() -> list[str]:
    """Every variable that the gate knows, without those that playbooks give each other."""
    names = {
        *input_rules.INPUTS,
        *input_rules.NAME_LIMITS,
        *input_rules.OF_REGIONS,
        *input_rules.OTHERS,
    } - INTERNAL
    return sorted(names)


def type_of(name: str) -> str:
    others = {"controller_credentials": "dict", "platform_vpc_cidrs": "dict", "platform_regions": "list"}
    others["application_compute_groups"] = "list"
    return input_rules.INPUTS[name]["type"] if name in input_rules.INPUTS else others.get(name, "str")


def allowed(name: str, document: Mapping[str, Any]) -> str:
    """What the gate allows, in its own words; if the gate does not validate it, the text of inputs.yml."""
    if "allowed" in document:
        return document["allowed"]
    if name in input_rules.NAME_LIMITS:
        sentences = input_rules.name_problems({name: NONSENSE})
    else:
        sentences = input_rules.platform_problems({name: NONSENSE, "regions": ["us-east-1", "us-east-2"]})
    (sentence,) = {one for one in sentences if one.startswith((f"{name} is ", f"{name}[0] is "))}
    words = sentence.partition("; allowed: ")[2].rstrip(".")
    if sentence.startswith(f"{name}[0]"):
        words = f"a list, each: {words}"
    return words.replace(": us-east-1, us-east-2", "")


def inventory_values() -> dict[str, Any]:
    """The collection's own values, in the order of its files."""
    files = sorted((ROOT / "group_vars" / "all").glob("*.yml"))
    return {name: value for file in files for name, value in yaml.safe_load(file.read_text()).items()}


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def default_of(name: str, document: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    if "default" in document or name not in values:
        return document.get("default", "")
    value = values[name]
    return f"`{value}`" if isinstance(value, str) and value else f"`{json.dumps(value)}`"


def table(inputs: Mapping[str, Mapping[str, Any]]) -> str:
    values = inventory_values()
    lines = ["| input | type | default | allowed | meaning |", "|---|---|---|---|---|"]
    for name, document in inputs.items():
        row = (
            f"`{name}`",
            type_of(name),
            default_of(name, document, values),
            allowed(name, document),
            document["meaning"],
        )
        lines.append("| " + " | ".join(map(cell, row)) + " |")
    return "\n".join(lines)


def taken(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{playbook: {input: what differs there}}"""
    return {
        playbook: {
            name: own for one in entries for name, own in (one.items() if isinstance(one, dict) else [(one, {})])
        }
        for playbook, entries in document["playbooks"].items()
    }


def reference(document: Mapping[str, Any]) -> str:
    """The whole page."""
    inputs, parts = document["inputs"], [HEADER]
    for playbook, names in taken(document).items():
        body = table({name: {**inputs[name], **own} for name, own in names.items()})
        listed = body if names else "Takes what the inventory says, and nothing beside it."
        parts.append(f"## {playbook}\n\n[Runbook](runbooks.md#{playbook}).\n\n{listed}\n")
    of_playbooks = {name for names in taken(document).values() for name in names}
    of_inventory = table({name: inputs[name] for name in known() if name not in of_playbooks})
    return "\n".join([*parts, f"{OF_INVENTORY}\n{of_inventory}\n"])


def problems(document: Mapping[str, Any]) -> list[str]:
    """What inputs.yml lacks, or has too much of."""
    playbooks = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
    listed = {name for names in taken(document).values() for name in names}
    found = [f"docs/inputs.yml: playbooks has no {name}" for name in playbooks if name not in document["playbooks"]]
    found += [f"docs/inputs.yml: {name} is no playbook" for name in document["playbooks"] if name not in playbooks]
    found += [f"docs/inputs.yml: inputs has no {name}" for name in known() if name not in document["inputs"]]
    found += [
        f"docs/inputs.yml: {name} is unknown to plugins/plugin_utils/inputs.py"
        for name in sorted({*document["inputs"], *listed} - set(known()))
    ]
    return found


def main() -> int:
    if sys.argv[1:] not in (["check"], ["write"]):
        print(__doc__, file=sys.stderr)
        return 2
    document = yaml.safe_load(INPUTS.read_text())
    found = problems(document)
    if not found and sys.argv[1] == "write":
        REFERENCE.write_text(reference(document))
    elif not found and (not REFERENCE.is_file() or REFERENCE.read_text() != reference(document)):
        found = ["docs/reference.md is not up to date: make specs"]
    print("\n".join(found) if found else f"docs/reference.md has {len(known())} inputs")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
