"""Finding culminations."""

import datetime as dt

import numpy as np
import pytest
from support.passes import element_set

from nf_runtime.errors import FailedPrecondition
from ran_sim.orbit.passes import (
    Site,
    culminations,
    highest_culmination,
    look_from,
    passes,
)
from ran_sim.orbit.propagation import Propagator

MUNICH = Site(48.1, 11.6)
EPOCH = element_set().epoch
DAY = dt.timedelta(days=1)


@pytest.fixture
def propagator() -> Propagator:
    """The test satellite."""
    return Propagator(element_set())


def test_every_pass_of_a_day_is_found(propagator: Propagator) -> None:
    """As many culminations as times that the satellite rises, by a scan second by second."""
    found = culminations(propagator, MUNICH, EPOCH, EPOCH + DAY)
    elevation = look_from(propagator, MUNICH, EPOCH, np.arange(86400.0)).elevation_deg
    rises = np.count_nonzero((elevation[:-1] < 0) & (elevation[1:] >= 0))
    assert len(found) == rises
    assert found == sorted(found, key=lambda entry: entry.time)


def test_a_culmination_is_the_highest_point(propagator: Propagator) -> None:
    """A second before and after, the satellite stands lower."""
    best = highest_culmination(propagator, MUNICH, EPOCH, EPOCH + DAY)
    around = look_from(propagator, MUNICH, best.time, [-1.0, 0.0, 1.0]).elevation_deg
    assert around[1] == pytest.approx(best.elevation_deg, abs=1e-6)
    assert around[1] >= around[0]
    assert around[1] >= around[2]
    assert best.elevation_deg > 89


def test_low_passes_can_be_left_out(propagator: Propagator) -> None:
    """Only culminations at or above the least elevation are given."""
    found = culminations(propagator, MUNICH, EPOCH, EPOCH + DAY, minimum_elevation_deg=30.0)
    assert 0 < len(found) < len(culminations(propagator, MUNICH, EPOCH, EPOCH + DAY))
    assert all(entry.elevation_deg >= 30 for entry in found)


def test_a_satellite_that_never_rises_is_an_error(propagator: Propagator) -> None:
    """A site beyond the orbit's reach names satellite, site and time."""
    with pytest.raises(FailedPrecondition, match=r"STARLINK-2449 never rises .*latitude_deg 84"):
        highest_culmination(propagator, Site(84.0, 0.0), EPOCH, EPOCH + DAY)


class TestPasses:
    """Rise, culmination and set."""

    def test_a_pass_is_bounded_by_its_mask(self, propagator: Propagator) -> None:
        """At rise and set the satellite stands on the mask, to a thousandth of a degree."""
        found = passes(propagator, MUNICH, EPOCH, EPOCH + DAY, 10.0)
        assert len(found) == len(culminations(propagator, MUNICH, EPOCH, EPOCH + DAY, 10.0))
        for one in found:
            assert one.rise_time is not None
            assert one.set_time is not None
            assert one.rise_time < one.culmination.time < one.set_time
            for edge in (one.rise_time, one.set_time):
                elevation = look_from(propagator, MUNICH, edge, 0.0).elevation_deg
                assert float(elevation[0]) == pytest.approx(10.0, abs=1e-3)

    def test_passes_cut_off_by_the_span_have_open_ends(self, propagator: Propagator) -> None:
        """A satellite that is up at the start has not risen within the span, nor set at its end."""
        whole = max(
            passes(propagator, MUNICH, EPOCH, EPOCH + DAY),
            key=lambda one: one.culmination.elevation_deg,
        )
        middle = whole.culmination.time
        minute = dt.timedelta(minutes=1)
        (inside,) = passes(propagator, MUNICH, middle - minute, middle + minute)
        assert (inside.rise_time, inside.set_time) == (None, None)
        (rest,) = passes(propagator, MUNICH, middle + minute, middle + 20 * minute)
        assert rest.rise_time is None
        assert rest.set_time == pytest.approx(whole.set_time, abs=dt.timedelta(milliseconds=2))
        assert rest.culmination.time == middle + minute

    def test_a_pass_shorter_than_the_coarse_step_is_found(self, propagator: Propagator) -> None:
        """A mask just under the culmination leaves some seconds, and they are not missed."""
        best = highest_culmination(propagator, MUNICH, EPOCH, EPOCH + DAY)
        mask_deg = best.elevation_deg - 0.3
        (short,) = passes(propagator, MUNICH, EPOCH, EPOCH + DAY, mask_deg)
        assert short.rise_time is not None
        assert short.set_time is not None
        assert dt.timedelta(0) < short.set_time - short.rise_time < dt.timedelta(seconds=15)

    def test_no_pass_gives_an_empty_list(self, propagator: Propagator) -> None:
        """A satellite that never comes above the mask has no pass."""
        assert passes(propagator, Site(84.0, 0.0), EPOCH, EPOCH + DAY) == []
