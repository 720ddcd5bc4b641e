"""The physics tensor."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest

from nf_runtime.errors import InvalidArgument
from radio_math.link import free_space_loss_db
from radio_math.scintillation import magnetic_latitude_deg
from ran_sim.atmosphere.losses import ALL_TERMS, Terminal
from ran_sim.atmosphere.site import Exceedance, SiteConstants, Sky
from ran_sim.cells import service_area
from ran_sim.land_cover import LandCover
from ran_sim.orbit.geodesy import ecef_position, local_axes
from ran_sim.orbit.look import Terminals
from ran_sim.orbit.propagation import Ephemeris
from ran_sim.physics_tensor import UNITS, Channel, Emitter, GeoGrid, PhysicsMap, PhysicsTensor
from ran_sim.spot_beams import Coverage, spot_beams
from ran_sim.tensor_files import json_document

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
GRID = GeoGrid.around(0.0, 10.0, span_deg=60.0, cells=7)
LAND = LandCover(
    ("sea", "land"), np.array([[0], [1]], np.uint8), 45.0, -180.0, 90.0, 360.0, "a test"
)
AREA = service_area(0.0, 10.0)


def place_map(frequency_ghz: float = 20.0) -> PhysicsMap:
    """A map over an Earth with the same weather everywhere."""
    latitude, longitude = GRID.mesh()
    even = np.ones(GRID.shape)
    site = SiteConstants(
        latitude_deg=latitude,
        longitude_deg=longitude,
        height_km=0.1 * even,
        rain_height_km=4.5 * even,
        rain_rate_001_mm_h=60.0 * even,
        wet_refractivity=80.0 * even,
        temperature_k=300.0 * even,
        pressure_hpa=1000.0 * even,
    )
    position = ecef_position(latitude.ravel(), longitude.ravel())
    east, north, up = local_axes(latitude.ravel(), longitude.ravel())
    return PhysicsMap(
        grid=GRID,
        receivers=Terminals(position, np.zeros_like(position), east, north, up),
        sky=Sky(site, frequency_ghz, Exceedance(1.0), 0.3 * even, 0.2 * even),
        terminal=Terminal(),
        terms=ALL_TERMS,
        land=LAND.codes_at(latitude, longitude),
        land_cover=LAND,
        magnetic_latitude_deg=magnetic_latitude_deg(latitude, longitude),
    )


def northbound(latitude_deg: float = 0.0, instants: int = 1) -> Ephemeris:
    """A satellite 600 km above the grid's meridian, on its way north."""
    offset_s = np.arange(instants, dtype=np.float64)
    _, north, _ = local_axes(latitude_deg, 10.0)
    position = ecef_position(latitude_deg, 10.0, 600e3) + 7.5e3 * offset_s[:, None] * north
    return Ephemeris(offset_s, position, np.broadcast_to(7.5e3 * north, (instants, 3)))


def emitter(*, crosses_ionosphere: bool = True) -> Emitter:
    """A satellite with widened beams."""
    beams = spot_beams(Coverage.TAPERED)
    return Emitter("SAT 1", beams, AREA.centre_m, crosses_ionosphere=crosses_ionosphere)


def tensor(instants: int = 1, frequency_ghz: float = 20.0, *, iono: bool = True) -> PhysicsTensor:
    """The tensor of some instants over the whole grid."""
    return place_map(frequency_ghz).tensor(
        START, northbound(instants=instants), emitter(crosses_ionosphere=iono)
    )


def test_a_tensor_has_six_channels_over_the_grid() -> None:
    """[T, 6, H, W] in float32 with time, names and units of everything."""
    made = tensor(instants=3)
    assert made.values.shape == (3, 6, 7, 7)
    assert made.values.dtype == np.float32
    assert made.valid.shape == (3, 7, 7)
    assert made.time_utc == tuple(START + dt.timedelta(seconds=second) for second in range(3))
    about = made.metadata()
    assert about["channels"] == [
        "free_space_path_loss",
        "antenna_gain",
        "atmospheric_attenuation",
        "doppler",
        "land_cover",
        "scintillation",
    ]
    assert about["units"] == [UNITS[channel] for channel in Channel]
    assert about["emitter"] == "SAT 1"
    assert json.loads(json.dumps(about)) == about


def test_cells_without_a_link_hold_no_number() -> None:
    """Below 5 degrees every channel but land cover is NaN, above it none is."""
    made = tensor()
    hidden = ~made.valid[0]
    assert 0 < hidden.sum() < hidden.size
    for channel in Channel:
        missing = np.isnan(made.channel(channel)[0])
        if channel is Channel.LAND_COVER:
            assert not missing.any()
        else:
            np.testing.assert_array_equal(missing, hidden)


