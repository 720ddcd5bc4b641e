"""Eavesdropper stations and their detection."""

from typing import Any

import numpy as np
import pytest

from ran_sim.adversaries import HIDDEN, Stations, place_stations
from ran_sim.scenarios import Disturbance, DisturbanceKind

TICKS, ESIMS = 400, 3
PROGRESS = np.arange(TICKS) / TICKS
ON = DisturbanceKind.EAVESDROPPER_ON


def stations(*disturbances: Disturbance, **changes: Any) -> Stations:
    """Stations near three ESIMs that drive east at 30 m/s."""
    driven = np.zeros((TICKS, ESIMS, 2))
    driven[..., 0] = (np.arange(TICKS) * 30.0)[:, None]
    values: dict[str, Any] = {
        "progress": PROGRESS,
        "esim_position_m": driven,
        "azimuth_deg": np.full((ESIMS, 2), 90.0),
        "distance_m": np.full((ESIMS, 2), 10e3),
        "extra_loss_db": np.full((ESIMS, 2), 30.0),
        "disturbances": disturbances,
        "rng": np.random.default_rng(1),
    }
    return place_stations(**{**values, **changes})


def test_stations_stand_still_while_esims_drive() -> None:
    """An ESIM that drives towards its stations comes nearer by its own way."""
    placed = stations()
    assert placed.distance_m[TICKS // 2] == pytest.approx(10e3)
    assert placed.distance_m[0] == pytest.approx(16e3)
    assert placed.distance_m[-1] == pytest.approx(10e3 - 199 * 30.0)
    assert placed.azimuth_deg == pytest.approx(90.0)


def test_no_esim_comes_nearer_than_half_a_kilometre() -> None:
    """Driving over a station is taken as passing it at 500 m."""
    placed = stations(distance_m=np.full((ESIMS, 2), 3e3))
    assert placed.distance_m.min() == pytest.approx(500.0)


def test_without_disturbances_all_are_on_and_known() -> None:
    """Nothing is hidden unless the scenario says so."""
    placed = stations()
    assert placed.on.all()
    assert not placed.hidden.any()


def test_a_hidden_station_listens_only_during_its_disturbance() -> None:
    """It is off before and after; the other stations are as ever."""
    placed = stations(Disturbance(ON, 0.25, 0.5, esim=1, distance_km=4.0))
    assert placed.on[:, 1, HIDDEN].tolist() == ((PROGRESS >= 0.25) & (PROGRESS < 0.5)).tolist()
    assert placed.hidden[:, 1, HIDDEN].all()
    assert placed.on[:, [0, 2]].all()
    assert placed.on[:, 1, 0].all()
    assert placed.hidden.sum() == TICKS
    assert placed.distance_m[TICKS // 2 - 1, 1, HIDDEN] == pytest.approx(4e3, abs=31)


def test_a_hidden_station_stands_where_it_hears() -> None:
    """Its terrain loss is drawn from 15 to 25 dB; those of others stay."""
    placed = stations(Disturbance(ON, 0.25, esim=1))
    assert 15 <= placed.extra_loss_db[1, HIDDEN] <= 25
    assert placed.extra_loss_db[0, HIDDEN] == 30


def test_no_name_means_every_esim() -> None:
    """A disturbance without an ESIM hides one station of each."""
    placed = stations(Disturbance(ON, 0.5))
    assert placed.hidden[:, :, HIDDEN].all()
    assert not placed.on[: TICKS // 2, :, HIDDEN].any()
    assert placed.on[TICKS // 2 :, :, HIDDEN].all()


def test_two_disturbances_of_one_esim_do_not_cancel() -> None:
    """The second leaves the time of the first alone."""
    placed = stations(Disturbance(ON, 0.1, 0.3, esim=0), Disturbance(ON, 0.6, 0.9, esim=0))
    expected = ((PROGRESS >= 0.1) & (PROGRESS < 0.3)) | ((PROGRESS >= 0.6) & (PROGRESS < 0.9))
    assert placed.on[:, 0, HIDDEN].tolist() == expected.tolist()


def test_the_statistic_tells_of_hidden_stations_that_are_on() -> None:
    """Unit noise otherwise; 20 standard deviations more at 4 km."""
    placed = stations(Disturbance(ON, 0.5, esim=1, distance_km=4.0))
    statistic = placed.detection_statistic(40.0, np.random.default_rng(2))
    on = PROGRESS >= 0.5
    # Means of 200 and 1000 draws: four standard errors.
    assert statistic[on, 1] == pytest.approx(
        40 / np.sqrt(placed.distance_m[on, 1, HIDDEN] / 1e3), abs=4.5
    )
    quiet = np.concatenate((statistic[~on, 1], statistic[:, 0], statistic[:, 2]))
    assert abs(quiet.mean()) < 4 / np.sqrt(len(quiet))
    assert quiet.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * len(quiet)))
