"""The events of a tick. The same scenario, seed and run identity give the same bytes."""

from nf_runtime.events.catalogue import (
    BeamMeasurement,
    BeamQualityDegraded,
    DopplerSinrDrop,
    EavesdropperDetected,
    EventData,
    Measurement,
)
from nf_runtime.events.cloud_event import CloudEvent
from ran_sim.adversaries import DEFLECTION_AT_1_KM, HIDDEN
from ran_sim.cells import HOME_CELL
from ran_sim.outcomes import BeamKpi, Kpi
from ran_sim.scenarios import TriggerKind, beam_id, esim_id
from ran_sim.simulation import Simulation
from ran_sim.triggers import Trigger

SOURCE = "/ran_sim"

EVENT_CLASSES: dict[TriggerKind, type[EventData]] = {
    TriggerKind.BEAM_QUALITY_DEGRADED: BeamQualityDegraded,
    TriggerKind.DOPPLER_SINR_DROP: DopplerSinrDrop,
    TriggerKind.EAVESDROPPER_DETECTED: EavesdropperDetected,
}

# From these on, a loss is worth being named as the cause of a poor beam.
_NOTABLE_RAIN_DB = 0.5
_NOTABLE_SHADOWING_DB = 2.0
_LOW_ELEVATION_DEG = 30.0

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
    visible = simulation.visible_at(tick)
    return Kpi(
        run_id=run_id,
        satellite_id=scenario.elements.satellite_id,
        sim_offset_s=float(environment.offset_s[tick]),
        elevation_deg=float(look.elevation_deg[tick]),
        azimuth_deg=float(look.azimuth_deg[tick]),
        range_km=float(look.range_m[tick]) / _M_PER_KM,
        doppler_hz=float(look.doppler_hz(frequency_hz)[tick]),
        doppler_rate_hz_s=float(look.doppler_rate_hz_s(frequency_hz)[tick]),
        beams=tuple(
            BeamKpi(beam_id(beam), float(sinr_db[beam]) if visible else None, float(rain_db))
            for beam, rain_db in enumerate(environment.beam_rain_db[tick])
        ),
        sum_secrecy_rate_bps_hz=sum_secrecy_rate_bps_hz,
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
        data=build(simulation, run_id, trigger),
    )


def _beam_quality_degraded(simulation: Simulation, run_id: str, trigger: Trigger) -> EventData:
    environment, tick = simulation.environment, trigger.tick
    esims = [esim for esim, cell in enumerate(HOME_CELL) if cell == trigger.beam]
    rain_db = float(environment.rain_db[tick, esims].max())
    shadowing_db = float(environment.state.shadowing_db[tick, esims].max())
    elevation_deg = float(environment.centre_look.elevation_deg[tick])
    causes = [
        text
        for text, notable in (
            (f"rain of {rain_db:.1f} dB at zenith", rain_db >= _NOTABLE_RAIN_DB),
            (f"shadowing of {shadowing_db:.1f} dB", shadowing_db >= _NOTABLE_SHADOWING_DB),
            (f"elevation of {elevation_deg:.0f} degrees", elevation_deg < _LOW_ELEVATION_DEG),
        )
        if notable
    ]
    rule = simulation.scenario.rules[trigger.kind]
    return BeamQualityDegraded(
        run_id=run_id,
        satellite_id=simulation.scenario.elements.satellite_id,
        beam_id=int(beam_id(trigger.beam)),
        sim_offset_s=float(environment.offset_s[tick]),
        sinr_db=trigger.value,
        threshold_db=rule.threshold,
        hysteresis_db=rule.hysteresis,
        elevation_deg=elevation_deg,
        esim_ids=[esim_id(esim) for esim in esims],
        cause=" and ".join(causes) or "noise on the reference carriers",
        ground_truth={"rain_db": rain_db, "shadowing_db": shadowing_db},
    )


def _doppler_sinr_drop(simulation: Simulation, run_id: str, trigger: Trigger) -> EventData:
    scenario, environment = simulation.scenario, simulation.environment
    look, esim, tick = environment.now.look, _esim_of(trigger), trigger.tick
    return DopplerSinrDrop(
        run_id=run_id,
        satellite_id=scenario.elements.satellite_id,
        beam_id=int(beam_id(trigger.beam)),
        esim_id=esim_id(esim),
        sim_offset_s=float(environment.offset_s[tick]),
        sinr_loss_db=trigger.value,
        threshold_db=scenario.rules[trigger.kind].threshold,
        doppler_hz=float(look.doppler_hz(scenario.carrier_frequency_hz)[tick, esim]),
        doppler_rate_hz_s=float(look.doppler_rate_hz_s(scenario.carrier_frequency_hz)[tick, esim]),
        residual_doppler_hz=float(environment.residual_doppler_hz[tick, esim]),
        elevation_deg=float(look.elevation_deg[tick, esim]),
        ground_truth={"ici_factor": float(environment.ici_factor[tick, esim])},
    )


def _eavesdropper_detected(simulation: Simulation, run_id: str, trigger: Trigger) -> EventData:
    scenario, environment = simulation.scenario, simulation.environment
    esim, tick = _esim_of(trigger), trigger.tick
    stations = environment.stations
    bearing_deg = float(stations.azimuth_deg[tick, esim, HIDDEN])
    error_deg = float(environment.state.azimuth_error_deg[tick, esim, HIDDEN])
    return EavesdropperDetected(
        run_id=run_id,
        satellite_id=scenario.elements.satellite_id,
        beam_id=int(beam_id(trigger.beam)),
        esim_id=esim_id(esim),
        sim_offset_s=float(environment.offset_s[tick]),
        detection_statistic=trigger.value,
        threshold=scenario.rules[trigger.kind].threshold,
        bearing_deg=(bearing_deg + error_deg) % 360.0,
        # A false alarm under a tiny threshold must not be infinitely far away.
        estimated_range_km=(DEFLECTION_AT_1_KM / max(trigger.value, 1.0)) ** 2,
        ground_truth={
            "false_alarm": not bool(
                stations.on[tick, esim, HIDDEN] & stations.hidden[tick, esim, HIDDEN]
            ),
            "bearing_deg": bearing_deg,
            "range_km": float(stations.distance_m[tick, esim, HIDDEN]) / _M_PER_KM,
        },
    )


def _esim_of(trigger: Trigger) -> int:
    if trigger.esim is None:
        raise ValueError(f"a trigger of kind {trigger.kind.value} is about an ESIM")
    return trigger.esim
