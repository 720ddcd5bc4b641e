"""The model that the project ships, loaded and asked as in service."""

import json
from pathlib import Path

import pytest
from support.model_world import ModelWorld
from support.tiny_models import TinyVersion

from inference_nf.decisions import CONTEXT_TENSORS, Decision, RadioSnapshot, Source
from inference_nf.engines.onnxruntime import OnnxRuntimeBuilder
from inference_nf.golden import check_golden, read_golden
from inference_nf.model_card import check_graph, read_card
from inference_nf.releases import CARD_FILE, GRAPH_FILE, EngineKind, ModelKey, Precision
from ml_models.datasets.scenarios import ScenarioProfile, Split, draw_scenarios
from ml_models.export.tolerances import measured_tolerances
from ml_models.half_precision import in_half_precision
from nf_runtime.errors import FailedPrecondition
from radio_math.context import CARRIER_QUOTA, RadioContext
from radio_math.secrecy import sum_secrecy_rate

FOLDER = Path(__file__).parents[3] / "models" / "gan_gdm"


CASES = draw_scenarios(ScenarioProfile(geometry="mixed"), 32, Split.TEST.seed(11))
"""Radio states of the kind that the model was trained for, as reported and as they are."""


def case(contexts: RadioContext, number: int) -> RadioContext:
    """One of the contexts."""
    return RadioContext(**{name: getattr(contexts, name)[number] for name in CONTEXT_TENSORS})


def snapshots() -> list[RadioSnapshot]:
    """The cases as the function is told of them."""
    return [
        RadioSnapshot(
            context_id=f"context-{number}",
            satellite_id="48112",
            carrier_quota=CARRIER_QUOTA,
            context=case(CASES.estimated, number),
        )
        for number in range(len(CASES.estimated.power_budget_w))
    ]


def achieved(decisions: list[Decision]) -> float:
    """Sum of the rates on the true channel [b/s/Hz]."""
    return sum(
        float(sum_secrecy_rate(case(CASES.true, number), decision.allocation))
        for number, decision in enumerate(decisions)
    )


async def test_it_passes_every_check_and_decides_better_than_the_fallback() -> None:
    """Card, golden samples and decoder hold on ONNX Runtime; what it predicts is what it gets.

    That is on the true channel, where the searches that trust the report get far less.
    """
    files = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.is_file()}
    version = TinyVersion(ModelKey("gan-gdm", 1), files)
    world = ModelWorld(version)
    world.builders[EngineKind.ONNXRUNTIME] = OnnxRuntimeBuilder(threads=1)
    models = world.next_life()
    deciding = world.deciding()
    conservative = [
        await world.deciding(search=False).decide(s, decision_id=s.context_id) for s in snapshots()
    ]
    searched = [await deciding.decide(s, decision_id=s.context_id) for s in snapshots()]
    await models.load("gan-gdm", 1)
    await models.activate(version.key)
    decided = [await deciding.decide(s, decision_id=s.context_id) for s in snapshots()]
    for decision in decided:
        assert decision.source is Source.MODEL
        assert 0 <= decision.reliability <= 1
    predicted = sum(decision.predicted_rate_bps_hz for decision in decided)
    assert predicted == pytest.approx(achieved(decided), rel=0.05)
    assert achieved(conservative) < 0.9 * achieved(searched)
    assert achieved(decided) > 1.1 * achieved(searched)


def test_its_linear_layers_can_be_halved() -> None:
    """It still decides as in its golden samples, within what the exporter measures for that."""
    document = json.loads((FOLDER / CARD_FILE).read_bytes())
    samples = FOLDER / document["golden"]["file"]
    document["golden"]["tolerance_by_precision"] = measured_tolerances(
        FOLDER / GRAPH_FILE, samples, least=document["golden"]["tolerance"]["absolute"]
    )
    card = read_card(json.dumps(document).encode())
    golden = read_golden(samples.read_bytes(), card)
    graph = (FOLDER / GRAPH_FILE).read_bytes()
    halved = in_half_precision(graph)
    assert len(halved) < len(graph)
    engine = OnnxRuntimeBuilder(threads=1).build(halved, sha256="halved", precision=Precision.FP32)
    check_graph(card, engine.inputs, engine.outputs)
    computed = engine.run(golden.inputs)
    check_golden(card, golden.outputs, computed, precision=Precision.FP16)
    with pytest.raises(FailedPrecondition, match="deviates"):
        check_golden(card, golden.outputs, computed, precision=Precision.FP32)
