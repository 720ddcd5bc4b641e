"""Scintillation: the table of TR 38.811, the ionosphere and P.618."""

import numpy as np
import pytest

from radio_math.attenuation import AttenuationError
from radio_math.scintillation import (
    ionospheric_scintillation_db,
    magnetic_latitude_deg,
    scintillation_fade_db,
    scintillation_loss_db,
    scintillation_sigma_db,
    tabled_scintillation_db,
)

# Toulouse, where the table of TR 38.811 comes from.
TOULOUSE_N_WET = 52.94


@pytest.mark.pitfall(12)
def test_the_ionosphere_counts_near_the_magnetic_equator_only() -> None:
    """2.2 dB at 2 GHz up to 20 degrees of magnetic latitude on both sides, nothing beyond."""
    loss = ionospheric_scintillation_db(2e9, [0.0, -20.0, 20.0, 20.1, 48.0, -60.0])
    np.testing.assert_allclose(loss, [2.2, 2.2, 2.2, 0, 0, 0], atol=5e-5)
    np.testing.assert_array_equal(ionospheric_scintillation_db(20e9, [0.0, 48.0]), 0.0)


@pytest.mark.pitfall(12)
def test_one_switch_between_ionosphere_and_troposphere() -> None:
    """Below 6 GHz the ionosphere, from there on the table; never both."""
    assert float(scintillation_loss_db(30.0, 2e9, 0.0)) == pytest.approx(2.2)
    assert float(scintillation_loss_db(30.0, 2e9, 48.0)) == 0
    assert float(scintillation_loss_db(30.0, 20e9, 0.0)) == 0.30
    assert scintillation_loss_db(np.full((2, 3), 30.0), 2e9, 0.0).shape == (2, 3)


@pytest.mark.pitfall(12)
@pytest.mark.parametrize("elevation_deg", [10, 30, 90])
def test_the_table_is_no_more_than_near_p618(elevation_deg: float) -> None:
    """1 % of the time at 20 GHz with 1.2 m: within 0.16 dB, and not equal."""
    sigma = scintillation_sigma_db(
        elevation_deg,
        frequency_ghz=20.0,
        wet_refractivity=TOULOUSE_N_WET,
        antenna_diameter_m=1.2,
    )
    own = float(scintillation_fade_db(sigma, 1.0))
    table = float(tabled_scintillation_db(elevation_deg))
    assert 0 < abs(own - table) < 0.16


@pytest.mark.parametrize(
    ("elevation_deg", "percent", "n_wet", "fade_db"),
    [
        (31.07699124, 1.0, 50.38926222, 0.261931889),
        (52.67898486, 1.0, 113.2738672, 0.266474934),
        (85.80459566, 0.001, 128.1408003, 0.770307716),
    ],
)
def test_the_validation_examples_of_p618(
    elevation_deg: float, percent: float, n_wet: float, fade_db: float
) -> None:
    """14.25 GHz, 1 m, efficiency 0.65."""
    sigma = scintillation_sigma_db(
        elevation_deg,
        frequency_ghz=14.25,
        wet_refractivity=n_wet,
        antenna_diameter_m=1.0,
        antenna_efficiency=0.65,
    )
    assert float(scintillation_fade_db(sigma, percent)) == pytest.approx(fade_db, rel=1e-8)


def test_a_wide_aperture_averages_scintillation_away() -> None:
    """No root of a negative number, and nothing where x is above 7."""
    sigma = scintillation_sigma_db(
        np.array([60.0, 90.0]),
        frequency_ghz=50.0,
        wet_refractivity=100.0,
        antenna_diameter_m=30.0,
    )
    np.testing.assert_array_equal(sigma, 0.0)


def test_sigma_knows_no_satellite_near_the_horizon() -> None:
    """Below 5 degrees the model ends."""
    with pytest.raises(AttenuationError, match="elevation_deg"):
        scintillation_sigma_db(
            4.0, frequency_ghz=20.0, wet_refractivity=50.0, antenna_diameter_m=0.6
        )


def test_magnetic_latitude_of_known_places() -> None:
    """The dipole's pole is at 90 degrees; Lima lies on the magnetic equator, Munich far north."""
    assert float(magnetic_latitude_deg(80.65, -72.68)) == pytest.approx(90.0, abs=1e-5)
    assert abs(float(magnetic_latitude_deg(-12.05, -77.04))) < 4
    assert float(magnetic_latitude_deg(48.1, 11.6)) == pytest.approx(48.2, abs=0.1)
    assert abs(float(magnetic_latitude_deg(1.35, 103.8))) < 20
