"""Tests of decisions: noise, feeds, what a model may answer."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from fakes.inference_nf.memory_peers import snapshot
from support.tiny_models import INFEASIBLE, NOISE_SHAPE, expected_outputs, tiny_card

from inference_nf.decisions import (
    FallbackReason,
    Source,
    UnusableAnswerError,
    allocation_of,
    fallback_decision,
    feeds_for,
    model_decision,
)
from inference_nf.model_card import read_card
from inference_nf.releases import EngineKind, ModelKey, Precision
from nf_runtime.errors import InvalidArgument
from radio_math.secrecy import sum_secrecy_rate

CARD = read_card(json.dumps(tiny_card()).encode())
Outputs = dict[str, npt.NDArray[Any]]


def feeds(decision_id: str) -> Outputs:
    """What the tiny model is fed."""
    return feeds_for(CARD.inputs, snapshot().context, decision_id=decision_id)


def outputs() -> Outputs:
    """What the tiny model answers."""
    return expected_outputs(feeds("d"))


def test_the_same_decision_id_draws_the_same_noise() -> None:
    """A repeated decision is the same decision; another one is another."""
    assert np.array_equal(feeds("d1")["noise"], feeds("d1")["noise"])
    assert not np.array_equal(feeds("d1")["noise"], feeds("d2")["noise"])


def test_noise_is_pinned_to_the_seed() -> None:
    """The seed is the SHA-256 of the id as a big-endian number: it outlives processes and hosts."""
    rng = np.random.default_rng(
        int("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 16)
    )
    expected = rng.standard_normal((1, *NOISE_SHAPE)).astype(np.float32)
    assert np.array_equal(feeds("abc")["noise"], expected)


def test_noise_looks_standard_normal() -> None:
    """Over many decisions, mean 0 and deviation 1."""
    drawn = np.concatenate([feeds(f"d{n}")["noise"].ravel() for n in range(100)])
    assert abs(drawn.mean()) < 0.05
    assert drawn.std() == pytest.approx(1, abs=0.05)


def test_context_is_fed_as_a_batch_of_one() -> None:
    """Each input has the dtype and shape of the card."""
    fed = feeds("d")
    assert list(fed) == [spec.name for spec in CARD.inputs]
    for spec in CARD.inputs:
        assert fed[spec.name].dtype == spec.dtype
        assert spec.accepts(fed[spec.name].shape)
    assert fed["power_budget_w"] == np.float32(snapshot().context.power_budget_w)


def test_a_context_of_another_size_is_refused_by_name() -> None:
    """The message says what came and what the model takes."""
    small = replace(snapshot().context, ici_factor=np.zeros(3))
    with pytest.raises(InvalidArgument, match=r"ici_factor has shape \[3\].*takes \[10\]"):
        feeds_for(CARD.inputs, small, decision_id="d")


def test_a_model_decision_says_what_the_model_said() -> None:
    """Allocation, prediction, reliability, model and engine are in it."""
    decision = model_decision(
        outputs(),
        snapshot(),
        decision_id="d",
        model=ModelKey("gan-gdm", 3),
        engine=EngineKind.ONNXRUNTIME,
        precision=Precision.FP32,
        artifact_sha256="ab" * 32,
        inference_s=0.002,
    )
    assert decision.source is Source.MODEL
    assert decision.fallback_reason is None
    assert decision.predicted_rate_bps_hz == 7.0
    assert decision.reliability == 0.5
    assert decision.context_id == "context-1"
    assert decision.allocation.power_w.sum() == pytest.approx(
        float(snapshot().context.power_budget_w)
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("carrier", np.array([INFEASIBLE]), "break the quota"),
        ("carrier", np.full((1, 10), 4), "break the quota"),
        ("carrier", np.zeros((1, 9), np.int64), "has shape"),
        ("power_w", np.full((1, 10), 1.0), "of"),
        ("power_w", np.full((1, 10), -0.1), "powers add up"),
        ("power_w", np.full((1, 10), np.nan), "not finite"),
        ("beamformer_index", np.full((1, 10), 19.5), "off the grid"),
        ("beamformer_index", np.full((1, 10), -0.5), "off the grid"),
        ("beamformer_index", np.full((1, 10), np.inf), "not finite"),
        ("predicted_rate_bps_hz", np.array([np.nan]), "one finite number"),
        ("reliability", np.zeros(2), "one finite number"),
    ],
)
def test_an_answer_that_cannot_be_applied_is_refused(
    name: str, value: npt.NDArray[Any], message: str
) -> None:
    """Budget, quota, grid, shapes and finiteness are checked before the radio network sees it."""
    with pytest.raises(UnusableAnswerError, match=message):
        model_decision(
            {**outputs(), name: value},
            snapshot(),
            decision_id="d",
            model=ModelKey("gan-gdm", 1),
            engine=EngineKind.ONNXRUNTIME,
            precision=Precision.FP32,
            artifact_sha256="ab" * 32,
            inference_s=0.0,
        )


def test_rounding_of_a_softmax_is_forgiven() -> None:
    """Powers may exceed the budget by single precision, not by more."""
    budget = float(snapshot().context.power_budget_w)
    exact = np.full((1, 10), budget / 10)
    allocation_of({**outputs(), "power_w": exact * (1 + 2e-6)}, snapshot())
    with pytest.raises(UnusableAnswerError):
        allocation_of({**outputs(), "power_w": exact * 1.001}, snapshot())


def test_the_fallback_is_labelled_and_rated() -> None:
    """It says that it is one and why, and expects what the physics says of its allocation."""
    decision = fallback_decision(snapshot(), decision_id="d", reason=FallbackReason.NO_ACTIVE_MODEL)
    assert decision.source is Source.FALLBACK
    assert decision.fallback_reason is FallbackReason.NO_ACTIVE_MODEL
    assert decision.model is None
    assert decision.reliability == 0
    assert decision.predicted_rate_bps_hz == pytest.approx(
        float(sum_secrecy_rate(snapshot().context, decision.allocation))
    )


def test_a_quota_that_fits_nobody_is_the_callers_mistake() -> None:
    """No allocation exists, and the field is named."""
    with pytest.raises(InvalidArgument) as caught:
        fallback_decision(
            replace(snapshot(), carrier_quota=1),
            decision_id="d",
            reason=FallbackReason.NO_ACTIVE_MODEL,
        )
    assert caught.value.metadata["field"] == "context.carrier_quota"
