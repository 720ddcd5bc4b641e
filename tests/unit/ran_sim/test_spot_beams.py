"""How the satellite's array covers its cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio_math.attitude import turned
from radio_math.beams import BeamShaping, beam_amplitudes
from radio_math.link import to_db
from radio_math.panels import Element, Panel
from ran_sim.cells import service_area
from ran_sim.orbit.geodesy import displaced, ecef_position, local_axes
from ran_sim.spot_beams import (
    ApertureBeams,
    Attitude,
    Coverage,
    HoppingBeams,
    PanelBeams,
    SpotBeamError,
    Steering,
    spot_beams,
)
from ran_sim.spot_beams.coverage import nadir_axes
from ran_sim.spot_beams.hopping import nearest_lattice_point

LATITUDE_DEG, LONGITUDE_DEG = 45.0, 10.0
AREA = service_area(LATITUDE_DEG, LONGITUDE_DEG)
CENTRES = AREA.centre_m
CELL = 2


def over_cell(behind_m: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A satellite 600 km above a cell's centre, or some way behind on its way north."""
    latitude, longitude = displaced(
        AREA.latitude_deg[CELL], AREA.longitude_deg[CELL], 0.0, -behind_m
    )
    _, north, _ = local_axes(latitude, longitude)
    return ecef_position(latitude, longitude, 600e3), 7.5e3 * north


def at(east_m: list[float], north_m: list[float]) -> np.ndarray:
    """ESIMs [U, 3] at distances from the cell's centre."""
    latitude, longitude = displaced(
        AREA.latitude_deg[CELL], AREA.longitude_deg[CELL], np.array(east_m), np.array(north_m)
    )
    return ecef_position(latitude, longitude)


def in_cell_db(coverage: Coverage, esim_m: np.ndarray, behind_m: float = 0.0) -> np.ndarray:
    """Gain [U] of the cell's beam towards ESIMs [dBi]."""
    gains = spot_beams(coverage).gains(*over_cell(behind_m), esim_m, CENTRES)
    return gains.gain_dbi[:, CELL]


@pytest.mark.pitfall(22)
def test_a_plain_beam_leaves_most_of_the_cell_in_the_dark() -> None:
    """Half power 8.3 km from the centre, side lobes at half the cell's radius."""
    gain_dbi = in_cell_db(Coverage.PLAIN, at([0.0, 8.3e3, 75e3], [0.0, 0.0, 0.0]))
    assert gain_dbi[0] == pytest.approx(41.0, abs=0.1)
    assert gain_dbi[0] - gain_dbi[1] == pytest.approx(3.0, abs=0.4)
    assert gain_dbi[0] - gain_dbi[2] > 20.0


@pytest.mark.pitfall(22)
@pytest.mark.parametrize("behind_m", [0.0, 300e3, 1000e3])
def test_a_tapered_beam_fills_the_cell(behind_m: float) -> None:
    """Nearly flat to half the radius; its near and its far edge are both 3 dB down."""
    centre, half, near, far = in_cell_db(
        Coverage.TAPERED, at([0.0] * 4, [0.0, 75e3, -150e3, 150e3]), behind_m
    )
    assert centre - half < 1.2
    assert centre - near == pytest.approx(3.0, abs=0.6)
    assert centre - far == pytest.approx(3.0, abs=0.6)


@pytest.mark.pitfall(22)
def test_widening_costs_the_gain_that_the_wider_angle_takes() -> None:
    """Overhead a 300 km beam has 17 dBi, which is what the reference problem gives its beams."""
    middle = at([0.0], [0.0])
    for coverage in (Coverage.TAPERED, Coverage.PHASE_SPOILED, Coverage.ADAPTIVE_APERTURE):
        assert in_cell_db(coverage, middle)[0] == pytest.approx(17.0, abs=1.0)


@pytest.mark.pitfall(22)
def test_a_phase_spoiled_beam_reaches_the_edge_with_all_elements_at_full_power() -> None:
    """Within 6 dB of the centre everywhere along both axes of the cell."""
    way = np.linspace(-140e3, 140e3, 57)
    gain_dbi = in_cell_db(
        Coverage.PHASE_SPOILED,
        at([*way, *np.zeros(57)], [*np.zeros(57), *way]),
    )
    assert np.ptp(gain_dbi) < 6.0


