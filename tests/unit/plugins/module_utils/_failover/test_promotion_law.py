# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The planner and the module that promotes judge alike: what one allows, the other does not refuse."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import promotion
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.facts import (
    cluster_of,
    facts_of,
    instance_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.states import CLUSTER_STATES, INSTANCE_STATES
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.target import observe
from ansible_collections.trading.multi_region.plugins.module_utils._failover.planner import build_plan
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Request
from ansible_collections.trading.multi_region.tests.unit.failover_model import (
    EAST,
    EUROPE,
    WEST,
    hidden,
    platform,
    with_values,
)

NAMES = (EAST, WEST, EUROPE)
VERSIONS = ("8.0.mysql_aurora.3.10.1", "8.0.mysql_aurora.3.10.2")
# Obstacles of the planner about the promotion of the target itself. The others are about traffic, capacity, other runs
# and other regions, of which the module knows nothing.
ABOUT_THE_PROMOTION = {
    "operation_in_flight",
    "target_incomplete",
    "target_detached",
    "target_has_no_database_instance",
    "engine_version_differs",
    "managed_failover_impossible",
    "target_not_synchronized",
    "lag_unknown",
    "lag_above_limit",
    "lag_sample_old",
    "detach_loses_data",
}


def arn(region):
    return f"arn:aws:rds:{region}:1:cluster:c-{region}"


@st.composite
def answers(draw):
    """Return what RDS answers in the target's region: (GlobalCluster, DBCluster, DBInstances)."""
    members = draw(st.sampled_from([NAMES, (EAST, WEST), (EAST, EUROPE), (WEST, EAST)]))
    writer = draw(st.sampled_from([EAST, WEST, EUROPE, None]))
    synchronized = draw(st.sampled_from(["connected", "connected", "pending-resync", None]))
    move = draw(st.sampled_from([None, None, None, WEST, EUROPE]))
    state = {}
    if move:
        state = {
            "Status": draw(st.sampled_from(["pending", "failing-over", "switching-over", "cancelling"])),
            "FromDbClusterArn": arn(EAST),
            "ToDbClusterArn": draw(st.sampled_from([arn(move), arn(move).upper()])) if move == WEST else arn(move),
            **draw(st.sampled_from([{}, {"IsDataLossAllowed": True}, {"IsDataLossAllowed": False}])),
        }
        state["ToDbClusterArn"] = state["ToDbClusterArn"].replace("US-EAST-2:1:CLUSTER", "us-east-2:1:cluster")
    whole = {
        "GlobalClusterIdentifier": "trading",
        "Status": draw(st.sampled_from(["available", "failing-over", "switching-over", "modifying"])),
        "EngineVersion": draw(st.sampled_from([*VERSIONS, None])),
        "Endpoint": "trading.global.example",
        "GlobalClusterMembers": [
            {"DBClusterArn": arn(name), "IsWriter": name == writer, "SynchronizationStatus": synchronized}
            for name in members
        ],
        "FailoverState": state,
    }
    names = [f"{WEST}-{number}" for number in range(draw(st.integers(0, 2)))]
    cluster = {
        "DBClusterIdentifier": f"c-{WEST}",
        "DBClusterArn": arn(WEST),
        "Status": draw(st.sampled_from(["available"] * 9 + sorted(CLUSTER_STATES))),
        "EngineVersion": draw(st.sampled_from([*VERSIONS, None])),
        "Endpoint": f"c-{WEST}.example",
        "DBClusterMembers": [
            {"DBInstanceIdentifier": name, "IsClusterWriter": draw(st.booleans()) and name == names[0]}
            for name in names
        ],
        "ReplicationSourceIdentifier": draw(st.sampled_from([arn(EAST), ""])),
    }
    states = st.sampled_from(["available"] * 9 + ["backing-up"] * 3 + sorted(INSTANCE_STATES))
    instances = [{"DBInstanceIdentifier": name, "DBInstanceStatus": draw(states)} for name in names]
    return whole, cluster, instances


LAGS = st.one_of(
    st.none(),
    st.builds(
        lambda value, age: {"value_ms": value, "age_seconds": age, "sampled_at": "", "metric": ""},
        st.sampled_from([0.0, 40.0, 900.0, 90_000.0]),
        st.sampled_from([0.0, 20.0, 150.0, 299.0, 301.0, 4000.0]),
    ),
)


@st.composite
def requests(draw):
    """Return the options of a move to WEST."""
    method = draw(st.sampled_from(["failover", "switchover", "detach", "auto"]))
    return {
        "method": method,
        "accept_data_loss": method != "switchover" and draw(st.booleans()),
        "max_replication_lag_ms": draw(st.sampled_from([None, 500, 200_000])),
        "max_sampled_lag_ms": draw(st.sampled_from([None, None, 500])),
    }


def planned(seen, sample, options):
    """Return the plan for a platform whose other parts are all fit."""
    whole, cluster, instances = seen
    state = platform(*NAMES, writer=EAST)
    view = facts_of(whole)
    for name in NAMES:
        state = with_values(state, name, global_cluster=view)
    state = with_values(
        state, WEST, cluster=cluster_of(cluster), instances=[instance_of(one) for one in instances], lag=sample
    )
    if options["method"] != "switchover":
        # An unplanned move: the active region is lost, whichever it is, so that auto is no switchover.
        for lost in {EAST, view["writer_region"]} - {WEST, None}:
            state = hidden(state, lost)
    # force: whether the active region is healthy is no matter of the promotion itself.
    return build_plan(state, Request(target_region=WEST, force=True, cool_down=0, **options))


def decided(seen, sample, options):
    """Return what the module decides."""
    whole, cluster, instances = seen
    observed = observe(facts_of(whole), WEST, arn(WEST), cluster_of(cluster), [instance_of(one) for one in instances])
    lag = {**sample, "reason": None} if sample else {"value_ms": None, "reason": "there is no sample of the last hour"}
    request = promotion.Request("trading", db_cluster_arns={name: arn(name) for name in NAMES}, **options)
    return promotion.decide(observed, lag, request)


def test_what_the_plan_allows_the_module_does_not_refuse(record_property):
    tally: Counter[str] = Counter()

    @settings(max_examples=1500)
    @given(answers(), LAGS, requests())
    def judge(seen, sample, options):
        plan = planned(seen, sample, options)
        if plan.obstacles or not any(step.step.startswith("promote") for step in plan.steps):
            tally["refused by the plan" if plan.obstacles else "nothing to promote"] += 1
            return
        decision = decided(seen, sample, dict(plan.promotion))
        tally[f"allowed: {decision.action}"] += 1
        assert decision.action != "refuse", (decision.reason, plan.reason)

    judge()
    assert tally["allowed: request"] and tally["allowed: join"], tally
    record_property("promotions", dict(tally))


def test_what_the_module_refuses_on_the_same_terms_the_plan_refuses(record_property):
    tally: Counter[str] = Counter()

    @settings(max_examples=1500)
    @given(answers(), LAGS, requests())
    def judge(seen, sample, options):
        plan = planned(seen, sample, options)
        decision = decided(seen, sample, {"writer_region": WEST, **options})
        tally[f"same terms: {decision.action}"] += 1
        if decision.action == "refuse":
            assert plan.obstacles, decision.reason
        elif decision.action == "request":
            assert not {one.code for one in plan.obstacles} & ABOUT_THE_PROMOTION, (decision.reason, plan.reason)

    judge()
    assert tally["same terms: request"] and tally["same terms: refuse"], tally
    record_property("promotions", dict(tally))
