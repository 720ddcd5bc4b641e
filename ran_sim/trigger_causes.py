"""What caused a trigger, in words and numbers, and whether its condition is really there."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from radio_math.doppler import signal_to_ici
from radio_math.link import free_space_loss_db, to_db
from ran_sim.adversaries import HIDDEN, eavesdropper_id
from ran_sim.cells import REFERENCE_CARRIER
from ran_sim.detection import (
    deflection,
    distance_km,
    false_alarm_probability,
    miss_probability,
)
from ran_sim.environment import SUBCARRIER_SPACING_HZ
from ran_sim.scenarios import TriggerKind
from ran_sim.simulation import Simulation
from ran_sim.triggers import Trigger

# From here on a loss is worth being named.
_NOTABLE_DB = 1.0

_NAMES = {
    "rain_db": "rain",
    "cloud_db": "clouds",
    "gas_db": "gases",
    "scintillation_db": "scintillation",
    "shadowing_db": "shadowing",
    "clutter_db": "clutter",
    "distance_db": "distance",
    "beam_edge_db": "beam edge",
    "interference_db": "interference",
    "carrier_noise_db": "noise on the carriers",
    "doppler_db": "residual Doppler",
}

_M_PER_KM = 1e3
_HZ_PER_KHZ = 1e3


@dataclass(frozen=True)
class Finding:
    """Why a trigger fired.

    Attributes:
        cause: in words, the largest contribution first.
        contributions: in numbers; the unit stands in the key.
        ground_truth: `holds`, whether the condition is there on the true channel, and what only
            the simulator knows.
    """

    cause: str
    contributions: dict[str, float]
    ground_truth: dict[str, Any]


def finding(simulation: Simulation, trigger: Trigger) -> Finding:
    """Why a trigger of the simulation fired."""
    return {
        TriggerKind.BEAM_QUALITY_DEGRADED: _of_beam,
        TriggerKind.DOPPLER_SINR_DROP: _of_doppler,
        TriggerKind.EAVESDROPPER_DETECTED: _of_detection,
    }[trigger.kind](simulation, trigger)


def losses_db(simulation: Simulation, tick: int, esims: list[int]) -> dict[str, float]:
    """What lowers the SINR of ESIMs, each their mean in dB.

    Distance counts from the nearest that the satellite comes in the run, the beam's edge from the
    peak of a beam of mean gain.
    """
    environment, truth = simulation.environment, simulation.observables.truth
    frequency_hz = simulation.scenario.carrier_frequency_hz
    link = environment.now.link
    range_m = link.slant_range_m
    serving = environment.serving_beam[tick, esims]
    amplitude = link.beam_amplitude[tick, esims, serving]
    noise = environment.carrier_noise[tick, np.array(REFERENCE_CARRIER)[esims]]
    by_name = {
        item.name: getattr(environment.losses, item.name)[tick, esims]
        for item in fields(environment.losses)
    }
    by_name |= {
        "distance_db": free_space_loss_db(range_m[tick, esims], frequency_hz)
        - free_space_loss_db(range_m.min(), frequency_hz),
        "beam_edge_db": -to_db(np.maximum(amplitude**2, 1e-20)),
        "interference_db": truth.interference_db[tick, esims],
        "carrier_noise_db": to_db(noise),
        "doppler_db": truth.sinr_loss_db[tick, esims],
    }
    return {name: float(np.mean(values_db)) for name, values_db in by_name.items()}


def _of_beam(simulation: Simulation, trigger: Trigger) -> Finding:
    tick = trigger.tick
    esims = np.flatnonzero(simulation.environment.serving_beam[tick] == trigger.beam).tolist()
    contributions = losses_db(simulation, tick, esims)
    truth = simulation.observables.truth
    return Finding(
        cause=_in_words(contributions),
        contributions=contributions,
        ground_truth=_label(simulation, trigger, trigger.beam)
        | {
            "sinr_db": float(truth.beam_sinr_db[tick, trigger.beam]),
            "rain_db": contributions["rain_db"],
            "shadowing_db": contributions["shadowing_db"],
            "line_of_sight": bool(simulation.environment.line_of_sight[tick, esims].all()),
        },
    )


def _of_doppler(simulation: Simulation, trigger: Trigger) -> Finding:
    environment, tick, esim = simulation.environment, trigger.tick, trigger.of_esim
    residual_hz = float(environment.residual_doppler_hz[tick, esim])
    rate_hz_s = environment.now.look.doppler_rate_hz_s(simulation.scenario.carrier_frequency_hz)
    return Finding(
        cause=f"residual Doppler of {residual_hz / _HZ_PER_KHZ:.1f} kHz after pre-compensation",
        contributions={
            "residual_doppler_hz": residual_hz,
            "residual_over_spacing": residual_hz / SUBCARRIER_SPACING_HZ,
            "signal_to_ici_db": float(to_db(signal_to_ici(residual_hz, SUBCARRIER_SPACING_HZ))),
            "doppler_rate_hz_s": float(rate_hz_s[tick, esim]),
            "sinr_db": float(simulation.observables.sinr_db[tick, esim]),
        },
        ground_truth=_label(simulation, trigger, esim)
        | {
            "sinr_loss_db": float(simulation.observables.truth.sinr_loss_db[tick, esim]),
            "ici_factor": float(environment.ici_factor[tick, esim]),
        },
    )


def _of_detection(simulation: Simulation, trigger: Trigger) -> Finding:
    scenario, environment = simulation.scenario, simulation.environment
    tick, esim = trigger.tick, trigger.of_esim
    stations = environment.stations
    threshold = scenario.rules[trigger.kind].threshold
    at_1_km = scenario.knowledge.detector_deflection
    bearing_deg = float(stations.azimuth_deg[tick, esim, HIDDEN])
    error_deg = float(environment.state.azimuth_error_deg[tick, esim, HIDDEN])
    found_deg = (bearing_deg + error_deg) % 360.0
    range_km = distance_km(trigger.value, at_1_km)
    seen = float(deflection(range_km * _M_PER_KM, at_1_km))
    listening = bool(stations.listening[tick, esim])
    return Finding(
        cause=f"a station on bearing {found_deg:.0f} degrees, some {range_km:.0f} km away",
        contributions={
            "detection_statistic": trigger.value,
            "bearing_deg": found_deg,
            "range_km": range_km,
            "false_alarm_probability": float(false_alarm_probability(threshold)),
            "miss_probability": float(miss_probability(threshold, seen)),
        },
        ground_truth=_label(simulation, trigger, esim)
        | {
            "eavesdropper_id": eavesdropper_id(esim, HIDDEN) if listening else "",
            "bearing_deg": bearing_deg,
            "range_km": float(stations.distance_m[tick, esim, HIDDEN]) / _M_PER_KM,
            "snr_db": _finite(simulation.eavesdropping_at(tick).snr_db[esim, HIDDEN]),
        },
    )


def _label(simulation: Simulation, trigger: Trigger, subject: int) -> dict[str, Any]:
    holds = bool(simulation.log.holds[trigger.kind][trigger.tick, subject])
    return {"holds": holds, "false_alarm": not holds}


def _in_words(contributions: Mapping[str, float]) -> str:
    notable = sorted(
        (
            (value_db, _NAMES[name])
            for name, value_db in contributions.items()
            if value_db >= _NOTABLE_DB
        ),
        reverse=True,
    )
    if not notable:
        return "no single loss"
    return ", ".join(f"{name} of {value_db:.1f} dB" for value_db, name in notable)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
