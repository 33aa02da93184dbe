# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What became of a portfolio's move."""

from __future__ import annotations

import typing as t

from ansible_collections.trading.multi_region.plugins.plugin_utils import portfolio as plugin_utils_portfolio


def portfolio_report(portfolio: t.Any, results: t.Any, began: float, reason: str) -> dict[str, t.Any]:
    """See :func:`portfolio.portfolio_report`."""
    return plugin_utils_portfolio.portfolio_report(portfolio, results, began, reason)


def portfolio_variables(portfolio: t.Any, platform: t.Any) -> dict[str, t.Any]:
    """See :func:`portfolio.variables_of`."""
    return plugin_utils_portfolio.variables_of(portfolio, platform)


class FilterModule:
    """Filters of portfolio.yml."""

    def filters(self) -> dict[str, t.Callable]:
        return {"portfolio_report": portfolio_report, "portfolio_variables": portfolio_variables}
