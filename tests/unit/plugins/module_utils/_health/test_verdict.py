# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a verdict promises: the 50 % rule, and unknown never counting as healthy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._health.verdict import SIGNALS, Settings, verdict

REGION = "us-east-2"
GOOD = {
    "targets": {"registered": 2, "healthy": 2, "states": {"healthy": 2}},
    "cluster": {"identifier": "c", "status": "available", "engine_version": "v", "writers": []},
    "instances": [{"identifier": "c-1", "status": "available", "engine_version": "v"}],
    "global_cluster": {"members": [{"region": "us-east-1", "is_writer": True}]},
    "lag": {"value_ms": 20.0, "age_seconds": 30.0, "sampled_at": "", "metric": "m"},
    "table": {"status": "ACTIVE", "replicas": {"us-east-1": "ACTIVE"}},
    "checkers": {"observations": 16, "healthy": 16},
    "probe": {"status": 200, "milliseconds": 12},
}
UNREADABLE = object()


def facts(**changes):
    values = {**GOOD, **changes}
    return Facts(
        REGION,
        {name: Observation(error="no answer") if v is UNREADABLE else Observation(v) for name, v in values.items()},
    )


def signal(name, settings=None, **changes):
    return verdict(facts(**changes), settings or Settings(), (name,)).signals[name]


def targets(healthy, registered):
    return {"targets": {"registered": registered, "healthy": healthy, "states": {}}}


@pytest.mark.parametrize(
    "healthy, registered, state",
    [
        (2, 2, "healthy"),
        (1, 2, "healthy"),
        (2, 5, "unhealthy"),
        (3, 6, "healthy"),
        (0, 1, "unhealthy"),
        (0, 0, "unhealthy"),
    ],
)
def test_half_of_the_registered_targets_must_be_healthy(healthy, registered, state):
    assert signal("load_balancer_targets", **targets(healthy, registered)).state == state


def test_no_registered_target_is_unhealthy_even_where_no_share_is_asked_for():
    settings = Settings(min_healthy_ratio=0)
    assert signal("load_balancer_targets", settings, **targets(0, 0)).state == "unhealthy"
    assert signal("load_balancer_targets", settings, **targets(0, 3)).state == "unhealthy"


def test_a_ratio_is_met_exactly():
    settings = Settings(min_healthy_ratio=0.7)
    assert signal("load_balancer_targets", settings, **targets(7, 10)).state == "healthy"


def test_a_reason_names_its_figures():
    assert signal("load_balancer_targets", **targets(2, 5)).reason == (
        "Only 2 of 5 registered targets are healthy; at least 50% and one are needed."
    )


@pytest.mark.parametrize(
    "status, statuses, state",
    [
        ("available", ["available", "failed"], "healthy"),
        ("modifying", ["backing-up"], "healthy"),
        ("available", [], "unhealthy"),
        ("available", ["rebooting"], "unhealthy"),
        ("stopped", ["available"], "unhealthy"),
        ("inaccessible-encryption-credentials", ["available"], "unhealthy"),
        ("failing-over", ["rebooting"], "unknown"),
        ("switching-over", ["available"], "healthy"),
    ],
)
def test_a_database_is_judged_by_what_passes_by_itself_and_what_does_not(status, statuses, state):
    cluster = {**GOOD["cluster"], "status": status}
    instances = [{"identifier": f"c-{n}", "status": one} for n, one in enumerate(statuses)]
    assert signal("database", cluster=cluster, instances=instances).state == state


@pytest.mark.parametrize(
    "changes, state",
    [
        ({}, "healthy"),
        ({"lag": None}, "unknown"),
        ({"lag": UNREADABLE}, "unknown"),
        ({"lag": {**GOOD["lag"], "age_seconds": 421.0}}, "unknown"),
        ({"lag": {**GOOD["lag"], "value_ms": 1001.0}}, "unhealthy"),
        ({"lag": None, "global_cluster": {"members": [{"region": REGION, "is_writer": True}]}}, "healthy"),
    ],
)
def test_a_missing_lag_sample_is_unknown_and_never_zero(changes, state):
    assert signal("replication_lag", **changes).state == state


