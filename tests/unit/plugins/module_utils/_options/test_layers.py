# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which layers a platform may be without, which others may have made, and what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._options.layers import STATES, Layers, those

THEIRS = {
    **dict.fromkeys(("network", "global_database", "application"), "existing"),
    **dict.fromkeys(("encryption", "audit"), "absent"),
}


def problems(layers):
    return Layers().problems("platform_layers", layers)


@pytest.mark.parametrize(
    "layers",
    [
        {},
        {"session_table": "absent", "object_storage": "absent"},
        {**THEIRS, "session_table": "existing", "object_storage": "absent"},
        dict.fromkeys(STATES, "managed"),
        {"monitoring": "absent"},
        {**THEIRS, "encryption": "existing", "session_table": "managed", "object_storage": "managed"},
    ],
)
def test_a_platform_without_stores_and_one_that_others_have_made_are_accepted(layers):
    assert problems(layers) == []


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        (["network"], "platform_layers is ['network']; allowed: a dictionary of layers"),
        ({"networks": "existing"}, "platform_layers is ['networks']; allowed: layers among audit, network"),
        ({"network": "foreign"}, "platform_layers.network is 'foreign'; allowed: managed or existing."),
        ({"network": []}, "platform_layers.network is []; allowed: managed or existing."),
        ({"global_database": "absent"}, "platform_layers.global_database is 'absent'; allowed: managed or existing."),
        ({"failover_control": "existing"}, "platform_layers.failover_control is 'existing'; allowed: managed."),
    ],
)
def test_a_layer_that_a_move_cannot_do_without_is_refused_in_one_sentence(layers, sentence):
    (found,) = problems(layers)
    assert found.startswith(sentence)


@pytest.mark.parametrize(
    ("layers", "sentences"),
    [
        ({"network": "existing"}, ["platform_layers.global_database is 'managed'; allowed: existing with network"]),
        (
            {"encryption": "existing"},
            ["platform_layers.global_database is 'managed'; allowed: existing with encryption existing, because it"],
        ),
        ({"audit": "absent"}, ["platform_layers.application is 'managed'; allowed: existing with audit absent"]),
        (
            {**THEIRS, "session_table": "managed", "object_storage": "absent"},
            ["platform_layers.session_table is 'managed'; allowed: existing or absent with encryption absent"],
        ),
        ({"application": "existing"}, ["platform_layers.application is 'existing'; allowed: managed with"]),
    ],
)
def test_what_site_yml_makes_is_built_on_nothing_that_it_does_not_make(layers, sentences):
    found = problems(layers)
    for sentence in sentences:
        assert [one for one in found if one.startswith(sentence)], found


def test_a_layer_that_is_not_named_is_managed():
    assert those({"session_table": "absent"}, "managed") == [layer for layer in STATES if layer != "session_table"]
