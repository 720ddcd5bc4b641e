"""Tests of running a plan, on a GPU whose memory is the host's."""

import gc
import json

import numpy as np
import pytest
from fakes.inference_nf.host_cuda import LIBRARY, HostCuda, HostPlan
from support.tiny_models import expected_outputs, golden_inputs, tiny_card

from inference_nf.engines.tensorrt import TensorRtEngine
from inference_nf.model_card import check_graph, read_card
from inference_nf.releases import Precision

CARD = read_card(json.dumps(tiny_card()).encode())
MAX_BATCH = 4


def engine_on(cuda: HostCuda) -> TensorRtEngine:
    """The tiny model as a plan."""
    plan = HostPlan(CARD, max_batch=MAX_BATCH)
    return TensorRtEngine(
        LIBRARY,
        object(),
        plan,
        cuda=cuda,
        version="tensorrt 0",
        precision=Precision.FP32,
        max_batch=MAX_BATCH,
    )


def test_tells_what_the_plan_takes_and_gives() -> None:
    """Inputs and outputs are told apart, with dtypes and free axes."""
    engine = engine_on(HostCuda())
    check_graph(CARD, engine.inputs, engine.outputs)


def test_batches_of_changing_size_are_carried_there_and_back() -> None:
    """Buffers are made once for the greatest batch and used for every other."""
    cuda = HostCuda()
    engine = engine_on(cuda)
    allocated = len(cuda.buffers)
    for batch in (1, MAX_BATCH, 2):
        inputs = golden_inputs(batch)
        outputs = engine.run(inputs)
        for name, expected in expected_outputs(inputs).items():
            assert outputs[name].dtype == expected.dtype
            np.testing.assert_array_equal(outputs[name], expected)
    assert len(cuda.buffers) == allocated


def test_a_batch_off_the_profile_is_refused() -> None:
    """Nothing is written past a buffer."""
    with pytest.raises(ValueError, match="off the profile"):
        engine_on(HostCuda()).run(golden_inputs(MAX_BATCH + 1))


def test_an_engine_that_is_dropped_gives_its_memory_back() -> None:
    """Swapping models does not fill the GPU."""
    cuda = HostCuda()
    engine = engine_on(cuda)
    assert cuda.buffers
    del engine
    gc.collect()
    assert cuda.buffers == {}
