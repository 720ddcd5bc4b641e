"""Objects that tell of other network functions: containers, and the repository's models."""

from typing import Any

from nf_runtime.errors import NotFound
from oam.managed_objects import Naming
from oam.nrm.names import parse_name
from oam.nrm.objects import Moi, Tree
from oam.nrm.ports import ModelGroup, ModelVersion

_FOREMOST = "ratio_to_exhaustive"
_TRAINING_TYPES = ["INITIAL_TRAINING", "PRE_SPECIALISED_TRAINING", "RE_TRAINING", "FINE_TUNING"]


def put_functions(tree: Tree, naming: Naming) -> None:
    """The objects that are there from the start: the functions and what contains them."""
    element = parse_name(naming.managed_element_name)
    root = parse_name(f"SubNetwork={naming.sub_network}")
    tree.put(root, {"userLabel": "aimlnf"})
    tree.put(element, {"userLabel": "ground segment"})
    training = element.child("MLTrainingFunction", "mtlf")
    tree.put(training, {"userLabel": "nwdaf.mtlf", "mLTrainingType": _TRAINING_TYPES})
    tree.put(element.child("MLTestingFunction", "mtlf"), {"userLabel": "nwdaf.mtlf"})
    tree.put(element.child("MLUpdateFunction", "oam"), {"userLabel": "oam"})
    function = parse_name(naming.inference_function)
    if tree.find(function) is None:
        tree.put(function, {"userLabel": "inference_nf", "activationStatus": "DEACTIVATED"})


def put_version(tree: Tree, version: ModelVersion) -> None:
    """The MLModel object of a version; its repository object too, if it is the first."""
    name = parse_name(version.distinguished_name)
    if name.parent is not None:
        _put_containers(tree, name.parent.parts)
    attributes: dict[str, Any] = {
        "mLModelId": version.model_name,
        "mLModelVersion": str(version.version),
        "aIMLInferenceName": version.inference_name or None,
    }
    if version.kpis:
        # The YAML has one indicator, where the text speaks of several.
        name_of = _FOREMOST if _FOREMOST in version.kpis else min(version.kpis)
        attributes["supportedPerformanceIndicators"] = {
            "performanceIndicatorName": name_of,
            "isSupportedForTraining": True,
            "isSupportedForTesting": True,
        }
    source = model_of(tree, version.model_name, version.source_version)
    if source is not None:
        attributes["sourceTrainedMLModelRef"] = str(source.name)
    tree.put(name, attributes, {"state": version.state, "kpis": dict(version.kpis)})


def put_group(tree: Tree, group: ModelGroup) -> None:
    """The MLModelCoordinationGroup object of a group whose members are known."""
    name = parse_name(group.distinguished_name)
    members = [model_of(tree, *member) for member in group.members]
    known = [str(member.name) for member in members if member is not None]
    if len(known) == len(members):
        tree.put(name, {"memberMLModelRefList": known})


def model_of(tree: Tree, model_name: str, version: int) -> Moi | None:
    """The MLModel object of a version; None: there is none."""
    for model in tree.of_class("MLModel"):
        if identity_of(model) == (model_name, version):
            return model
    return None


def identity_of(model: Moi) -> tuple[str, int]:
    """Name and version of an MLModel in the model repository.

    Raises:
        NotFound: RESOURCE_NOT_FOUND; it is not one of the repository's.
    """
    attributes = model.attributes
    if "mLModelId" not in attributes or not attributes.get("mLModelVersion", "").isdigit():
        raise NotFound(
            f"{model.name} is no version of the model repository",
            reason="RESOURCE_NOT_FOUND",
            resource=str(model.name),
        )
    return attributes["mLModelId"], int(attributes["mLModelVersion"])


def _put_containers(tree: Tree, parts: tuple[tuple[str, str], ...]) -> None:
    for depth in range(1, len(parts) + 1):
        name = parse_name(",".join(f"{kind}={value}" for kind, value in parts[:depth]))
        if tree.find(name) is None:
            tree.put(name, {})
