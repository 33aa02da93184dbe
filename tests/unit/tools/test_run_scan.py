# SPDX-License-Identifier: GPL-3.0-or-later
"""The scan reports findings that are not accepted, and accepted ones that are no longer found."""

from __future__ import annotations

from tests.tools.run_scan import accepted, problems


def finding(check: str, status: str, muted: bool = False, resource: str = "thing") -> dict[str, str]:
    row = {"CHECK_ID": check, "STATUS": status, "MUTED": str(muted), "SEVERITY": "high"}
    return row | {"RESOURCE_NAME": resource, "REGION": "us-east-1"}


def test_what_failed_and_is_not_accepted_is_reported_with_its_resources() -> None:
    found = [finding("open_port", "FAIL", resource=name) for name in ("one", "other")]
    assert problems(found, []) == ["high open_port: one (us-east-1), other (us-east-1)"]


def test_what_passed_or_was_accepted_is_not_reported() -> None:
    assert problems([finding("closed_port", "PASS"), finding("no_logs", "FAIL", muted=True)], ["no_logs"]) == []


def test_an_entry_that_answers_nothing_any_more_is_reported() -> None:
    found = [finding("no_logs", "PASS"), finding("alarm_of_root", "FAIL", muted=True)]
    assert problems(found, ["no_logs", "alarm_*"]) == ["accepted, and found no more: no_logs"]


def test_nothing_is_accepted_without_a_reason() -> None:
    assert [name for name, entry in accepted().items() if not entry.get("Description", "").endswith(".")] == []