@pytest.mark.pitfall(22)
def test_hopping_beams_reach_every_place_of_the_cell_near_their_peak() -> None:
    """Nowhere is a spot's centre so far that more than the half power and a little is lost."""
    rng = np.random.default_rng(3)
    east, north = rng.uniform(-90e3, 90e3, (2, 100))
    one_each = [in_cell_db(Coverage.HOPPING, at([e], [n]))[0] for e, n in zip(east, north)]  # noqa: B905
    assert max(one_each) - min(one_each) < 4.0
    assert min(one_each) > 37.0


def test_hopping_beams_share_their_time_among_the_esims_of_a_cell() -> None:
    """Two ESIMs of a cell get half of it each, one in another cell all of its beam's."""
    esims = np.concatenate((at([0.0, 90e3], [0.0, 0.0]), CENTRES[[5]]))
    gains = HoppingBeams().gains(*over_cell(), esims, CENTRES)
    np.testing.assert_allclose(gains.share, [0.5, 0.5, 1.0])
    # The ESIM of the other cell meets this beam only by its side lobes.
    assert gains.gain_dbi[2, CELL] < gains.gain_dbi[0, CELL] - 15.0


def test_the_reference_problem_stays_as_it_was() -> None:
    """Adaptive and fixed apertures are `radio_math.beams` to the last bit."""
    satellite, velocity = over_cell(300e3)
    esims = at([0.0, 50e3], [20e3, -70e3])
    for shaping in BeamShaping:
        gains = ApertureBeams(shaping).gains(satellite, velocity, esims, CENTRES)
        amplitude, gain_db = beam_amplitudes(satellite, esims, CENTRES, shaping)
        np.testing.assert_array_equal(gains.amplitude, amplitude)
        np.testing.assert_array_equal(gains.gain_db, gain_db)
        np.testing.assert_array_equal(gains.share, 1.0)


@pytest.mark.parametrize("coverage", list(Coverage))
def test_a_whole_run_is_the_sum_of_its_ticks(coverage: Coverage) -> None:
    """Arrays over instants give what each instant gives alone."""
    beams = spot_beams(coverage)
    ticks = [over_cell(behind_m) for behind_m in (-200e3, 0.0, 400e3)]
    esims = at([0.0, 30e3, -60e3], [10e3, 0.0, 20e3])
    satellite = np.stack([position for position, _ in ticks])
    velocity = np.stack([moving for _, moving in ticks])
    whole = beams.gains(satellite, velocity, np.broadcast_to(esims, (3, 3, 3)), CENTRES)
    assert whole.amplitude.shape == (3, 3, 8)
    assert whole.gain_db.shape == (3,)
    for index, tick in enumerate(ticks):
        alone = beams.gains(*tick, esims, CENTRES)
        np.testing.assert_allclose(whole.amplitude[index], alone.amplitude, atol=1e-9)
        np.testing.assert_allclose(whole.gain_db[index], alone.gain_db)
        np.testing.assert_allclose(whole.share[index], alone.share)


@pytest.mark.parametrize("coverage", [Coverage.PLAIN, Coverage.TAPERED, Coverage.PHASE_SPOILED])
def test_no_beam_has_more_than_the_panel(coverage: Coverage) -> None:
    """Array gain and element together bound every gain over isotropic."""
    rng = np.random.default_rng(5)
    gains = spot_beams(coverage).gains(
        *over_cell(700e3), at(*rng.uniform(-3e5, 3e5, (2, 200))), CENTRES
    )
    assert gains.gain_dbi.max() <= Panel().array_gain_db + Element().peak_dbi


@pytest.mark.parametrize("coverage", [Coverage.PLAIN, Coverage.TAPERED, Coverage.FIXED_APERTURE])
def test_earth_moving_beams_keep_to_the_satellite(coverage: Coverage) -> None:
    """100 km on, a place that moved along has the gain of before; one that stayed has another."""
    beams = spot_beams(coverage, Steering.EARTH_MOVING)
    first = beams.gains(*over_cell(), at([0.0], [0.0]), CENTRES).gain_dbi
    along = beams.gains(*over_cell(-100e3), at([0.0], [100e3]), CENTRES).gain_dbi
    stayed = beams.gains(*over_cell(-100e3), at([0.0], [0.0]), CENTRES).gain_dbi
    strong = first.max() - 20
    np.testing.assert_allclose(along[first > strong], first[first > strong], atol=0.5)
    assert np.abs(stayed - first).max() > 1.0


