# SPDX-License-Identifier: GPL-3.0-or-later
"""Stale reads: the fault `stale`, an old answer once after a change.

AWS promises for most of its API only that a change is seen eventually ("Eventual consistency in the Amazon EC2 API",
EC2 Developer Guide; "Changes that I make are not always immediately visible", IAM User Guide). What the fault does:

- While one is set, the lab remembers the last answer to each read that fits it (region, service, operation), errors
  such as "not found" included. Reads from before the fault was set are not known.
- A change (an operation that is mutating for `lab.calls`, answered without an error) makes all remembered answers of
  its region and service outdated. IAM's and Route 53's region is `aws-global`.
- The next identical read (operation and parameters) gets the outdated answer if the fault strikes (`probability`), else
  the present one; either way the one after it gets the present one until there is another change. `count` counts
  the stale answers, and so does `hits`.

Reads that AWS documents as current are never stale: `is_current` lists them. Since parameters have to be the same, a
read that carries the present time (GetMetricData) never is either.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from lab.calls import is_mutating
from lab.faults import Answer
from lab.request import ApiRequest
from lab.world import World

MOST_ANSWERS = 1000


@dataclass
class Earlier:
    """The last answer to a read; `outdated` once its service has changed since."""

    answer: Answer
    outdated: bool = False


class StaleReads:
    """The answers that may be given again. The caller holds the world's lock."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.earlier: OrderedDict[tuple[ApiRequest, Hashable], Earlier] = OrderedDict()
        world.reset_hooks.append(self.earlier.clear)

    def answer(
        self, request: ApiRequest, environ: dict[str, Any], body: bytes, carry_out: Callable[[], Answer]
    ) -> Answer:
        """The answer to a request: an outdated one where a fault strikes, else that of `carry_out`."""
        faults = [fault for fault in self.world.faults if fault.mode == "stale" and fault.count != 0]
        if not faults:
            self.earlier.clear()
            return carry_out()
        if is_mutating(request.service, request.operation):
            answer = carry_out()
            if answer.status < 400:
                self._outdate(request)
            return answer
        faults = [fault for fault in faults if fault.fits(request)]
        if not faults or is_current(request, body):
            return carry_out()
        key = (request, parameters(environ, body))
        earlier = self.earlier.pop(key, None)
        if earlier and earlier.outdated and any(fault.strikes() for fault in faults):
            return earlier.answer
        answer = carry_out()
        if answer.status < 500:
            self._remember(key, answer)
        return answer

    def _remember(self, key: tuple[ApiRequest, Hashable], answer: Answer) -> None:
        self.earlier[key] = Earlier(answer)
        if len(self.earlier) > MOST_ANSWERS:
            self.earlier.popitem(last=False)

    def _outdate(self, change: ApiRequest) -> None:
        for (read, _), earlier in self.earlier.items():
            if (read.region, read.service) == (change.region, change.service):
                earlier.outdated = True


def is_current(request: ApiRequest, body: bytes) -> bool:
    """Whether AWS documents the read as one that shows every change made before it.

    S3: "Amazon S3 data consistency model", User Guide (since December 2020; AWS leaves bucket configurations out,
    the lab does not). DynamoDB: "Read consistency", Developer Guide, and TransactGetItems ("Isolation levels":
    serializable). Route 53: ListResourceRecordSets "returns the most current version of the records", API Reference.
    """
    if request.service == "dynamodb":
        return request.operation == "TransactGetItems" or _is_consistent(json.loads(body))
    return request.service == "s3" or (request.service, request.operation) == ("route53", "ListResourceRecordSets")


def _is_consistent(asked: dict[str, Any]) -> bool:
    """BatchGetItem asks for each table."""
    return any(one.get("ConsistentRead") for one in (asked, *asked.get("RequestItems", {}).values()))


def parameters(environ: dict[str, Any], body: bytes) -> Hashable:
    """What distinguishes two reads of one operation, independent of the order of the client's parameters."""
    target = environ.get("RAW_URI") or environ["PATH_INFO"]
    path, query = target.partition("?")[0], environ.get("QUERY_STRING", "")
    return path, tuple(sorted(parse_qsl(query, keep_blank_values=True))), _normal(environ.get("CONTENT_TYPE", ""), body)


def _normal(content_type: str, body: bytes) -> Hashable:
    if content_type.startswith("application/x-www-form-urlencoded"):
        return tuple(sorted(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)))
    if "json" in content_type and body:
        return json.dumps(json.loads(body), sort_keys=True)
    return body
