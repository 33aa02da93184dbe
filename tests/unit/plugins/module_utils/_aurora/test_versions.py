# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Versions that AWS does not offer are refused with the nearest it does, and so are upgrades."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import versions

MYSQL = "aurora-mysql"
NAMES = [f"8.0.mysql_aurora.3.{minor}" for minor in ("04.0", "10.4", "10.5", "12.0", "13.0")]
NEW_MAJOR = "8.4.mysql_aurora.8.4.7"


def offer(name, **more):
    return {"engine_version": name, "status": "available", "supports_global_databases": True, **more}


def offers(*names, **more):
    return [offer(name, **more) for name in names]


def test_a_version_that_every_region_offers_has_no_problem():
    every = {region: offers(*NAMES) for region in ("us-east-1", "us-east-2")}
    assert all(versions.offer_problem(MYSQL, name, every) is None for name in NAMES)
    assert versions.offer_problem(MYSQL, NAMES[0], {}) is None


def test_a_retired_version_is_refused_with_the_nearest_that_are_offered():
    told = versions.offer_problem(MYSQL, NAMES[0], {"us-east-1": offers(*NAMES[1:], NEW_MAJOR)})
    assert told.startswith("Aurora MySQL 8.0.mysql_aurora.3.04.0 is not offered in us-east-1; ")
    assert told.endswith(": 8.0.mysql_aurora.3.10.4, 8.0.mysql_aurora.3.10.5, 8.0.mysql_aurora.3.12.0.")


def test_a_region_that_lacks_a_version_is_named_and_the_nearest_are_in_all_regions():
    found = {"us-east-1": offers(*NAMES), "us-east-2": offers(*NAMES[:2])}
    told = versions.offer_problem(MYSQL, NAMES[2], found)
    assert "is not offered in us-east-2;" in told
    assert told.endswith("in us-east-1, us-east-2: 8.0.mysql_aurora.3.10.4, 8.0.mysql_aurora.3.04.0.")


@pytest.mark.parametrize(
    ("more", "words"),
    [({"supports_global_databases": False}, "offered without global databases"), ({"status": "deprecated"}, "none.")],
)
def test_what_has_no_global_databases_or_no_support_counts_as_not_offered(more, words):
    assert words in versions.offer_problem(MYSQL, NAMES[2], {"us-east-1": offers(NAMES[2], **more)})


@given(st.sampled_from(NAMES), st.lists(st.sampled_from([*NAMES, NEW_MAJOR]), unique=True))
def test_the_nearest_are_offered_and_of_the_own_major_version_first(wanted, able):
    told = versions.nearest(MYSQL, wanted, able)
    assert set(told) <= set(able) - {wanted} and len(told) == min(versions.NAMED, len(set(able) - {wanted}))
    assert told == sorted(told, key=lambda name: name == NEW_MAJOR)


@pytest.mark.parametrize(
    ("current", "wanted", "targets", "words"),
    [
        (NAMES[2], NAMES[1], NAMES[3:], "cannot go back"),
        (
            "5.7.mysql_aurora.2.12.5",
            NEW_MAJOR,
            NAMES[2:],
            "takes two upgrades. Nearest that it can: 8.0.mysql_aurora.3.13.0",
        ),
        (
            NAMES[2],
            "8.0.mysql_aurora.3.11.9",
            NAMES[3:],
            "AWS offers no such upgrade. Nearest that it can: 8.0.mysql_aurora.3.12.0",
        ),
    ],
)
def test_an_upgrade_that_aws_does_not_make_is_refused_with_what_it_makes(current, wanted, targets, words):
    assert words in versions.upgrade_problem(MYSQL, current, wanted, offers(*targets))


def test_upgrades_that_aws_makes_pass():
    assert all(
        versions.upgrade_problem(MYSQL, NAMES[2], name, offers(*NAMES[2:], NEW_MAJOR)) is None for name in NAMES[2:]
    )
    assert "Aurora PostgreSQL 17.7" in versions.upgrade_problem("aurora-postgresql", "17.7", "18.9", offers("18.3"))
