"""Losses along a pass without the ITU-R's maps."""

import numpy as np
import pytest

from aimlctl.sim.path_losses import Losses, LossModel, Weather, losses_along
from radio_math.attenuation import AttenuationError
from ran_sim.orbit.passes import Site

RANGE_M = np.array([2.3e6, 1.9e6, 1075.088e3, 600e3])
ELEVATION_DEG = np.array([1.0, 5.0, 30.0, 90.0])


def losses(model: LossModel, *, frequency_ghz: float = 20.0, latitude_deg: float = 48.1) -> Losses:
    """The losses of four samples."""
    weather = Weather(model, exceedance_percent=1.0, antenna_diameter_m=0.6, altitude_m=None)
    return losses_along(weather, Site(latitude_deg, 11.6), frequency_ghz, RANGE_M, ELEVATION_DEG)


def test_free_space_has_no_atmosphere() -> None:
    """Its terms are not there, rather than 0 dB."""
    found = losses(LossModel.NONE)
    assert found.fspl_db[2] == pytest.approx(179.097, abs=1e-3)
    assert (found.total_loss_db == found.fspl_db).all()
    assert (found.gas_db, found.rain_db, found.cloud_db, found.scintillation_db) == (None,) * 4


def test_the_reference_atmosphere_is_that_of_tr_38_821() -> None:
    """At 30 degrees and 20 GHz 0.49 dB of gas and 0.3 dB of scintillation; no rain, no clouds."""
    found = losses(LossModel.REFERENCE)
    assert found.gas_db is not None
    assert found.scintillation_db is not None
    assert found.gas_db[2] == pytest.approx(0.488, abs=1e-3)
    assert found.scintillation_db[2] == 0.3
    assert found.total_loss_db[2] == pytest.approx(found.fspl_db[2] + 0.788, abs=1e-3)
    assert (found.rain_db, found.cloud_db) == (None, None)


def test_below_five_degrees_the_atmosphere_is_held() -> None:
    """Its terms keep their values from there; free space goes on."""
    found = losses(LossModel.REFERENCE)
    assert found.gas_db is not None
    assert found.gas_db[0] == found.gas_db[1] > 1.0
    assert found.fspl_db[0] > found.fspl_db[1]


def test_s_band_scintillates_near_the_magnetic_equator_only() -> None:
    """2.2 dB there at 2 GHz, nothing in the middle latitudes."""
    far, near = (
        losses(LossModel.REFERENCE, frequency_ghz=2.0, latitude_deg=latitude_deg)
        for latitude_deg in (48.1, 5.0)
    )
    assert far.scintillation_db is not None
    assert near.scintillation_db is not None
    assert far.scintillation_db.tolist() == [0.0] * 4
    assert near.scintillation_db == pytest.approx(2.2, abs=1e-3)


def test_a_frequency_beyond_the_model_is_refused() -> None:
    """The field is named."""
    with pytest.raises(AttenuationError, match="frequency_ghz is 120"):
        losses(LossModel.REFERENCE, frequency_ghz=120.0)
