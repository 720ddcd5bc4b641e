"""A scenario as a message of `aimlnf.ransim.v1`, and back."""

import datetime as dt
import math
from enum import Enum
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from aimlnf.ransim.v1 import run_pb2
from nf_runtime.errors import InvalidArgument
from ran_sim.atmosphere.rain_cells import RainField
from ran_sim.coverage import BeamChoice, PlatformChoice
from ran_sim.csi import DEFAULT_DETECTOR_DEFLECTION, Knowledge
from ran_sim.handover import HandoverRule
from ran_sim.haps import Platform
from ran_sim.propagation import MEDIAN_SKY_PERCENT, Loss, Propagation, PropagationModel
from ran_sim.ranges import MAX_ID_LENGTH, invalid_field
from ran_sim.scenarios import (
    DEFAULT_CSI_AGE_S,
    DEFAULT_RULES,
    DEFAULT_TICK_PERIOD_S,
    RULE_FIELDS,
    Disturbance,
    DisturbanceKind,
    PassScenario,
    TriggerKind,
    TriggerRule,
    esim_id,
    esim_index,
    parse_elements,
)

DEFAULT_BEAMS = BeamChoice()

Choice = TypeVar("Choice", bound=Enum)

_NANOS_PER_S = 1_000_000_000
_M_PER_KM = 1e3

_KINDS = {
    run_pb2.DISTURBANCE_KIND_RAIN_FRONT: DisturbanceKind.RAIN_FRONT,
    run_pb2.DISTURBANCE_KIND_EAVESDROPPER_ON: DisturbanceKind.EAVESDROPPER_ON,
    run_pb2.DISTURBANCE_KIND_SHADOWING: DisturbanceKind.SHADOWING,
}
_KIND_NUMBERS = {kind: number for number, kind in _KINDS.items()}
_MODELS = {
    run_pb2.PROPAGATION_MODEL_UNSPECIFIED: PropagationModel.REFERENCE,
    run_pb2.PROPAGATION_MODEL_REFERENCE: PropagationModel.REFERENCE,
    run_pb2.PROPAGATION_MODEL_TR38811: PropagationModel.TR38811,
}
_MODEL_NUMBERS = {model: number for number, model in _MODELS.items()}


def scenario_from_message(message: run_pb2.PassScenario) -> PassScenario:
    """The scenario; tick period, age of the estimates and trigger rules have defaults.

    Raises:
        InvalidArgument: naming the field.
    """
    return PassScenario(
        scenario_id=message.scenario_id,
        elements=parse_elements(message.tle_line1, message.tle_line2),
        latitude_deg=message.latitude_deg,
        longitude_deg=message.longitude_deg,
        start_time=time_from(message.start_time) if message.HasField("start_time") else None,
        duration_s=seconds(message, "duration", 0.0),
        tick_period_s=seconds(message, "tick_period", DEFAULT_TICK_PERIOD_S),
        seed=message.seed,
        carrier_frequency_hz=message.carrier_frequency_hz,
        power_budget_dbw=message.power_budget_dbw,
        csi_age_s=seconds(message, "csi_age", DEFAULT_CSI_AGE_S),
        disturbances=tuple(_disturbance(one) for one in message.disturbances),
        rules={kind: _rule(message, kind) for kind in TriggerKind},
        further_satellites=tuple(
            parse_elements(one.tle_line1, one.tle_line2) for one in message.further_satellites
        ),
        propagation=_propagation(message.propagation),
        beams=BeamChoice(
            coverage=choice("beams.coverage", message.beams.coverage, DEFAULT_BEAMS.coverage),
            steering=choice("beams.steering", message.beams.steering, DEFAULT_BEAMS.steering),
            cell_radius_m=message.beams.cell_radius_km * _M_PER_KM
            if message.beams.HasField("cell_radius_km")
            else DEFAULT_BEAMS.cell_radius_m,
        ),
        knowledge=_knowledge(message.knowledge),
        handover=_handover(message.handover) if message.HasField("handover") else None,
        platform=_platform(message.platform) if message.HasField("platform") else None,
    )


