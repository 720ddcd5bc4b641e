"""Rain fronts and shadowing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio_math.beams import hexagonal_cells
from ran_sim.scenarios import Disturbance, DisturbanceKind
from ran_sim.weather import extra_shadowing_db, happening, rain_attenuation_db

PROGRESS = np.arange(300) / 300
PLACES_M = hexagonal_cells()
FRONT = Disturbance(DisturbanceKind.RAIN_FRONT, 0.4, 0.75, severity_db=8.0)


def rain(*disturbances: Disturbance, seed: int = 1) -> np.ndarray:
    """The rain at the cells' centres."""
    return rain_attenuation_db(PROGRESS, PLACES_M, disturbances, np.random.default_rng(seed))


@given(st.integers(0, 500))
def test_it_rains_only_during_the_front(seed: int) -> None:
    """Dry before its begin and after its end, everywhere."""
    fallen = rain(FRONT, seed=seed)
    assert (fallen[PROGRESS <= 0.4] == 0).all()
    assert (fallen[PROGRESS >= 0.75] == 0).all()
    assert (fallen >= 0).all()


@given(st.integers(0, 500))
def test_every_place_gets_its_share(seed: int) -> None:
    """At its height the front rains on all places, between 0.6 and 1.4 of its severity."""
    height = rain(FRONT, seed=seed).max(axis=0)
    assert (height >= 0.6 * 8 - 1e-9).all()
    assert (height <= 1.4 * 8 + 1e-9).all()
    assert height.max() == pytest.approx(1.4 * 8)


def test_the_front_arrives_place_after_place() -> None:
    """Rain begins at different times at different places."""
    begin = np.argmax(rain(FRONT) > 0, axis=0)
    assert len(set(begin)) > 3


def test_fronts_add_up() -> None:
    """Two fronts at different times leave each other alone; other kinds bring no rain."""
    early = Disturbance(DisturbanceKind.RAIN_FRONT, 0.0, 0.3, severity_db=2.0)
    shadow = Disturbance(DisturbanceKind.SHADOWING, 0.0, 1.0, severity_db=9.0)
    fallen = rain(early, shadow, FRONT)
    assert fallen[PROGRESS < 0.3].max() == pytest.approx(2.8)
    assert fallen[PROGRESS > 0.4].max() == pytest.approx(11.2)
    assert (rain(shadow) == 0).all()


def test_shadowing_hits_all_or_one() -> None:
    """Without a name all ESIMs are shadowed, with one only that one."""
    everybody = Disturbance(DisturbanceKind.SHADOWING, 0.2, 0.4, severity_db=5.0)
    one = Disturbance(DisturbanceKind.SHADOWING, 0.3, 0.4, severity_db=3.0, esim=2)
    extra = extra_shadowing_db(PROGRESS, 4, (everybody, one, FRONT))
    assert extra[75].tolist() == [5, 5, 5, 5]
    assert extra[105].tolist() == [5, 5, 8, 5]
    assert extra[130].tolist() == [0, 0, 0, 0]


def test_a_disturbance_ends_before_its_end() -> None:
    """The begin belongs to it, the end does not."""
    on = happening(np.array([0.39, 0.4, 0.7499, 0.75]), FRONT)
    assert on.tolist() == [False, True, True, False]
