"""What triggers and measurements tell."""

import pytest
from support.ran_events import (
    START,
    beam_quality,
    decision,
    doppler,
    eavesdropper,
    esim,
    event,
    measurement,
)

from nf_runtime.events.catalogue import EventData
from nwdaf.anlf.observations import Observation, Quantity, observations_of


def observed(data: EventData) -> tuple[Observation, ...]:
    """The observations of an event with this data."""
    return observations_of(event(data, "e-1"), received_time=START)


@pytest.mark.parametrize(
    ("data", "quantity", "value", "ue_id"),
    [
        (beam_quality(sinr_db=-1.5), Quantity.BEAM_QUALITY_TRIGGER, -1.5, ""),
        (doppler(sinr_loss_db=4.5), Quantity.DOPPLER_TRIGGER, 4.5, "esim-03"),
        (eavesdropper(detection_statistic=8.0), Quantity.EAVESDROPPER_TRIGGER, 8.0, "esim-04"),
    ],
)
def test_a_trigger_is_one_observation(
    data: EventData, quantity: Quantity, value: float, ue_id: str
) -> None:
    """With the value that thresholds are compared with, and all that it tells beyond."""
    (made,) = observed(data)
    assert (made.quantity, made.value, made.ue_id) == (quantity, value, ue_id)
    assert (made.beam_id, made.satellite_id, made.run_id) == ("1", "25544", "run-1")
    assert (made.event_id, made.detail) == ("e-1", data)


def test_a_measurement_is_observations_of_beams_ues_and_the_satellite() -> None:
    """Each quantity of each of them once; a beam without UEs counts none."""
    made = observed(
        measurement(
            sinr_db=(3.0, 4.0),
            esims=[esim(1, beam_id=1, sinr_loss_db=0.25), esim(2, beam_id=1)],
        )
    )
    told = {(one.quantity, one.beam_id, one.ue_id): one.value for one in made}
    assert len(told) == len(made)
    assert told[Quantity.BEAM_SINR, "2", ""] == 4.0
    assert told[Quantity.UE_SINR_LOSS, "1", "esim-01"] == 0.25
    assert told[Quantity.UE_LOCATION, "1", "esim-02"] == 1.0
    assert told[Quantity.UE_DETECTION_STATISTIC, "1", "esim-02"] == 1.0
    assert told[Quantity.BEAM_UE_COUNT, "1", ""] == 2
    assert told[Quantity.BEAM_UE_COUNT, "2", ""] == 0
    assert told[Quantity.SATELLITE_UE_COUNT, "", ""] == 2


def test_no_ues_measured_is_no_data_and_not_a_count_of_zero() -> None:
    """The simulator leaves them out while the satellite is too low."""
    assert {one.quantity for one in observed(measurement())} == {Quantity.BEAM_SINR}


def test_other_events_tell_nothing() -> None:
    """A decision on the wrong topic is not taken for an observation."""
    assert observed(decision()) == ()


def test_a_series_goes_on_in_its_own_place_and_run_only() -> None:
    """Values of another beam, satellite or run are not compared; a UE keeps its own."""
    series = {
        one.series
        for data in (
            measurement(sinr_db=(1.0, 2.0)),
            measurement(sinr_db=(1.0,), satellite_id="7"),
            measurement(sinr_db=(1.0,), run_id="run-2"),
        )
        for one in observed(data)
    }
    moving = [
        next(one for one in observed(data) if one.quantity is Quantity.UE_SINR_LOSS).series
        for data in (
            measurement(esims=[esim(beam_id=1)]),
            measurement(esims=[esim(beam_id=2)], satellite_id="7"),
        )
    ]
    assert len(series) == 4
    assert moving[0] == moving[1]
