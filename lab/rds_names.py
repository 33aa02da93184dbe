# SPDX-License-Identifier: GPL-3.0-or-later
"""What the DNS names of RDS answer: global writer endpoints, cluster and reader endpoints, instances.

Follows: Aurora User Guide, "Amazon Aurora endpoint connections", "Connecting to Amazon Aurora Global Database", and
event RDS-EVENT-0397 of "Amazon RDS event categories and event messages for Aurora", by which the global writer
endpoint resolves to another DNS name, which Aurora changes after the writer; Amazon Aurora MySQL Database
Administrator's Handbook, "DNS endpoints" and "DNS caching" (a cluster's endpoints are CNAMEs of instances, with a TTL
of five seconds). The writer endpoint of a secondary is inactive (DBClusterEndpoint of the API reference); whether such
a name has an address no document says: here it has none. The names are public, and answered whether or not their
region is lost.
"""

from __future__ import annotations

import hashlib

from moto.core import DEFAULT_ACCOUNT_ID
from moto.rds.models import DBCluster, rds_backends

from lab.services.rds_global import advance_all, global_databases, membership

RDS_DOMAIN = "rds.amazonaws.com"
RDS_TTL_S = 5

# (owner, type, TTL, values), as in lab.route53.DnsAnswer
Chain = list[tuple[str, str, int, list[str]]]


def is_rds_name(name: str) -> bool:
    """Whether RDS answers for the name, be there such a thing or not."""
    return name.endswith(RDS_DOMAIN)


def chain_of(name: str) -> Chain:
    """CNAMEs and the address of a name in lower case; empty for one that does not exist. The caller holds the lock."""
    advance_all(DEFAULT_ACCOUNT_ID)
    chain: Chain = []
    known = {**_instances(), **_clusters(), **_global_databases()}
    while name in known:
        target = known[name]
        is_name = is_rds_name(target)
        chain.append((name, "CNAME" if is_name else "A", RDS_TTL_S, [target]))
        name = target.lower() if is_name else ""
    return chain


def address_of(name: str) -> str:
    """An instance's address, stable for its name. AWS's are private; these are of loopback and nothing listens there,
    so that an accidental connection does not leave the machine."""
    digest = hashlib.sha256(name.encode()).digest()
    return f"127.{128 + digest[0] % 64}.{digest[1]}.{1 + digest[2] % 254}"


def _all_clusters() -> list[DBCluster]:
    return [one for backend in rds_backends[DEFAULT_ACCOUNT_ID].values() for one in backend.clusters.values()]


def _instances() -> dict[str, str]:
    names = [instance.address.lower() for cluster in _all_clusters() for instance in cluster.members]
    return {name: address_of(name) for name in names}


def _clusters() -> dict[str, str]:
    """A reader endpoint leads to a reader, or to the writer where there is no other instance."""
    found = {}
    for cluster in _all_clusters():
        _, member = membership(cluster)
        is_secondary = member is not None and not member.is_writer
        writer = None if is_secondary else cluster.writer
        readers = [one for one in cluster.members if one is not writer] or ([writer] if writer else [])
        if writer:
            found[cluster.endpoint.lower()] = writer.address
        if readers:
            found[cluster.reader_endpoint.lower()] = readers[0].address
    return found


def _global_databases() -> dict[str, str]:
    databases = global_databases(DEFAULT_ACCOUNT_ID).values()
    return {one.endpoint.lower(): one.endpoint_leads_to for one in databases if one.endpoint_leads_to}