@pytest.mark.parametrize(
    "table, state",
    [
        ({"status": "ACTIVE", "replicas": {}}, "healthy"),
        ({"status": "UPDATING", "replicas": {REGION: "ACTIVE"}}, "healthy"),
        ({"status": "ACTIVE", "replicas": {REGION: "CREATING"}}, "unhealthy"),
        ({"status": "INACCESSIBLE_ENCRYPTION_CREDENTIALS", "replicas": {}}, "unhealthy"),
        (None, "unhealthy"),
        (UNREADABLE, "unknown"),
    ],
)
def test_the_session_table_is_judged_by_its_replica_here(table, state):
    assert signal("session_table", table=table).state == state


@pytest.mark.parametrize("healthy, total, state", [(3, 16, "healthy"), (2, 16, "unhealthy"), (0, 0, "unknown")])
def test_route53_needs_more_than_18_percent_of_its_checkers(healthy, total, state):
    assert signal("route53_checkers", checkers={"observations": total, "healthy": healthy}).state == state


@pytest.mark.parametrize("status, state", [(200, "healthy"), (301, "healthy"), (404, "unhealthy"), (503, "unhealthy")])
def test_an_endpoint_is_judged_by_its_answer(status, state):
    assert signal("endpoint_probe", probe={"status": status, "milliseconds": 1}).state == state


def test_an_endpoint_that_does_not_answer_is_unknown():
    assert signal("endpoint_probe", probe=UNREADABLE).state == "unknown"


def test_evidence_does_not_decide():
    found = verdict(facts(probe={"status": 503, "milliseconds": 1}, lag=UNREADABLE), Settings())
    assert found.verdict == "healthy"
    assert found.signals["endpoint_probe"].state == "unhealthy"


def test_a_deciding_signal_that_nobody_asked_for_is_unknown():
    assert verdict(Facts(REGION, {}), Settings()).verdict == "unknown"
    assert verdict(facts(), Settings(deciding=())).verdict == "unknown"


FACT = st.sampled_from(sorted(GOOD))
DECIDING = st.lists(st.sampled_from(SIGNALS), min_size=1, unique=True).map(tuple)
ANYTHING = st.fixed_dictionaries(
    {
        "targets": st.integers(0, 9).flatmap(
            lambda n: st.integers(0, n).map(lambda h: {"registered": n, "healthy": h, "states": {}})
        )
        | st.none(),
        "instances": st.lists(
            st.sampled_from(["available", "creating", "failed"]).map(lambda s: {"identifier": "i", "status": s})
        ),
        "lag": st.none() | st.just(GOOD["lag"]) | st.just({**GOOD["lag"], "value_ms": 1e5}),
    }
)


@given(ANYTHING, st.sets(FACT), DECIDING)
def test_healthy_is_only_said_of_what_was_read(values, unread, deciding):
    found = verdict(facts(**{**values, **dict.fromkeys(unread, UNREADABLE)}), Settings(deciding=deciding))
    for name, one in found.signals.items():
        assert one.reason.endswith("."), (name, one.reason)
    states = {found.signals[name].state for name in deciding}
    expected = "unhealthy" if "unhealthy" in states else "unknown" if "unknown" in states else "healthy"
    assert found.verdict == expected


@given(ANYTHING, FACT, DECIDING)
def test_what_becomes_unreadable_never_turns_a_region_healthy(values, lost, deciding):
    settings = Settings(deciding=deciding)
    before, after = verdict(facts(**values), settings), verdict(facts(**{**values, lost: UNREADABLE}), settings)
    if before.verdict != "healthy":
        assert after.verdict != "healthy"


@given(st.integers(0, 50), st.integers(0, 50), st.floats(0, 1))
def test_the_rule_holds_for_every_count(healthy, more, ratio):
    registered = healthy + more
    found = signal("load_balancer_targets", Settings(min_healthy_ratio=ratio), **targets(healthy, registered))
    expected = registered > 0 and healthy >= 1 and healthy / registered >= ratio
    assert (found.state == "healthy") is expected
