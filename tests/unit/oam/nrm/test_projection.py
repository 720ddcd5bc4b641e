"""What an adaptation makes by itself, with the specification's names and back."""

from dataclasses import replace

import pytest
from fakes.oam.memory_tree import MemoryTree
from support.oam_samples import NAMING, at_stage

from oam.adaptation_objects import objects_of
from oam.adaptations import Adaptation
from oam.managed_objects import MLTrainingProcess, ProcessMonitor, ProcessStatus
from oam.nrm.names import parse_name
from oam.nrm.objects import existing
from oam.nrm.projection import attribute_name, put_projected, typed
from oam.transitions import Stage


def projected(adaptation: Adaptation) -> MemoryTree:
    """A tree with all objects of the adaptation."""
    tree = MemoryTree()
    for managed_object in objects_of(adaptation, NAMING):
        put_projected(tree, managed_object)
    return tree


@pytest.mark.parametrize("stage", [Stage.PREPARE, Stage.AWAIT_TRAINING, Stage.LOAD, Stage.DONE])
def test_typed_view_gives_back_what_was_projected(stage: Stage) -> None:
    """Of every object at every stage, vendor attributes included; progress in whole percent."""
    adaptation = at_stage(stage)
    tree = projected(adaptation)
    for wanted in objects_of(adaptation, NAMING):
        attributes = wanted.attributes
        monitor = getattr(attributes, "progress_status", None)
        if isinstance(monitor, ProcessMonitor):
            whole = replace(monitor, progress_percent=float(round(monitor.progress_percent)))
            attributes = replace(attributes, progress_status=whole)  # type: ignore[call-arg]
        assert typed(existing(tree, wanted.distinguished_name)).attributes == attributes


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("aiml_inference_name", "aIMLInferenceName"),
        ("ml_model_ref", "mLModelRef"),
        ("loaded_ml_model_ref", "loadedMLModelRef"),
        ("ml_update_request_ref_list", "mLUpdateRequestRefList"),
        ("progress_percent", "progressPercentage"),
        ("request_status", "requestStatus"),
    ],
)
def test_names_are_the_specifications(field: str, name: str) -> None:
    """Odd casing kept."""
    assert attribute_name(field) == name


def test_training_by_a_rule_has_no_request() -> None:
    """It is producer-initiated: a process and a report, without a reference to a request."""
    tree = projected(replace(at_stage(Stage.DONE), initiator="rule:latent-reliability"))
    assert tree.of_class("MLTrainingRequest") == []
    (process,) = tree.of_class("MLTrainingProcess")
    assert "trainingRequestRef" not in process.attributes
    assert process.attributes["trainingReportRef"]


def test_vendor_attributes_go_to_a_container() -> None:
    """TS 28.105 has no attribute for the MTLF's job."""
    tree = projected(at_stage(Stage.DONE))
    (process,) = tree.of_class("MLTrainingProcess")
    assert "trainingJobId" not in process.attributes
    container = existing(tree, process.name.child("VsDataContainer", "aimlnf"))
    assert container.attributes["vsData"] == {"trainingJobId": "job-1"}


def test_both_spellings_of_finished_are_read() -> None:
    """The misspelling is normative in TS 28.623's YAML; we write it right."""
    tree = projected(at_stage(Stage.DONE))
    (process,) = tree.of_class("MLTrainingProcess")
    assert process.attributes["progressStatus"]["status"] == "FINISHED"
    name = parse_name(str(process.name))
    tree.put(name, {"progressStatus": {"status": "FINSHED"}})
    attributes = typed(existing(tree, name)).attributes
    assert isinstance(attributes, MLTrainingProcess)
    assert attributes.progress_status.status is ProcessStatus.FINISHED
