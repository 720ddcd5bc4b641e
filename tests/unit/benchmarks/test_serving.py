"""What the serving benchmark counts, and the model that it measures with."""

import itertools

import numpy as np

from benchmarks.serving import Made, Swapping
from benchmarks.serving_model import INPUT, WIDTHS, example, make_version
from inference_nf.engines.onnxruntime import OnnxRuntimeBuilder
from inference_nf.golden import check_golden, read_golden
from inference_nf.model_card import check_graph, read_card
from inference_nf.releases import Precision


def test_a_decision_is_wrong_only_by_a_version_that_was_not_in_force_meanwhile() -> None:
    """During an activation both may decide; a label that its graph contradicts never may."""
    in_force = [(1, 0.0, 5.1), (2, 5.0, float("inf"))]

    def wrong(version: int, asked_s: float, answered_s: float) -> int:
        made = Made(asked_s, asked_s, answered_s, version)
        return Swapping([made], in_force).wrong_version

    assert not wrong(1, 1.0, 1.1)
    assert not wrong(1, 4.9, 5.05)
    assert not wrong(2, 4.9, 5.05)
    assert not wrong(1, 5.05, 5.2)
    assert not wrong(2, 6.0, 6.1)
    assert wrong(2, 1.0, 1.1)
    assert wrong(1, 6.0, 6.1)
    assert wrong(0, 1.0, 1.1)
    assert Swapping([Made(1.0, 1.5, 2.0, 1)], in_force).taken_s == [1.0]


def test_the_model_has_about_a_million_weights_and_can_be_served() -> None:
    """Each version predicts its own number, and passes what loading asks."""
    weights = sum(a * b for a, b in itertools.pairwise(WIDTHS))
    assert 0.9e6 < weights < 1.1e6
    for number in (1, 2):
        version = make_version(number)
        card = read_card(version.files["model_card.json"])
        engine = OnnxRuntimeBuilder(threads=1).build(
            version.graph, sha256="0" * 64, precision=Precision.FP32
        )
        check_graph(card, engine.inputs, engine.outputs)
        golden = read_golden(version.files[card.golden.file_name], card)
        check_golden(card, golden.outputs, engine.run(golden.inputs), precision=Precision.FP32)
        outputs = engine.run({INPUT: example()})
        assert outputs["predicted_rate_bps_hz"] == np.float32(number)
