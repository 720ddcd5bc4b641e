"""Line of sight, shadow fading, clutter and K by elevation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio_math.large_scale import (
    Band,
    LargeScaleError,
    Surroundings,
    band_of,
    clutter_loss_db,
    large_scale_table,
    los_probability,
    reference_row,
    rician_k_db,
    shadow_sigma_db,
)

DENSE_URBAN_KA = large_scale_table(Surroundings.DENSE_URBAN, Band.KA)


@pytest.mark.pitfall(34)
@pytest.mark.parametrize(
    ("elevation_deg", "reference_deg"),
    [
        (10, 10),
        (14.99, 10),
        (15, 20),
        (24.99, 20),
        (25, 30),  # round(2.5) is 2
        (45, 50),  # round(4.5) is 4
        (65, 70),
        (85, 90),
        (90, 90),
        (9, 10),
        (3, 10),  # rounds to 0, which has no row
        (0, 10),
    ],
)
def test_the_nearest_reference_angle_counts(elevation_deg: float, reference_deg: int) -> None:
    """Midway goes up, and below 10 degrees the first row stands."""
    assert (int(reference_row(elevation_deg)) + 1) * 10 == reference_deg


@pytest.mark.parametrize("elevation_deg", [-0.1, -58.5, 90.1, np.nan])
def test_there_are_no_parameters_below_the_horizon(elevation_deg: float) -> None:
    """A row for a satellite that is not there would be a link."""
    with pytest.raises(LargeScaleError, match="below the horizon"):
        reference_row([30.0, elevation_deg])


@pytest.mark.pitfall(28)
@given(st.floats(0, 90), st.sampled_from(Surroundings), st.sampled_from(Band))
def test_clutter_takes_nothing_with_line_of_sight(
    elevation_deg: float, surroundings: Surroundings, band: Band
) -> None:
    """0 dB in sight; without, at least 16 dB."""
    table = large_scale_table(surroundings, band)
    assert float(clutter_loss_db(elevation_deg, True, table)) == 0  # noqa: FBT003
    assert float(clutter_loss_db(elevation_deg, False, table)) > 16  # noqa: FBT003


@pytest.mark.pitfall(28)
def test_shadow_fading_is_a_spread_and_no_loss() -> None:
    """The table's sigma depends on the state; nothing returns it as a mean."""
    sigma = shadow_sigma_db([30.0, 30.0], np.array([True, False]), DENSE_URBAN_KA)
    np.testing.assert_array_equal(sigma, [2.7, 15.6])


def test_probability_of_line_of_sight_of_the_standard() -> None:
    """Dense urban at 10, 50 and 90 degrees."""
    np.testing.assert_array_equal(
        los_probability([10, 50, 90], DENSE_URBAN_KA), [0.282, 0.537, 0.981]
    )


def test_k_factor_spreads_around_its_mean() -> None:
    """The mean plus sigma n of a standard normal n."""
    k_db = rician_k_db(30.0, [-1.0, 0.0, 1.0], DENSE_URBAN_KA)
    np.testing.assert_allclose(k_db, [6.9, 12.9, 18.9])


def test_rural_has_a_k_of_its_own() -> None:
    """Suburban and rural share shadowing and clutter, but not K."""
    suburban = large_scale_table(Surroundings.SUBURBAN, Band.S)
    rural = large_scale_table(Surroundings.RURAL, Band.S)
    np.testing.assert_array_equal(suburban.clutter_nlos_db, rural.clutter_nlos_db)
    assert suburban.rician_k_mean_db[0] == 11.4
    assert rural.rician_k_mean_db[0] == 24.72


def test_band_of_a_frequency() -> None:
    """Below 6 GHz the S-band tables, from there on those of Ka band."""
    assert band_of(2e9) is Band.S
    assert band_of(20e9) is Band.KA
