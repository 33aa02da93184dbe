# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no reason for a test to fail: examples are judged by what they show and not by their time.
settings.register_profile("repository", deadline=None)
settings.load_profile("repository")
