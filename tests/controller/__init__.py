# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake controller (AWX) for tests.

surveys.py     how AWX judges the answers to a survey
imported.py    an inventory as a job gets it
pages.py       the commands of a page of docs/
objects.py     the files of extensions/controller, read as the playbook reads them
"""
