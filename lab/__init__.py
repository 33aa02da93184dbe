# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: AWS on loopback, for the demo and the integration tests. Not part of the built collection."""
