"""Events of a tick."""

import pytest
from support.passes import pass_scenario

from nf_runtime.events.catalogue import (
    BeamQualityDegraded,
    DopplerSinrDrop,
    EavesdropperDetected,
    EventData,
    Measurement,
)
from nf_runtime.events.cloud_event import CloudEvent, decode, encode
from ran_sim.events import kpi_at, measurement_event, trigger_event, trigger_id
from ran_sim.scenarios import DEFAULT_RULES, TriggerKind
from ran_sim.simulation import Simulation


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    """The test pass."""
    return Simulation(pass_scenario())


@pytest.fixture(scope="module")
def events(simulation: Simulation) -> list[CloudEvent[EventData]]:
    """All triggers of the pass."""
    return [
        trigger_event(simulation, "run-1", trigger)
        for tick in range(simulation.tick_count)
        for trigger in simulation.triggers_at(tick)
    ]


def test_every_event_can_be_read_back(
    simulation: Simulation, events: list[CloudEvent[EventData]]
) -> None:
    """What is published passes the catalogue's checks unchanged."""
    kpi = kpi_at(simulation, "run-1", 30, 12.5)
    for event in [*events, measurement_event(simulation, kpi, 30)]:
        message = encode(event, key="1")
        assert decode(message.headers, message.value) == event


def test_identities_are_those_of_the_triggers(
    simulation: Simulation, events: list[CloudEvent[EventData]]
) -> None:
    """Run, type and number, each only once."""
    named = [
        trigger_id("run-1", trigger)
        for tick in range(simulation.tick_count)
        for trigger in simulation.triggers_at(tick)
    ]
    assert [event.id for event in events] == named
    assert len(set(named)) == len(named)
    assert "run-1/org.aimlnf.ran.doppler-sinr-drop.v1/1" in named


def test_time_is_simulated(events: list[CloudEvent[EventData]]) -> None:
    """Events carry the time of the pass, not of the machine."""
    assert {event.time.date().isoformat() for event in events} == {"2022-09-14"}


def test_a_degraded_beam_says_why(events: list[CloudEvent[EventData]]) -> None:
    """Its SINR lies below the threshold, its ESIMs and a cause are named; rain where it rains."""
    degraded = [event.data for event in events if isinstance(event.data, BeamQualityDegraded)]
    threshold = DEFAULT_RULES[TriggerKind.BEAM_QUALITY_DEGRADED].threshold
    assert degraded
    assert all(data.sinr_db < threshold + data.hysteresis_db for data in degraded)
    assert all(data.esim_ids and data.cause for data in degraded)
    rainy = [data for data in degraded if data.ground_truth["rain_db"] > 1]
    assert rainy
    assert all("rain of" in data.cause for data in rainy)


def test_a_doppler_drop_tells_shift_and_residual(events: list[CloudEvent[EventData]]) -> None:
    """The residual is a few kilohertz whatever the shift is."""
    drops = [event.data for event in events if isinstance(event.data, DopplerSinrDrop)]
    assert drops
    assert all(0 < data.residual_doppler_hz < 10e3 for data in drops)
    assert all(data.doppler_rate_hz_s < 0 for data in drops)
    assert max(abs(data.doppler_hz) for data in drops) > 20e3


def test_a_detection_is_near_the_truth(events: list[CloudEvent[EventData]]) -> None:
    """Bearing to some degrees, range to a factor, and labelled as no false alarm."""
    found = [event.data for event in events if isinstance(event.data, EavesdropperDetected)]
    assert len(found) == 4
    for data in found:
        truth = data.ground_truth
        assert not truth["false_alarm"]
        error_deg = (data.bearing_deg - truth["bearing_deg"] + 180) % 360 - 180
        assert abs(error_deg) < 5
        assert 0.5 < data.estimated_range_km / truth["range_km"] < 2


def test_a_false_alarm_is_labelled() -> None:
    """With a threshold in the noise detectors fire without a station."""
    rules = dict(DEFAULT_RULES)
    kind = TriggerKind.EAVESDROPPER_DETECTED
    rules[kind] = type(rules[kind])(0.1, 0.0, 0.0, 0.0)
    simulation = Simulation(pass_scenario(rules=rules, disturbances=()))
    alarms = [
        trigger_event(simulation, "run-1", trigger).data
        for tick in range(simulation.tick_count)
        for trigger in simulation.triggers_at(tick)
        if trigger.kind is kind
    ]
    assert alarms
    for data in alarms:
        assert isinstance(data, EavesdropperDetected)
        assert data.ground_truth["false_alarm"]
        assert data.estimated_range_km <= 1600


def test_key_figures(simulation: Simulation) -> None:
    """Eight beams, and a measurement that says the same."""
    kpi = kpi_at(simulation, "run-1", 30, 12.5)
    assert [beam.beam_id for beam in kpi.beams] == [str(number) for number in range(1, 9)]
    assert 500 < kpi.range_km < 700
    data = measurement_event(simulation, kpi, 30).data
    assert isinstance(data, Measurement)
    assert data.sum_secrecy_rate_bps_hz == 12.5
    assert [beam.sinr_db for beam in data.beams] == [beam.sinr_db for beam in kpi.beams]
