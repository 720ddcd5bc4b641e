"""TensorRT compiles the shipped graph ahead of time, on a machine without a GPU."""

from pathlib import Path
from types import ModuleType

import pytest
from support.tiny_models import tiny_version

from inference_nf.engines.compiling import CompiledPlan, compile_plan, installed_library
from inference_nf.model_card import ModelCard, check_graph, read_card
from inference_nf.releases import Precision
from ml_models.half_precision import in_half_precision
from nf_runtime.errors import FailedPrecondition

SHIPPED = Path("models/gan_gdm")
MAX_BATCH = 8
TINY_GRAPH = tiny_version().files["model.onnx"]


@pytest.fixture(scope="module")
def library() -> ModuleType:
    """TensorRT for RTX, which compiles for GPUs that are not there."""
    try:
        library = installed_library()
    except FailedPrecondition as error:
        pytest.skip(f"{error.message} (pip install tensorrt-rtx)")
    if library.__name__ != "tensorrt_rtx":
        pytest.skip("only TensorRT for RTX compiles without a GPU")
    return library


@pytest.fixture(scope="module")
def card() -> ModelCard:
    """The shipped model's."""
    return read_card((SHIPPED / "model_card.json").read_bytes())


@pytest.fixture(scope="module", params=list(Precision))
def compiled(request: pytest.FixtureRequest, library: ModuleType) -> CompiledPlan:
    """The shipped graph as a plan; some 15 s of one core each."""
    graph = (SHIPPED / "model.onnx").read_bytes()
    if request.param is Precision.FP16:
        graph = in_half_precision(graph)
    return compile_plan(library, graph, max_batch=MAX_BATCH)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_shipped_graph_compiles_to_the_signature_of_its_card(
    compiled: CompiledPlan, card: ModelCard
) -> None:
    """In either precision: names, element types and shapes, the batch axis free."""
    check_graph(card, compiled.inputs, compiled.outputs)
    for spec in (*compiled.inputs, *compiled.outputs):
        assert spec.shape[0] is None, spec
    assert len(compiled.plan) > (SHIPPED / "model.onnx").stat().st_size / 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_profile_spans_the_batches_that_are_served(
    compiled: CompiledPlan, card: ModelCard
) -> None:
    """From one context, for which the plan is fastest, to the greatest batch."""
    for batch, shapes in (
        (1, compiled.least),
        (1, compiled.usual),
        (MAX_BATCH, compiled.greatest),
    ):
        assert shapes == {spec.name: (batch, *spec.shape[1:]) for spec in card.inputs}


@pytest.mark.parametrize("graph", [b"", b"no graph", TINY_GRAPH[: len(TINY_GRAPH) // 2]])
def test_what_is_no_graph_is_refused(library: ModuleType, graph: bytes) -> None:
    """ARTIFACT_REFUSED with what TensorRT says of it."""
    with pytest.raises(FailedPrecondition, match=r"cannot (read|compile) the graph") as caught:
        compile_plan(library, graph, max_batch=MAX_BATCH)
    assert caught.value.reason == "ARTIFACT_REFUSED"
