"""The objects that an adaptation makes by itself, as consumers see them, and back.

`oam.adaptation_objects` gives typed records; here they get the specification's spelling. What TS
28.105 has no attribute for goes to a VsDataContainer (TS 28.622) inside the object.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from oam.managed_objects import (
    CLASSES,
    AIMLInferenceFunction,
    Attributes,
    ManagedObject,
    MLTestingReport,
    MLTrainingProcess,
    MLTrainingRequest,
    MLUpdateRequest,
    ModelPerformance,
    ProcessMonitor,
    ProcessStatus,
    RequestStatus,
)
from oam.nrm.activation import projected_function
from oam.nrm.names import parse_name
from oam.nrm.objects import Moi, Tree

_VENDOR: Mapping[type[Attributes], tuple[str, ...]] = {
    MLTrainingProcess: ("training_job_id",),
    MLTrainingRequest: ("expected_runtime_context",),
    MLUpdateRequest: ("cause",),
}
_LISTS = {"trainingRequestRef"}  # DnList in the specification, one name here
_FORMAT_VERSION = "1"


def attribute_name(field: str) -> str:
    """How the specification spells a field: `ml_model_ref` is `mLModelRef`."""
    if field == "progress_percent":
        return "progressPercentage"
    first, *others = field.split("_")
    starts = {"ml": "mL", "aiml": "aIML"}
    return starts.get(first, first) + "".join(
        "ML" if each == "ml" else each.capitalize() for each in others
    )


def put_projected(tree: Tree, managed_object: ManagedObject) -> None:
    """Let the tree have what an adaptation says of one of its objects.

    A training that a rule began is producer-initiated: it has a process and a report, and no
    request.
    """
    name, record = parse_name(managed_object.distinguished_name), managed_object.attributes
    if isinstance(record, MLTrainingRequest) and record.training_request_source.startswith("rule:"):
        return
    vendor_fields = _VENDOR.get(type(record), ())
    vendor = {field: getattr(record, field) for field in vendor_fields if getattr(record, field)}
    attributes = {
        key: value for key, value in _document(record).items() if key not in _names(vendor_fields)
    }
    notes: dict[str, Any] = {"vendor": vendor}
    if isinstance(record, MLTrainingProcess) and tree.find(record.training_request_ref) is None:
        attributes["trainingRequestRef"] = None
    if isinstance(record, AIMLInferenceFunction):
        attributes, notes = projected_function(tree.find(name), attributes)
    else:
        notes["adaptation"] = name.identity
    if isinstance(record, MLTestingReport):
        request = tree.find(record.testing_request_ref)
        notes["model"] = None if request is None else request.attributes.get("mLModelRef")
    tree.put(name, attributes, notes)
    if vendor:
        content = {attribute_name(field): value for field, value in vendor.items()}
        tree.put(
            name.child("VsDataContainer", "aimlnf"),
            {
                "vsDataType": f"aimlnf:{name.object_class}",
                "vsDataFormatVersion": _FORMAT_VERSION,
                "vsData": content,
            },
        )


def typed(moi: Moi) -> ManagedObject:
    """The typed record of an object whose class has one."""
    kind = CLASSES[moi.name.object_class]
    values = {
        field.name: _field(field, moi.attributes.get(attribute_name(field.name)))
        for field in dataclasses.fields(kind)
    }
    values |= moi.notes.get("vendor", {})
    return ManagedObject(str(moi.name), kind(**values))


def _names(fields: tuple[str, ...]) -> set[str]:
    return {attribute_name(field) for field in fields}


def _document(record: Any) -> dict[str, Any]:
    """The fields that have a value; None for those that have none."""
    document: dict[str, Any] = {}
    for field in dataclasses.fields(record):
        name, value = attribute_name(field.name), getattr(record, field.name)
        if isinstance(value, ProcessMonitor | ModelPerformance):
            value = {key: each for key, each in _document(value).items() if each is not None}
        elif isinstance(value, tuple):
            value = [_document(each) if dataclasses.is_dataclass(each) else each for each in value]
        elif name == "progressPercentage":
            value = round(value)
        elif value == "":
            value = None
        elif isinstance(value, str):
            value = [str(value)] if name in _LISTS else str(value)
        document[name] = value
    return document


def _field(field: "dataclasses.Field[Any]", value: Any) -> Any:
    """The value of a field from an attribute, which may not be there."""
    kind = str(field.type if isinstance(field.type, str) else getattr(field.type, "__name__", ""))
    if kind == ProcessMonitor.__name__:
        told = value or {"status": "NOT_STARTED"}
        return ProcessMonitor(
            ProcessStatus(told["status"].replace("FINSHED", "FINISHED")),
            float(told.get("progressPercentage", 0)),
            told.get("progressStateInfo", ""),
            told.get("resultStateInfo", ""),
        )
    if kind == RequestStatus.__name__:
        return RequestStatus(value)
    if kind == "tuple":
        return tuple(_entry(each) for each in value or ())
    if isinstance(value, list):
        return value[0] if value else ""
    return "" if value is None or isinstance(value, Mapping) else value


def _entry(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return ModelPerformance(
        value.get("inferenceOutputName", ""),
        value["performanceMetric"],
        value["performanceScore"],
    )
