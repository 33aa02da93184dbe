# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameter groups that list their engine's defaults, and the engine versions themselves.

Follows: API reference DescribeDBEngineVersions, DescribeDBMajorEngineVersions, DescribeEngineDefaultParameters,
DescribeEngineDefaultClusterParameters, DescribeDBParameters ("Returns the detailed parameter list": every parameter
of the family with its Source), ModifyDBParameterGroup and their cluster twins.
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBParameterGroupNotFoundError, InvalidParameterValue

from lab.services.rds_calendar import MAJORS, VERSIONS, default_version, offered, released
from lab.services.rds_engines import FAMILIES, default_parameters, describe_engine_version, describe_major_version

# filter of DescribeDBEngineVersions -> field of DBEngineVersion
FILTERS = {
    "db-parameter-group-family": "DBParameterGroupFamily",
    "engine": "Engine",
    "engine-version": "EngineVersion",
    "status": "Status",
}
LEAST_RECORDS, MOST_RECORDS = 20, 100


def page(records: list[dict[str, Any]], params: Any, name: str, least: int = LEAST_RECORDS) -> ActionResult:
    """A page of an answer: up to MaxRecords, and a Marker where there are more."""
    size = params.get("MaxRecords") or MOST_RECORDS
    if not least <= size <= MOST_RECORDS:
        raise InvalidParameterValue(f"Invalid value {size} for MaxRecords. Must be between {least} and {MOST_RECORDS}")
    start = int(params.get("Marker") or 0)
    more = {"Marker": str(start + size)} if start + size < len(records) else {}
    return ActionResult({name: records[start : start + size], **more})


def check_family(name: str) -> None:
    if name and name not in FAMILIES:
        raise InvalidParameterValue(f"ParameterGroupFamily {name} is not a valid parameter group family")


def value_is_allowed(value: str, parameter: dict[str, Any]) -> bool:
    """Whether a value is in AllowedValues: a list `a,b`, or a range `1-100`. Formulas are taken as they are."""
    allowed = parameter.get("AllowedValues")
    if not allowed or "{" in value:
        return True
    if span := re.fullmatch(r"(-?\d+)-(\d+)", allowed):
        try:
            return int(span[1]) <= float(value) <= int(span[2])
        except ValueError:
            return False
    chosen = value.split(",") if parameter["DataType"] == "list" else [value]
    return all(one.strip() in allowed.split(",") for one in chosen)


def check_changes(changes: list[dict[str, Any]], defaults: dict[str, dict[str, Any]]) -> None:
    """Raise the API's fault for a parameter that is not the family's, is fixed, or is given a value it cannot have."""
    for change in changes if defaults else []:
        name, value = change["ParameterName"], str(change.get("ParameterValue", ""))
        if name not in defaults:
            raise InvalidParameterValue(f"Could not find parameter with name: {name}")
        if not defaults[name]["IsModifiable"]:
            raise InvalidParameterValue(f"The parameter {name} cannot be modified.")
        if not value_is_allowed(value, defaults[name]):
            allowed = defaults[name]["AllowedValues"]
            raise InvalidParameterValue(f"Invalid parameter value: {value} for: {name} allowed values are: {allowed}")


def merged(defaults: dict[str, dict[str, Any]], changed: dict[str, dict[str, Any]], source: str | None) -> ActionResult:
    """All parameters: the engine's, with what the user set in its place."""
    shown = {**defaults}
    for name, values in changed.items():
        base = defaults.get(name, {"ParameterName": name, "DataType": "string", "IsModifiable": True})
        shown[name] = base | values | {"Source": "user"}
    parameters = [shown[name] for name in sorted(shown)]
    return ActionResult({"Parameters": [one for one in parameters if source in (None, one.get("Source"))]})


