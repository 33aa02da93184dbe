# SPDX-License-Identifier: GPL-3.0-or-later
"""Which AWS operation a request is, determined from botocore's models, for every service and protocol.

Protocols: `query` and `ec2` name the operation in the form field Action, `json` in X-Amz-Target, Smithy's CBOR in the
path; `rest-json` and `rest-xml` are matched against the model's method, path, query and required parameters.
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import botocore
import botocore.session
from botocore.model import OperationModel, ServiceModel

METADATA = re.compile(r'"metadata"\s*:\s*(\{.*?\}),\s*"(?:operations|shapes|documentation)"', re.S)
HEAD_BYTES = 16_000


@dataclass(frozen=True)
class ServiceCard:
    """What a model's head says: its botocore name, the name requests are signed with, its version and protocol."""

    name: str
    signing_name: str
    version: str
    protocol: str


def read_metadata(path: Path) -> dict[str, object]:
    """The `metadata` object of a model file; only the head of the file is unpacked where that is enough."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as model:
        head = model.read(HEAD_BYTES)
        found = METADATA.search(head)
        return json.loads(found.group(1)) if found else json.loads(head + model.read())["metadata"]


@lru_cache(maxsize=1)
def services_by_signing_name() -> dict[str, list[ServiceCard]]:
    """{signing name: services signed with it}, the service of that very name first."""
    services: dict[str, list[ServiceCard]] = {}
    for folder in sorted((Path(botocore.__file__).parent / "data").iterdir()):
        models = sorted(folder.glob("*/service-2.json*"))
        if not models:
            continue
        metadata = read_metadata(models[-1])
        signing_name = str(metadata.get("signingName", metadata["endpointPrefix"]))
        card = ServiceCard(folder.name, signing_name, str(metadata["apiVersion"]), str(metadata["protocol"]))
        services.setdefault(signing_name, []).append(card)
    for signing_name, cards in services.items():
        cards.sort(key=lambda card: (card.name != signing_name, card.name))
    return services


@lru_cache(maxsize=1)
def session() -> botocore.session.Session:
    """One botocore session, for its models only."""
    return botocore.session.Session()


@lru_cache(maxsize=1)
def global_services() -> frozenset[str]:
    """Services botocore's endpoint data says have one endpoint for all regions (IAM, Route 53, CloudFront, ...)."""
    endpoints = session().get_data("endpoints")
    services = endpoints["partitions"][0]["services"]
    return frozenset(name for name, service in services.items() if service.get("isRegionalized") is False)


@dataclass(frozen=True)
class Route:
    """One operation's place in a REST API."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: tuple[tuple[str, str | None], ...]
    required: tuple[tuple[str, str], ...]
    literal_segments: int
    deprecated: bool

    def score(self, method: str, path: str, query: dict[str, str], headers: dict[str, str]) -> tuple | None:
        """How specifically this route fits, None when it does not."""
        if method != self.method or not self.path.fullmatch(path):
            return None
        if any(key not in query or value not in (None, query[key]) for key, value in self.query):
            return None
        places = {"querystring": query, "header": headers}
        if any(name not in places[place] for place, name in self.required):
            return None
        return (len(self.query) + len(self.required), self.literal_segments, not self.deprecated)


def path_pattern(template: str) -> re.Pattern[str]:
    """`/{Bucket}/{Key+}` as a pattern over the undecoded path."""
    parts = re.split(r"(\{[^}]+\})", template.rstrip("/"))
    pattern = "".join(_label_pattern(part) if part.startswith("{") else re.escape(part) for part in parts)
    return re.compile(pattern + "/?")


def _label_pattern(label: str) -> str:
    return ".+" if label.endswith("+}") else "[^/]+"


def route_of(operation: OperationModel) -> Route:
    """The route of one operation of a REST service."""
    template, _, query_text = operation.http["requestUri"].partition("?")
    constants = [item.partition("=") for item in query_text.split("&") if item]
    segments = [segment for segment in template.split("/") if segment]
    return Route(
        operation=operation.name,
        method=operation.http["method"],
        path=path_pattern(template),
        query=tuple((key, value if separator else None) for key, separator, value in constants),
        required=tuple(_required(operation)),
        literal_segments=sum(1 for segment in segments if not segment.startswith("{")),
        deprecated=operation.deprecated,
    )


def _required(operation: OperationModel) -> list[tuple[str, str]]:
    """Required parameters that travel in the query or a header: (place, name), header names in lower case."""
    if operation.input_shape is None:
        return []
    found = []
    for member_name in operation.input_shape.required_members:
        member = operation.input_shape.members[member_name]
        place = member.serialization.get("location")
        name = member.serialization.get("name", member_name)
        if place in ("querystring", "header"):
            found.append((place, name.lower() if place == "header" else name))
    return found


@lru_cache(maxsize=64)
def routes(service: str) -> tuple[Route, ...]:
    """All routes of a REST service."""
    model: ServiceModel = session().get_service_model(service)
    return tuple(route_of(model.operation_model(name)) for name in model.operation_names)


@dataclass(frozen=True)
class Match:
    """An operation and how specifically it fits."""

    operation: str
    score: tuple


def match_rest(service: str, method: str, path: str, query: dict[str, str], headers: dict[str, str]) -> Match | None:
    """The most specific operation of the service that fits, None when none does."""
    scored = [(route.score(method, path, query, headers), route) for route in routes(service)]
    fitting = [(score, route.operation) for score, route in scored if score is not None]
    if not fitting:
        return None
    best = max(score for score, _ in fitting)
    return Match(min(operation for score, operation in fitting if score == best), best)
