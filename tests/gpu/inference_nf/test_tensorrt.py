"""TensorRT plans run on a GPU."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from support.tiny_models import expected_outputs, golden_inputs, tiny_version

from inference_nf.engines.compiling import installed_library
from inference_nf.engines.cuda import Cuda
from inference_nf.engines.plans import PlanCache
from inference_nf.engines.tensorrt import TensorRtBuilder
from inference_nf.releases import Precision
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
        pytest.skip(error.message)


@pytest.fixture(scope="module")
def cuda() -> Cuda:
    """A GPU."""
    try:
        return Cuda.open()
    except FailedPrecondition as error:
        pytest.skip(error.message)


@pytest.mark.gpu
@pytest.mark.usefixtures("library", "cuda")
def test_a_plan_computes_what_the_graph_says(tmp_path: Path) -> None:
    """For every batch of the profile, within the tolerance of the golden samples."""
    builder = TensorRtBuilder(plans=PlanCache(tmp_path), max_batch=8)
    engine = builder.build(GRAPH, sha256=SHA256, precision=Precision.FP32)
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
    builder.build(GRAPH, sha256=SHA256, precision=Precision.FP32)
    (path,) = tmp_path.glob("*.plan")
    compiled = path.stat().st_mtime_ns
    builder.build(GRAPH, sha256=SHA256, precision=Precision.FP32)
    assert path.stat().st_mtime_ns == compiled
    path.write_bytes(path.read_bytes()[:-1])
    builder.build(GRAPH, sha256=SHA256, precision=Precision.FP32)
    (path,) = tmp_path.glob("*.plan")
    assert path.stat().st_mtime_ns != compiled
