"""What a training and a testing job may ask for, and when one can be cancelled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nf_runtime.errors import FailedPrecondition, InvalidArgument
from nwdaf.mtlf import jobs
from nwdaf.mtlf.jobs import (
    SEED_LIMIT,
    DelayCause,
    Job,
    JobState,
    Phase,
    Profile,
    Spec,
    TrainingSpec,
    TrainingType,
    amended,
    cancelled,
    check_spec,
    resumed,
    suspended,
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


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.SUSPENDED])
def test_a_job_that_is_not_final_can_be_suspended(state: JobState) -> None:
    """Its progress is frozen; suspended again it is the same."""
    job = suspended(
        Job("j", TRAINING, state, NOW, NOW, phase=Phase.TRAINING, progress_percent=40.0), NOW
    )
    assert (job.state, job.progress_percent, job.phase) == (
        JobState.SUSPENDED,
        40.0,
        Phase.TRAINING,
    )
    assert suspended(job, NOW + timedelta(seconds=9)) == job


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        (JobState.SUCCEEDED, Phase.PUBLISHING),
        (JobState.FAILED, None),
        (JobState.CANCELLED, None),
        (JobState.RUNNING, Phase.PUBLISHING),
    ],
)
def test_what_is_over_or_being_published_cannot_be_suspended(
    state: JobState, phase: Phase | None
) -> None:
    """As for cancellations."""
    with pytest.raises(FailedPrecondition) as raised:
        suspended(Job("j", TRAINING, state, NOW, NOW, phase=phase), NOW)
    assert raised.value.metadata["wanted"] == "SUSPENDED"


@pytest.mark.parametrize("state", JobState)
def test_only_a_suspended_job_can_be_resumed(state: JobState) -> None:
    """It waits for its turn again."""
    job = Job("j", TRAINING, state, NOW, NOW)
    if state is JobState.SUSPENDED:
        assert resumed(job, NOW).state is JobState.QUEUED
        return
    with pytest.raises(FailedPrecondition):
        resumed(job, NOW)


def test_what_is_trained_changes_only_before_it_begins() -> None:
    """The consumer's mark and patience may change until the job is final."""
    waiting = Job("j", TRAINING, JobState.QUEUED, NOW, NOW)
    begun = replace(waiting, state=JobState.SUSPENDED, phase=Phase.TRAINING)
    final = replace(waiting, state=JobState.FAILED)
    assert amended(waiting, NOW, {"seed": 9}).spec == replace(TRAINING, seed=9)
    assert amended(begun, NOW, {"max_res_time_s": 9.0}).spec == replace(
        TRAINING, max_res_time_s=9.0
    )
    for job, changes in ((begun, {"seed": 9}), (final, {"notif_corre_id": "x"})):
        with pytest.raises(FailedPrecondition):
            amended(job, NOW, changes)
    with pytest.raises(InvalidArgument):
        amended(waiting, NOW, {"time_budget_s": 0.0})


def test_a_job_says_why_there_is_no_result() -> None:
    """NEED_MORE_TIME once the consumer's time is over, ML_MODEL_TRAIN_FAILURE once it failed."""
    job = Job("j", replace(TRAINING, max_res_time_s=10.0), JobState.RUNNING, NOW, NOW)
    later = NOW + timedelta(seconds=11)
    assert job.delay_cause(NOW + timedelta(seconds=10)) is None
    assert job.delay_cause(later) is DelayCause.NEED_MORE_TIME
    assert replace(job, state=JobState.SUCCEEDED).delay_cause(later) is None
    assert replace(job, state=JobState.FAILED).delay_cause(NOW) is (
        DelayCause.ML_MODEL_TRAIN_FAILURE
    )
    assert Job("j", TRAINING, JobState.RUNNING, NOW, NOW).delay_cause(later) is None
