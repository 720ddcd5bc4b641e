"""Domain objects as messages of `aimlnf.ransim.v1`, and back."""

from aimlnf.ransim.v1 import radio_pb2, radio_service_pb2, run_pb2
from nf_runtime.wire import (
    allocation_from_message,
    allocation_to_message,
    context_from_message,
    fill_context_message,
)
from radio_math.context import BEAMS, CARRIER_QUOTA, ESIMS
from ran_sim.events import EVENT_CLASSES
from ran_sim.outcomes import GroundTruth, HandoverReport, Kpi, Outcome, ServedContext
from ran_sim.runs import DEFAULT_ANSWER_TIMEOUT_S, Pace, Run, RunOrder, RunState, TriggerCount
from ran_sim.scenario_messages import (
    duration,
    missing,
    optional_seconds,
    scenario_from_message,
    scenario_to_message,
    seconds,
    time_from,
    timestamp,
)
from ran_sim.scenarios import TriggerKind, beam_id, esim_id

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
        raise missing("pace", "choose PACE_SCALED or PACE_LOCKSTEP")
    if not message.HasField("scenario"):
        raise missing("scenario", "say what to simulate")
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
    if served.horizon_s is not None:
        message.horizon.CopyFrom(duration(served.horizon_s))
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
        handovers=[_handover_to_message(report) for report in kpi.handovers],
        suppressed_trigger_count=kpi.suppressed_triggers,
    )


def _handover_to_message(report: HandoverReport) -> radio_pb2.HandoverReport:
    if report.kind == "satellite":
        return radio_pb2.HandoverReport(
            from_satellite_id=report.from_id, to_satellite_id=report.to_id
        )
    return radio_pb2.HandoverReport(
        esim_id=report.esim_id, from_beam_id=report.from_id, to_beam_id=report.to_id
    )


def _context_from_message(message: radio_pb2.RadioContext) -> ServedContext:
    return ServedContext(
        context_id=message.context_id,
        run_id=message.run_id,
        satellite_id=message.satellite_id,
        sim_offset_s=seconds(message, "sim_offset", 0.0),
        estimate_time=time_from(message.estimate_time),
        csi_age_s=seconds(message, "csi_age", 0.0),
        context=context_from_message(message),
        horizon_s=optional_seconds(message, "horizon"),
    )
