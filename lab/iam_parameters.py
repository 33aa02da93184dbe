# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of a request in one shape, whatever its protocol: a tree of mappings, lists and texts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from lab.api_models import session
from lab.request import UNKNOWN, ApiRequest, Form


def parameters_of(request: ApiRequest, form: Form, body: bytes) -> dict[str, Any]:
    """The request's parameters by name; of a REST request those in its path and in a JSON body.

    A parameter that only names a resource together with another one is below that one's value:
    `{"hostedzone": {"ResourceId": ...}}`, `{"application": {"Name": ...}}`.
    """
    if request.protocol == "json":
        given = json.loads(body or b"{}")
    elif request.protocol.startswith("rest"):
        in_body = json.loads(body or b"{}") if request.protocol == "rest-json" else {}
        given = {**in_body, **labels_of(request, form.path)}
    else:
        given = nested({**form.query, **form.body_fields})
    if "RequestItems" in given:  # DynamoDB's batches
        given["TableName"] = list(given["RequestItems"])
    if request.operation == "PutEvents":  # without a name it is for the default bus
        given["EventBusName"] = [one.get("EventBusName", "default") for one in given.get("Entries", [])]
    if "ResourceType" in given:  # tags of Route 53 and SSM
        several = request.operation == "ListTagsForResources"
        given[given["ResourceType"]] = {"ResourceId": ids_in(body) if several else given.get("ResourceId")}
    if request.operation == "CreateLoadBalancer":
        given[given.get("Type", "application")] = {"Name": given.get("Name")}
    return given


def ids_in(body: bytes) -> list[str | None]:
    """The ids in the body of Route 53's ListTagsForResources."""
    return [one.text for one in ElementTree.fromstring(body).iter() if one.tag.rpartition("}")[2] == "ResourceId"]


def nested(fields: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a query protocol as a tree: {"Tags.member.1.Key": ...} is {"Tags": [{"Key": ...}]}."""
    tree: dict[str, Any] = {}
    for name, value in fields.items():
        *way, last = name.split(".")
        node = tree
        for part in way:
            node = node.setdefault(part, {})
        node[last] = value
    return {name: without_wrappers(node) for name, node in tree.items()}


def without_wrappers(node: Any) -> Any:
    """A list for a mapping from numbers, and for a mapping that holds nothing but a list."""
    if not isinstance(node, dict):
        return node
    inner = {name: without_wrappers(one) for name, one in node.items()}
    if all(name.isdigit() for name in inner):
        return list(inner.values())
    only = next(iter(inner.values()))
    return only if len(inner) == 1 and isinstance(only, list) else inner


def labels_of(request: ApiRequest, path: str) -> dict[str, Any]:
    """The parameters in the path of a REST request; none if its operation is unknown."""
    if request.operation == UNKNOWN:
        return {}
    operation = session().get_service_model(request.service).operation_model(request.operation)
    names = operation.http["requestUri"].partition("?")[0].strip("/").split("/")
    values = path.strip("/").split("/", len(names) - 1)
    return {name[1:-1].rstrip("+"): unquote(value) for name, value in zip(names, values, strict=False) if "{" in name}


def texts(node: Any) -> list[str]:
    """A text, or the texts of a list."""
    return [one for one in (node if isinstance(node, list) else [node]) if isinstance(one, str)]


def values_of(node: Any, name: str) -> list[str]:
    """The texts of a parameter; `Tags.ResourceId` is one within another."""
    first, _dot, rest = name.partition(".")
    if isinstance(node, list):
        return [value for one in node for value in values_of(one, name)]
    if not isinstance(node, dict) or first not in node:
        return []
    return values_of(node[first], rest) if rest else texts(node[first])


def leaves(node: Any) -> Iterator[str]:
    """Every text of a tree."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for one in node.values() if isinstance(node, dict) else node:
            yield from leaves(one)


def tags_of(given: Mapping[str, Any]) -> dict[str, str]:
    """The tags in a request, whatever the service calls them, and the tag keys that it removes (without a value)."""
    return dict(pair for name, node in given.items() if name.lower().startswith("tag") for pair in _pairs(node))


def _pairs(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield node, ""
    elif isinstance(node, list):
        for one in node:
            yield from _pairs(one)
    elif isinstance(node, dict):
        key = node.get("Key", node.get("TagKey"))
        if key is not None:
            yield key, str(node.get("Value", node.get("TagValue", "")))
        elif all(isinstance(one, str) for one in node.values()):
            yield from node.items()
        else:
            for one in node.values():
                if not isinstance(one, str):
                    yield from _pairs(one)


def xml_texts(body: bytes, name: str) -> list[str]:
    """The texts of all elements with this name in an XML body, in any namespace."""
    return [one.text for one in ElementTree.fromstring(body).iter() if one.tag.rpartition("}")[2] == name and one.text]
