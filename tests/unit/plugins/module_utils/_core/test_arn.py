# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an ARN says."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.arn import region_of
from ansible_collections.trading.multi_region.tests.unit.plugins.module_utils.failover_fakes import EAST, arn_of


@pytest.mark.parametrize("arn, region", [(arn_of("rds", EAST, "cluster:a"), EAST), ("", None), (None, None)])
def test_the_region_of_an_arn(arn, region):
    assert region_of(arn) == region
