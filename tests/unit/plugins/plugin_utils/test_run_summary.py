# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an operator reads of a run's outcome: only what was proven, and the command that comes next."""

from __future__ import annotations

from functools import partial

import pytest

from ansible_collections.trading.multi_region.plugins.plugin_utils.run_summary import (
    claims,
    command_line,
    next_step,
    summary,
)

INSTANT = "2026-01-01T00:00:00.000Z"
RUN = {
    "outcome": "successful",
    "method": "failover",
    "from_region": "us-east-1",
    "target_region": "us-east-2",
    "rto_seconds": 16.2,
    "rpo_bound_ms": 400,
    "safe_instant": INSTANT,
    "fenced": "fenced",
    "fenced_reason": "us-east-1 is fenced: Aurora blocked its writes.",
    "writes_ended_at": 1767225600.4,
}
STEPS = [
    {"name": "promote_request", "ended_at": 100.5, "seconds": 0.5},
    {"name": "verify", "ended_at": 107.0, "seconds": 1.0},
]
SWITCHOVER = {**RUN, "method": "switchover", "rpo_bound_ms": 0, "steps": STEPS}
OBSTACLE = {"code": "lag_unknown", "sentence": "The lag is unknown.", "override": "accept_data_loss: true"}
REFUSED = {**RUN, "outcome": "refused", "reason": "The lag is unknown.", "obstacles": [OBSTACLE]}
FAILED = {**RUN, "outcome": "failed", "reason": "Promote | wait: AWS abandoned it."}
AT_THE_DESK = partial(command_line, "playbooks/failover.yml", ["/desk/inventories/prod"], "/desk", False)
COMMAND = "ansible-playbook playbooks/{}.yml -i inventories/prod"


@pytest.mark.parametrize(
    ("changes", "loss"),
    [
        ({}, "at most 0.4 s of writes"),
        ({"rpo_bound_ms": 29044.0}, "at most 29.1 s of writes"),
        ({"rpo_bound_ms": 0}, "none"),
        ({"rpo_bound_ms": "unknown", "safe_instant": "unknown"}, "unknown, no sample of the replication lag"),
        (
            {"rpo_bound_ms": "unknown"},
            "unknown, nothing proves when us-east-1 stopped taking writes; every write befo",
        ),
        ({"rpo_bound_ms": None}, "unknown, nothing proves"),
    ],
)
def test_a_failover_says_its_time_and_what_can_be_lost_and_unknown_is_never_none(changes, loss):
    assert summary({**RUN, **changes}).startswith(f"us-east-2 is active; 16.2 s after the command; loss: {loss}")


def test_a_planned_move_says_how_long_it_was_without_service():
    said = summary(SWITCHOVER)
    assert said == "us-east-2 is active; at most 7 s without service, cached names aside; loss: none"


@pytest.mark.parametrize("changes", [{"steps": STEPS[1:]}, {"method": "failover"}, {"steps": []}])
def test_without_the_moment_at_which_service_ended_the_interruption_is_not_claimed(changes):
    assert "without service" not in summary({**SWITCHOVER, **changes})


def test_an_unknown_time_is_not_a_time():
    assert "unknown how long after the command" in summary({**RUN, "rto_seconds": None})


def test_warnings_are_counted_in_the_first_line():
    assert summary({**RUN, "warnings": ["a", "b"]}).endswith("; warnings: 2")


def test_a_failure_says_where_and_why_and_the_same_command_is_next():
    assert summary(FAILED) == "FAILED at promote: AWS abandoned it."
    assert summary({**FAILED, "reason": "3 Lease | one run at a time: It is held: by r2."}).startswith(
        "FAILED at lease: It"
    )
    assert summary({**FAILED, "reason": "Gather facts: no answer"}) == "FAILED at Gather facts: no answer"
    assert COMMAND.format("failover") in next_step(FAILED, AT_THE_DESK)


def test_a_refusal_says_its_code_and_what_sets_it_aside():
    assert summary(REFUSED) == "REFUSED before any change: lag_unknown"
    said = next_step(REFUSED, AT_THE_DESK)
    assert "lag_unknown" in said
    assert said.endswith(f"{COMMAND.format('failover')} -e accept_data_loss=true")