class ParameterOperations:
    """Mixed into moto's RDSResponse, whose `params`, `region` and `backend` it uses."""

    params: Any
    backend: Any
    region: str

    def describe_db_engine_versions(self) -> ActionResult:
        """IncludeAll adds the deprecated; DefaultOnly and a version also go by the major version (its description)."""
        wanted: dict[str, set[str]] = {}
        for given in self.params.get("Filters") or []:
            if given["Name"] not in (*FILTERS, "engine-mode"):
                raise InvalidParameterValue(f"Unrecognized filter name: {given['Name']}")
            if given["Name"] in FILTERS:
                wanted[FILTERS[given["Name"]]] = set(given["Values"])
        for field in ("Engine", "DBParameterGroupFamily"):
            if self.params.get(field):
                wanted[field] = {self.params[field]}
        shown = [
            one for one in self._engine_versions() if all(one[field] in values for field, values in wanted.items())
        ]
        return page(shown, self.params, "DBEngineVersions")

    def _engine_versions(self) -> list[dict[str, Any]]:
        asked, shown = self.params.get("EngineVersion"), []
        for engine in VERSIONS:
            found = released(engine, self.region) if self.params.get("IncludeAll") else offered(engine, self.region)
            found = [one for one in found if asked in (None, one.name, one.major)]
            if found and self.params.get("DefaultOnly"):
                name = default_version(engine, self.region, found[0].major if asked else None)
                found = [one for one in found if one.name == name]
            shown += map(describe_engine_version, found)
        return shown

    def describe_db_major_engine_versions(self) -> ActionResult:
        engine, major = self.params.get("Engine"), self.params.get("MajorEngineVersion")
        shown = [
            describe_major_version(one, other)
            for one, majors in MAJORS.items()
            for other in majors
            if engine in (None, one) and major in (None, other)
        ]
        return page(shown, self.params, "DBMajorEngineVersions")

    def describe_engine_default_parameters(self) -> ActionResult:
        return self._engine_defaults("i")

    def describe_engine_default_cluster_parameters(self) -> ActionResult:
        return self._engine_defaults("c")

    def _engine_defaults(self, level: str) -> ActionResult:
        group_family = self.params["DBParameterGroupFamily"]
        check_family(group_family)
        parameters = list(default_parameters(group_family, level).values())
        return ActionResult({"EngineDefaults": {"DBParameterGroupFamily": group_family, "Parameters": parameters}})

    def create_db_parameter_group(self) -> ActionResult:
        check_family(self.params.get("DBParameterGroupFamily"))
        return super().create_db_parameter_group()  # type: ignore[misc]

    def create_db_cluster_parameter_group(self) -> ActionResult:
        check_family(self.params.get("DBParameterGroupFamily"))
        return super().create_db_cluster_parameter_group()  # type: ignore[misc]

    def describe_db_parameter_groups(self) -> ActionResult:
        """moto answers an unknown name with an empty list; the API with DBParameterGroupNotFound."""
        name = self.params.get("DBParameterGroupName")
        if name and name not in self.backend.db_parameter_groups:
            raise DBParameterGroupNotFoundError(name)
        return super().describe_db_parameter_groups()  # type: ignore[misc]

    def describe_db_parameters(self) -> ActionResult:
        group = self._instance_group()
        return merged(default_parameters(group.family, "i"), group.parameters, self.params.get("Source"))

    def describe_db_cluster_parameters(self) -> ActionResult:
        group = self._cluster_group()
        defaults = default_parameters(group.db_parameter_group_family, "c")
        return merged(defaults, group.parameters, self.params.get("Source"))

    def modify_db_parameter_group(self) -> ActionResult:
        check_changes(self._changes(), default_parameters(self._instance_group().family, "i"))
        return super().modify_db_parameter_group()  # type: ignore[misc]

    def modify_db_cluster_parameter_group(self) -> ActionResult:
        check_changes(self._changes(), default_parameters(self._cluster_group().db_parameter_group_family, "c"))
        return super().modify_db_cluster_parameter_group()  # type: ignore[misc]

    def reset_db_cluster_parameter_group(self) -> ActionResult:
        """ "ResetDBClusterParameterGroup" of the API reference: the parameters named, or all of them."""
        group = self._cluster_group()
        named = [one["ParameterName"] for one in self._changes()]
        for name in list(group.parameters) if self.params.get("ResetAllParameters") else named:
            group.parameters.pop(name, None)
        return ActionResult({"DBClusterParameterGroupName": self.params["DBClusterParameterGroupName"]})

    def _changes(self) -> list[dict[str, Any]]:
        return [change.original_dict() for change in self.params.get("Parameters", [])]

    def _instance_group(self) -> Any:
        name = self.params["DBParameterGroupName"]
        if name not in self.backend.db_parameter_groups:
            raise DBParameterGroupNotFoundError(name)
        return self.backend.db_parameter_groups[name]

    def _cluster_group(self) -> Any:
        """AWS has a default group for each family, which nobody has changed ("Default parameter groups")."""
        name = self.params["DBClusterParameterGroupName"]
        if name.startswith("default."):
            own = name.removeprefix("default.")
            check_family(own)
            return SimpleNamespace(db_parameter_group_family=own, parameters={})
        return self.backend.describe_db_cluster_parameter_groups(group_name=name)[0]
