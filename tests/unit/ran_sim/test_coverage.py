"""What a scenario may choose to serve with."""

import pytest

from nf_runtime.errors import InvalidArgument
from ran_sim.coverage import BeamChoice
from ran_sim.spot_beams import Coverage, Steering


@pytest.mark.parametrize("coverage", [one for one in Coverage if one is not Coverage.HOPPING])
def test_every_coverage_of_whole_cells_can_serve(coverage: Coverage) -> None:
    """With earth-fixed beams over the cells of the reference problem."""
    assert BeamChoice(coverage).beams() is not None


def test_hopping_beams_do_not_serve() -> None:
    """No decision knows that they light an ESIM only a share of the time; the sentence says so."""
    with pytest.raises(InvalidArgument, match=r"beams\.coverage is hopping.*share of the time"):
        BeamChoice(Coverage.HOPPING)


def test_an_adaptive_aperture_cannot_move_with_the_satellite() -> None:
    """It follows its cell; the field is named."""
    with pytest.raises(InvalidArgument, match=r"beams\.steering is earth_moving, but"):
        BeamChoice(Coverage.ADAPTIVE_APERTURE, Steering.EARTH_MOVING)


def test_small_cells_need_a_panel() -> None:
    """An aperture shaped for 150 km says which coverages can do it."""
    with pytest.raises(InvalidArgument, match=r"beams\.cell_radius_km is 20, which needs"):
        BeamChoice(Coverage.FIXED_APERTURE, cell_radius_m=20e3)
