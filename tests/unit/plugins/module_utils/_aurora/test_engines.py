# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The table of engines: complete, and right about families, parity, TLS and capacities."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import engines
from lab.services.rds_calendar import offered
from lab.services.rds_engines import MYSQL_LOGS, POSTGRESQL_LOGS, default_parameters

MYSQL, POSTGRESQL = "aurora-mysql", "aurora-postgresql"


@pytest.mark.parametrize("name", engines.ENGINES)
def test_the_default_of_an_engine_is_offered_and_what_is_set_belongs_to_its_family(name):
    engine = engines.of(name)
    assert engines.is_version(name, engine.default_version)
    assert engine.default_version in [one.name for one in offered(name, "us-east-1") if one.supports_global]
    family = engines.family(name, engine.default_version)
    assert engine.cluster_parameters.keys() <= default_parameters(family, "c").keys()
    assert engine.instance_parameters.keys() <= default_parameters(family, "i").keys()
    assert set(engine.log_types) <= set(MYSQL_LOGS if name == MYSQL else POSTGRESQL_LOGS)
    assert engines.requires_tls(name, engine.default_version, engine.cluster_parameters)


@pytest.mark.parametrize(
    ("name", "version", "family"),
    [
        (MYSQL, "8.0.mysql_aurora.3.10.5", "aurora-mysql8.0"),
        (MYSQL, "8.4.mysql_aurora.8.4.7", "aurora-mysql8.4"),
        (POSTGRESQL, "17.7", "aurora-postgresql17"),
        (POSTGRESQL, "16.8", "aurora-postgresql16"),
    ],
)
def test_a_version_has_the_family_of_its_major_version(name, version, family):
    assert engines.family(name, version) == family


@pytest.mark.parametrize(
    ("name", "one", "other", "fits"),
    [
        (MYSQL, "8.0.mysql_aurora.3.10.5", "8.0.mysql_aurora.3.10.5", True),
        (MYSQL, "8.0.mysql_aurora.3.10.5", "8.0.mysql_aurora.3.10.4", False),
        (POSTGRESQL, "17.7", "17.7", True),
        (POSTGRESQL, "17.7.1", "17.7.2", True),
        (POSTGRESQL, "17.7", "17.9", False),
        (POSTGRESQL, None, None, False),
        ("another", "1.2.3", "1.2.4", False),
    ],
)
def test_the_writer_moves_between_versions_that_aws_lets_it_move_between(name, one, other, fits):
    assert {engines.have_parity(name, *pair) for pair in ((one, other), (other, one))} == {fits}


@pytest.mark.parametrize(
    ("name", "version", "parameters", "required"),
    [
        (MYSQL, "8.0.mysql_aurora.3.10.5", {}, False),
        (MYSQL, "8.0.mysql_aurora.3.10.5", {"require_secure_transport": "1"}, True),
        (MYSQL, "8.0.mysql_aurora.3.10.5", {"require_secure_transport": "OFF"}, False),
        (POSTGRESQL, "17.7", {}, True),
        (POSTGRESQL, "16.8", {}, False),
        (POSTGRESQL, "17.7", {"rds.force_ssl": "0"}, False),
    ],
)
def test_tls_is_required_by_parameter_or_by_default(name, version, parameters, required):
    assert engines.requires_tls(name, version, parameters) is required


@pytest.mark.parametrize(
    ("given_class", "least", "most", "words"),
    [
        ("db.serverless", None, None, "needs a least and a largest"),
        ("db.r6g.large", 1, None, "given together"),
        ("db.serverless", 8, 4, "at most the largest, 4"),
        ("db.serverless", 0.7, 4, "multiple of 0.5"),
        ("db.serverless", True, 4, "multiple of 0.5"),
        ("db.serverless", 1, 300, "1 to 256"),
        ("db.serverless", -1, 4, "0 to 256"),
        ("db.serverless", 0, 0.5, "1 to 256"),
    ],
)
def test_capacities_that_do_not_fit_are_told_with_what_is_allowed(given_class, least, most, words):
    assert words in engines.capacity_problem(given_class, least, most)


@given(st.integers(0, 512), st.integers(2, 512))
def test_capacities_in_order_and_in_range_pass(least, most):
    told = engines.capacity_problem("db.serverless", least / 2, most / 2)
    assert (told is None) is (least <= most)
