# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is wrong with a list of hooks: one sentence with the option, its value and what is allowed."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import target
from ansible_collections.trading.multi_region.plugins.module_utils._hooks import hook, options

GOOD = {"name": "drain", "moment": "before_promotion", "file": "hooks/drain.yml", "required": True}
PATH = "failover_hooks"


def test_a_hook_with_all_options_is_accepted():
    full = {**GOOD, "time_limit_seconds": 30, "side": "source", "run": "repeatable", "methods": ["switchover"]}
    page = {"name": "page", "moment": "on_failure", "file": "page.yml"}
    assert options.hook_problems(PATH, [full, page]) == []


@pytest.mark.parametrize(
    ("hooks", "sentence"),
    [
        ("drain", "failover_hooks is 'drain'; allowed: a list of hooks."),
        (["drain"], "failover_hooks[0] is 'drain'; allowed: a dictionary with name, moment, file"),
        ([{**GOOD, "when": "now"}], "failover_hooks[0] has the key 'when'; allowed: name, moment, file"),
        ([{**GOOD, "moment": "later"}], "failover_hooks[0].moment is 'later'; allowed: one of before_promotion, after"),
        ([{**GOOD, "name": "Drain it"}], "failover_hooks[0].name is 'Drain it'; allowed: 1 to 40 lower-case letters"),
        ([{**GOOD, "file": None}], "failover_hooks[0].file is not given; allowed: 1 to 4096 characters"),
        ([{**GOOD, "time_limit_seconds": 0}], "failover_hooks[0].time_limit_seconds is 0; allowed: a whole number of"),
        ([{**GOOD, "time_limit_seconds": 7.5}], "failover_hooks[0].time_limit_seconds is 7.5; allowed: a whole number"),
        ([{**GOOD, "time_limit_seconds": "1m"}], "failover_hooks[0].time_limit_seconds is '1m'; allowed: a whole"),
        ([{**GOOD, "required": "maybe"}], "failover_hooks[0].required is 'maybe'; allowed: true or false."),
        ([{**GOOD, "required": None}], "failover_hooks[0].required is not given; allowed: true (if the hook fails,"),
        ([{**GOOD, "side": "both"}], "failover_hooks[0].side is 'both'; allowed: one of source, target."),
        ([{**GOOD, "run": "twice"}], "failover_hooks[0].run is 'twice'; allowed: one of once, repeatable."),
        ([{**GOOD, "methods": ["auto"]}], "failover_hooks[0].methods[0] is 'auto'; allowed: one of failover, switch"),
        ([{**GOOD, "methods": []}], "failover_hooks[0].methods is []; allowed: a list of 1 entries or more."),
        ([GOOD, GOOD], "name in failover_hooks is 'drain for more than one hook'; allowed: each name once."),
        (
            [{**GOOD, "moment": "on_failure"}],
            "failover_hooks[0].required is True; allowed: false with on_failure, when",
        ),
        (
            [{"name": "page", "moment": "on_refusal", "file": "x", "run": "once"}],
            "failover_hooks[0].run is 'once'; allowed: repeatable with on_refusal, because every attempt ends",
        ),
    ],
)
def test_each_mistake_is_one_sentence_with_option_value_and_what_is_allowed(hooks, sentence):
    (problem,) = options.hook_problems(PATH, hooks)
    assert problem.startswith(sentence)


def test_the_methods_are_those_that_a_plan_may_have():
    assert options.METHODS == target.METHODS


def test_an_option_that_was_not_given_has_its_default():
    given = {**GOOD, "run": None, "methods": None, "side": None, "time_limit_seconds": 30}
    assert hook.build_hook(given) == hook.Hook("drain", "before_promotion", "hooks/drain.yml", 30, True)
