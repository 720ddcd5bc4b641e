"""Domain objects as messages of `aimlnf.ransim.v1`, and back."""

import datetime as dt
import math

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from aimlnf.ransim.v1 import radio_pb2, radio_service_pb2, run_pb2
from nf_runtime.errors import InvalidArgument
from nf_runtime.wire import (
    allocation_from_message,
    allocation_to_message,
    context_from_message,
    fill_context_message,
)
from radio_math.context import BEAMS, CARRIER_QUOTA, ESIMS
from ran_sim.events import EVENT_CLASSES
from ran_sim.outcomes import GroundTruth, Kpi, Outcome, ServedContext
from ran_sim.runs import DEFAULT_ANSWER_TIMEOUT_S, Pace, Run, RunOrder, RunState, TriggerCount
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
    beam_id,
    esim_id,
    esim_index,
    parse_elements,
)

_NANOS_PER_S = 1_000_000_000

_KINDS = {
    run_pb2.DISTURBANCE_KIND_RAIN_FRONT: DisturbanceKind.RAIN_FRONT,
    run_pb2.DISTURBANCE_KIND_EAVESDROPPER_ON: DisturbanceKind.EAVESDROPPER_ON,
    run_pb2.DISTURBANCE_KIND_SHADOWING: DisturbanceKind.SHADOWING,
}
_KIND_NUMBERS = {kind: number for number, kind in _KINDS.items()}
_PACES = {run_pb2.PACE_SCALED: Pace.SCALED, run_pb2.PACE_LOCKSTEP: Pace.LOCKSTEP}
_PACE_NUMBERS = {pace: number for number, pace in _PACES.items()}
_STATE_NUMBERS = {
    RunState.RUNNING: run_pb2.RUN_STATE_RUNNING,
    RunState.PAUSED: run_pb2.RUN_STATE_PAUSED,
    RunState.FINISHED: run_pb2.RUN_STATE_FINISHED,
    RunState.STOPPED: run_pb2.RUN_STATE_STOPPED,
}


def order_from_message(message: radio_service_pb2.StartRunRequest) -> RunOrder:
    """What a client orders; the answer timeout is 30 s where it is unset.

    Raises:
        InvalidArgument: naming the field.
    """
    pace = _PACES.get(message.pace)
    if pace is None:
        raise _missing("pace", "choose PACE_SCALED or PACE_LOCKSTEP")
    if not message.HasField("scenario"):
        raise _missing("scenario", "say what to simulate")
    return RunOrder(
        scenario=scenario_from_message(message.scenario),
        pace=pace,
        speed_factor=message.speed_factor,
        answer_timeout_s=seconds(message, "answer_timeout", DEFAULT_ANSWER_TIMEOUT_S),
        pause_at_s=optional_seconds(message, "pause_at"),
    )


def order_to_message(order: RunOrder, request_id: str = "") -> radio_service_pb2.StartRunRequest:
    """The request that orders it."""
    message = radio_service_pb2.StartRunRequest(
        request_id=request_id,
        scenario=scenario_to_message(order.scenario),
        pace=_PACE_NUMBERS[order.pace],
        speed_factor=order.speed_factor,
        answer_timeout=duration(order.answer_timeout_s),
    )
    if order.pause_at_s is not None:
        message.pause_at.CopyFrom(duration(order.pause_at_s))
    return message


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
        start_time=_time(message.start_time) if message.HasField("start_time") else None,
        duration_s=seconds(message, "duration", 0.0),
        tick_period_s=seconds(message, "tick_period", DEFAULT_TICK_PERIOD_S),
        seed=message.seed,
        carrier_frequency_hz=message.carrier_frequency_hz,
        power_budget_dbw=message.power_budget_dbw,
        csi_age_s=seconds(message, "csi_age", DEFAULT_CSI_AGE_S),
        disturbances=tuple(_disturbance(one) for one in message.disturbances),
        rules={kind: _rule(message, kind) for kind in TriggerKind},
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


def run_to_message(run: Run) -> run_pb2.Run:
    """The message of a run."""
    holding = run.state is RunState.RUNNING and run.holding
    order = run.order
    message = run_pb2.Run(
        run_id=run.run_id,
        scenario=scenario_to_message(run.scenario),
        pace=_PACE_NUMBERS[order.pace],
        speed_factor=order.speed_factor,
        answer_timeout=duration(order.answer_timeout_s),
        state=run_pb2.RUN_STATE_HOLDING if holding else _STATE_NUMBERS[run.state],
        sim_offset=duration(run.sim_offset_s),
        start_time=timestamp(run.start_time),
        unanswered_count=run.unanswered_count,
        applied_count=run.applied_count,
    )
    for kind in TriggerKind:
        count = run.trigger_counts.get(kind, TriggerCount())
        message.trigger_counts.add(
            trigger_type=EVENT_CLASSES[kind].event_type,
            published_count=count.published,
            answered_count=count.answered,
        )
    if run.pause_at_s is not None:
        message.pause_at.CopyFrom(duration(run.pause_at_s))
    return message


