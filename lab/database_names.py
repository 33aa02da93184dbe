# SPDX-License-Identifier: GPL-3.0-or-later
"""The DNS names of Aurora's clusters and global databases.

Follows: Aurora User Guide, "Amazon Aurora endpoint connections" (the cluster endpoint leads to the cluster) and
"Connecting to Amazon Aurora Global Database" (the global writer endpoint leads to the cluster that is the writer);
"Amazon Aurora MySQL Database Administrator's Handbook", DNS caching (the zone's TTL is 5 seconds).
"""

from __future__ import annotations

import hashlib

from moto.core import DEFAULT_ACCOUNT_ID
from moto.rds.models import DBCluster, rds_backends

from lab.services.rds_global import global_databases

TTL_S = 5
DOMAIN = "rds.amazonaws.com"


def address_of(cluster: DBCluster) -> str:
    """Its address: stable for its ARN, within 127.128.0.0 to 127.191.255.255, where nothing listens by itself."""
    digest = hashlib.sha256(cluster.db_cluster_arn.encode()).digest()
    return f"127.{128 + digest[0] % 64}.{digest[1]}.{1 + digest[2] % 254}"


def address(name: str) -> str | None:
    """The address that a name in lower case leads to, None for a name that is no database's."""
    if not name.endswith(DOMAIN):
        return None
    for database in global_databases(DEFAULT_ACCOUNT_ID).values():
        if database.writer and name == database.describe()["Endpoint"].lower():
            return address_of(database.writer.cluster)
    for backend in list(rds_backends[DEFAULT_ACCOUNT_ID].values()):
        for cluster in backend.clusters.values():
            if name == cluster.endpoint.lower():
                return address_of(cluster)
    return None