def test_a_refusal_that_nothing_sets_aside_names_no_command():
    two = {
        **REFUSED,
        "obstacles": [OBSTACLE, {"code": "target_unreadable", "sentence": "No answer.", "override": None}],
    }
    assert "ansible-playbook" not in next_step(two, AT_THE_DESK)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (RUN, f"once us-east-1 responds: {COMMAND.format('site')}, then {COMMAND.format('failback')}"),
        (
            {**RUN, "method": "detach"},
            f"once us-east-1 responds: {COMMAND.format('failback')} -e rebuild=true",
        ),
        (SWITCHOVER, f"nothing; to return: {COMMAND.format('switchover')} -e target_region=us-east-1"),
        ({**SWITCHOVER, "is_part": True}, "nothing, the playbook goes on by itself"),
        ({**SWITCHOVER, "outcome": "unchanged"}, "nothing"),
        ({**RUN, "from_region": "unknown"}, f"once the old region responds: {COMMAND.format('site')}, then"),
    ],
)
def test_the_command_that_comes_next_is_printed_whole(run, said):
    assert next_step(run, AT_THE_DESK).startswith(said)


@pytest.mark.parametrize(
    ("started", "inventory", "playbook", "command"),
    [
        ("playbooks/failover.yml", ["/desk/a b"], "site", "ansible-playbook playbooks/site.yml -i 'a b'"),
        ("/opt/p/failback.yml", ["/etc/inv"], None, "ansible-playbook /opt/p/failback.yml -i /etc/inv"),
        ("failover.yml", [], None, "ansible-playbook failover.yml"),
        ("playbooks/health_check.yml", ["a,b"], None, "ansible-playbook playbooks/failover.yml -i a,b"),
        ("trading.multi_region.drill", ["/desk/x"], None, "ansible-playbook trading.multi_region.drill -i x"),
        ("trading.multi_region.drill", [], "site", "ansible-playbook trading.multi_region.site"),
    ],
)
def test_a_command_is_the_one_that_was_given_with_another_playbook(started, inventory, playbook, command):
    assert command_line(started, inventory, "/desk", False, playbook) == command


def test_a_controller_has_job_templates():
    said = command_line("playbooks/failover.yml", ["/runner/inventory"], "/", True, "failback", "rebuild=true")
    assert said == "the job template of failback.yml with rebuild=true"


def test_a_bound_is_claimed_with_both_of_its_ends():
    assert claims(RUN) == [
        f"Every write committed before {INSTANT} (UTC) is in us-east-2.",
        "At most 0.4 s of writes are lost, those from then until us-east-1 was proven to take none, at "
        "2026-01-01T00:00:00.400Z.",
        "RTO: 16.2 s, from the start of the command (of the run's first attempt) until the name, its endpoint and the "
        "writer were seen in us-east-2.",
        "us-east-1 is fenced: Aurora blocked its writes. Its database takes no writes.",
    ]


def test_a_planned_move_claims_that_nothing_is_lost():
    said = claims(SWITCHOVER)
    assert said[0].startswith("Nothing is lost")
    assert not any("fenced" in one for one in said)


@pytest.mark.parametrize("fenced", ["not proven", "not fenced", "unknown", "not asked for", None])
def test_what_is_not_proven_is_not_claimed(fenced):
    run = {**RUN, "rpo_bound_ms": "unknown", "safe_instant": "unknown", "fenced": fenced, "fenced_reason": ""}
    said = " ".join(claims({**run, "rto_seconds": None}))
    assert "unknown which writes are kept" in said and "No bound on what is lost is claimed" in said
    assert "recovery time is unknown" in said and "may write there" in said


def test_a_run_that_failed_claims_no_bound_and_no_time():
    said = " ".join(claims(FAILED))
    assert "At most" not in said and "RTO" not in said and "The move is not complete" in said


@pytest.mark.parametrize("outcome", ["refused", "unchanged"])
def test_a_run_that_moved_nothing_claims_nothing(outcome):
    assert claims({**RUN, "outcome": outcome}) == ["Nothing was moved, so nothing is claimed."]


def test_a_record_of_which_nothing_is_known_claims_nothing_and_breaks_nothing():
    assert all("unknown" in one or "not complete" in one or "not read" in one for one in claims({}))
