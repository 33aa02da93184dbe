# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whatever a module is given, and whatever AWS answers, it ends with a result or with a sentence.

Every module of plugins/modules is tried, with options made from its own argument spec. Its own ``main()`` runs, here
and as the action plugins run it, on botocore's clients, which reach no server.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import json
import os
import pkgutil
import re
import socket
import time
from types import SimpleNamespace

import dns.name
import dns.resolver
import pytest
from ansible.module_utils.testing import patch_module_args
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins import module_utils, modules
from ansible_collections.trading.multi_region.plugins.module_utils._core import clients, controller
from ansible_collections.trading.multi_region.plugins.plugin_utils.in_process import (
    InProcessModuleOf,
    ModuleExit,
    module_class,
)
from ansible_collections.trading.multi_region.tests.unit import any_input
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeTime
from ansible_collections.trading.multi_region.tests.unit.strange_aws import StrangeAws, babbling, refusing

NAMES = sorted(found.name for found in pkgutil.iter_modules(modules.__path__))
MODULES = pytest.mark.parametrize("module", NAMES, indirect=True)
# The same inputs every time and everywhere. Nothing is made smaller: the options and the seed of a failure say enough.
FUZZ = settings(
    max_examples=60,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
WAYS = st.fixed_dictionaries({"is_in_process": st.booleans(), "check_mode": st.booleans()})
SEEDS = st.integers(0, 2**32)
REGION = {"region": "us-east-1"}
NOT_UNDERSTOOD = "does not have the expected form"
# Options of every module of amazon.aws that change nothing here: test_connection_options tries them.
KEYS = {"access_key": "nobody-at-all", "secret_key": "nothing-to-hide-0123456789"}
# What our sentences and those of Ansible call what is allowed.
ALLOWED = re.compile(r"allowed: |must be one (?:or more )?of|missing required|Supported parameters|at least|needs")


@pytest.fixture
def module(request):
    """The module of a name."""
    return importlib.import_module(f"{modules.__name__}.{request.param}")


def functions_of(package):
    """Yield every function and method of a package's modules, without its decorators."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        members = vars(importlib.import_module(found.name)).values()
        classes = [member for member in members if inspect.isclass(member)]
        for member in [*members, *(method for one in classes for method in vars(one).values())]:
            if inspect.isfunction(member := inspect.unwrap(member)) and member.__module__.startswith(package.__name__):
                yield member


def with_clock(defaults, clock):
    """Return a function's default values with the clock in place of the machine's."""
    if isinstance(defaults, dict):
        return {name: clock if value is time.monotonic else value for name, value in defaults.items()}
    return tuple(clock if value is time.monotonic else value for value in defaults)


@pytest.fixture(scope="module", autouse=True)
def nobody_outside():
    """Time only passes in sleep, no name can be resolved, and no host can be reached."""
    fake, patch = FakeTime(), pytest.MonkeyPatch()
    for function in set(functions_of(module_utils)):
        for name in ("__defaults__", "__kwdefaults__"):
            if before := getattr(function, name):
                patch.setattr(function, name, with_clock(before, fake.clock))
    patch.setattr(controller, "threading", SimpleNamespace(Event=lambda: SimpleNamespace(wait=fake.sleep)))

    def look_up(_resolver, name, *_record, **_options):
        raise dns.resolver.NoNameservers(request=None, errors=[]) if dns.name.from_text(str(name)) else AssertionError

    def refuse(*_address, **_options):
        raise socket.gaierror("nobody is outside")

    patch.setattr(dns.resolver.Resolver, "resolve", look_up)
    patch.setattr(socket, "getaddrinfo", refuse)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    yield
    patch.undo()


def end_of(module, options, aws, is_in_process=False, check_mode=False):
    """Return the JSON that the module ends with."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setattr(clients, "start_session", lambda *_how: aws)
        if is_in_process:
            task = SimpleNamespace(check_mode=check_mode, diff=False, action=module.__name__, args=options)
            with module_class(InProcessModuleOf(task)), pytest.raises(ModuleExit) as left:
                module.main()
            return left.value.result
        with patch_module_args({**options, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
            module.main()
    return json.loads(out.getvalue())


def is_shown(value, message):
    """Return whether a message shows a value, or the beginning of a long one."""
    texts = [str(value), repr(value)]
    with contextlib.suppress(TypeError, ValueError):
        texts.append(str(float(value)))
    return isinstance(value, list | dict) or any(text[:100] in message for text in texts)


def names_a_cause(outcome, module, aws):
    """Return whether a failure names an option of the module, or an operation or a service that was asked."""
    words = {*module.ARGUMENT_SPEC, *(word for call in aws.calls for word in call)}
    return any(word in outcome["msg"] for word in words) and NOT_UNDERSTOOD not in outcome["msg"]


@pytest.fixture
def tried(module, record_property):
    """How many inputs the module was given, for the summary line (conftest.py)."""
    tally = {module.__name__.rpartition(".")[2]: 0}
    record_property("inputs", tally)

    def count():
        tally.update({name: number + 1 for name, number in tally.items()})

    return count


@MODULES
def test_every_option_has_a_rule(module):
    # Those in which there is nothing that could be wrong, or which the module's own function judges.
    free, judged = {"subject", "attributes", "body"}, {"rule", "options", "choices"}
    options = {name: spec for name, spec in module.ARGUMENT_SPEC.items() if name not in free}
    assert [name for name, spec in options.items() if spec.get("type") != "bool" and judged.isdisjoint(spec)] == []


@MODULES
def test_a_bad_value_is_named_with_what_is_allowed_before_the_first_call(module, tried):
    missed = []
    for name, spec in module.ARGUMENT_SPEC.items():
        for value in any_input.bad(name, spec):
            tried()
            aws = StrangeAws(refusing(0))
            outcome = end_of(module, {**KEYS, **REGION, **any_input.example(module.ARGUMENT_SPEC), name: value}, aws)
            message = outcome.get("msg", "")
            is_refused = outcome.get("failed") and name in message and is_shown(value, message)
            if not (is_refused and ALLOWED.search(message)) or aws.calls:
                missed.append((name, value, message or outcome, aws.calls))
    assert not missed, "\n".join(map(str, missed))


@MODULES
@FUZZ
@given(data=st.data())
def test_good_options_fail_only_for_what_aws_says(module, tried, data):
    tried()
    options, aws = data.draw(any_input.any_good(module.ARGUMENT_SPEC)), StrangeAws(refusing(data.draw(SEEDS)))
    outcome = end_of(module, {**KEYS, **REGION, **options}, aws, **data.draw(WAYS))
    assert not outcome.get("failed") or names_a_cause(outcome, module, aws), outcome["msg"]


@MODULES
@FUZZ
@given(data=st.data())
def test_an_answer_that_is_unexpected_ends_in_a_result_or_a_sentence(module, tried, data):
    tried()
    words = [text for texts in any_input.TEXTS.values() for text in texts]
    options = data.draw(any_input.any_good(module.ARGUMENT_SPEC))
    aws = StrangeAws(babbling(data.draw(SEEDS), words, any_input.DOCUMENTS))
    outcome = end_of(module, {**KEYS, **REGION, **options}, aws, **data.draw(WAYS))
    assert not outcome.get("failed") or outcome["msg"], outcome


@MODULES
@FUZZ
@given(data=st.data())
def test_whatever_is_given_a_failure_names_its_cause(module, tried, data):
    tried()
    options, aws = data.draw(any_input.any_at_all(module.ARGUMENT_SPEC)), StrangeAws(refusing(data.draw(SEEDS)))
    outcome = end_of(module, {**KEYS, **REGION, **options}, aws, **data.draw(WAYS))
    assert not outcome.get("failed") or names_a_cause(outcome, module, aws) or "unheard_of" in outcome["msg"], outcome[
        "msg"
    ]


@pytest.mark.parametrize("module", ["failover_lease"], indirect=True)
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("region", "moon"),
        ("region", "us-east-1\n"),
        ("endpoint_url", "example"),
        ("endpoint_url", "http://[::1"),
        ("aws_config", {"no_such_setting": 1}),
        ("aws_config", {"retries": "many"}),
        ("aws_config", "text"),
        ("validate_certs", "perhaps"),
        ("profile", "two\nlines"),
        ("aws_ca_bundle", "\0"),
        ("aws_region", "moon"),
    ],
)
def test_options_of_the_connection_are_judged_as_well(module, option, value):
    options = {**KEYS, **REGION, **any_input.example(module.ARGUMENT_SPEC), option: value}
    options = {name: given for name, given in options.items() if not (option == "aws_region" and name == "region")}
    outcome = end_of(module, options, StrangeAws(refusing(0)))
    assert outcome["failed"] and option.removeprefix("aws_") in outcome["msg"], outcome["msg"]


@pytest.mark.parametrize("module", ["failover_lease"], indirect=True)
def test_a_module_without_a_region_says_so(module):
    outcome = end_of(module, {**KEYS, **any_input.example(module.ARGUMENT_SPEC)}, StrangeAws(refusing(0)))
    assert outcome["failed"] and "region is not given; allowed: " in outcome["msg"], outcome["msg"]
