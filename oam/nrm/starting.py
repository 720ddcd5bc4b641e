"""How the producer starts on a request: its parts come into being."""

from collections.abc import Mapping
from typing import Any

from oam.managed_objects import ProcessStatus
from oam.nrm.names import Name, parse_name
from oam.nrm.objects import Moi, Tree, existing
from oam.nrm.work_objects import job_of, request_status, write_states
from oam.nrm.work_states import Work, start

# Class of the process, and its attribute that names the request.
PROCESSES: Mapping[str, tuple[str, str]] = {
    "MLTrainingRequest": ("MLTrainingProcess", "trainingRequestRef"),
    "MLModelLoadingRequest": ("MLModelLoadingProcess", "mLModelLoadingRequestRef"),
    "MLUpdateRequest": ("MLUpdateProcess", "mLUpdateRequestRefList"),
}
_LISTS = ("trainingRequestRef", "mLUpdateRequestRefList")
_RUNNING = {"status": str(ProcessStatus.RUNNING), "progressPercentage": 0}


def begin(tree: Tree, name: Name) -> None:
    """Start a request that has not been started; nothing happens if it was cancelled meanwhile."""
    request = existing(tree, name)
    if request_status(request) != "NOT_STARTED":
        return
    models = _subjects(tree, request)
    if name.object_class == "MLTestingRequest":
        keys = [model for model in models if model]
        parts = {key: {"status": "RUNNING", "model": key} for key in keys}
        tree.put(name, {}, {"parts": parts})
    else:
        keys = [_process(tree, request, i, model) for i, model in enumerate(models, start=1)]
        tree.put(name, _back_reference(request, keys), {"processes": keys})
    job = job_of(tree, existing(tree, name))
    after = start(Work(), keys)
    write_states(tree, job, after)


def begin_by_policy(tree: Tree, policy: Moi, model: str, cause: str) -> None:
    """Start loading a model because a policy says so: a process without a request."""
    parent = policy.name.parent
    assert parent is not None  # noqa: S101 - a policy is always inside a function
    stem = f"{parent},MLModelLoadingProcess={policy.name.identity}"
    process = _free_name(tree, stem, number=1)
    tree.put(
        process,
        {
            "progressStatus": {**_RUNNING, "progressStateInfo": cause},
            "cancelProcess": False,
            "suspendProcess": False,
            "mLModelLoadingPolicyRef": str(policy.name),
        },
        {"model": model},
    )


def _process(tree: Tree, request: Moi, number: int, model: str) -> str:
    object_class, reference = PROCESSES[request.name.object_class]
    name = _free_name(tree, f"{request.name.parent},{object_class}={request.name.identity}", number)
    of_request: Any = str(request.name)
    attributes: dict[str, Any] = {
        "progressStatus": _RUNNING,
        "cancelProcess": False,
        "suspendProcess": False,
        reference: [of_request] if reference in _LISTS else of_request,
    }
    if object_class == "MLTrainingProcess":
        attributes["mLModelRef"] = model or None
        group = request.attributes.get("mLModelCoordinationGroupRef")
        attributes["mLModelCoordinationGroupRef"] = group
    if object_class == "MLUpdateProcess":
        attributes["mLModelRefList"] = [model]
    tree.put(name, attributes, {"request": of_request, "model": model})
    return str(name)


def _free_name(tree: Tree, stem: str, number: int) -> Name:
    """The first name of this form that nobody has: an adaptation's objects have ids, too."""
    while tree.find(f"{stem}.{number}") is not None:
        number += 1
    return parse_name(f"{stem}.{number}")


def _subjects(tree: Tree, request: Moi) -> list[str]:
    """The models that the request is about; an empty name for a first training of one."""
    attributes = request.attributes
    group = attributes.get("mLModelCoordinationGroupRef")
    if group:
        return list(existing(tree, group).attributes["memberMLModelRefList"])
    single = attributes.get("mLModelRef") or attributes.get("mLModelToLoadRef")
    return [single] if single else list(attributes.get("mLModelRefList", [""]))


def _back_reference(request: Moi, keys: list[str]) -> dict[str, Any]:
    if request.name.object_class == "MLUpdateRequest":
        return {"mLUpdateProcessRef": keys[0]}
    return {}