def scenario_to_message(scenario: PassScenario) -> run_pb2.PassScenario:
    """The message of a scenario, with every default spelled out."""
    message = run_pb2.PassScenario(
        scenario_id=scenario.scenario_id,
        tle_line1=scenario.elements.line1,
        tle_line2=scenario.elements.line2,
        latitude_deg=scenario.latitude_deg,
        longitude_deg=scenario.longitude_deg,
        start_time=timestamp(scenario.start_time) if scenario.start_time else None,
        duration=duration(scenario.duration_s),
        tick_period=duration(scenario.tick_period_s),
        seed=scenario.seed,
        carrier_frequency_hz=scenario.carrier_frequency_hz,
        power_budget_dbw=scenario.power_budget_dbw,
        csi_age=duration(scenario.csi_age_s),
        disturbances=[
            run_pb2.Disturbance(
                kind=_KIND_NUMBERS[one.kind],
                start_fraction=one.start_fraction,
                end_fraction=one.end_fraction,
                severity_db=one.severity_db,
                esim_id="" if one.esim is None else esim_id(one.esim),
                distance_km=one.distance_km or 0.0,
            )
            for one in scenario.disturbances
        ],
        further_satellites=[
            run_pb2.SatelliteElements(tle_line1=one.line1, tle_line2=one.line2)
            for one in scenario.further_satellites
        ],
        propagation=_propagation_to_message(scenario.propagation),
        beams=run_pb2.Beams(
            coverage=scenario.beams.coverage.value,
            steering=scenario.beams.steering.value,
            cell_radius_km=scenario.beams.cell_radius_m / _M_PER_KM,
        ),
        knowledge=_knowledge_to_message(scenario.knowledge),
        handover=_handover_to_message(scenario.handover) if scenario.handover else None,
        platform=_platform_to_message(scenario.platform) if scenario.platform else None,
    )
    for kind, name in RULE_FIELDS.items():
        rule = scenario.rules[kind]
        getattr(message, name).CopyFrom(
            run_pb2.TriggerRule(
                threshold=rule.threshold,
                hysteresis=rule.hysteresis,
                time_to_trigger=duration(rule.time_to_trigger_s),
                cool_down=duration(rule.cool_down_s),
            )
        )
    return message


def duration(value_s: float) -> Duration:
    """Seconds as a duration, to the nanosecond."""
    whole = math.floor(value_s)
    # A fraction that rounds up to a whole second carries over.
    carried, nanos = divmod(round((value_s - whole) * _NANOS_PER_S), _NANOS_PER_S)
    return Duration(seconds=whole + carried, nanos=nanos)


def timestamp(time: dt.datetime) -> Timestamp:
    """An aware time as a timestamp."""
    message = Timestamp()
    message.FromDatetime(time)
    return message


def seconds(message: Message, name: str, default: float) -> float:
    """A duration field in seconds; the default where it is unset."""
    value = optional_seconds(message, name)
    return default if value is None else value


def optional_seconds(message: Message, name: str) -> float | None:
    """A duration field in seconds; None where it is unset."""
    if not message.HasField(name):
        return None
    value = getattr(message, name)
    return float(value.seconds + value.nanos / _NANOS_PER_S)


