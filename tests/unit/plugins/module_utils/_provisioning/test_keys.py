# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A key that others have made: what of it no service can use is missing, and who may not use it is a warning."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.keys import PUBLISHERS, key_rows

EAST = "us-east-1"
ARN = f"arn:aws:kms:{EAST}:123456789012:key/11111111-2222-3333-4444-555555555555"
OF_THE_ACCOUNT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*"}
OF_PUBLISHERS = {
    "Effect": "Allow",
    "Principal": {"Service": list(PUBLISHERS)},
    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
}


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def row(named="alias/orders", has_topics=True, **changes):
    key = {
        "arn": ARN,
        "state": "Enabled",
        "spec": "SYMMETRIC_DEFAULT",
        "usage": "ENCRYPT_DECRYPT",
        "manager": "CUSTOMER",
        "policy": policy(OF_THE_ACCOUNT, OF_PUBLISHERS),
        **changes,
    }
    (found,) = key_rows(EAST, named, Observation(key), has_topics)
    return found


@pytest.mark.parametrize("named", ["alias/orders", ARN])
def test_a_key_that_all_services_may_use_is_good(named):
    assert (row(named).state, row(named).reason) == (
        "ok",
        f"{named} is Enabled, and its policy lets the account and its services use it.",
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "Disabled"}, "alias/orders is Disabled."),
        ({"state": "PendingDeletion"}, "alias/orders is PendingDeletion."),
        (
            {"spec": "RSA_2048"},
            "alias/orders is a key of RSA_2048 for ENCRYPT_DECRYPT, with which no",
        ),
        ({"usage": "SIGN_VERIFY"}, "alias/orders is a key of SYMMETRIC_DEFAULT for SIGN_VERIFY"),
        ({"manager": "AWS"}, "alias/orders is a key that AWS manages, which one service alone can use."),
        ({"named": ARN.replace("east-1", "east-2")}, "555555555555 is in us-east-2."),
    ],
)
def test_a_key_that_nothing_can_be_encrypted_with_is_missing_with_its_remedy(changes, words):
    found = row(**changes)
    assert found.state == "missing" and words in found.reason and found.remedy


def test_a_key_that_is_not_there_or_could_not_be_read_is_missing():
    (gone,) = key_rows(EAST, "alias/orders", Observation(None), True)
    (unknown,) = key_rows(EAST, "alias/orders", Observation(error="no answer"), True)
    assert (gone.state, gone.reason) == ("missing", "There is no key alias/orders.")
    assert (unknown.state, unknown.reason) == ("missing", "Unknown: it could not be read: no answer.")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"policy": None}, "who may use it is unknown, because its policy may not be read"),
        ({"policy": policy(OF_PUBLISHERS)}, "its policy does not let the account's IAM policies decide"),
        ({"policy": policy(OF_THE_ACCOUNT)}, "cloudwatch.amazonaws.com and events.rds.amazonaws.com may not use it"),
        (
            {"policy": policy(OF_THE_ACCOUNT, {**OF_PUBLISHERS, "Action": "kms:Decrypt"})},
            "cloudwatch.amazonaws.com and events.rds.amazonaws.com may not use it",
        ),
    ],
)
def test_who_may_not_use_a_key_is_a_warning(changes, words):
    found = row(**changes)
    assert found.state == "warning" and words in found.reason and found.remedy


def test_without_topics_nobody_needs_to_publish_to_them():
    assert row(has_topics=False, policy=policy(OF_THE_ACCOUNT)).state == "ok"
