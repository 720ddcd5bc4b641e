"""The weather dial and the arguments of a place."""

import numpy as np
import pytest
from support.skies import munich

from nf_runtime.errors import InvalidArgument
from ran_sim.atmosphere.site import Exceedance, check_frequency, site_constants, sky_over


@pytest.mark.pitfall(9)
def test_hertz_are_not_taken_for_gigahertz() -> None:
    """One sentence, which names the field."""
    with pytest.raises(InvalidArgument, match=r"frequency_ghz is 2e\+10.*20 for 20e9 Hz") as raised:
        check_frequency(20e9)
    assert raised.value.metadata["field"] == "frequency_ghz"


@pytest.mark.pitfall(9)
def test_a_bare_number_is_no_exceedance() -> None:
    """0.01 might be 1 % as a fraction or 0.01 %: six times the attenuation."""
    with pytest.raises(InvalidArgument, match=r"Exceedance\(percent=...\).*no fraction"):
        sky_over(munich(), 20.0, 0.01)  # type: ignore[arg-type]


@pytest.mark.pitfall(9)
@pytest.mark.parametrize("percent", [0.0, 0.0001, 99.0, np.nan])
def test_an_exceedance_outside_of_the_models_is_refused(percent: float) -> None:
    """The sentence says what 1 means."""
    with pytest.raises(InvalidArgument, match=r"exceedance_percent.*1 stands for 1 %"):
        Exceedance(percent)


@pytest.mark.parametrize(
    ("place", "field"),
    [((91.0, 0.0), "latitude_deg"), ((0.0, 400.0), "longitude_deg"), ((np.nan, 0.0), "latitude")],
)
def test_a_place_that_is_not_on_the_earth_is_refused(
    place: tuple[float, float], field: str
) -> None:
    """Before any map is opened."""
    with pytest.raises(InvalidArgument, match=field):
        site_constants(*place)
