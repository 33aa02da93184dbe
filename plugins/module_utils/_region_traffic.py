# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Moving the traffic to a region, and telling the regions that missed it.

What is said is decided in ``_traffic_switch``. The taker's object is written first and is enough: whoever else can be
reached is told afterwards, best effort.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import SimpleNamespace

from ansible_collections.trading.multi_region.plugins.module_utils import _traffic_switch as switch
from ansible_collections.trading.multi_region.plugins.module_utils._api import (
    AwsCallError,
    MultiRegionError,
    Refused,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._observe import Board, observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._wait import timed

# A take-over does not wait longer than this for regions other than its own: those may be the lost ones.
GRACE_SECONDS = 1.0


@aws_call("GetObject", missing=("NoSuchKey",))
def get_object(client, bucket, key):
    """Return the object's text, or None where there is no such object."""
    return client.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8", "replace")


@aws_call("PutObject")
def put_object(client, bucket, key, text):
    """Write the object. Not cached: a checker that goes through a cache would see the old answer."""
    client.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="text/plain", CacheControl="no-store")


@aws_call("DeleteObject")
def delete_object(client, bucket, key):
    """Remove the object; nothing happens where it is absent."""
    client.delete_object(Bucket=bucket, Key=key)


class S3Objects:
    """Statements kept in one object per region. Every back end has these two methods; both raise AwsCallError."""

    def __init__(self, clients, params):
        self.clients = clients
        self.key = params["object_key"]
        self.buckets = {entry["region"]: entry["bucket"] for entry in params["regions"]}

    def read(self, region):
        """Return what the region says."""
        return switch.parse(get_object(self.clients("s3", region), self.buckets[region], self.key) or "")

    def write(self, region, statements):
        """Make the region say this, and read it back; a write whose answer was lost counts when it is there."""
        client, bucket = self.clients("s3", region), self.buckets[region]
        try:
            if statements:
                put_object(client, bucket, self.key, switch.render(statements))
            else:
                delete_object(client, bucket, self.key)
        except AwsCallError as error:
            if not error.ambiguous:
                raise
        found = self.read(region)
        if found != statements:
            raise MultiRegionError(f"The control object of {region} does not say what was written to it.")


# Other ways to keep the statements have their place here: a CloudWatch metric, a routing control.
BACKENDS = {"s3_object": S3Objects}


class Traffic:
    """The statements of all regions: what was read, what is written, and what each of these may still fail with."""

    def __init__(self, backend, order, deadline, check_mode):
        self.backend = backend
        self.order = order
        self.deadline = deadline
        self.check_mode = check_mode
        self.board = Board()
        self.errors = {}
        self.view = {}
        # What was there before anything was written.
        self.before = {}

    def read(self, first_region=None):
        """Ask every region at once, and fill ``view``.

        first_region: return once this one has answered and the others' grace is over; ``finish_reading`` goes on.
        """
        self.board.start({region: lambda region=region: self.backend.read(region) for region in self.order})
        self.view = self.take_view(
            first_region and (lambda answers, spent: first_region in answers and spent >= GRACE_SECONDS)
        )
        self.before = dict(self.view)

    def take_view(self, enough=None):
        """Return statements by region, None for each that has not answered; keep why."""
        answers = self.board.wait(self.deadline, enough)
        self.errors = {region: answers[region].error for region in self.order if not answers[region].known}
        return {region: answers[region].value if answers[region].known else None for region in self.order}

    def finish_reading(self, written):
        """Wait for the regions that had not answered; what was written meanwhile is newer than what was read."""
        own = {region: self.before[region] for region in written}
        self.before = {**self.take_view(), **own}
        self.view = {**self.before, **written}

    def active(self):
        """Return the active region as far as it can be seen."""
        return switch.active_region(self.view, self.order)

    def untold(self, active):
        """Return the regions that do not say, or are not known to say, what they should while this one is active."""
        rest = switch.settled(active, self.order)
        return [region for region in self.order if region != active and self.view[region] != rest[region]]

    def write(self, objects):
        """Write to several regions at once, best effort. Fills ``errors`` and ``view``."""
        objects = {region: said for region, said in objects.items() if said != self.view[region]}
        if not self.check_mode:
            calls = {
                region: lambda region=region, said=said: self.backend.write(region, said)
                for region, said in objects.items()
            }
            answers = observe_all(calls, self.deadline)
            self.errors.update({region: answer.error for region, answer in answers.items() if not answer.known})
            objects = {region: said for region, said in objects.items() if answers[region].known}
        self.view.update(objects)

    def write_taker(self, region, said):
        """Write to the one region that must be written to."""
        if said != self.view[region]:
            if not self.check_mode:
                self.backend.write(region, said)
            self.view[region] = said


