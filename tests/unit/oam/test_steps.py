# ruff: noqa: E501 - sentences are compared whole
"""The record's sentences, as somebody who was not there reads them."""

from datetime import timedelta

import pytest
from support.oam_samples import HAPPY, MODEL, NAMING, NOW, started

from oam import adaptation_events as events
from oam.adaptations import advance
from oam.monitoring import Quantity
from oam.monitoring_policy import Metric
from oam.record import Step, StepKind
from oam.steps import crossed, steps_of
from oam.transitions import AdaptationKind, Stage

NOT_PASSED = {
    Stage.AWAIT_TEST: events.TestFinished(
        test_passed=False, test_metrics={"ratio_to_exhaustive": 0.51}, required_ratio=0.8
    ),
    Stage.RECORD_TEST: events.TestNotPassed(),
}
DENIED = {Stage.AWAIT_APPROVAL: events.ApprovalDenied("operator:bob", "too risky")}
NOT_LOADED = {Stage.LOAD: events.Refused("inference_nf answered GOLDEN_SAMPLE_MISMATCH: no")}


def story(
    kind: AdaptationKind, turns: dict[Stage, events.Event] | None = None
) -> dict[StepKind, Step]:
    """All steps of an adaptation in which each stage takes 7 s and goes well, but for `turns`."""
    adaptation, steps = started(kind), {}
    second = 0
    while adaptation.in_progress:
        second += 7
        event = (turns or {}).get(adaptation.stage, HAPPY[adaptation.stage])
        after = advance(adaptation, event, NOW + timedelta(seconds=second))
        for step in steps_of(adaptation, event, after, NAMING):
            steps[step.kind] = step
        adaptation = after
    return steps


def test_retraining_in_its_own_words() -> None:
    """Each sentence stands alone and has its figures."""
    assert {kind: step.detail for kind, step in story(AdaptationKind.RETRAIN).items()} == {
        StepKind.RETRAINED: "Version 2 was retrained from version 1 in 7.0 s for profile pass (rain "
        "probability 0.60), as configured; ratio_to_exhaustive 0.91.",
        StepKind.PUBLISHED: "Version 2 stands in the model repository as "
        "SubNetwork=aimlnf,MLModelRepository=mms,MLModel=2.",
        StepKind.TESTED: "Version 2 passed its test on held-out scenarios, which asked for 0.80 of "
        "exhaustive search; ratio_to_exhaustive 0.9.",
        StepKind.APPROVED: "Version 2 was approved by operator:ada: looks good.",
        StepKind.LOADED: "Version 2 was verified, compiled for onnxruntime 1.20 and found equal to "
        "its golden sample in 0.8 s.",
        StepKind.COMPARED: "Version 2 decided beside version 1 without effect and may replace it: "
        "it is as good.",
        StepKind.ALLOWED: "Step 'activate' was allowed by operator:ada: go.",
        StepKind.ACTIVATED: "Version 2 decides instead of version 1, 91.0 s after operator:ada asked "
        "for it: rain has set in.",
    }


def test_first_training_and_rollback_in_their_own_words() -> None:
    """A rollback says that the version decides again."""
    trained = story(AdaptationKind.INITIAL)[StepKind.TRAINED].detail
    assert trained.startswith("Version 2 was trained in 7.0 s for profile pass")
    back = story(AdaptationKind.ROLLBACK)[StepKind.ROLLED_BACK].detail
    assert back == (
        "Version 1 decides again instead of version 2, 21.0 s after operator:ada asked for it: "
        "rain has set in."
    )


@pytest.mark.parametrize(
    ("turns", "kind", "detail"),
    [
        (
            NOT_PASSED,
            StepKind.REJECTED,
            (
                "Version 2 is not used, since it did not pass its test (asked for 0.80 of exhaustive "
                "search; ratio_to_exhaustive 0.51); version 1 stays in use."
            ),
        ),
        (
            DENIED,
            StepKind.REJECTED,
            (
                "Version 2 is not used, since it was turned down by operator:bob: too risky; "
                "version 1 stays in use."
            ),
        ),
        (
            NOT_LOADED,
            StepKind.FAILED,
            (
                "The adaptation failed at 'load': inference_nf answered GOLDEN_SAMPLE_MISMATCH: no; "
                "version 1 stays in use."
            ),
        ),
        (
            NOT_LOADED,
            StepKind.REJECTED,
            (
                "Version 2 was rejected in the model repository, since inference_nf answered "
                "GOLDEN_SAMPLE_MISMATCH: no."
            ),
        ),
    ],
)
def test_bad_ends_in_their_own_words(
    turns: dict[Stage, events.Event], kind: StepKind, detail: str
) -> None:
    """What happened, why, and what is in use now."""
    assert story(AdaptationKind.RETRAIN, turns)[kind].detail == detail


def test_who_decided_is_the_initiator_of_the_decision() -> None:
    """Not who asked for the adaptation."""
    assert story(AdaptationKind.RETRAIN, DENIED)[StepKind.REJECTED].initiator == "operator:bob"
    assert story(AdaptationKind.RETRAIN)[StepKind.LOADED].initiator == "operator:ada"


def test_each_step_names_the_object_that_records_it() -> None:
    """A reader can go on from the record to the managed objects."""
    references = {kind: step.object_ref for kind, step in story(AdaptationKind.RETRAIN).items()}
    assert references[StepKind.RETRAINED].endswith("MLTrainingFunction=mtlf,MLTrainingReport=a1")
    assert references[StepKind.TESTED].endswith("MLTestingReport=a1")
    assert references[StepKind.LOADED].endswith("MLModelLoadingProcess=a1")
    assert references[StepKind.ACTIVATED] == NAMING.inference_function


def test_degradation_tells_what_was_seen_and_what_follows() -> None:
    """Mean, window, threshold, hysteresis, consequence."""
    seen = Quantity(Metric.LATENT_RELIABILITY, 0.412, 0.5, 0.05, breached=True, window_count=50)
    step = crossed(seen, model_name=MODEL, version=3, consequence="rule x retrains", naming=NAMING)
    assert step.detail == (
        "Version 3: LATENT_RELIABILITY averaged 0.412 over the last 50 decisions, below its "
        "threshold 0.500 (hysteresis 0.050); rule x retrains."
    )
    assert step.adaptation_id == ""
