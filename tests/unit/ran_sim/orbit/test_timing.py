"""Delay and timing advance."""

import numpy as np
import pytest

from ran_sim.orbit.timing import (
    TIME_UNIT_S,
    CommonTimingAdvance,
    one_way_delay_s,
    service_timing_advance,
    timing_advance_s,
)


@pytest.mark.pitfall(31)
def test_light_takes_its_own_time() -> None:
    """1075.088 km, the range of a 600 km orbit at 30 degrees, are 3.5861 ms and nothing else."""
    assert float(one_way_delay_s(1075.088e3)) * 1e3 == pytest.approx(3.5861, abs=5e-5)
    assert one_way_delay_s([[299792458.0, 0.0]]).tolist() == [[1.0, 0.0]]


def test_the_terminal_makes_up_for_the_round_trip() -> None:
    """Its own part is twice the delay, in whole time units of NR."""
    advance = service_timing_advance([600e3, 1931.635e3])
    assert advance * TIME_UNIT_S == pytest.approx([4.00277e-3, 12.88649e-3], abs=1e-8)
    assert advance.dtype == np.int64


def test_the_time_unit_of_nr() -> None:
    """T_c is 1 / (480 kHz 4096), half a nanosecond."""
    assert pytest.approx(0.50863e-9, rel=1e-5) == TIME_UNIT_S


def test_the_broadcast_polynomial_follows_the_feeder_link() -> None:
    """Ten seconds after the epoch the delay is within the steps of the three fields."""
    range_m, rate_m_s, acceleration_m_s2 = 1.2e6, -5500.0, 45.0
    common = CommonTimingAdvance.of_feeder_link(range_m, rate_m_s, acceleration_m_s2)
    elapsed_s = np.array([0.0, 10.0])
    true_m = range_m + rate_m_s * elapsed_s + acceleration_m_s2 / 2 * elapsed_s**2
    # Half a step of 4.072 ns, of 0.2 ns/s and of 0.02 ns/s² each, of the round trip.
    limit_s = (2.036e-9 + 0.1e-9 * elapsed_s + 0.01e-9 * elapsed_s**2) / 2
    assert (np.abs(common.one_way_delay_s(elapsed_s) - one_way_delay_s(true_m)) <= limit_s).all()


def test_known_field_values() -> None:
    """491159 steps are 2 ms to 0.6 ns, 20000 steps are 4 us/s, 1000 are 0.02 us/s²."""
    common = CommonTimingAdvance(491159, 20000, 1000)
    assert 2 * common.one_way_delay_s(0.0) == pytest.approx(1999.999448e-6, abs=1e-12)
    assert 2 * common.one_way_delay_s(5.0) == pytest.approx(2020.499448e-6, abs=1e-12)


def test_what_does_not_fit_is_refused() -> None:
    """A GEO feeder link fits, twice its range does not; nor does a delay that bends downwards."""
    assert CommonTimingAdvance.of_feeder_link(40_581e3, 0.0, 0.0).ta_common < 66_485_757
    with pytest.raises(ValueError, match="ta_common is"):
        CommonTimingAdvance.of_feeder_link(81_162e3, 0.0, 0.0)
    with pytest.raises(ValueError, match="ta_common_drift_variant is"):
        CommonTimingAdvance.of_feeder_link(1e6, 0.0, -10.0)


def test_the_parts_add_up() -> None:
    """Closed loop, offset of the band, common part and the terminal's own."""
    common = CommonTimingAdvance.of_feeder_link(1e6, 0.0, 0.0)
    total = timing_advance_s(common, 0.0, 700e3, n_ta=100, offset=25600)
    expected = 2 * (1e6 + 700e3) / 299792458.0 + 25700 * TIME_UNIT_S
    assert float(total) == pytest.approx(expected, abs=3e-9)
