# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.modules import ecs_service_capacity
from ansible_collections.trading.multi_region.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    module = ecs_service_capacity
