# SPDX-License-Identifier: GPL-3.0-or-later
"""The traffic as it is stored, as Route 53's checkers read it and as the name shows it: when the three differ.

Every state of the switch is tried for two and three regions, random ones for four and five: each vote of each pair of
regions may be published or not, and each object may be open, absent, closed to clients without credentials, or be
seen as it was before.
"""

from __future__ import annotations

import functools
import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import checks_and_records as checks
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import statements as switch
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import views

NAMES = ("us-east-1", "us-east-2", "eu-west-1", "ap-southeast-1", "sa-east-1")
OPEN, ABSENT, CLOSED, STALE = "open", "absent", "closed", "stale"


def manifest_of(order, backend="s3_object"):
    entries = [{"region": region, "control_bucket": f"control-{region}"} for region in order]
    return {"traffic": {"backend": backend, "domain": "example.com", "switch_key": "active-region"}, "regions": entries}


@functools.cache
def built_by_the_role(order):
    """The checks and records that the role builds, which are the same for every state."""
    hosts = {f"control-{region}.s3.{region}.amazonaws.com": region for region in order}
    balancers = {region: {"dns_name": f"alb.{region}", "zone_id": "Z"} for region in order}
    built = checks.build_checks(order, {region: f"control-{region}" for region in order})
    records = checks.build_records(order, "example.com", "ZONE", balancers)
    return built, hosts, {(record["name"], record["failover"]): record for record in records}


def route53_answer(order, texts):
    """The region that Route 53 answers with, from the health checks and failover records that the role builds.

    texts: what a checker reads of each region's object, None where it is denied or absent.
    """
    built, hosts, halves = built_by_the_role(order)
    healthy = {}
    for check in built:
        if check["type"] == "CALCULATED":
            healthy[check["name"]] = sum(healthy[child] for child in check["child_names"]) >= check["health_threshold"]
        else:
            text = texts[hosts[check["fqdn"]]]
            healthy[check["name"]] = (text is not None and check["search_string"] in text) != check["inverted"]
    name = "example.com"
    while (name, "PRIMARY") in halves:
        primary = halves[name, "PRIMARY"]
        name = primary["target"] if healthy[primary["check_name"]] else halves[name, "SECONDARY"]["target"]
    return name.removeprefix("alb.")


def seen_by_checkers(state, stored, before):
    """What is read of an object without credentials."""
    return {OPEN: stored or None, ABSENT: None, CLOSED: None, STALE: before or None}[state]


def check_state(order, stored, states, before):
    """Hold one state of the world against the rule, Route 53 and the comparison.

    stored, before: statements by region, now and as a stale reader has them; states: by region.
    """
    stored = {region: frozenset() if states[region] == ABSENT else stored[region] for region in order}
    public = {region: seen_by_checkers(states[region], stored[region], before[region]) for region in order}
    texts = {region: None if said is None else switch.render(said) for region, said in public.items()}
    answered = route53_answer(order, texts)
    assert answered == switch.active_region(public, order), "the rule is what Route 53 computes"

    facts = {
        region: Facts(
            region,
            {
                "statements": Observation(sorted(stored[region]) or None),
                views.PUBLIC: Observation(None if public[region] is None else sorted(public[region])),
            },
        )
        for region in order
    }
    found = views.differences(manifest_of(order), facts, Observation((answered, "It points there.")))
    codes = {(one.code, one.region) for one in found}
    for region in order:
        differs = (public[region] or frozenset()) != stored[region]
        code = views.CLOSED if public[region] is None else views.STALE
        assert ((code, region) in codes) == differs
    says = switch.active_region(stored, order)
    assert ((views.ELSEWHERE, "all") in codes) == (answered != says), "a name that moved by itself is seen"
    # Nothing moves by itself unless somebody reads another object than the one that is stored.
    assert answered == says or len(codes) > 1
    assert all(one.remedy and one.reason.endswith(".") for one in found)


