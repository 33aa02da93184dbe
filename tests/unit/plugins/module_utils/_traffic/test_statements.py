# SPDX-License-Identifier: GPL-3.0-or-later
"""The promises of the traffic switch, proved by search over sequences of losses, returns, take-overs and telling."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._traffic import checks_and_records as checks
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import routing_controls as controls
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import statements as switch

A, B, C = "us-east-1", "us-east-2", "eu-west-1"
NAMES = (A, B, C, "ap-southeast-1", "sa-east-1")


class World:
    """Objects that outlive their region's loss, as S3's do, and who may read them."""

    def __init__(self, order):
        self.order = order
        self.objects = {region: switch.SILENT for region in order}
        self.up = set(order)
        self.holder = order[0]

    def view(self, reachable=None):
        readable = self.up if reachable is None else self.up & set(reachable)
        return {region: self.objects[region] if region in readable else None for region in self.order}

    def active(self):
        return switch.active_region(self.view(), self.order)

    def take_over(self, region, view):
        """Apply the three waves of a takeover, and return the active region after each."""
        answers = []
        wanted = switch.takeover(region, view, self.order)
        self.objects[region] = switch.announcement(region, view, self.order)
        answers.append(self.active())
        for other in wanted.keys() - {region}:
            self.objects[other] = wanted[other]
            answers.append(self.active())
        self.objects[region] = wanted[region]
        self.holder = region
        return [*answers, self.active()]

    def outranking(self, region, view):
        """Regions that the new active region cannot read and that outrank it: the precondition excludes them."""
        return [
            other
            for other in switch.earlier_than(region, self.order)
            if view[other] is None and switch.outranks(other, region) in self.objects[other]
        ]

    def is_settled(self):
        return all(self.objects[r] == said for r, said in switch.settled(self.holder, self.order).items())


def orders(least=2, most=5):
    return st.integers(least, most).flatmap(lambda n: st.permutations(NAMES[:n]))


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(("lose", "return", "take over", "tell")),
        st.integers(0, 4),
        # Which of the regions that are up the operator's machine can reach: 31 is all.
        st.one_of(st.just(31), st.integers(0, 31)),
    ),
    max_size=25,
)


def reachable(world, bits):
    return [region for number, region in enumerate(world.order) if bits >> number & 1]


def step(world, event, number, bits):
    """Apply one event where it is possible; check what each must not break."""
    region = world.order[number % len(world.order)]
    before = world.active()
    if event == "lose" and world.up != {region}:
        settled = world.is_settled() and world.up == set(world.order)
        world.up.discard(region)
        assert not settled or world.active() == before
    elif event == "return":
        world.up.add(region)
    elif event == "tell":
        view = world.view(reachable(world, bits))
        updates, teller = switch.reconcile(view, world.order), switch.active_region(view, world.order)
        # The others first, the one that speaks about them last; the run may be killed anywhere.
        for writer in sorted(updates, key=lambda writer: writer == teller):
            world.objects[writer] = updates[writer]
            assert world.holder not in world.up or world.active() == world.holder
    elif event == "take over" and region in world.up:
        view = world.view({*reachable(world, bits), region})
        if not world.outranking(region, view):
            assert world.take_over(region, view)[-1] == region


@settings(max_examples=600, deadline=None)
@given(orders(), EVENTS)
def test_the_new_active_region_keeps_the_traffic_through_losses_returns_and_partial_views(order, events):
    world = World(order)
    for event in events:
        step(world, *event)
        if world.holder in world.up:
            assert world.active() == world.holder


class LastingWorld(World):
    """Statements that Route 53 goes on hearing while their region is lost, as it does of metrics."""

    def active(self):
        return switch.active_region(self.objects, self.order)


@settings(max_examples=200, deadline=None)
@given(orders(), EVENTS)
def test_the_new_active_region_keeps_the_traffic_where_statements_outlast_their_region(order, events):
    world = LastingWorld(order)
    for event in events:
        step(world, *event)
        assert world.active() == world.holder


@settings(max_examples=300, deadline=None)
@given(orders(), EVENTS, st.integers(0, 4))
def test_a_takeover_needs_its_own_object_only(order, events, number):
    world = World(order)
    for event in events:
        step(world, *event)
    new_active = order[number % len(order)]
    world.up.add(new_active)
    view = world.view()
    if any(switch.outranks(other, new_active) in world.objects[other] for other in order):
        return  # a region that outranks the new active region must be updated as well
    world.objects[new_active] = switch.announcement(new_active, view, order)
    assert world.active() == new_active
    world.up.update(order)
    assert world.active() == new_active


@settings(max_examples=300, deadline=None)
@given(orders(), EVENTS)
def test_one_run_that_reaches_everybody_settles_everything(order, events):
    world = World(order)
    for event in events:
        step(world, *event)
    world.up.update(order)
    before = world.active()
    world.objects.update(switch.reconcile(world.view(), order))
    assert world.active() == before
    assert world.objects == switch.settled(before, order)
    assert switch.reconcile(world.view(), order) == {}


@given(orders(), st.integers(0, 4), st.integers(0, 4))
def test_losing_any_one_region_at_rest_moves_nothing(order, active, lost):
    holder = order[active % len(order)]
    view = {**switch.settled(holder, order), order[lost % len(order)]: None}
    assert switch.active_region(view, order) == holder


# --- the same answer from Route 53 ------------------------------------------------------------------------------------


def route53_answer(check_list, records, is_good, domain):
    """Evaluate health checks and failover records as Route 53 does: which load balancer does the name answer with?

    is_good: function of a check that counts no others; its status before inversion.
    """
    healthy = {}
    for check in check_list:
        if check["type"] == "CALCULATED":
            good = sum(healthy[child] for child in check["child_names"]) >= check["health_threshold"]
        else:
            good = is_good(check)
        healthy[check["name"]] = good != check.get("inverted", False)
    name = domain
    while any(record["name"] == name for record in records):
        halves = {record["failover"]: record for record in records if record["name"] == name}
        name = halves["PRIMARY" if healthy[halves["PRIMARY"]["check_name"]] else "SECONDARY"]["target"]
    return name


def anything(order):
    """Any objects at all, not only those a sequence of events can lead to."""
    said = [
        *(switch.claims_over(x, y) for x in order for y in order if x != y),
        *(switch.outranks(x, y) for x in order for y in order if x != y),
        *(switch.yields_to(x, y) for x in order for y in order if x != y),
    ]
    return st.fixed_dictionaries({r: st.none() | st.frozensets(st.sampled_from(said)) for r in order})


@settings(max_examples=400, deadline=None)
@given(orders().flatmap(lambda order: st.tuples(st.just(order), anything(order))))
def test_route_53_computes_the_same_region(case):
    order, view = case
    buckets = {region: f"control-{region}" for region in order}
    texts = {
        f"{buckets[region]}.s3.{region}.amazonaws.com": None if said is None else switch.render(said)
        for region, said in view.items()
    }

    def matches(check):
        text = texts[check["fqdn"]]
        return text is not None and check["search_string"] in text

    answer = route53_answer(checks.build_checks(order, buckets), records_of(order), matches, "example.com")
    assert answer == f"alb.{switch.active_region(view, order)}"


def records_of(order, **options):
    balancers = {region: {"dns_name": f"alb.{region}", "zone_id": f"Z{region}"} for region in order}
    return checks.build_records(order, "example.com", "ZONE", balancers, **options)


@settings(max_examples=150, deadline=None)
@given(orders(most=4).flatmap(lambda order: st.tuples(st.just(order), anything(order))))
def test_route_53_computes_the_same_region_from_alarms(case):
    """An alarm is in ALARM while its statement is said; one that never had data is healthy, and means: not said."""
    order, view = case
    alarms = {alarm["name"]: alarm for region in order for alarm in checks.statement_alarms(region, order)}

    def is_good(check):
        alarm = alarms[check["alarm"]["name"]]
        return alarm["statement"] not in (view[check["alarm"]["region"]] or switch.SILENT)

    built = checks.build_metric_checks(order)
    assert {check["alarm"]["name"] for check in built if check["tier"] == 0} == set(alarms)
    answer = route53_answer(built, records_of(order), is_good, "example.com")
    assert answer == f"alb.{switch.active_region(view, order)}"


@given(orders().flatmap(lambda order: st.tuples(st.just(order), st.sets(st.sampled_from(order)))))
def test_route_53_computes_the_same_region_from_routing_controls(case):
    order, on = case
    arns = {region: f"panel/routingcontrol/{region}" for region in order}
    states = {region: controls.ON if region in on else controls.OFF for region in order}
    built = checks.build_control_checks(order, arns)
    answer = route53_answer(
        built,
        records_of(order, backend=checks.ARC_ROUTING_CONTROL),
        lambda check: states[check["routing_control_arn"].rpartition("/")[2]] == controls.ON,
        "example.com",
    )
    assert answer == f"alb.{controls.active_control(states, order)}"


# --- single promises, by example --------------------------------------------------------------------------------------


def test_at_rest_with_the_first_region_active_every_object_is_absent():
    assert set(switch.settled(A, (A, B, C)).values()) == {switch.SILENT}


def test_what_is_said_after_a_takeover_from_a_lost_region():
    view = {A: None, B: switch.SILENT, C: switch.SILENT}
    assert switch.takeover(B, view, (A, B, C)) == {B: {"[us-east-2 claims over us-east-1]"}, C: frozenset()}


def test_the_new_active_region_outranks_a_later_region_only_until_it_is_updated():
    view = {A: switch.SILENT, B: None}
    assert switch.takeover(A, view, (A, B)) == {A: {"[us-east-1 outranks us-east-2]"}}
    returned = {A: frozenset({switch.outranks(A, B)}), B: frozenset({switch.claims_over(B, A)})}
    assert switch.reconcile(returned, (A, B)) == {A: frozenset(), B: frozenset()}


def test_telling_says_nothing_while_the_active_region_cannot_be_read():
    assert switch.reconcile({A: None, B: frozenset({"[us-east-2 yields to nobody]"})}, (A, B)) == {}


def test_the_sequence_that_cannot_be_pinned_is_visible_to_the_taker():
    world = World((A, B))
    world.take_over(B, world.view())
    world.up = {A}
    world.take_over(A, world.view())  # outranks B, which cannot be updated
    world.up = {B}
    assert switch.stale_claims(B, world.view(), world.order) == [A]
    world.take_over(B, world.view())
    assert world.active() == B
    world.up = {A, B}
    assert world.active() == A
    # ... and one telling run in between closes it.
    world.objects.update(switch.reconcile(world.view(), world.order))
    world.take_over(B, {A: None, B: world.objects[B]})
    assert world.active() == B


@pytest.mark.parametrize("text", ["", "\n", "nothing here", "[broken"])
def test_text_without_a_statement_says_nothing(text):
    assert switch.parse(text) == switch.SILENT


def test_statements_survive_being_written_and_read():
    said = frozenset({switch.claims_over(B, A), switch.outranks(A, B)})
    assert switch.parse(switch.render(said)) == said
    assert switch.render(switch.SILENT) == ""


def test_an_empty_order_is_refused():
    with pytest.raises(ValueError, match="order is empty"):
        switch.active_region({}, [])
