# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""AWS at its worst, behind botocore's own clients: it refuses, it does not respond, or it gives unexpected answers.

Requests are built and checked by botocore and then never sent. Answers are made of botocore's service models, so they
have the shape that the API promises and nothing more: what is optional may be missing, what is a list may be empty.
"""

from __future__ import annotations

import datetime
import functools
import io
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable

import boto3
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.response import StreamingBody

READS = ("Describe", "Get", "List", "BatchGet", "Scan", "Query", "Head", "Simulate", "Filter", "Lookup", "Search")
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
# As deep as an answer goes before what may be missing is missing.
DEEPEST = 7
ERRORS = [
    ("AccessDenied", 403),
    ("ThrottlingException", 400),
    ("InternalFailure", 500),
    ("ServiceUnavailable", 503),
    ("ResourceNotFoundException", 400),
    ("ConditionalCheckFailedException", 400),
    ("ValidationError", 400),
    ("ExpiredToken", 400),
    ("", 418),
]
SILENCES = [EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError]


@functools.cache
def shared_session() -> boto3.session.Session:
    """Return one session for all clients: reading service models is what takes the time."""
    return boto3.session.Session(
        botocore_session=botocore.session.Session(),
        aws_access_key_id="nobody",
        aws_secret_access_key="nothing",
    )


class StrangeAws:
    """Replaces a module's boto3 session.

    answer: function of botocore's OperationModel; returns the parsed answer, or raises what botocore would raise.
    calls: [(service, operation)] made so far.
    """

    made: dict[tuple[str, ...], object] = {}
    current: StrangeAws | None = None

    def __init__(self, answer: Callable) -> None:
        self.answer = answer
        self.calls: list[tuple[str, str]] = []

    def client(self, service: str, region_name=None, endpoint_url=None, config=None, **_connection):
        """Return botocore's client, which asks whichever StrangeAws is current."""
        key = (service, str(region_name), str(endpoint_url), str(getattr(config, "s3", None)))
        if key not in StrangeAws.made:
            client = shared_session().client(service, region_name=region_name, endpoint_url=endpoint_url, config=config)
            client.meta.events.register("before-call.*", StrangeAws.before_call)
            StrangeAws.made[key] = client
        StrangeAws.current = self
        return StrangeAws.made[key]

    @staticmethod
    def before_call(model, **_request):
        """Answer in the network's place; botocore turns an answer of status 300 or more into a ClientError."""
        here = StrangeAws.current
        here.calls.append((model.service_model.service_name, model.name))
        status, parsed = here.answer(model)
        return AWSResponse("https://aws.example", status, {}, None), parsed

    def writes(self) -> list[str]:
        """Return the operations that were requested and change something."""
        return [operation for _service, operation in self.calls if not operation.startswith(READS)]


class Dice:
    """Chance that depends on the seed, the operation and how often it was requested, not on which thread asks first."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.asked: Counter[str] = Counter()

    def throw(self, operation: str) -> random.Random:
        """Return the chance of the next call of an operation."""
        self.asked[operation] += 1
        return random.Random(f"{self.seed} {operation} {self.asked[operation]}")


def refuse(dice: random.Random):
    """Return an error answer, or raise what botocore raises without a response."""
    if dice.random() < 0.4:
        raise dice.choice(SILENCES)(endpoint_url="https://aws.example", error="nobody there")
    code, status = dice.choice(ERRORS)
    return status, {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}


def refusing(seed: int) -> Callable:
    """Return an AWS that answers every call with an error, or not at all."""
    dice = Dice(seed)
    return lambda model: refuse(dice.throw(model.name))


def babbling(seed: int, words: Iterable[str], documents: Iterable[object]) -> Callable:
    """Return an AWS whose answers are of the right shape and mean nothing, with an error now and then.

    words: texts to answer with, such as names and ARNs that were asked about. documents: what its tables hold.
    """
    dice, words, documents = Dice(seed), [*words, "", "x", "ACTIVE", "available"], list(documents)

    def answer(model):
        chance = dice.throw(model.name)
        if chance.random() < 0.1:
            return refuse(chance)
        parsed = Babble(chance, words, documents).of(model.output_shape, 0) if model.output_shape else {}
        headers = {"date": "Thu, 01 Jan 2026 00:00:00 GMT"} if chance.random() < 0.8 else {}
        return 200, {**parsed, "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": headers}}

    return answer


class Babble:
    """Makes values of botocore's shapes."""

    def __init__(self, dice: random.Random, words: list[str], documents: list[object]) -> None:
        self.dice, self.words, self.documents = dice, words, documents
        self.density = dice.choice((0.1, 0.5, 0.9, 1.0))

    def of(self, shape, depth):
        """Return a value of a shape."""
        if shape.name == "AttributeValue":
            return self.attribute()
        if shape.name in ("AttributeMap", "Key") and shape.type_name == "map":
            return self.item()
        make = getattr(self, shape.type_name, None)
        return make(shape, depth) if make else self.scalar(shape)

    def item(self):
        """Return an item of a control table: what the collection wrote there, damaged now and then."""
        item = {name: self.attribute() for name in self.dice.sample(ATTRIBUTES, self.dice.randrange(len(ATTRIBUTES)))}
        item["id"] = {"S": self.dice.choice(IDS)}
        if self.dice.random() < 0.8:
            item["document"] = {"S": json.dumps(self.dice.choice(self.documents))}
        return item

    def attribute(self):
        return self.dice.choice(({"S": self.dice.choice(self.words)}, {"N": str(self.dice.randrange(100))}))

    def structure(self, shape, depth):
        return {
            name: self.of(member, depth + 1)
            for name, member in shape.members.items()
            if name in shape.required_members or (depth < DEEPEST and self.dice.random() < self.density)
        }

    def list(self, shape, depth):
        return [self.of(shape.member, depth + 1) for _one in range(self.dice.randrange(3))] if depth < DEEPEST else []

    def map(self, shape, depth):
        if depth >= DEEPEST:
            return {}
        return {self.of(shape.key, depth): self.of(shape.value, depth + 1) for _one in range(self.dice.randrange(3))}

    def scalar(self, shape):
        dice = self.dice
        if shape.type_name == "blob":
            text = dice.choice(self.words).encode()
            return StreamingBody(io.BytesIO(text), len(text)) if shape.serialization.get("streaming") else text
        return {
            "string": lambda: dice.choice(getattr(shape, "enum", None) or self.words),
            "boolean": lambda: dice.random() < 0.5,
            "timestamp": lambda: NOW + datetime.timedelta(days=dice.randrange(-3, 3)),
            "float": dice.random,
            "double": dice.random,
            "integer": lambda: dice.choice((0, 1, 2, -1, 2**31 - 1)),
            "long": lambda: dice.choice((0, 1, 2, -1, 2**53)),
        }[shape.type_name]()


IDS = [
    "manifest",
    "lease",
    "latest_move",
    "automation",
    "automation#counters",
    "automation#capacity",
    "run#r-1",
    "fence#us-east-1",
    "x",
]
ATTRIBUTES = (
    "written_at version attempt revision run_id claim owner method trigger target_region step outcome started_at"
    " acquired_at renewed_at expires_at lease_seconds previous"
).split()
