"""What is trained."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nf_runtime.errors import InvalidArgument
from oam.training_orders import (
    Profile,
    RainStatistics,
    TrainingDefaults,
    TrainingType,
    TrainingWish,
    check_wish,
    initial_order,
    observed_rain,
    retraining_order,
)

DEFAULTS = TrainingDefaults(
    TrainingType.PRE_SPECIALISED_TRAINING, Profile("pass", shadowing_sigma_db=2.0), 40.0, 7
)


def statistics(samples_db: np.ndarray) -> RainStatistics:
    """What the NWDAF would say of these samples."""
    return RainStatistics(len(samples_db), float(samples_db.mean()), float(samples_db.std()))


@pytest.mark.parametrize(("probability", "wet_mean_db"), [(0.1, 2.0), (0.5, 6.0), (1.0, 3.0)])
def test_rain_of_the_scenarios_is_recognised(probability: float, wet_mean_db: float) -> None:
    """Samples drawn as scenarios draw them give back the profile they were drawn from."""
    rng = np.random.default_rng(3)
    beams = [
        np.where(rng.random(5000) < probability, rng.exponential(wet_mean_db, 5000), 0.0)
        for _ in range(8)
    ]
    rain = observed_rain([statistics(beam) for beam in beams])
    assert rain is not None
    assert rain.probability == pytest.approx(probability, rel=0.1)
    assert rain.wet_mean_db == pytest.approx(wet_mean_db, rel=0.1)


@given(
    st.lists(
        st.builds(
            RainStatistics,
            num_samples=st.integers(0, 1000),
            mean_db=st.floats(0, 40),
            standard_deviation_db=st.floats(0, 40),
        ),
        max_size=8,
    )
)
def test_any_rain_gives_a_profile_that_can_be_ordered(beams: list[RainStatistics]) -> None:
    """The probability is one, and both together keep the mean that was seen."""
    rain = observed_rain(beams)
    if rain is None:
        assert sum(beam.num_samples for beam in beams) == 0
        return
    check_wish(TrainingWish(Profile("p", rain.probability, rain.wet_mean_db)))
    assert rain.probability * (rain.wet_mean_db or 0.0) == pytest.approx(rain.mean_db, abs=0.01)


def test_observed_rain_is_weighted_by_samples() -> None:
    """A beam with twice the samples counts twice."""
    rain = observed_rain([statistics(np.full(100, 6.0)), statistics(np.zeros(200))])
    assert rain is not None
    assert rain.mean_db == pytest.approx(2.0)
    assert rain.num_samples == 300


def test_dry_network_has_no_wet_mean() -> None:
    """Zero probability leaves the amount to the profile."""
    rain = observed_rain([statistics(np.zeros(10))])
    assert rain is not None
    assert (rain.probability, rain.wet_mean_db) == (0.0, None)


def test_no_samples_is_no_observation() -> None:
    """Nothing is concluded from nothing."""
    assert observed_rain([]) is None


def test_retraining_takes_the_observed_rain_into_the_configured_profile() -> None:
    """Rain comes from the network, everything else from the configuration."""
    rain = observed_rain([statistics(np.full(50, 5.0))])
    order, basis = retraining_order(TrainingWish(), DEFAULTS, source_version=3, rain=rain)
    assert order.training_type is TrainingType.RE_TRAINING
    assert order.source_version == 3
    assert order.profile == Profile(
        "pass", rain_probability=1.0, rain_mean_db=5.0, shadowing_sigma_db=2.0
    )
    assert basis == (
        "since the NWDAF saw 5.0 dB of rain on average (5.0 dB rms) in 50 samples of 1 beams"
    )


def test_retraining_says_why_it_knows_no_rain() -> None:
    """The configured profile is used, and the reason is told."""
    order, basis = retraining_order(
        TrainingWish(), DEFAULTS, source_version=1, rain=None, rain_unknown_because="it is night"
    )
    assert order.profile == DEFAULTS.profile
    assert basis == "as configured, since it is night"


def test_operator_wins_over_network_and_configuration() -> None:
    """Profile, time and seed of the operator are taken as they are."""
    rain = observed_rain([statistics(np.full(50, 5.0))])
    wish = TrainingWish(Profile("reference"), time_budget_s=9.0, seed=11)
    order, basis = retraining_order(wish, DEFAULTS, source_version=1, rain=rain)
    assert (order.profile, order.time_budget_s, order.seed) == (Profile("reference"), 9.0, 11)
    assert basis == "as ordered"


def test_nameless_profile_is_of_the_configured_kind() -> None:
    """Only what the operator said is changed."""
    order, _ = initial_order(TrainingWish(Profile("", rain_probability=0.2)), DEFAULTS)
    assert order.profile == Profile("pass", rain_probability=0.2)


def test_seed_differs_from_version_to_version() -> None:
    """Retraining twice draws other scenarios."""
    seeds = {
        retraining_order(TrainingWish(), DEFAULTS, source_version=version, rain=None)[0].seed
        for version in range(1, 5)
    }
    assert len(seeds) == 4


def test_initial_order_starts_from_no_version() -> None:
    """It is of the configured type and environment."""
    order, basis = initial_order(TrainingWish(), DEFAULTS)
    assert (order.training_type, order.source_version) == (DEFAULTS.initial_type, 0)
    assert (order.profile, basis) == (DEFAULTS.profile, "as configured")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (TrainingWish(time_budget_s=0.0), "order.time_budget"),
        (TrainingWish(time_budget_s=float("nan")), "order.time_budget"),
        (TrainingWish(time_budget_s=1e9), "order.time_budget"),
        (TrainingWish(seed=-1), "order.seed"),
        (TrainingWish(Profile("p" * 64)), "order.profile.name"),
        (TrainingWish(Profile("p", rain_probability=1.1)), "order.profile.rain_probability"),
        (TrainingWish(Profile("p", rain_mean_db=-1.0)), "order.profile.rain_mean_db"),
        (
            TrainingWish(Profile("p", shadowing_sigma_db=float("inf"))),
            "order.profile.shadowing_sigma_db",
        ),
        (
            TrainingWish(Profile("p", power_budget_dbw=(float("nan"),))),
            "order.profile.power_budget_dbw",
        ),
    ],
)
def test_impossible_wish_is_refused(wish: TrainingWish, field: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidArgument) as raised:
        check_wish(wish)
    assert raised.value.reason == "INVALID_FIELD"
    assert raised.value.metadata["field"] == field


def test_profile_in_words() -> None:
    """Only what is set is told, with units."""
    profile = Profile("pass", rain_probability=0.6, rain_mean_db=4.2, power_budget_dbw=(0, 10.0))
    assert profile.text == (
        "profile pass (rain probability 0.60, mean rain attenuation 4.20 dB, power 0/10 dBW)"
    )
    assert Profile("reference").text == "profile reference"
