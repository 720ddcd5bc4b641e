"""The physics tensor from the maps, and as files."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from ran_sim.atmosphere.site import Exceedance
from ran_sim.cells import service_area
from ran_sim.land_cover import land_and_sea
from ran_sim.orbit.geodesy import ecef_position, local_axes
from ran_sim.orbit.propagation import Ephemeris
from ran_sim.physics_tensor import Channel, Emitter, GeoGrid, PhysicsTensor, physics_map
from ran_sim.spot_beams import Coverage, spot_beams
from ran_sim.tensor_files import write_npz, write_safetensors


@pytest.fixture(scope="module")
def tensor() -> PhysicsTensor:
    """Central Europe under a satellite over Munich."""
    grid = GeoGrid.around(48.1, 11.6, span_deg=40.0, cells=5)
    made = physics_map(
        grid, frequency_ghz=20.0, exceedance=Exceedance(1.0), land_cover=land_and_sea()
    )
    _, north, _ = local_axes(48.1, 11.6)
    motion = Ephemeris(np.zeros(1), ecef_position(48.1, 11.6, 600e3)[None], 7.5e3 * north[None])
    emitter = Emitter("SAT 1", spot_beams(Coverage.TAPERED), service_area(48.1, 11.6).centre_m)
    return made.tensor(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), motion, emitter)


def test_the_maps_give_a_plausible_zenith(tensor: PhysicsTensor) -> None:
    """Over Munich 1 % of the year has about 2 dB of gas, cloud and rain, and it stands on land."""
    at_centre = tensor.values[0, :, 2, 2]
    assert float(at_centre[Channel.ATMOSPHERIC_ATTENUATION]) == pytest.approx(1.7, abs=0.6)
    assert tensor.land_classes[int(at_centre[Channel.LAND_COVER])] == "land"
    assert tensor.valid.any()
    assert not tensor.valid.all()


def test_npz_keeps_everything(tensor: PhysicsTensor, tmp_path: Path) -> None:
    """Values with their NaN, mask, axes, times and metadata, without pickled objects."""
    path = tmp_path / "tensor.npz"
    write_npz(tensor, path)
    with np.load(path, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["values"], tensor.values)
        np.testing.assert_array_equal(archive["valid"], tensor.valid)
        np.testing.assert_array_equal(archive["latitude_deg"], tensor.grid.latitude_deg)
        assert archive["time_utc"].tolist() == ["2026-01-01T00:00:00+00:00"]
        assert json.loads(str(archive["metadata"])) == tensor.metadata()


def test_safetensors_keeps_everything(tensor: PhysicsTensor, tmp_path: Path) -> None:
    """The same, with the metadata in the header."""
    path = tmp_path / "tensor.safetensors"
    write_safetensors(tensor, path)
    with safe_open(path, framework="np") as archive:
        np.testing.assert_array_equal(archive.get_tensor("values"), tensor.values)
        np.testing.assert_array_equal(archive.get_tensor("valid"), tensor.valid)
        assert json.loads(archive.metadata()["physics_tensor"]) == tensor.metadata()
