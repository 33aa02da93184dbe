# SPDX-License-Identifier: GPL-3.0-or-later
"""Of moto's verified tests, what the lab alone fails is found, and exceptions that none needs."""

from __future__ import annotations

from tests.truth.verified import FAILED, PASSED, judge, results

REPORT = """<testsuites><testsuite>
<testcase file="tests/test_kms/test_kms.py" name="test_good"/>
<testcase file="tests/test_kms/test_kms.py" name="test_bad[1]"><failure message="m">text</failure></testcase>
<testcase file="tests/test_kms/test_kms.py" name="test_error"><error message="m">text</error></testcase>
<testcase file="tests/test_kms/test_kms.py" name="test_skipped"><skipped message="m"/></testcase>
</testsuite></testsuites>"""


def test_a_report_is_read_by_test_and_what_was_skipped_is_not_there(tmp_path):
    (tmp_path / "report.xml").write_text(REPORT)
    assert results(tmp_path / "report.xml") == {
        "test_kms/test_kms.py::test_good": PASSED,
        "test_kms/test_kms.py::test_bad[1]": FAILED,
        "test_kms/test_kms.py::test_error": FAILED,
    }


def test_only_what_fails_in_the_lab_alone_is_told():
    lab = {"a": FAILED, "b": FAILED, "c": PASSED, "d": FAILED}
    stock = {"a": PASSED, "b": FAILED, "c": FAILED, "d": PASSED}
    assert judge(lab, stock, {"d": "a reason"}) == ["a fails in the lab alone"]


def test_an_exception_that_is_no_longer_needed_and_a_test_that_was_not_run_are_told():
    assert judge({"a": PASSED}, {"a": PASSED, "b": PASSED, "c": PASSED}, {"a": "why", "c": "why", "z": "why"}) == [
        "a is accepted and does not fail in the lab alone",
        "b was not run in the lab",
    ]
