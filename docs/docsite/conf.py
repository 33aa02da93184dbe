# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the site that `make docs` builds: plugins, roles, docs/. Every warning is an error."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes

project = "trading.multi_region"
copyright = "Contributors to the trading.multi_region project"
extensions = ["sphinx_antsibull_ext", "myst_parser"]
# A link to a heading of another page is looked up too.
myst_heading_anchors = 4
html_theme = "alabaster"
html_static_path = ["static"]
html_css_files = ["narrow.css"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
nitpicky = True

ANSIBLE = "https://docs.ansible.com/ansible/latest"
PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "callback_plugins": "plugins/callback.html",
    "common_return_values": "reference_appendices/common_return_values.html",
    "inventory_plugins": "plugins/inventory.html",
    "lookup_plugins": "plugins/lookup.html",
}
# Such as ansible_collections.amazon.aws.rds_cluster_module__parameter-region
PLUGIN = re.compile(r"ansible_collections\.(amazon|community)\.aws\.(\w+?)(?:__([\w-]+))?")


def page_of(kind: str, label: str) -> str | None:
    """Where Ansible's own documentation has what a label names; None for what ours should have."""
    if kind == "envvar" and label.startswith("ANSIBLE_"):
        return f"{PAGES['ansible_configuration_settings']}#envvar-{label}"
    if plugin := PLUGIN.fullmatch(label):
        namespace, page, anchor = plugin.groups()
        return f"collections/{namespace}/aws/{page}.html" + (f"#{anchor}" if anchor else "")
    return PAGES.get(label)


def link_to_ansible(_app: Any, _environment: Any, node: nodes.Element, content: nodes.Node) -> nodes.Node | None:
    """A link in the place of what intersphinx would have to fetch a list for."""
    page = page_of(node["reftype"], node["reftarget"])
    return nodes.reference("", "", content, internal=False, refuri=f"{ANSIBLE}/{page}") if page else None


def setup(app: Any) -> dict[str, bool]:
    app.connect("missing-reference", link_to_ansible)
    return {"parallel_read_safe": True}
