"""What a training and a testing job may ask for, and when one can be cancelled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nf_runtime.errors import FailedPrecondition, InvalidArgument
from nwdaf.mtlf import jobs
from nwdaf.mtlf.jobs import (
    SEED_LIMIT,
    Job,
    JobState,
    Phase,
    Profile,
    Spec,
    TrainingSpec,
    TrainingType,
    cancelled,
    check_spec,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TRAINING = TrainingSpec("m", TrainingType.INITIAL_TRAINING, 0, Profile(), 10.0, 1)
TESTING = jobs.TestingSpec("m", 1, Profile(), 10, 1, 0.9)


@pytest.mark.parametrize(
    "spec",
    [
        TRAINING,
        replace(TRAINING, training_type=TrainingType.PRE_SPECIALISED_TRAINING),
        replace(TRAINING, training_type=TrainingType.RE_TRAINING, source_version=3),
        replace(TRAINING, training_type=TrainingType.FINE_TUNING, source_version=1),
        TESTING,
        replace(TESTING, sample_count=1000, required_ratio=1.0),
        replace(TESTING, profile=Profile("reference", 0.0, 0.0, 0.0, 0.0, (0.0, 25.0))),
    ],
)
def test_sound_specs_pass(spec: Spec) -> None:
    """Every kind of training, and the ends of the ranges."""
    check_spec(spec)


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (replace(TRAINING, model_name=""), "model_name"),
        (replace(TRAINING, seed=-1), "seed"),
        (replace(TRAINING, seed=SEED_LIMIT), "seed"),
        (replace(TRAINING, time_budget_s=0.0), "time_budget"),
        (replace(TRAINING, time_budget_s=1e9), "time_budget"),
        (replace(TRAINING, source_version=1), "source_version"),
        (replace(TRAINING, training_type=TrainingType.RE_TRAINING), "source_version"),
        (
            replace(TRAINING, training_type=TrainingType.FINE_TUNING, source_version=-1),
            "source_version",
        ),
        (replace(TESTING, version=0), "version"),
        (replace(TESTING, sample_count=0), "sample_count"),
        (replace(TESTING, sample_count=1001), "sample_count"),
        (replace(TESTING, required_ratio=0.0), "required_ratio"),
        (replace(TESTING, required_ratio=1.1), "required_ratio"),
        (replace(TESTING, required_ratio=float("nan")), "required_ratio"),
        (replace(TESTING, profile=Profile("moon")), "profile.name"),
        (replace(TESTING, profile=Profile(rain_probability=1.5)), "profile.rain_probability"),
        (replace(TESTING, profile=Profile(rain_mean_db=-1.0)), "profile.rain_mean_db"),
        (
            replace(TESTING, profile=Profile(shadowing_sigma_db=float("nan"))),
            "profile.shadowing_sigma_db",
        ),
        (
            replace(TESTING, profile=Profile(eavesdropper_min_km=21.0)),
            "profile.eavesdropper_min_km",
        ),
        (
            replace(TESTING, profile=Profile(power_budget_dbw=(10.0, float("inf")))),
            "profile.power_budget_dbw",
        ),
    ],
)
def test_specs_out_of_range_are_refused(spec: Spec, field: str) -> None:
    """INVALID_FIELD names the field."""
    with pytest.raises(InvalidArgument) as raised:
        check_spec(spec)
    assert (raised.value.reason, raised.value.metadata) == ("INVALID_FIELD", {"field": field})


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_a_job_that_is_not_final_can_be_cancelled(state: JobState) -> None:
    """Waiting or worked on."""
    later = NOW + timedelta(seconds=1)
    job = cancelled(Job("j", TRAINING, state, NOW, NOW, phase=Phase.TRAINING), later)
    assert (job.state, job.update_time) == (JobState.CANCELLED, later)


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        (JobState.SUCCEEDED, Phase.PUBLISHING),
        (JobState.FAILED, None),
        (JobState.CANCELLED, None),
        (JobState.RUNNING, Phase.PUBLISHING),
        (JobState.QUEUED, Phase.PUBLISHING),  # interrupted while it was publishing
    ],
)
def test_a_job_whose_version_may_exist_cannot_be_cancelled(
    state: JobState, phase: Phase | None
) -> None:
    """Otherwise a cancelled job could have published something."""
    with pytest.raises(FailedPrecondition) as raised:
        cancelled(Job("j", TRAINING, state, NOW, NOW, phase=phase), NOW)
    assert raised.value.reason == "STATE_FORBIDS"
    assert raised.value.metadata["wanted"] == "CANCELLED"
