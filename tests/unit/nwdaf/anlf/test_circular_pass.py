"""The rest of a pass from its beginning, against the simulator's SGP4 orbit."""

import numpy as np
import pytest
from support.pass_samples import Track, track

from nwdaf.anlf.circular_pass import CircularPass, NoOrbitError


@pytest.fixture(scope="module")
def flown() -> Track:
    """Ten minutes over Munich, a sample a second, almost through the zenith."""
    return track()


@pytest.mark.parametrize(("first", "last"), [(0, 60), (0, 240), (100, 160), (270, 330)])
def test_a_minute_of_measurements_tells_the_rest_of_the_pass(
    flown: Track, first: int, last: int
) -> None:
    """Elevation within half a degree, Doppler within 1 %: far nearer than persistence.

    The largest miss is that of a pass seen from the horizon on, when the Earth's turning has
    changed the rate most.
    """
    seen = slice(first, last)
    fitted = CircularPass.through(
        flown.time_s[seen], flown.elevation_deg[seen], flown.range_km[seen], flown.doppler_hz[seen]
    )
    later = flown.time_s[last:]
    misses_deg = np.abs(fitted.elevation_deg(later) - flown.elevation_deg[last:])
    misses_km = np.abs(fitted.range_km(later) - flown.range_km[last:])
    misses_hz = np.abs(fitted.doppler_hz(later) - flown.doppler_hz[last:])
    persistent_hz = np.abs(flown.doppler_hz[last - 1] - flown.doppler_hz[last:])
    assert misses_deg.max() < 0.5
    assert misses_km.max() < 12.0
    assert misses_hz.max() < 4_500.0
    assert persistent_hz.mean() > 100 * misses_hz.mean()


def test_a_platform_is_on_no_orbit() -> None:
    """Twenty kilometres up nothing orbits."""
    time_s = np.arange(30.0)
    with pytest.raises(NoOrbitError):
        CircularPass.through(time_s, time_s * 0 + 45, time_s * 0 + 28.3, time_s * 0)