def context_to_message(served: ServedContext) -> radio_pb2.RadioContext:
    """The message of a served radio context."""
    message = radio_pb2.RadioContext(
        context_id=served.context_id,
        run_id=served.run_id,
        satellite_id=served.satellite_id,
        estimate_time=timestamp(served.estimate_time),
        sim_offset=duration(served.sim_offset_s),
        csi_age=duration(served.csi_age_s),
        esim_ids=[esim_id(esim) for esim in range(ESIMS)],
        beam_ids=[beam_id(beam) for beam in range(BEAMS)],
        carrier_quota=CARRIER_QUOTA,
    )
    fill_context_message(message, served.context)
    return message


def outcome_to_message(outcome: Outcome) -> radio_pb2.Outcome:
    """The message of an outcome."""
    return radio_pb2.Outcome(
        decision_id=outcome.decision_id,
        context_id=outcome.context_id,
        run_id=outcome.run_id,
        trigger_id=outcome.trigger_id,
        sim_offset=duration(outcome.sim_offset_s),
        before_bps_hz=outcome.before_bps_hz,
        after_bps_hz=outcome.after_bps_hz,
    )


def truth_to_message(truth: GroundTruth) -> radio_pb2.GroundTruth:
    """The message of an applied decision with its ground truth."""
    return radio_pb2.GroundTruth(
        outcome=outcome_to_message(truth.outcome),
        estimate=context_to_message(truth.estimate),
        truth=context_to_message(truth.truth),
        allocation=allocation_to_message(truth.allocation),
    )


def truth_from_message(message: radio_pb2.GroundTruth) -> GroundTruth:
    """The applied decision of a message that `truth_to_message` made."""
    outcome = message.outcome
    return GroundTruth(
        outcome=Outcome(
            decision_id=outcome.decision_id,
            context_id=outcome.context_id,
            run_id=outcome.run_id,
            trigger_id=outcome.trigger_id,
            sim_offset_s=seconds(outcome, "sim_offset", 0.0),
            before_bps_hz=outcome.before_bps_hz,
            after_bps_hz=outcome.after_bps_hz,
        ),
        estimate=_context_from_message(message.estimate),
        truth=_context_from_message(message.truth),
        allocation=allocation_from_message(message.allocation, esim_count=ESIMS),
    )


def kpi_to_message(kpi: Kpi) -> radio_pb2.Kpi:
    """The message of a tick's key figures; a beam without a SINR is left out."""
    return radio_pb2.Kpi(
        run_id=kpi.run_id,
        satellite_id=kpi.satellite_id,
        sim_offset=duration(kpi.sim_offset_s),
        elevation_deg=kpi.elevation_deg,
        azimuth_deg=kpi.azimuth_deg,
        range_km=kpi.range_km,
        doppler_hz=kpi.doppler_hz,
        doppler_rate_hz_s=kpi.doppler_rate_hz_s,
        beams=[
            radio_pb2.BeamKpi(beam_id=beam.beam_id, sinr_db=beam.sinr_db, rain_db=beam.rain_db)
            for beam in kpi.beams
            if beam.sinr_db is not None
        ],
        sum_secrecy_rate_bps_hz=kpi.sum_secrecy_rate_bps_hz or 0.0,
    )


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


def _time(message: Timestamp) -> dt.datetime:
    try:
        return message.ToDatetime(tzinfo=dt.UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidArgument(
            "start_time is no time between the years 1 and 9999.",
            reason="INVALID_FIELD",
            field="start_time",
        ) from error


def _disturbance(message: run_pb2.Disturbance) -> Disturbance:
    kind = _KINDS.get(message.kind)
    if kind is None:
        raise _missing("disturbances.kind", "say what happens")
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


def _context_from_message(message: radio_pb2.RadioContext) -> ServedContext:
    return ServedContext(
        context_id=message.context_id,
        run_id=message.run_id,
        satellite_id=message.satellite_id,
        sim_offset_s=seconds(message, "sim_offset", 0.0),
        estimate_time=_time(message.estimate_time),
        csi_age_s=seconds(message, "csi_age", 0.0),
        context=context_from_message(message),
    )


def _missing(field: str, advice: str) -> InvalidArgument:
    return InvalidArgument(f"{field} is not set; {advice}.", reason="INVALID_FIELD", field=field)