def all_statements(order):
    return [(vote.region, vote.statement) for pair in switch.pairs(order) for vote in switch.votes(*pair)]


def by_region(order, said):
    return {region: frozenset(text for of, text in said if of == region) for region in order}


def subsets(items):
    for bits in product((False, True), repeat=len(items)):
        yield [item for item, bit in zip(items, bits, strict=True) if bit]


@pytest.mark.parametrize("count", [2, 3])
def test_every_state_is_what_route_53_computes_and_every_difference_is_seen(count):
    """4,096 states of three regions: every vote of every pair, and every region open or closed.

    A fixed draw of each has absent and stale objects as well.
    """
    order, draw, tried = NAMES[:count], random.Random(22), 0
    everything = list(subsets(all_statements(order)))
    for said in everything:
        before = by_region(order, draw.choice(everything))
        for closed in product((OPEN, CLOSED), repeat=count):
            check_state(order, by_region(order, said), dict(zip(order, closed, strict=True)), before)
            tried += 1
        mixed = {region: draw.choice((OPEN, ABSENT, CLOSED, STALE)) for region in order}
        check_state(order, by_region(order, said), mixed, before)
    assert tried == 2 ** (3 * count * (count - 1) // 2 + count) == {2: 32, 3: 4096}[count]


@st.composite
def worlds(draw, least=2, most=5):
    order = tuple(draw(st.permutations(NAMES[: draw(st.integers(least, most))])))
    said = st.sets(st.sampled_from(all_statements(order)))
    states = {region: draw(st.sampled_from((OPEN, ABSENT, CLOSED, STALE))) for region in order}
    return order, by_region(order, draw(said)), states, by_region(order, draw(said))


@settings(max_examples=500, deadline=None)
@given(worlds())
def test_any_state_of_two_to_five_regions_is_what_route_53_computes_and_every_difference_is_seen(world):
    check_state(*world)


def facts_of(stored, public):
    return {region: Facts(region, {"statements": stored[region], views.PUBLIC: public[region]}) for region in stored}


EAST, WEST = NAMES[:2]
MOVED = [switch.claims_over(WEST, EAST)]
SILENT = Observation(error="no answer within 8.0 s")


def test_a_closed_switch_is_named_with_the_region_that_the_name_went_to():
    facts = facts_of(
        {EAST: Observation([switch.yields_to(EAST, WEST)]), WEST: Observation(MOVED)},
        {EAST: Observation(None), WEST: Observation(None)},
    )
    found = views.differences(manifest_of((EAST, WEST)), facts, Observation((EAST, "It points there.")))
    assert [(one.code, one.region) for one in found] == [
        (views.CLOSED, EAST),
        (views.CLOSED, WEST),
        (views.ELSEWHERE, "all"),
    ]
    assert "cloudwatch_metric" in found[0].remedy
    assert found[-1].reason == f"example.com leads to {EAST}, but the switch says {WEST}."


@pytest.mark.parametrize("lost", ["statements", views.PUBLIC, "name"])
def test_what_could_not_be_read_is_unknown_and_no_difference(lost):
    values = {"statements": Observation(MOVED), views.PUBLIC: Observation(MOVED), lost: SILENT}
    facts = facts_of(
        {EAST: SILENT if lost == "statements" else Observation(None), WEST: values["statements"]},
        {EAST: Observation(None), WEST: values[views.PUBLIC]},
    )
    name = SILENT if lost == "name" else Observation((WEST, "It points there."))
    result = views.as_result(manifest_of((EAST, WEST)), facts, name)
    assert (result["problems"], bool(result["unknown"])) == ([], True)


def test_a_name_without_an_address_is_a_difference():
    facts = facts_of(
        {EAST: Observation(None), WEST: Observation(None)}, {EAST: Observation(None), WEST: Observation(None)}
    )
    (found,) = views.differences(manifest_of((EAST, WEST)), facts, Observation(("unknown", "It has no address.")))
    assert found.reason == f"example.com leads to no region (It has no address), but the switch says {EAST}."