def test_json_has_null_where_nothing_is() -> None:
    """Never NaN, which is no JSON, and never 0 dB, which would be a perfect sky."""
    made = tensor()
    document = json.loads(json.dumps(json_document(made), allow_nan=False))
    loss = np.array(document["values"][0][Channel.FREE_SPACE_PATH_LOSS], dtype=object)
    np.testing.assert_array_equal(loss == None, ~made.valid[0])  # noqa: E711 - element by element
    assert all(value > 100 for value in loss[made.valid[0]])


def test_path_loss_and_gain_below_the_satellite() -> None:
    """600 km at 20 GHz are 174 dB; the beams of the cells have more gain there than far away."""
    made = tensor()
    loss, gain = (made.channel(c)[0] for c in (Channel.FREE_SPACE_PATH_LOSS, Channel.ANTENNA_GAIN))
    assert float(loss[3, 3]) == pytest.approx(float(free_space_loss_db(600e3, 20e9)), abs=1e-3)
    assert np.nanargmax(gain) == 3 * 7 + 3
    assert float(gain[3, 3]) > 10.0


def test_doppler_is_positive_where_the_satellite_comes_to() -> None:
    """North of a northbound satellite it approaches, south of it it goes away."""
    doppler = tensor().channel(Channel.DOPPLER)[0]
    assert float(doppler[4, 3]) > 100e3
    assert float(doppler[2, 3]) < -100e3
    assert abs(float(doppler[3, 3])) < 1e3


def test_attenuation_leaves_scintillation_to_its_own_channel() -> None:
    """Without scintillation among the terms the attenuation is the same and its channel 0."""
    calm_map = replace(place_map(), terms=replace(ALL_TERMS, scintillation=False))
    calm, whole = calm_map.tensor(START, northbound(), emitter()), tensor()
    np.testing.assert_array_equal(
        calm.channel(Channel.ATMOSPHERIC_ATTENUATION),
        whole.channel(Channel.ATMOSPHERIC_ATTENUATION),
    )
    assert (calm.channel(Channel.SCINTILLATION)[calm.valid] == 0).all()
    assert (whole.channel(Channel.SCINTILLATION)[whole.valid] > 0).all()


@pytest.mark.pitfall(33)
def test_the_ionosphere_scintillates_for_satellites_and_not_for_platforms() -> None:
    """2.2 dB at 2 GHz near the magnetic equator, only on paths that cross it."""
    through, below = tensor(frequency_ghz=2.0), tensor(frequency_ghz=2.0, iono=False)
    more = (through.channel(Channel.SCINTILLATION) - below.channel(Channel.SCINTILLATION))[0]
    near = np.abs(place_map().magnetic_latitude_deg) <= 20
    seen = through.valid[0]
    np.testing.assert_allclose(more[seen & near], 2.2, atol=0.01)
    np.testing.assert_allclose(more[seen & ~near], 0.0, atol=1e-6)


def test_an_instant_of_a_run_is_that_instant_alone() -> None:
    """The time axis only collects."""
    run = tensor(instants=3)
    alone = Ephemeris(*(part[2:] for part in vars(northbound(instants=3)).values()))
    single = place_map().tensor(START, alone, emitter())
    np.testing.assert_array_equal(run.values[2], single.values[0])
    assert single.time_utc[0] == run.time_utc[2]


def test_land_cover_is_the_class_of_each_cell() -> None:
    """Codes of the raster, whatever the satellite sees."""
    made = tensor()
    np.testing.assert_array_equal(made.channel(Channel.LAND_COVER)[0], place_map().land)
    assert made.land_classes == ("sea", "land")


@pytest.mark.parametrize(
    ("latitude", "longitude", "named"),
    [
        (np.array([91.0]), np.array([0.0]), "latitude_deg"),
        (np.array([0.0]), np.array([361.0]), "longitude_deg"),
        (np.array([np.nan]), np.array([0.0]), "latitude_deg"),
        (np.zeros(0), np.zeros(3), "grid"),
        (np.zeros(3000), np.zeros(3000), "grid"),
    ],
)
def test_grids_off_the_earth_are_refused(
    latitude: np.ndarray, longitude: np.ndarray, named: str
) -> None:
    """The sentence names the field."""
    with pytest.raises(InvalidArgument, match=named):
        GeoGrid(latitude, longitude)
