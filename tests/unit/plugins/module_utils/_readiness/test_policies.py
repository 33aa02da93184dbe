# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A policy is judged for the worse: what might be public is, and what might not be refused is not."""

from __future__ import annotations

import json

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._readiness.policies import (
    public_resources,
    refuses_plain_http,
)
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils._readiness.world import (
    bucket_of,
    permission,
    policy_of,
    refusal,
)

BUCKET = list(bucket_of("data"))
TLS = refusal("s3:*", *BUCKET)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (permission("a", "b"), ["s3:GetObject on a", "s3:GetObject on b"]),
        (permission("a", Principal={"AWS": "*"}), ["s3:GetObject on a"]),
        (permission("a", Principal={"AWS": ["123456789012", "*"]}), ["s3:GetObject on a"]),
        (permission("a", Condition={"StringEquals": {"aws:Referer": "x"}}), ["s3:GetObject on a"]),
        (
            {"Effect": "Allow", "NotPrincipal": {"AWS": "1"}, "NotAction": "s3:Get*", "Resource": "a"},
            ["all but ['s3:Get*'] on a"],
        ),
        (permission("a", Principal={"AWS": "123456789012"}), []),
        (permission("a", Principal={"Service": "logging.s3.amazonaws.com"}), []),
        (TLS, []),
    ],
)
def test_what_everybody_may_is_found(statement, found):
    assert list(public_resources(policy_of(statement))) == found


def test_a_policy_of_one_statement_and_none_at_all_are_understood():
    assert list(public_resources(json.dumps({"Statement": permission("a")}))) == ["s3:GetObject on a"]
    assert refuses_plain_http(json.dumps({"Statement": TLS}), "s3:*", BUCKET)
    assert list(public_resources(None)) == []
    assert not refuses_plain_http(None, "s3:*", BUCKET)


@pytest.mark.parametrize(
    "weaker",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": "123456789012"}},
        {"Action": "s3:GetObject"},
        {"Resource": BUCKET[0]},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {}},
        {"Condition": {**TLS["Condition"], "StringEquals": {"aws:PrincipalAccount": "1"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}},
    ],
)
def test_a_refusal_with_a_hole_is_none(weaker):
    assert not refuses_plain_http(policy_of({**TLS, **weaker}), "s3:*", BUCKET)


def test_several_statements_refuse_together():
    parts = policy_of(*(refusal("s3:*", resource) for resource in BUCKET))
    assert refuses_plain_http(parts, "s3:*", BUCKET)
