"""Rain attenuation against the ITU-R's validation examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio_math.attenuation import AttenuationError
from radio_math.rain import (
    momentary_rain_db,
    rain_attenuation_db,
    rain_coefficients,
    rain_path_km,
    specific_attenuation_db_km,
)

MUNICH = {"rain_height_km": 3.633, "station_height_km": 0.542, "latitude_deg": 48.1}
elevations = st.floats(5, 90)


@pytest.mark.parametrize(
    ("tilt_deg", "k", "alpha"),
    [(0.0, 0.092201, 1.047388), (90.0, 0.095553, 0.993333), (45.0, 0.093877, 1.019878)],
)
def test_coefficients_at_20_ghz(tilt_deg: float, k: float, alpha: float) -> None:
    """P.838-3, elevation 30 degrees: horizontal, vertical, circular."""
    found = rain_coefficients(20.0, 30.0, tilt_deg)
    assert float(found[0]) == pytest.approx(k, abs=1e-6)
    assert float(found[1]) == pytest.approx(alpha, abs=1e-6)


def test_the_validation_example_of_p838() -> None:
    """14.25 GHz, 78.3 mm/h, elevation 52.7 degrees."""
    k, alpha = rain_coefficients(14.25, 52.67898486, 0.0)
    gamma = specific_attenuation_db_km(78.2994993, k, alpha)
    assert float(gamma) == pytest.approx(5.11503463, rel=1e-8)


# The examples give the slant path below the rain, which fixes its height.
EXAMPLES = [
    {"lat": 51.5, "hs": 0.031382984, "el": 31.07699124, "tau": 0.0, "p": 1.0}
    | {"R001": 26.48052, "Ls": 4.690817392, "A_rain": 0.495317069},
    {"lat": 25.78, "hs": 0.00861728, "el": 52.67898486, "tau": 0.0, "p": 1.0}
    | {"R001": 78.2994993, "Ls": 5.735098894, "A_rain": 1.437312523},
    {"lat": 3.133, "hs": 0.051251456, "el": 85.80459566, "tau": 90.0, "p": 0.001}
    | {"R001": 99.15117186, "Ls": 4.91990658, "A_rain": 28.81950409},
]


@pytest.mark.parametrize("row", EXAMPLES, ids=("London", "Miami", "Kuala Lumpur"))
def test_the_validation_examples_of_p618(row: dict[str, float]) -> None:
    """Three of the ITU-R's examples at 14.25 GHz."""
    loss = rain_attenuation_db(
        row["el"],
        frequency_ghz=14.25,
        exceedance_percent=row["p"],
        rain_rate_001_mm_h=row["R001"],
        rain_height_km=row["hs"] + row["Ls"] * np.sin(np.radians(row["el"])),
        station_height_km=row["hs"],
        latitude_deg=row["lat"],
        tilt_deg=row["tau"],
    )
    assert float(loss) == pytest.approx(row["A_rain"], rel=1e-7)


@given(elevations, st.floats(-60, 60))
def test_rarer_rain_takes_more(elevation_deg: float, latitude_deg: float) -> None:
    """Down the dial from 1 % to 0.01 % the attenuation only grows."""
    losses = [
        float(
            rain_attenuation_db(
                elevation_deg,
                frequency_ghz=20.0,
                exceedance_percent=percent,
                rain_rate_001_mm_h=40.0,
                rain_height_km=3.6,
                station_height_km=0.1,
                latitude_deg=latitude_deg,
            )
        )
        for percent in (1.0, 0.1, 0.01)
    ]
    assert 0 < losses[0] < losses[1] < losses[2]


def test_no_rain_and_no_rain_above_the_rain() -> None:
    """A dry place and a station above the rain height lose nothing, without a warning."""
    loss = rain_attenuation_db(
        np.array([30.0, 30.0, 30.0]),
        frequency_ghz=20.0,
        exceedance_percent=0.01,
        rain_rate_001_mm_h=np.array([0.0, 40.0, 40.0]),
        rain_height_km=np.array([4.0, 4.0, 4.0]),
        station_height_km=np.array([0.0, 4.5, 0.0]),
        latitude_deg=23.0,
    )
    np.testing.assert_array_equal(loss[:2], 0.0)
    assert loss[2] > 10


def test_the_year_ends_at_five_percent() -> None:
    """The method says nothing for more frequent attenuation."""
    with pytest.raises(AttenuationError, match=r"exceedance_percent is 20, outside of 0.001 to 5"):
        rain_attenuation_db(
            30.0, frequency_ghz=20.0, exceedance_percent=20.0, rain_rate_001_mm_h=30.0, **MUNICH
        )


def test_rain_of_the_moment_meets_the_statistics_at_their_anchor() -> None:
    """At the rate of 0.01 % the attenuation is that of 0.01 %."""
    at = {"frequency_ghz": 20.0, **MUNICH}
    momentary = momentary_rain_db(32.5, 30.0, **at)
    statistical = rain_attenuation_db(30.0, exceedance_percent=0.01, rain_rate_001_mm_h=32.5, **at)
    assert float(momentary) == pytest.approx(float(statistical))
    assert float(momentary_rain_db(0.0, 30.0, **at)) == 0


@given(st.floats(0.01, 20), elevations)
def test_the_effective_path_is_finite_and_below_the_rain(gamma: float, elevation: float) -> None:
    """Also at the zenith, where the cosine vanishes."""
    path = float(rain_path_km(gamma, elevation, frequency_ghz=20.0, **MUNICH))
    assert (
        0
        < path
        < 5
        * (MUNICH["rain_height_km"] - MUNICH["station_height_km"])
        / np.sin(np.radians(elevation))
    )