def time_from(message: Timestamp) -> dt.datetime:
    """The aware time of a timestamp.

    Raises:
        InvalidArgument: it lies outside of the calendar.
    """
    try:
        return message.ToDatetime(tzinfo=dt.UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidArgument(
            "start_time is no time between the years 1 and 9999.",
            reason="INVALID_FIELD",
            field="start_time",
        ) from error


def choice(field: str, text: str, default: Choice) -> Choice:
    """The member of the default's enumeration that a text names; the default for the empty text.

    Raises:
        InvalidArgument: no member has this name.
    """
    if not text:
        return default
    known: dict[str, Choice] = {member.value: member for member in type(default)}
    if text not in known:
        raise invalid_field(
            field, f"{text[:MAX_ID_LENGTH]!r}, which is not known; use {', '.join(known)}"
        )
    return known[text]


def missing(field: str, advice: str) -> InvalidArgument:
    """The error that says that a field is not set, and what to do."""
    return InvalidArgument(f"{field} is not set; {advice}.", reason="INVALID_FIELD", field=field)


def _disturbance(message: run_pb2.Disturbance) -> Disturbance:
    kind = _KINDS.get(message.kind)
    if kind is None:
        raise missing("disturbances.kind", "say what happens")
    return Disturbance(
        kind=kind,
        start_fraction=message.start_fraction,
        end_fraction=message.end_fraction,
        severity_db=message.severity_db,
        esim=esim_index(message.esim_id),
        distance_km=message.distance_km or None,
    )


def _rule(message: run_pb2.PassScenario, kind: TriggerKind) -> TriggerRule:
    set_rules = {field.name: value for field, value in message.ListFields()}
    rule = set_rules.get(RULE_FIELDS[kind])
    if not isinstance(rule, run_pb2.TriggerRule):
        return DEFAULT_RULES[kind]
    return TriggerRule(
        threshold=rule.threshold,
        hysteresis=rule.hysteresis,
        time_to_trigger_s=seconds(rule, "time_to_trigger", 0.0),
        cool_down_s=seconds(rule, "cool_down", 0.0),
    )


def _propagation(message: run_pb2.Propagation) -> Propagation:
    model = _MODELS.get(message.model)
    if model is None:
        raise missing("propagation.model", "choose reference or tr38811")
    cells = message.rain_cells
    return Propagation(
        model=model,
        surroundings=choice(
            "propagation.surroundings", message.surroundings, Propagation().surroundings
        ),
        omitted_losses=frozenset(
            choice("propagation.omitted_losses", name or " ", Loss.GAS)
            for name in message.omitted_losses
        ),
        exceedance_percent=(
            message.exceedance_percent
            if message.HasField("exceedance_percent")
            else MEDIAN_SKY_PERCENT
        ),
        rain_cells=RainField(
            mean_rate_mm_h=cells.mean_rate_mm_h,
            mean_peak_mm_h=cells.mean_peak_mm_h,
            radius_km=cells.radius_km,
            wind_east_m_s=cells.wind_east_m_s,
            wind_north_m_s=cells.wind_north_m_s,
        )
        if message.HasField("rain_cells")
        else None,
    )


def _propagation_to_message(propagation: Propagation) -> run_pb2.Propagation:
    cells = propagation.rain_cells
    return run_pb2.Propagation(
        model=_MODEL_NUMBERS[propagation.model],
        surroundings=propagation.surroundings.value,
        omitted_losses=sorted(loss.value for loss in propagation.omitted_losses),
        exceedance_percent=propagation.exceedance_percent,
        rain_cells=run_pb2.RainCells(
            mean_rate_mm_h=cells.mean_rate_mm_h,
            mean_peak_mm_h=cells.mean_peak_mm_h,
            radius_km=cells.radius_km,
            wind_east_m_s=cells.wind_east_m_s,
            wind_north_m_s=cells.wind_north_m_s,
        )
        if cells is not None
        else None,
    )


def _knowledge(message: run_pb2.Knowledge) -> Knowledge:
    return Knowledge(
        processing_delay_s=optional_seconds(message, "processing_delay"),
        sinr_error_db=message.sinr_error_db,
        ephemeris_error_m=message.ephemeris_error_m,
        station_error_m=message.station_error_m,
        detector_deflection=(
            message.detector_deflection
            if message.HasField("detector_deflection")
            else DEFAULT_DETECTOR_DEFLECTION
        ),
    )


def _knowledge_to_message(knowledge: Knowledge) -> run_pb2.Knowledge:
    delay_s = knowledge.processing_delay_s
    return run_pb2.Knowledge(
        processing_delay=None if delay_s is None else duration(delay_s),
        sinr_error_db=knowledge.sinr_error_db,
        ephemeris_error_m=knowledge.ephemeris_error_m,
        station_error_m=knowledge.station_error_m,
        detector_deflection=knowledge.detector_deflection,
    )


def _handover(message: run_pb2.Handover) -> HandoverRule:
    return HandoverRule(
        beam_hysteresis_db=message.beam_hysteresis_db,
        beam_time_to_trigger_s=seconds(message, "beam_time_to_trigger", 0.0),
        satellite_hysteresis_deg=message.satellite_hysteresis_deg,
        satellite_minimum_time_s=seconds(message, "satellite_minimum_time", 0.0),
        suppression_s=seconds(message, "suppression", 0.0),
    )


def _handover_to_message(rule: HandoverRule) -> run_pb2.Handover:
    return run_pb2.Handover(
        beam_hysteresis_db=rule.beam_hysteresis_db,
        beam_time_to_trigger=duration(rule.beam_time_to_trigger_s),
        satellite_hysteresis_deg=rule.satellite_hysteresis_deg,
        satellite_minimum_time=duration(rule.satellite_minimum_time_s),
        suppression=duration(rule.suppression_s),
    )


def _platform(message: run_pb2.Platform) -> PlatformChoice:
    return PlatformChoice(
        platform=Platform(
            name=message.name,
            latitude_deg=message.latitude_deg,
            longitude_deg=message.longitude_deg,
            altitude_m=message.altitude_m,
            jitter_deg=message.jitter_deg,
            wander_radius_m=message.wander_radius_m,
        ),
        satellite_elevation_deg=message.satellite_elevation_deg,
    )


def _platform_to_message(chosen: PlatformChoice) -> run_pb2.Platform:
    return run_pb2.Platform(
        name=chosen.platform.name,
        latitude_deg=chosen.platform.latitude_deg,
        longitude_deg=chosen.platform.longitude_deg,
        altitude_m=chosen.platform.altitude_m,
        jitter_deg=chosen.platform.jitter_deg,
        wander_radius_m=chosen.platform.wander_radius_m,
        satellite_elevation_deg=chosen.satellite_elevation_deg,
    )
