# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmarks: the playbooks compared with the minimum that the same work could take.

`make bench` takes the rows and writes the table as Markdown and JSON.

    failover.py    failover.yml against floor.py, the same calls and waits in one process
    health.py      the verdict of health, with a region that hangs
    site.py        site.yml from nothing and again, against module.py, its modules one after the other
    sides.py       both sides of a comparison, alternately
    calls.py       the calls of a run, from the lab's log
    goals.py       medians, goals and verdicts
    report.py      the table
"""
