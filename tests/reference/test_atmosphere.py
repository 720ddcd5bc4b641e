"""The atmosphere of places against itur, which reproduces the ITU-R's validation examples."""

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nf_runtime.errors import InvalidArgument
from ran_sim.atmosphere.losses import AtmosphericLosses, Terminal, slant_losses
from ran_sim.atmosphere.maps import itu_model
from ran_sim.atmosphere.site import Exceedance, site_constants, sky_over
from ran_sim.atmosphere.tables import HOLD_DEG, atmosphere_table

ROOT = Path(__file__).parents[2]
PLACES = {
    "Munich": (48.1, 11.6),
    "Singapore": (1.35, 103.8),
    "Sydney": (-33.9, 151.2),
    "Denver": (39.7, -104.9),
}
TERMS = ("gas_db", "cloud_db", "rain_db", "scintillation_db", "total_db")
DISH = Terminal(antenna_diameter_m=0.6)


def itur_terms(place: tuple[float, float], elevation_deg: Any, percent: float) -> list[Any]:
    """Gas, cloud, rain, scintillation and total at 20 GHz as itur has them."""
    itu_model(618)
    import itur  # noqa: PLC0415 - the oracle, opened when a test asks it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # near 90 degrees it doubts itself
        found = itur.atmospheric_attenuation_slant_path(
            *place, 20.0, elevation_deg, percent, 0.6, return_contributions=True
        )
    return [np.asarray(term.value, dtype=float) for term in found]


def ours(losses: AtmosphericLosses) -> list[np.ndarray]:
    """The same five terms of ours."""
    return [np.asarray(getattr(losses, name)) for name in TERMS]


@pytest.mark.parametrize("percent", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_place_is_as_itur_has_it(place: tuple[float, float], percent: float) -> None:
    """Every term by closed formulas over the site's constants, to a millionth of a dB."""
    elevation = np.array([5.0, 10.0, 24.0, 25.0, 26.0, 45.0, 89.0])
    sky = sky_over(site_constants(*place), 20.0, Exceedance(percent))
    for mine, theirs in zip(
        ours(slant_losses(sky, elevation, DISH)), itur_terms(place, elevation, percent), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_table_is_as_itur_has_it(place: tuple[float, float]) -> None:
    """Between the nodes too: 0.03 dB anywhere up to the held half degree."""
    table = atmosphere_table(*place, frequency_ghz=20.0, exceedance=Exceedance(0.1), terminal=DISH)
    elevation = np.random.default_rng(1).uniform(5.0, HOLD_DEG, 60)
    for mine, theirs in zip(
        ours(table.losses_at(elevation)), itur_terms(place, elevation, 0.1), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, atol=0.03)


def test_the_known_total_near_munich() -> None:
    """48.1 N 11.6 E, 20 GHz, elevation 30 degrees, 0.6 m, 1 % and 0.01 % of the year."""
    site = site_constants(48.1, 11.6)
    often = slant_losses(sky_over(site, 20.0, Exceedance(1.0)), 30.0, DISH)
    rarely = slant_losses(sky_over(site, 20.0, Exceedance(0.01)), 30.0, DISH)
    np.testing.assert_allclose(
        [float(term) for term in ours(often)], [0.960, 0.666, 1.472, 0.303, 3.120], atol=6e-4
    )
    assert float(rarely.rain_db) == pytest.approx(16.762, abs=6e-4)
    assert float(rarely.total_db) == pytest.approx(18.404, abs=6e-4)


def test_a_grid_is_as_its_cells_are() -> None:
    """Constants of a grid [2, 3] are those of each cell, west and east of Greenwich."""
    latitude, longitude = np.meshgrid([-20.0, 50.0], [-75.0, 0.5, 140.0], indexing="ij")
    sky = sky_over(site_constants(latitude, longitude), 20.0, Exceedance(0.1))
    found = slant_losses(sky, np.full((2, 3), 40.0), DISH).total_db
    assert found.shape == (2, 3)
    for index in np.ndindex(2, 3):
        place = (float(latitude[index]), float(longitude[index]))
        cell = sky_over(site_constants(*place), 20.0, Exceedance(0.1))
        assert found[index] == pytest.approx(float(slant_losses(cell, 40.0, DISH).total_db))


def test_the_stations_height_counts() -> None:
    """On a mountain there is less rain above."""
    low = site_constants(47.4, 11.0, 700.0)
    high = site_constants(47.4, 11.0, 2962.0)
    rain = [
        float(slant_losses(sky_over(site, 20.0, Exceedance(0.01)), 30.0, DISH).rain_db)
        for site in (low, high)
    ]
    assert rain[1] < 0.5 * rain[0]
    with pytest.raises(InvalidArgument, match="altitude_m"):
        site_constants(47.4, 11.0, 600e3)


def test_opening_the_maps_leaves_numpy_as_it_was() -> None:
    """That itur switches numpy's warnings off in a fresh process does not reach it."""
    script = (
        "import numpy; before = numpy.geterr();"
        "from ran_sim.atmosphere.maps import itu_model; itu_model(618);"
        "raise SystemExit(before != numpy.geterr())"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_tick_needs_no_maps() -> None:
    """Tables, closed formulas, rain cells and scintillation run in a process that has no itur."""
    script = """
import sys
import numpy as np
from ran_sim.atmosphere.losses import Terminal, slant_losses, slant_sigma_db
from ran_sim.atmosphere.rain_cells import RainField, rain_cell_losses_db, rain_rate_mm_h
from ran_sim.atmosphere.tables import table_of
from ran_sim.atmosphere.turbulence import scintillation_series_db
from support.skies import munich, sky_over_munich

sky, elevation, offset_s = sky_over_munich(), np.full((3, 1), 40.0), np.arange(3.0)
table_of(sky, Terminal()).losses_at(elevation)
slant_losses(sky, elevation, Terminal())
rate = rain_rate_mm_h(np.zeros((3, 1, 2)), offset_s, RainField(5.0), np.random.default_rng(1))
rain_cell_losses_db(rate, elevation, munich(), 20.0, Terminal())
sigma = slant_sigma_db(sky, elevation, Terminal())
scintillation_series_db(sigma, offset_s, np.random.default_rng(1))
raise SystemExit(any(name.split(".")[0] in ("itur", "astropy") for name in sys.modules))
"""
    path = os.pathsep.join(str(ROOT / folder) for folder in (".", "gen", "tests"))
    environment = {**os.environ, "PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env=environment)
