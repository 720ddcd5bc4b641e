"""The registry of classes, against what the requirements say of each."""

import pytest
from fakes.oam.memory_tree import ELEMENT, FUNCTION, ROOT, MemoryTree, functions_tree, model
from hypothesis import given, settings
from hypothesis import strategies as st

from nf_runtime.errors import FailedPrecondition, InvalidArgument, NfError
from nf_runtime.performance_metrics import PERFORMANCE_METRICS
from oam.nrm.classes import Access, Operation, Role
from oam.nrm.metrics import SOURCES
from oam.nrm.ml_classes import CONTAINERS, ML_CLASSES
from oam.nrm.names import parse_name
from oam.nrm.provisioning import create, delete, modify
from oam.nrm.registry import CLASSES, class_of

CREATE, MODIFY, DELETE = Operation.CREATE, Operation.MODIFY, Operation.DELETE
MONITOR = {
    "thresholdInfoList": [
        {"performanceMetrics": ["OOD_RATE"], "thresholdDirection": "UP", "thresholdValue": 0.5}
    ],
    "monitorGranularityPeriod": 1,
}


def test_there_are_twenty_iocs_of_ts_28_105() -> None:
    """Each once, with its clause."""
    assert len(ML_CLASSES) == len({each.name for each in ML_CLASSES}) == 20
    assert all(each.source.startswith("TS 28.105") for each in ML_CLASSES)


def test_functions_contain_their_requests_processes_and_reports() -> None:
    """Six functions in SubNetwork or ManagedElement; all else inside a function or repository."""
    inside = {each.name: each.parents for each in ML_CLASSES}
    functions = [name for name, parents in inside.items() if parents == CONTAINERS]
    assert len(functions) == 6
    assert inside["MLTrainingRequest"] == ("MLTrainingFunction",)
    assert inside["MLTestingRequest"] == ("MLTestingFunction", "MLTrainingFunction")
    assert inside["MLModelLoadingProcess"] == ("AIMLInferenceFunction",)
    assert inside["MLUpdateReport"] == ("MLUpdateFunction",)
    assert inside["MLModel"] == ("MLModelRepository", "AIMLInferenceFunction")


@pytest.mark.parametrize("kind", ML_CLASSES, ids=lambda kind: kind.name)
def test_operations_are_those_of_the_requirements(kind: object) -> None:
    """Requests are created and modified, processes modified, reports and the rest only read."""
    by_role = {Role.REQUEST: {CREATE, MODIFY}, Role.PROCESS: {MODIFY}, Role.REPORT: set()}
    own = {
        "MLModelLoadingPolicy": {CREATE, MODIFY, DELETE},
        "AIMLInferenceFunction": {MODIFY},
        "MLModel": {MODIFY},  # of the monitor that watches it
    }
    wanted = own.get(kind.name, by_role.get(kind.role, set()))  # type: ignore[attr-defined]
    assert kind.operations == wanted  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ML_CLASSES, ids=lambda kind: kind.name)
def test_statuses_and_producer_set_references_are_read_only(kind: object) -> None:
    """No consumer can write requestStatus, progressStatus or what the producer refers to."""
    attributes = kind.attributes  # type: ignore[attr-defined]
    for name in ("requestStatus", "progressStatus", "mLModelGeneratedRef", "trainingReportRef"):
        if name in attributes:
            assert attributes[name].access is Access.PRODUCER
    if kind.role is Role.REPORT:  # type: ignore[attr-defined]
        assert {each.access for each in attributes.values()} == {Access.PRODUCER}


NAMES = st.text("AZaz09=,.:-_ é\n", max_size=40) | st.sampled_from(
    [ROOT, ELEMENT, FUNCTION, f"{ROOT},{ROOT}", f"{ELEMENT},MLModel=1", f"{FUNCTION},MLModel=x"]
)


@settings(deadline=None)
@given(NAMES)
def test_a_name_is_refused_or_comes_back_as_it_was(text: str) -> None:
    """Nothing that parses is changed, and whatever does not is refused."""
    try:
        name = parse_name(text)
    except InvalidArgument:
        return
    assert str(name) == text
    assert parse_name(text).level == text.count("=")
    try:
        kind = class_of(name)
    except InvalidArgument:
        return
    assert kind is CLASSES[name.object_class]


