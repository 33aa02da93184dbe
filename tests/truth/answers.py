# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that a lab has recorded (lab/recorder.py), read as boto3 reads them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from botocore import handlers, parsers
from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel
from botocore.session import Session

from tests.truth.forms import Form, shape_at

SESSION = Session()
UNKNOWN = "Unknown"


@lru_cache
def operation_model(service: str, operation: str) -> OperationModel:
    """The model of an operation of a client of boto3."""
    return service_model(service).operation_model(operation)


@lru_cache
def service_model(service: str) -> Any:
    return SESSION.get_service_model(service)


def name_of(service: str, operation: str) -> str:
    """`elasticloadbalancing.DescribeTags` of the client elbv2: recordings name a service by its endpoint."""
    return f"{service_model(service).endpoint_prefix}.{operation}"


def read(file: Path, wanted: Iterable[str]) -> dict[tuple[str, str], Form]:
    """{(client, operation): form} of the wanted operations, and of each that answered with an error."""
    forms: dict[tuple[str, str], Form] = {}
    wanted = set(wanted)
    for line in file.read_text().splitlines():
        one = json.loads(line)
        if one["operation"] == UNKNOWN:
            continue
        key = (one["service"], one["operation"])
        if one["status"] < 300 and name_of(*key) in wanted:
            forms.setdefault(key, Form()).add(parse(one))
        elif one["status"] >= 300:
            forms.setdefault(key, Form()).errors.add(parse(one)["Error"]["Code"])
    return forms


def parse(recorded: dict[str, Any]) -> dict[str, Any]:
    """What boto3 would return."""
    model = operation_model(recorded["service"], recorded["operation"])
    body = base64.b64decode(recorded["body"])
    answer = {"body": body, "headers": HeadersDict(recorded["headers"]), "status_code": recorded["status"]}
    parsed = parsers.create_parser(recorded["protocol"]).parse(answer, model.output_shape)
    if model.name == "GetBucketLocation" and recorded["status"] < 300:  # boto3 reads it by hand, too
        handlers.parse_get_bucket_location(parsed, SimpleNamespace(content=body, raw=body))
    return parsed


def modelled_errors(service: str, operation: str) -> set[str]:
    """The error codes that the model lists for an operation."""
    shapes = operation_model(service, operation).error_shapes
    return {shape.metadata.get("error", {}).get("code", shape.name) for shape in shapes}


def enumerated(service: str, operation: str, path: str) -> list[str]:
    """The words that the model lists for a field of the answer."""
    return list(getattr(shape_at(operation_model(service, operation).output_shape, path), "enum", ()))
