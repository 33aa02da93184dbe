# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in for a controller (AWX) in tests.

surveys.py     how AWX judges the answers to a survey
objects.py     the files of extensions/controller, read as the playbook reads them
"""