def test_a_pointing_error_moves_the_footprint() -> None:
    """One degree of pitch moves a beam 10.5 km on the ground, away from its cell's centre."""
    satellite, velocity = over_cell()
    axes = nadir_axes(satellite, velocity)
    pitched = Attitude(commanded=axes, actual=turned(axes, 0.0, 1.0, 0.0))
    # Pitching up takes the beams forward, northwards.
    esims = at([0.0, 0.0], [0.0, 600e3 * np.tan(np.radians(1.0))])
    gain_dbi = (
        PanelBeams(Coverage.PLAIN).gains(satellite, velocity, esims, CENTRES, pitched).gain_dbi
    )
    assert gain_dbi[1, CELL] == pytest.approx(41.0, abs=0.1)
    assert gain_dbi[0, CELL] < gain_dbi[1, CELL] - 4.0
    aperture = ApertureBeams(BeamShaping.FIXED)
    amplitude = aperture.gains(satellite, velocity, esims, CENTRES, pitched).amplitude
    assert amplitude[1, CELL] == pytest.approx(1.0, abs=1e-3)
    assert amplitude[0, CELL] < amplitude[1, CELL]


@pytest.mark.parametrize("coverage", list(Coverage))
def test_a_footprint_is_the_best_beam_of_each_place(coverage: Coverage) -> None:
    """At an ESIM it equals the strongest gain; for hopping beams that of its own cell's beam."""
    beams, places = spot_beams(coverage), at([0.0, 40e3, 0.0], [0.0, 0.0, -90e3])
    found = beams.footprint_dbi(*over_cell(), places, CENTRES)
    np.testing.assert_allclose(found, beams.gains(*over_cell(), places, CENTRES).strongest_dbi)


def test_hopping_beams_stay_within_their_cell() -> None:
    """A place 400 km from every cell is not followed there."""
    far = at([-900e3], [0.0])
    found = spot_beams(Coverage.HOPPING).footprint_dbi(*over_cell(), far, CENTRES)
    assert float(found[0]) < 20.0


def test_amplitudes_are_relative_to_the_mean_gain() -> None:
    """Squared amplitude in decibels plus the gain is the gain over isotropic."""
    gains = spot_beams(Coverage.TAPERED).gains(*over_cell(), at([0.0, 1e3], [0.0, 0.0]), CENTRES)
    np.testing.assert_allclose(to_db(gains.amplitude**2) + gains.gain_db, gains.gain_dbi, atol=1e-9)


@given(st.floats(-3e5, 3e5), st.floats(-3e5, 3e5))
def test_the_lattice_point_is_the_nearest(east_m: float, north_m: float) -> None:
    """Never farther than a hexagon's corner, and a point of the lattice."""
    spacing = 14e3
    point = np.array([east_m, north_m])
    found = nearest_lattice_point(point, spacing)
    assert np.linalg.norm(found - point) <= spacing / np.sqrt(3) * (1 + 1e-9)
    second = found[1] / (spacing * np.sqrt(3) / 2)
    first = found[0] / spacing - second / 2
    assert abs(second - round(second)) < 1e-6
    assert abs(first - round(first)) < 1e-6


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: spot_beams(Coverage.HOPPING, Steering.EARTH_MOVING), "earth_fixed"),
        (lambda: spot_beams(Coverage.ADAPTIVE_APERTURE, Steering.EARTH_MOVING), "fixed aperture"),
        (lambda: PanelBeams(Coverage.HOPPING), "coverage"),
        (lambda: PanelBeams(cell_radius_m=0.0), "cell_radius_m"),
        (lambda: HoppingBeams(spot_spacing_m=-1.0), "spot_spacing_m"),
    ],
)
def test_beams_that_cannot_be_had_together_are_refused(build: object, named: str) -> None:
    """One sentence that names what to change."""
    with pytest.raises(SpotBeamError, match=named):
        build()  # type: ignore[operator]
