# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Move the traffic to a region, and update the regions that missed it.

A switch has ``take_over(target)``, ``reconcile()`` and ``outcome()``. There are three kinds: statements, which every
region stores itself, in this file; routing controls, which a separate cluster stores, in ``routing_controls.py``; and
traffic dials, which Global Accelerator stores, in ``traffic_dials.py``.
``statements.py`` decides what is published. The new active region's statements are written first and are sufficient:
the other regions are updated afterwards, best effort.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import SimpleNamespace

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import NoLease, lease_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    MultiRegionError,
    Refused,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import CallGroup, observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import statements as switch
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.backends import backend_problems
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.checks_and_records import (
    ARC_ROUTING_CONTROL,
    CLOUDWATCH_METRIC,
    GLOBAL_ACCELERATOR,
    S3_OBJECT,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.metrics import CloudwatchMetrics
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.objects import S3Objects
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.routing_controls import (
    Cluster,
    ControlSwitch,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.traffic_dials import Dials, DialSwitch

# How long to wait for the public view of what was written; it is evidence only.
LOOK_SECONDS = 3.0
# A takeover does not wait longer than this for regions other than its own, because those may be the lost ones.
GRACE_SECONDS = 1.0


STORES = {S3_OBJECT: S3Objects, CLOUDWATCH_METRIC: CloudwatchMetrics}


class Permission:
    """Called before every write: false in check mode; holds the lease before the first one."""

    def __init__(self, lease, check_mode):
        self.lease = lease
        self.check_mode = check_mode
        self.is_held = False

    def __call__(self):
        if not self.check_mode and not self.is_held:
            self.lease.hold()
            self.is_held = True
        return not self.check_mode


class StatementSwitch:
    """The statements of all regions: what was read, what is written, and the errors of each region."""

    def __init__(self, store, order, deadline, may_write, silent=()):
        """silent: regions that did not respond before, which are not waited for."""
        self.store = store
        self.order = order
        self.deadline = deadline
        self.may_write = may_write
        self.silent = silent
        self.board = CallGroup(silent=silent)
        self.errors = {}
        self.view = {}
        # The statements before anything was written.
        self.before = {}
        self.doubtful = []

    def take_over(self, target):
        """Make the target the active region."""
        self.read(target)
        if self.view[target] is None:
            raise MultiRegionError(
                f"The traffic was not moved: the {self.store.noun} of {target} could not be read: "
                f"{self.errors[target]}.",
                errors=dict(self.errors),
            )
        self.doubtful = switch.stale_claims(target, self.view, self.order)
        written = {}
        if self.active() != target:
            self.write_taker(target, switch.announcement(target, self.view, self.order))
            written = {target: self.view[target]}
        self.finish_reading(written)
        wanted = switch.takeover(target, self.view, self.order)
        self.write({region: statements for region, statements in wanted.items() if region != target})
        last = switch.of_new_active(target, self.unnotified(target), self.order)
        if written:
            # The traffic has moved: removing statements that are no longer needed must not fail the move.
            self.write({target: last})
        else:
            self.write_taker(target, last)

    def reconcile(self):
        """Update the regions that missed a takeover; the traffic stays where it is."""
        self.read()
        active, wanted = self.active(), switch.reconcile(self.view, self.order)
        self.write({region: statements for region, statements in wanted.items() if region != active})
        if wanted:
            self.write({active: switch.of_settled(active, self.view, self.unnotified(active), self.order)})
        if self.store.is_forgetful:
            self.repeat()

    def read(self, first_region=None):
        """Read every region in parallel, and fill ``view``.

        first_region: return once this one has responded and the others' grace period is over; ``finish_reading``
        continues.
        """
        self.board.start({region: lambda region=region: self.store.read(region) for region in self.order})
        self.view = self.take_view(
            first_region and (lambda answers, spent: first_region in answers and spent >= GRACE_SECONDS)
        )
        self.before = dict(self.view)

    def take_view(self, enough=None):
        """Return the statements by region, None for each that has not responded; store the errors."""
        answers = self.board.wait(self.deadline, enough)
        self.errors = {region: answers[region].error for region in self.order if not answers[region].known}
        return {region: answers[region].value if answers[region].known else None for region in self.order}

    def finish_reading(self, written):
        """Wait for the regions that had not responded; what was written in the meantime is newer than what was read."""
        own = {region: self.before[region] for region in written}
        self.before = {**self.take_view(), **own}
        self.view = {**self.before, **written}

    def active(self):
        """Return the active region as far as it is visible."""
        return switch.active_region(self.view, self.order)

    def unnotified(self, active):
        """Return the regions that do not have, or are not known to have, the statements for this active region."""
        rest = switch.settled(active, self.order)
        return [region for region in self.order if region != active and self.view[region] != rest[region]]

    def write(self, objects):
        """Write to several regions in parallel, best effort. Fills ``errors`` and ``view``."""
        objects = {region: statements for region, statements in objects.items() if statements != self.view[region]}
        if objects and self.may_write():
            calls = {
                region: lambda region=region, statements=statements: self.store.write(region, statements)
                for region, statements in objects.items()
            }
            answers = observe_all(calls, self.deadline, silent=self.silent)
            self.errors.update({region: answer.error for region, answer in answers.items() if not answer.known})
            objects = {region: statements for region, statements in objects.items() if answers[region].known}
        self.view.update(objects)

    def write_taker(self, region, statements):
        """Write to the one region whose write must succeed."""
        if statements != self.view[region]:
            if self.may_write():
                self.store.write(region, statements)
            self.view[region] = statements

    def repeat(self):
        """Publish the statements of every readable region again, best effort. This changes nothing."""
        readable = [region for region in self.order if self.view[region] is not None]
        if readable and self.may_write():
            calls = {region: lambda region=region: self.store.repeat(region) for region in readable}
            answers = observe_all(calls, self.deadline, silent=self.silent)
            self.errors.update({region: answer.error for region, answer in answers.items() if not answer.known})

    def unseen(self, region):
        """Return {region: sentence} if Route 53's health checkers read something else than what the region publishes.

        What is not known within seconds is not reported: the name shows it.
        """
        if not self.store.is_public or self.may_write.check_mode or self.view[region] is None:
            return {}
        calls = {region: lambda: self.store.read_publicly(region)}
        seen = observe_all(calls, min(self.deadline, LOOK_SECONDS))[region]
        if not seen.known or seen.value == self.view[region]:
            return {}
        return {
            region: f"Route 53's health checkers do not read what the {self.store.noun} of {region} contains, so the "
            "name does not follow it: something closed it to requests without credentials, such as S3 Block Public "
            "Access of the account."
        }

    def outcome(self):
        """Return the result in the common form of all switches."""
        after = self.active()
        unwritten = f"no region is updated while {after}, the active region, cannot be read"
        return {
            "before": switch.active_region(self.before, self.order),
            "after": after,
            "shown_before": shown(self.before),
            "shown_after": shown(self.view),
            "not_told": {region: self.errors.get(region) or unwritten for region in self.unnotified(after)},
            "errors": self.errors,
            "may_take_back": self.doubtful,
            "not_seen": self.unseen(after),
        }


def build_switch(params, clients, order, check_mode):
    """Return the switch of the backend."""
    lease = NoLease() if check_mode else lease_of(params, clients)
    may_write = Permission(lease, check_mode)
    if params["backend"] == ARC_ROUTING_CONTROL:
        controls = {entry["region"]: entry["routing_control_arn"] for entry in params["regions"]}
        cluster = Cluster(clients, controls, params["cluster_endpoints"])
        return ControlSwitch(cluster, order, params.get("safety_rules_to_override") or [], may_write, lease.sleep)
    if params["backend"] == GLOBAL_ACCELERATOR:
        groups = {entry["region"]: entry["endpoint_group_arn"] for entry in params["regions"]}
        return DialSwitch(Dials(clients, groups), order, may_write, lease.sleep)
    silent = set(params.get("silent_regions") or ()) - {params.get("active_region")}
    return StatementSwitch(STORES[params["backend"]](clients, params), order, params["deadline"], may_write, silent)


def check_inputs(params):
    """Return the regions in order; raise Refused for options that cannot be meant."""
    order = [entry["region"] for entry in params["regions"]]
    twice = sorted({region for region in order if order.count(region) > 1})
    if twice:
        raise Refused(f"regions has {', '.join(twice)} more than once; allowed: each region once.")
    if len(order) < 2:
        raise Refused(f"regions has {len(order)} entries; allowed: two or more.")
    target = params.get("active_region")
    if target is not None and target not in order:
        raise Refused(f"active_region is {target}; allowed: one of regions, {', '.join(order)}.")
    problems = backend_problems(params)
    if problems:
        raise Refused(" ".join(problems))
    return order


def sentence(target, before, after, changed, not_told, check_mode):
    """Return what was done, and what is left to do."""
    would = "would be" if check_mode else "was"
    if target and before != after:
        done = f"The traffic {would} moved from {before} to {after}"
    elif target:
        done = f"The traffic is at {after}, where it was before"
    else:
        done = f"The traffic stays at {after}"
    if changed and before == after:
        done += f", and regions {would.replace('was', 'were')} updated"
    if not_told:
        done += f"; {', '.join(not_told)} could not be updated; update them once reachable (omit active_region)"
    return f"{done}."


@timed
def run(params, clients, check_mode=False):
    """Make ``active_region`` active, or, if it is None, only update the regions that missed a takeover.

    Returns {changed, reason, before, after, told, not_told, not_seen, errors, may_take_back, statements, diff,
    seconds}.
    Raises Refused for invalid input, MultiRegionError if the target could not be read or written.
    """
    order = check_inputs(params)
    turned = build_switch(params, clients, order, check_mode)
    target = params.get("active_region")
    if target:
        turned.take_over(target)
    else:
        turned.reconcile()
    found = turned.outcome()
    after, not_told, not_seen = found["after"], found["not_told"], found.get("not_seen") or {}
    changed = found["shown_after"] != found["shown_before"]
    done = sentence(target, found["before"], after, changed, not_told, check_mode)
    return {
        "changed": changed,
        "reason": " ".join([done, *not_seen.values()]),
        "before": found["before"],
        "after": after,
        "told": [region for region in order if region != after and region not in not_told],
        "not_told": list(not_told),
        "not_seen": list(not_seen),
        "errors": {**found["errors"], **not_told},
        "may_take_back": found["may_take_back"],
        "statements": found["shown_after"],
        "diff": {"before": found["shown_before"], "after": found["shown_after"]},
    }


def shown(view: Mapping):
    """Return statements in the result's form: a sorted list by region, None if they could not be read."""
    return {region: None if statements is None else sorted(statements) for region, statements in view.items()}


def s3_module(module):
    """Return what ``clients_for`` needs, with S3 configured so that a bucket is reached at its region's endpoint.

    By default botocore sends requests for us-east-1 to the global endpoint, and puts the bucket's name into the host
    name unless the endpoint is an IP address ("s3" of the Config reference of botocore).
    """
    config = dict(module.params.get("aws_config") or {})
    s3 = {"us_east_1_regional_endpoint": "regional", **(config.get("s3") or {})}
    own_endpoint = module.params.get("endpoint_url") or os.environ.get("AWS_ENDPOINT_URL_S3")
    if own_endpoint or os.environ.get("AWS_ENDPOINT_URL"):
        s3.setdefault("addressing_style", "path")
    return SimpleNamespace(params={**module.params, "aws_config": {**config, "s3": s3}}, fail_json=module.fail_json)
