"""TensorRT itself: compiling where the library is installed, running where there is a GPU."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from support.tiny_models import expected_outputs, golden_inputs, tiny_version

from inference_nf.engines.cuda import Cuda
from inference_nf.engines.plans import PlanCache
from inference_nf.engines.tensorrt import TensorRtBuilder, compile_plan, installed_library
from nf_runtime.errors import FailedPrecondition

VERSION = tiny_version()
GRAPH = VERSION.files["model.onnx"]
SHA256 = VERSION.release.artifact("model.onnx").sha256
TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def library() -> ModuleType:
    """Either flavour of TensorRT."""
    try:
        return installed_library()
    except FailedPrecondition as error:
        pytest.skip(f"{error.message} (pip install tensorrt-rtx compiles without a GPU)")


@pytest.fixture(scope="module")
def cuda() -> Cuda:
    """A GPU."""
    try:
        return Cuda.open()
    except FailedPrecondition as error:
        pytest.skip(error.message)


def test_compiles_a_graph_with_a_free_batch_axis(library: ModuleType) -> None:
    """The plan has bytes; no GPU is needed for it."""
    if library.__name__ != "tensorrt_rtx":
        pytest.skip("only TensorRT for RTX compiles without a GPU")
    assert len(compile_plan(library, GRAPH, max_batch=8)) > 1000


@pytest.mark.parametrize("graph", [b"", b"no graph", GRAPH[: len(GRAPH) // 2]])
def test_refuses_what_is_no_graph(library: ModuleType, graph: bytes) -> None:
    """ARTIFACT_REFUSED with what TensorRT says of it."""
    if library.__name__ != "tensorrt_rtx":
        pytest.skip("only TensorRT for RTX compiles without a GPU")
    with pytest.raises(FailedPrecondition, match=r"cannot (read|compile) the graph") as caught:
        compile_plan(library, graph, max_batch=8)
    assert caught.value.reason == "ARTIFACT_REFUSED"


@pytest.mark.gpu
@pytest.mark.usefixtures("library", "cuda")
def test_a_plan_computes_what_the_graph_says(tmp_path: Path) -> None:
    """For every batch of the profile, within the tolerance of the golden samples."""
    engine = TensorRtBuilder(plans=PlanCache(tmp_path), max_batch=8).build(GRAPH, sha256=SHA256)
    for batch in (1, 8, 3):
        inputs = golden_inputs(batch)
        outputs = engine.run(inputs)
        for name, expected in expected_outputs(inputs).items():
            np.testing.assert_allclose(outputs[name], expected, atol=TOLERANCE, rtol=TOLERANCE)


@pytest.mark.gpu
@pytest.mark.usefixtures("library", "cuda")
def test_a_plan_is_compiled_once_and_a_damaged_one_anew(tmp_path: Path) -> None:
    """The second build reads the file; a damaged file is replaced."""
    builder = TensorRtBuilder(plans=PlanCache(tmp_path), max_batch=2)
    builder.build(GRAPH, sha256=SHA256)
    (path,) = tmp_path.iterdir()
    compiled = path.stat().st_mtime_ns
    builder.build(GRAPH, sha256=SHA256)
    assert path.stat().st_mtime_ns == compiled
    path.write_bytes(path.read_bytes()[:-1])
    builder.build(GRAPH, sha256=SHA256)
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mtime_ns != compiled
