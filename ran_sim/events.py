"""The events of a tick. The same scenario, seed and run identity give the same bytes."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from nf_runtime.events.catalogue import (
    BeamMeasurement,
    BeamQualityDegraded,
    DopplerSinrDrop,
    EavesdropperDetected,
    EsimMeasurement,
    EventData,
    HandoverMeasurement,
    Measurement,
)
from nf_runtime.events.cloud_event import CloudEvent
from ran_sim.adversaries import eavesdropper_id
from ran_sim.orbit.frames import FloatArray
from ran_sim.outcomes import BeamKpi, HandoverReport, Kpi
from ran_sim.scenarios import TriggerKind, beam_id, esim_id
from ran_sim.simulation import Simulation
from ran_sim.trigger_causes import Finding, finding
from ran_sim.triggers import Trigger

SOURCE = "/ran_sim"

EVENT_CLASSES: dict[TriggerKind, type[EventData]] = {
    TriggerKind.BEAM_QUALITY_DEGRADED: BeamQualityDegraded,
    TriggerKind.DOPPLER_SINR_DROP: DopplerSinrDrop,
    TriggerKind.EAVESDROPPER_DETECTED: EavesdropperDetected,
}

_M_PER_KM = 1e3


def event_id(run_id: str, event_type: str, sequence: int) -> str:
    """Identity of an event: what a restarted simulator publishes again has the same."""
    return f"{run_id}/{event_type}/{sequence}"


def trigger_id(run_id: str, trigger: Trigger) -> str:
    """Identity of a trigger: that of its event."""
    return event_id(run_id, EVENT_CLASSES[trigger.kind].event_type, trigger.sequence)


def kpi_at(
    simulation: Simulation, run_id: str, tick: int, sum_secrecy_rate_bps_hz: float | None
) -> Kpi:
    """Key figures of a tick."""
    scenario, environment = simulation.scenario, simulation.environment
    look, frequency_hz = environment.centre_look, scenario.carrier_frequency_hz
    sinr_db = simulation.observables.beam_sinr_db[tick]
    return Kpi(
        run_id=run_id,
        satellite_id=simulation.satellite_id_at(tick),
        sim_offset_s=float(environment.offset_s[tick]),
        elevation_deg=float(look.elevation_deg[tick]),
        azimuth_deg=float(look.azimuth_deg[tick]),
        range_km=float(look.range_m[tick]) / _M_PER_KM,
        doppler_hz=float(look.doppler_hz(frequency_hz)[tick]),
        doppler_rate_hz_s=float(look.doppler_rate_hz_s(frequency_hz)[tick]),
        beams=tuple(
            BeamKpi(beam_id(beam), _number(sinr_db[beam]), float(rain_db))
            for beam, rain_db in enumerate(environment.beam_rain_db[tick])
        ),
        sum_secrecy_rate_bps_hz=sum_secrecy_rate_bps_hz,
        handovers=tuple(_handovers(simulation, tick)),
        suppressed_triggers=sum(int(counts[tick]) for counts in simulation.log.suppressed.values()),
    )


def measurement_event(simulation: Simulation, kpi: Kpi, tick: int) -> CloudEvent[EventData]:
    """The periodic measurement; beams without a SINR are left out."""
    return CloudEvent(
        id=event_id(kpi.run_id, Measurement.event_type, tick + 1),
        source=SOURCE,
        time=simulation.time_at(tick),
        subject=f"satellite/{kpi.satellite_id}",
        data=Measurement(
            run_id=kpi.run_id,
            satellite_id=kpi.satellite_id,
            sim_offset_s=kpi.sim_offset_s,
            elevation_deg=kpi.elevation_deg,
            azimuth_deg=kpi.azimuth_deg,
            range_km=kpi.range_km,
            doppler_hz=kpi.doppler_hz,
            doppler_rate_hz_s=kpi.doppler_rate_hz_s,
            beams=[
                BeamMeasurement(
                    beam_id=int(beam.beam_id), sinr_db=beam.sinr_db, rain_db=beam.rain_db
                )
                for beam in kpi.beams
                if beam.sinr_db is not None
            ],
            sum_secrecy_rate_bps_hz=kpi.sum_secrecy_rate_bps_hz,
            csi_age_s=float(simulation.environment.csi_age_s[tick]),
            esims=_esims(simulation, tick),
            handovers=[
                HandoverMeasurement(
                    kind=one.kind, from_id=one.from_id, to_id=one.to_id, esim_id=one.esim_id
                )
                for one in kpi.handovers
            ],
            suppressed_triggers=kpi.suppressed_triggers,
            ground_truth=measurement_truth(simulation, tick),
        ),
    )


def trigger_event(simulation: Simulation, run_id: str, trigger: Trigger) -> CloudEvent[EventData]:
    """A trigger with what caused it and, for those who train detectors, the truth."""
    build = {
        TriggerKind.BEAM_QUALITY_DEGRADED: _beam_quality_degraded,
        TriggerKind.DOPPLER_SINR_DROP: _doppler_sinr_drop,
        TriggerKind.EAVESDROPPER_DETECTED: _eavesdropper_detected,
    }[trigger.kind]
    return CloudEvent(
        id=trigger_id(run_id, trigger),
        source=SOURCE,
        time=simulation.time_at(trigger.tick),
        subject=f"beam/{beam_id(trigger.beam)}",
        data=build(simulation, run_id, trigger, finding(simulation, trigger)),
    )


def _beam_quality_degraded(
    simulation: Simulation, run_id: str, trigger: Trigger, found: Finding
) -> EventData:
    environment, tick = simulation.environment, trigger.tick
    rule = simulation.scenario.rules[trigger.kind]
    return BeamQualityDegraded(
        run_id=run_id,
        satellite_id=simulation.satellite_id_at(tick),
        beam_id=int(beam_id(trigger.beam)),
        sim_offset_s=float(environment.offset_s[tick]),
        sinr_db=trigger.value,
        threshold_db=rule.threshold,
        hysteresis_db=rule.hysteresis,
        elevation_deg=float(environment.centre_look.elevation_deg[tick]),
        esim_ids=[
            esim_id(esim)
            for esim, beam in enumerate(environment.serving_beam[tick])
            if beam == trigger.beam
        ],
        cause=found.cause,
        contributions=found.contributions,
        ground_truth=found.ground_truth,
    )


def _doppler_sinr_drop(
    simulation: Simulation, run_id: str, trigger: Trigger, found: Finding
) -> EventData:
    scenario, environment = simulation.scenario, simulation.environment
    look, esim, tick = environment.now.look, trigger.of_esim, trigger.tick
    return DopplerSinrDrop(
        run_id=run_id,
        satellite_id=simulation.satellite_id_at(tick),
        beam_id=int(beam_id(trigger.beam)),
        esim_id=esim_id(esim),
        sim_offset_s=float(environment.offset_s[tick]),
        sinr_loss_db=trigger.value,
        threshold_db=scenario.rules[trigger.kind].threshold,
        doppler_hz=float(look.doppler_hz(scenario.carrier_frequency_hz)[tick, esim]),
        doppler_rate_hz_s=float(look.doppler_rate_hz_s(scenario.carrier_frequency_hz)[tick, esim]),
        residual_doppler_hz=float(environment.residual_doppler_hz[tick, esim]),
        elevation_deg=float(look.elevation_deg[tick, esim]),
        cause=found.cause,
        contributions=found.contributions,
        ground_truth=found.ground_truth,
    )


def _eavesdropper_detected(
    simulation: Simulation, run_id: str, trigger: Trigger, found: Finding
) -> EventData:
    return EavesdropperDetected(
        run_id=run_id,
        satellite_id=simulation.satellite_id_at(trigger.tick),
        beam_id=int(beam_id(trigger.beam)),
        esim_id=esim_id(trigger.of_esim),
        sim_offset_s=float(simulation.environment.offset_s[trigger.tick]),
        detection_statistic=trigger.value,
        threshold=simulation.scenario.rules[trigger.kind].threshold,
        bearing_deg=found.contributions["bearing_deg"],
        estimated_range_km=found.contributions["range_km"],
        false_alarm_probability=found.contributions["false_alarm_probability"],
        miss_probability=found.contributions["miss_probability"],
        cause=found.cause,
        contributions=found.contributions,
        ground_truth=found.ground_truth,
    )


def measurement_truth(simulation: Simulation, tick: int) -> dict[str, Any]:
    """What only the simulator knows of a tick, one list an item: the labels of detectors.

    `esims` and `eavesdroppers` hold columns of equal length; `missed_triggers` counts, by kind,
    true conditions that have passed without a trigger.
    """
    environment, truth = simulation.environment, simulation.observables.truth
    stations, heard = environment.stations, simulation.eavesdropping_at(tick)
    shape = stations.on.shape[1:]
    return {
        "esims": {
            "esim_id": [esim_id(esim) for esim in range(shape[0])],
            "sinr_db": _column(truth.sinr_db[tick]),
            "secrecy_rate_bps_hz": _column(heard.secrecy_rate_bps_hz),
            "line_of_sight": environment.line_of_sight[tick].tolist(),
        },
        "eavesdroppers": {
            "eavesdropper_id": [eavesdropper_id(*index) for index in np.ndindex(shape)],
            "listening": stations.on[tick].ravel().tolist(),
            "hidden": stations.hidden[tick].ravel().tolist(),
            "known": simulation.known_at(tick).ravel().tolist(),
            "distance_km": _column(stations.distance_m[tick] / _M_PER_KM),
            "snr_db": _column(heard.snr_db),
        },
        "missed_triggers": {
            kind.value: int(counts[tick]) for kind, counts in simulation.log.missed.items()
        },
    }


def _column(values: FloatArray) -> list[float | None]:
    """Numbers for the wire, to a thousandth."""
    rounded: list[float] = np.round(values.ravel(), 3).tolist()
    if np.isfinite(values).all():
        return list(rounded)
    return [_number(value) for value in rounded]


def _esims(simulation: Simulation, tick: int) -> list[EsimMeasurement]:
    """What is measured of each ESIM; nothing while the satellite is too low for one of them."""
    if not simulation.visible_at(tick):
        return []
    environment, observables = simulation.environment, simulation.observables
    return [
        EsimMeasurement(
            esim_id=esim_id(esim),
            beam_id=int(beam_id(beam)),
            sinr_db=float(observables.sinr_db[tick, esim]),
            sinr_loss_db=float(observables.sinr_loss_db[tick, esim]),
            residual_doppler_hz=float(environment.residual_doppler_hz[tick, esim]),
            detection_statistic=float(observables.detection_statistic[tick, esim]),
        )
        for esim, beam in enumerate(environment.serving_beam[tick])
    ]


def _handovers(simulation: Simulation, tick: int) -> Iterator[HandoverReport]:
    handovers, environment = simulation.handovers, simulation.environment
    if handovers.satellite[tick]:
        yield HandoverReport(
            "satellite", simulation.satellite_id_at(tick - 1), simulation.satellite_id_at(tick)
        )
    for esim in np.flatnonzero(handovers.beam[tick]):
        before, after = environment.serving_beam[tick - 1 : tick + 1, esim]
        yield HandoverReport("beam", beam_id(int(before)), beam_id(int(after)), esim_id(int(esim)))


def _number(value: float) -> float | None:
    """A number for the wire: nothing where there is none."""
    return float(value) if math.isfinite(value) else None
