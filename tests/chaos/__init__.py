# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults x moments: what failover.yml does if something fails at each of its steps.

`make chaos` runs the whole matrix and writes it as Markdown and JSON; tests/integration/test_chaos.py runs the day's
share of it.

    faults.py      what can break, and how each run has to end at least
    moments.py     when it breaks
    cell.py        one of the matrix: break, run, judge, fix, resume, judge again
    invariants.py  what may never be, whatever breaks
    shares.py      which cells `make test` runs on which day
    report.py      the table
"""
