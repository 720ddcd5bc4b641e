"""Looking up land cover."""

import numpy as np
import pytest

from nf_runtime.errors import InvalidArgument
from ran_sim.land_cover import LandCover

WORLD = LandCover(
    classes=("sea", "land"),
    raster=np.arange(7 * 13, dtype=np.uint8).reshape(7, 13),
    north_deg=90.0,
    west_deg=0.0,
    latitude_step_deg=30.0,
    longitude_step_deg=30.0,
    source="a test",
)
REGION = LandCover(("a",), np.zeros((2, 2), np.uint8), 50.0, 10.0, 1.0, 1.0, "a region")


def test_the_nearest_point_is_taken() -> None:
    """Row by latitude from the north, column by longitude from the west."""
    np.testing.assert_array_equal(
        WORLD.codes_at([90.0, 61.0, -90.0], [0.0, 29.0, 300.0]), [0, 14, 88]
    )


def test_longitudes_wrap() -> None:
    """-30 and 330 degrees are one meridian; just west of 0 is the first column or the last."""
    np.testing.assert_array_equal(WORLD.codes_at([90.0, 90.0], [-30.0, 330.0]), [11, 11])
    assert int(WORLD.codes_at(90.0, -1.0)) == 0


@pytest.mark.parametrize(("latitude", "longitude"), [(52.0, 10.0), (50.0, 12.0), (50.0, 9.0)])
def test_places_outside_of_the_raster_are_refused(latitude: float, longitude: float) -> None:
    """No class is made up for them."""
    with pytest.raises(InvalidArgument, match="a region does not reach"):
        REGION.codes_at(latitude, longitude)
