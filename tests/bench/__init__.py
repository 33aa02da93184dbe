# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the playbooks are, each against the least that the same work could take.

`make bench` takes the rows and writes the table as Markdown and JSON.

    failover.py    failover.yml against floor.py, the same calls and waits in one process
    health.py      the verdict of health, with a region that hangs
    site.py        site.yml from nothing and again, against module.py, its modules one after the other
    sides.py       both sides of a comparison in turn
    calls.py       what the lab's log of calls says of a run
    goals.py       medians, goals and verdicts
    report.py      the table
"""
