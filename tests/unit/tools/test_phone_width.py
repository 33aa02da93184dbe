# SPDX-License-Identifier: GPL-3.0-or-later
"""A page that a phone would scroll aside is found."""

from __future__ import annotations

from tests.tools.phone_width import too_wide


def test_a_page_that_is_wider_than_a_phone_is_found_and_another_is_not(tmp_path):
    (tmp_path / "narrow.html").write_text("<p>text</p>")
    (tmp_path / "wide.html").write_text('<div style="width: 600px">text</div>')
    assert [one.partition(":")[0] for one in too_wide(tmp_path, ["narrow.html", "wide.html"])] == ["wide.html"]
