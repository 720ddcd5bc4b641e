"""3GPP's own OpenAPI files as JSON schemas; the folder is not part of this project."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

VARIABLE = "AIMLNF_3GPP_OPENAPI"
FILES = {
    "AlarmList": "TS28111_FaultNrm.yaml",
    "Beam": "TS28541_NrNrm.yaml",
    "CommonBeamformingFunction": "TS28541_NrNrm.yaml",
    "EphemerisInfoSet": "TS28541_NrNrm.yaml",
    "NTNFunction": "TS28541_NrNrm.yaml",
    "PerfMetricJob": "TS28623_PmControlNrm.yaml",
    "ThresholdMonitor": "TS28623_ThresholdMonitorNrm.yaml",
    "VsDataContainer": "TS28623_GenericNrm.yaml",
}


def validator(object_class: str, file_name: str = "TS28105_AiMlNrm.yaml") -> Draft202012Validator:
    """Validates an object of the class, with its id and attributes.

    Skips the test where the folder with the files is not named in the environment.
    """
    folder = os.environ.get(VARIABLE, "")
    if not folder:
        pytest.skip(f"set {VARIABLE} to a folder with 3GPP's OpenAPI files of Rel-19")
    uri = FILES.get(object_class, file_name)
    schema = {"$ref": f"{uri}#/components/schemas/{object_class}-Single"}
    registry: Registry[Any] = Registry(retrieve=lambda name: _resource(Path(folder), name))
    return Draft202012Validator(schema, registry=registry)


@cache
def _resource(folder: Path, name: str) -> Resource[Any]:
    document = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    return Resource.from_contents(_as_json_schema(document), default_specification=DRAFT202012)


def _as_json_schema(part: Any) -> Any:
    """The document with what OpenAPI 3.0 and these files do otherwise.

    `nullable` is no JSON schema. Branches of a `oneOf` overlap throughout the files: a whole number
    is an integer and a float, and an activation scope names no required member. And a satellite's
    position, 0 to 604800 there, is signed where it is coded (TS 38.331 EphemerisInfo).
    """
    if isinstance(part, list):
        return [_as_json_schema(each) for each in part]
    if not isinstance(part, Mapping):
        return part
    made = {
        "anyOf" if key == "oneOf" else key: _as_json_schema(value)
        for key, value in part.items()
        if key not in ("nullable", "discriminator")
    }
    if part.get("nullable") and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    if made.get("maximum") == 604_800 and made.get("minimum") == 0:
        made["minimum"], made["maximum"] = -(2**25), 2**25 - 1
    return made