def take_over(traffic, target):
    """Make the target the active region. Returns the regions that may take the traffic back on their return."""
    traffic.read(target)
    if traffic.view[target] is None:
        raise MultiRegionError(
            f"The traffic was not moved: the control object of {target} could not be read: {traffic.errors[target]}.",
            errors=dict(traffic.errors),
        )
    doubtful = switch.stale_claims(target, traffic.view, traffic.order)
    written = {}
    if traffic.active() != target:
        traffic.write_taker(target, switch.announcement(target, traffic.view, traffic.order))
        written = {target: traffic.view[target]}
    traffic.finish_reading(written)
    wanted = switch.takeover(target, traffic.view, traffic.order)
    traffic.write({region: said for region, said in wanted.items() if region != target})
    last = switch.of_taker(target, traffic.untold(target), traffic.order)
    if written:
        # The traffic has moved: what is left to say less must not fail the move.
        traffic.write({target: last})
    else:
        traffic.write_taker(target, last)
    return doubtful


def settle(traffic):
    """Tell the regions that missed a take-over; the traffic stays where it is. Returns an empty list."""
    traffic.read()
    active, wanted = traffic.active(), switch.settle(traffic.view, traffic.order)
    traffic.write({region: said for region, said in wanted.items() if region != active})
    if wanted:
        traffic.write({active: switch.of_settled(active, traffic.view, traffic.untold(active), traffic.order)})
    return []


def check_inputs(params):
    """Return the regions in order; raise Refused for what cannot be meant."""
    order = [entry["region"] for entry in params["regions"]]
    twice = sorted({region for region in order if order.count(region) > 1})
    if twice:
        raise Refused(f"regions names {', '.join(twice)} more than once; allowed: each region once.")
    if len(order) < 2:
        raise Refused(f"regions has {len(order)} entries; allowed: two or more.")
    target = params.get("active_region")
    if target is not None and target not in order:
        raise Refused(f"active_region is {target}; allowed: one of regions, {', '.join(order)}.")
    if params["deadline"] <= 0:
        raise Refused(f"deadline is {params['deadline']}; allowed: seconds above 0.")
    return order


def sentence(target, before, after, changed, not_told, check_mode):
    """Return what was done, and what is left to do."""
    would = "would be" if check_mode else "was"
    if target and before != after:
        done = f"The traffic {would} moved from {before} to {after}"
    elif target:
        done = f"The traffic is at {after} already"
    else:
        done = f"The traffic stays at {after}"
    if changed and before == after:
        done += f", and regions {would.replace('was', 'were')} told so"
    if not_told:
        done += f"; {', '.join(not_told)} could not be told, and must be once reachable (leave out active_region)"
    return f"{done}."


@timed
def run(params, clients, check_mode=False):
    """Make ``active_region`` active, or, where it is None, only tell those who missed it.

    Returns {changed, reason, before, after, told, not_told, errors, may_take_back, statements, diff, seconds}.
    Raises Refused for impossible input, MultiRegionError when the target could not be read or written.
    """
    order = check_inputs(params)
    traffic = Traffic(BACKENDS[params["backend"]](clients, params), order, params["deadline"], check_mode)
    target = params.get("active_region")
    doubtful = take_over(traffic, target) if target else settle(traffic)
    before, after = switch.active_region(traffic.before, order), traffic.active()
    not_told = {
        region: traffic.errors.get(region) or f"nothing is told while {after}, the active region, cannot be read"
        for region in traffic.untold(after)
    }
    changed = traffic.view != traffic.before
    return {
        "changed": changed,
        "reason": sentence(target, before, after, changed, not_told, check_mode),
        "before": before,
        "after": after,
        "told": [region for region in order if region != after and region not in not_told],
        "not_told": list(not_told),
        "errors": {**traffic.errors, **not_told},
        "may_take_back": doubtful,
        "statements": shown(traffic.view),
        "diff": {"before": shown(traffic.before), "after": shown(traffic.view)},
    }


def shown(view: Mapping):
    """Return statements as they are returned: a sorted list by region, None where they could not be read."""
    return {region: None if said is None else sorted(said) for region, said in view.items()}


def s3_module(module):
    """Return what ``clients_for`` needs, with S3 set so that a region's bucket is reached at that region's end point.

    botocore sends requests for us-east-1 to the global end point unless told otherwise, and puts the bucket's name into
    the host's unless the end point is an address ("s3" of the Config reference of botocore).
    """
    config = dict(module.params.get("aws_config") or {})
    s3 = {"us_east_1_regional_endpoint": "regional", **(config.get("s3") or {})}
    own_endpoint = module.params.get("endpoint_url") or os.environ.get("AWS_ENDPOINT_URL_S3")
    if own_endpoint or os.environ.get("AWS_ENDPOINT_URL"):
        s3.setdefault("addressing_style", "path")
    return SimpleNamespace(params={**module.params, "aws_config": {**config, "s3": s3}}, fail_json=module.fail_json)
