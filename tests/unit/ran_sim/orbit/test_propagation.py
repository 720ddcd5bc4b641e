"""SGP4."""

import datetime as dt

import numpy as np
import pytest
from sgp4.api import WGS84, Satrec
from support.passes import LINE1, LINE2, element_set

from nf_runtime.errors import FailedPrecondition
from ran_sim.orbit.earth_rotation import bundled_earth_rotation
from ran_sim.orbit.elements import ElementSet
from ran_sim.orbit.frames import julian_date
from ran_sim.orbit.omm import set_of_mean_elements
from ran_sim.orbit.propagation import Propagator
from ran_sim.orbit.walker import reference_shell

EPOCH = element_set().epoch


@pytest.mark.pitfall(26)
def test_the_gravity_is_the_one_that_elements_are_fitted_with() -> None:
    """WGS72 everywhere; WGS84 would be a tenth of a kilometre off after two days."""
    synthetic = reference_shell(EPOCH).element_sets()[0]
    for elements in (element_set(), synthetic):
        assert elements.record().radiusearthkm == 6378.135
    jd, fr = julian_date(EPOCH + dt.timedelta(days=2), np.zeros(1))
    ours, _ = Propagator(element_set()).teme(jd, fr)
    _, theirs_km, _ = Satrec.twoline2rv(LINE1, LINE2, WGS84).sgp4_array(jd, fr)
    assert 50.0 < np.linalg.norm(ours - theirs_km * 1e3) < 200.0


@pytest.mark.pitfall(25)
def test_a_decayed_orbit_is_an_error() -> None:
    """SGP4's code becomes a sentence that names satellite, time and reason; no NaN comes out."""
    mean = reference_shell(EPOCH).element_sets()[0].mean
    assert mean is not None
    fields = {**vars(mean), "mean_motion_rev_day": 16.6, "drag_per_earth_radius": 0.01}
    doomed = set_of_mean_elements(90001, "DOOMED", EPOCH, type(mean)(**fields))
    with pytest.raises(FailedPrecondition, match="SGP4 cannot place DOOMED") as caught:
        Propagator(doomed).ephemeris(EPOCH, [0.0, 20 * 86400.0])
    assert caught.value.metadata["sgp4_error"] in {"1", "6"}


@pytest.mark.pitfall(25)
def test_an_error_code_at_the_epoch_is_an_error() -> None:
    """Satellite 33334 of the verification set, which SGP4 refuses with code 3."""
    broken = ElementSet(
        "33334",
        "BROKEN",
        dt.datetime(2006, 6, 23, tzinfo=dt.UTC) + dt.timedelta(days=0.85818871),
        "1 33334U 78066F   06174.85818871  .00000620  00000-0  10000-3 0  6809",
        "2 33334  68.4714 236.1303 5602877 123.7484 302.5767  0.00001000 67521",
    )
    with pytest.raises(FailedPrecondition) as caught:
        Propagator(broken).ephemeris(broken.epoch, 0.0)
    assert caught.value.reason == "ELEMENTS_UNUSABLE"
    assert caught.value.metadata["sgp4_error"] == "3"


@pytest.mark.pitfall(4)
def test_dut1_comes_from_the_table_unless_it_is_given() -> None:
    """The default is the table's value at each instant, not UTC."""
    jd, fr = julian_date(EPOCH, np.zeros(1))
    dut1_s = float(bundled_earth_rotation().dut1_s(jd, fr)[0])
    assert 1e-3 < abs(dut1_s) < 0.9
    by_default = Propagator(element_set()).ephemeris(EPOCH, 0.0).position_m
    given = Propagator(element_set(), dut1_s=dut1_s).ephemeris(EPOCH, 0.0).position_m
    by_utc = Propagator(element_set(), dut1_s=0.0).ephemeris(EPOCH, 0.0).position_m
    assert by_default == pytest.approx(given, abs=1e-9)
    assert 1.0 < np.linalg.norm(by_default - by_utc) < 10.0


@pytest.mark.pitfall(32)
def test_the_ephemeris_is_in_double_precision() -> None:
    """Positions of 7000 km keep their micrometres."""
    ephemeris = Propagator(element_set()).ephemeris(EPOCH, [0.0, 1.0])
    assert ephemeris.position_m.dtype == np.float64
    assert ephemeris.velocity_m_s.dtype == np.float64