@settings(deadline=None)
@given(
    name=NAMES,
    attributes=st.dictionaries(
        st.sampled_from(["aIMLInferenceName", "mLModelRef", "mLTrainingType", "requestStatus"])
        | st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.text(max_size=3), inner, max_size=2)
            ),
            max_leaves=4,
        ),
        max_size=3,
    ),
)
def test_whatever_is_asked_the_tree_changes_by_valid_objects_only(
    name: str, attributes: dict[str, object]
) -> None:
    """A refusal is an error with a reason and leaves the tree as it was."""
    tree = functions_tree()
    before = dict(tree.mois)
    for text in (name, f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingRequest=r"):
        try:
            create(tree, parse_name(text), attributes)
        except NfError:
            assert dict(tree.mois) == before
        else:
            before = dict(tree.mois)


def test_exclusive_attributes_exclude_each_other() -> None:
    """A test is of a model or of a group: one of them, not both, not none."""
    tree = functions_tree()
    name = parse_name(f"{ELEMENT},MLTestingFunction=mtlf,MLTestingRequest=r")
    group = parse_name(f"{ROOT},MLModelRepository=mms,MLModelCoordinationGroup=g")
    tree.put(group, {"memberMLModelRefList": [model(1), model(2)]})
    both = {"mLModelRef": model(1), "mLModelCoordinationGroupRef": str(group)}
    for attributes in ({}, both):
        with pytest.raises(InvalidArgument):
            create(tree, name, attributes)
    create(tree, name, {"mLModelRef": model(1)})
    with pytest.raises(InvalidArgument):
        modify(tree, name, {"mLModelCoordinationGroupRef": str(group)})
    modify(tree, name, {"mLModelRef": None, "mLModelCoordinationGroupRef": str(group)})


def test_a_group_has_at_least_two_members() -> None:
    """One is no group."""
    tree = functions_tree()
    group = parse_name(f"{ROOT},MLModelRepository=mms,MLModelCoordinationGroup=g")
    with pytest.raises(InvalidArgument):
        tree.put(group, {"memberMLModelRefList": [model(1)]})


def monitor(tree: MemoryTree, identity: str, *watched: str) -> str:
    """A ThresholdMonitor that watches these objects."""
    name = parse_name(f"{ELEMENT},ThresholdMonitor={identity}")
    create(tree, name, {**MONITOR, **({"objectInstances": list(watched)} if watched else {})})
    return str(name)


def test_cycles_in_references_are_refused() -> None:
    """Directly, and through any number of others; the objects stay as they were."""
    tree = functions_tree()
    first = monitor(tree, "a")
    second = monitor(tree, "b", first)
    third = monitor(tree, "c", second, FUNCTION)
    for watched in (first, second, third):
        before = dict(tree.mois)
        with pytest.raises(InvalidArgument, match="cycles"):
            modify(tree, parse_name(first), {"objectInstances": [watched]})
        assert tree.mois == before
    itself = f"{ELEMENT},ThresholdMonitor=d"
    with pytest.raises(InvalidArgument, match="cycles"):
        create(tree, parse_name(itself), {**MONITOR, "objectInstances": [itself]})


def test_what_is_in_use_cannot_be_deleted() -> None:
    """A monitor that a model is retrained by stays until the model names it no more."""
    tree = functions_tree()
    name = parse_name(monitor(tree, "a"))
    modify(tree, parse_name(model(1)), {"retrainingEventsMonitorRef": str(name)})
    with pytest.raises(FailedPrecondition):
        delete(tree, name)
    modify(tree, parse_name(model(1)), {"retrainingEventsMonitorRef": None})
    delete(tree, name)
    assert tree.find(name) is None
    with pytest.raises(FailedPrecondition):
        delete(tree, parse_name(FUNCTION))


def test_attributes_of_a_request_are_fixed_once_it_is_worked_on() -> None:
    """Only its flags can be changed then."""
    tree = functions_tree()
    name = parse_name(f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingRequest=r")
    create(tree, name, {"aIMLInferenceName": "A"})
    modify(tree, name, {"aIMLInferenceName": "B"})
    tree.put(name, {"requestStatus": "IN_PROGRESS"})
    with pytest.raises(FailedPrecondition):
        modify(tree, name, {"aIMLInferenceName": "C"})
    modify(tree, name, {"aIMLInferenceName": "B"})  # as it was read


def test_what_nothing_measures_cannot_be_watched() -> None:
    """The error lists what can."""
    tree = functions_tree()
    name = parse_name(f"{ELEMENT},PerfMetricJob=p")
    for metric in ("LATENT_MAHALANOBIS", "TOAST"):
        with pytest.raises(InvalidArgument, match="OOD_RATE"):
            create(tree, name, {"performanceMetrics": [metric], "granularityPeriod": 1})


def test_what_is_measured_has_a_name_of_the_registry() -> None:
    """The OAM has no metric that other functions would not know."""
    assert set(SOURCES) <= set(PERFORMANCE_METRICS)
