# SPDX-License-Identifier: GPL-3.0-or-later
"""Game day: customers place orders at a platform with real databases while its regions fail and playbooks move it.

`make gameday` plays every scenario and writes what was lost beside what the runs claimed.

    requirements.py  what the machine must have
    network.py       faults of links: one nftables table on loopback
    databases.py     a MariaDB server for each cluster, and its replication
    relay.py         the link of the replication, with a delay
    regions.py       load balancer and applications of a region
    application.py   one application process
    customers.py     who places orders, and how each keeps its history
    plane.py         the lab's data plane (lab/data_plane.py) as an HTTP server
    game.py          one scenario's world, from its start to the checked end
    scenarios.py     what happens in each
    checker.py       what the histories say, and what the product claimed
    report.py        the table
    picture.py       acknowledged orders a second, with what happened
    guardian.py      stops the labs of a game day that was killed
"""
