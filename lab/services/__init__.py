# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab adds to moto, service by service. `install()` puts it in place, once, before the first request."""

from __future__ import annotations

_installed = False


def install() -> None:
    """Register the extensions and patches with moto. Calling it again changes nothing."""
    global _installed
    if _installed:
        return
    _installed = True
    # moto is slow to import, and clients of a running lab do not need it
    from lab import patches
    from lab.services import (
        accelerator,
        arc,
        autoscaling,
        capacity_reservations,
        cloudwatch,
        cloudwatch_alarms,
        creations,
        dynamodb,
        ecs,
        elbv2,
        iam_simulation,
        instances,
        lambda_vpc,
        logs,
        network_acls,
        quotas,
        rds,
        rds_metrics,
        routes,
        s3_replication,
        security_groups,
        settling,
        wafv2,
    )
    from lab.services.outage_log import OUTAGE_LOG
    from lab.services.settings import SETTINGS
    from lab.world import WORLD

    WORLD.tick_hooks += [OUTAGE_LOG.refresh, s3_replication.advance_all]
    WORLD.reset_hooks += [OUTAGE_LOG.forget, SETTINGS.reset]
    regional = (rds, rds_metrics, cloudwatch, cloudwatch_alarms, elbv2, autoscaling, dynamodb, logs, s3_replication)
    for service in (
        *regional,
        arc,
        capacity_reservations,
        creations,
        ecs,
        iam_simulation,
        instances,
        lambda_vpc,
        network_acls,
        quotas,
        routes,
        security_groups,
        settling,
        wafv2,
        accelerator,  # what it keeps from being deleted, others delete
    ):
        service.install()
    patches.apply()
