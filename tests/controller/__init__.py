# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake controller (AWX) for tests.

surveys.py     how AWX judges the answers to a survey
objects.py     the files of extensions/controller, read as the playbook reads them
"""
