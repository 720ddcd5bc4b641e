"""Looking at the functions of a running platform, telling what is new, and keeping all of it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

from aimlctl.adaptations import steps_after
from aimlctl.documents import enum_word, seconds_of, time_of
from aimlctl.paging import every_sequence
from aimlctl.patience import patiently
from aimlctl.peers import Peers
from aimlctl.record import HOPS, Counts, DecisionMade, Step, Tick, TriggerSeen
from aimlctl.topics import TopicReader
from aimlctl.views import View
from aimlnf.inference.v1 import inference_function_service_pb2 as inference
from aimlnf.inference.v1 import inference_pb2
from aimlnf.oam.v1 import lifecycle_pb2 as oam
from aimlnf.ransim.v1 import radio_pb2, run_pb2
from aimlnf.ransim.v1 import radio_service_pb2 as radio
from nf_runtime.clock import Clock
from nf_runtime.events.catalogue import RAN_TRIGGERS, Decision

_NANOSECONDS_PER_MS = 1e6
_MS_PER_S = 1e3

T = TypeVar("T")


class Observer:
    """Sees one run of one platform. A function that is being started again is waited for.

    Args:
        peers: The functions.
        topics: Reads triggers and inference reports, from before the run on.
        model: Name of the model.
        view: Is told what is new.
        clock: For waiting.
        started_at: Wall-clock time from which `wall_s` counts.
    """

    def __init__(
        self,
        peers: Peers,
        topics: TopicReader,
        *,
        model: str,
        view: View,
        clock: Clock,
        started_at: datetime,
    ) -> None:
        self._peers = peers
        self._topics = topics
        self._model = model
        self._view = view
        self._clock = clock
        self._started_at = started_at
        self._last_step = 0
        self._last_report = 0
        self._before = Counts()
        self.run_id = ""
        self.steps: list[Step] = []
        self.decisions: dict[str, DecisionMade] = {}
        self.triggers: dict[str, TriggerSeen] = {}
        self._hops_ms: dict[str, Mapping[str, float]] = {}

    def skip_the_past(self) -> None:
        """Takes what the functions hold by now as not of this run."""
        for step in self._ask(lambda: list(steps_after(self._peers, self._model, 0))):
            self._last_step = step.sequence
        for report in self._new_reports():
            self._last_report = report.sequence
        self._before = self._inference_counts()

    def look_at_lifecycle(self) -> None:
        """Takes in new steps of the model's life."""
        for step in self._ask(lambda: list(steps_after(self._peers, self._model, self._last_step))):
            self._last_step = step.sequence
            seen = Step(
                word=enum_word(oam.StepKind.DESCRIPTOR, step.kind).lower(),
                adaptation_id=step.adaptation_id,
                version=step.version,
                initiator=step.initiator,
                detail=step.detail,
                wall_s=self.wall_s_of(time_of(step.step_time)),
            )
            self.steps.append(seen)
            self._view.step(seen)

    def look_at_run(self) -> run_pb2.Run:
        """The run as it stands; takes in new decisions, steps and events."""
        run = self.run()
        self._view.progress(
            f"pass, {seconds_of(run.sim_offset):.0f} s simulated",
            seconds_of(run.sim_offset),
            seconds_of(run.scenario.duration),
        )
        self.look_at_decisions()
        self.look_at_lifecycle()
        self.look_at_topics(0.0)
        return run

    def run(self) -> run_pb2.Run:
        """The run as it stands."""
        request = radio.GetRunRequest(run_id=self.run_id)
        return self._ask(lambda: self._peers.radio.GetRun(request)).run

    def look_at_decisions(self) -> None:
        """Takes in new reports of applied decisions of the run."""
        for report in self._new_reports():
            self._last_report = report.sequence
            if report.outcome.run_id != self.run_id:
                continue
            decision = decision_made(report)
            if decision.decision_id not in self.decisions:
                self.decisions[decision.decision_id] = decision
                self._view.decision(decision)

    def look_at_topics(self, timeout_s: float) -> None:
        """Takes in what stands on the topics: triggers of the run, and the way of each decision."""
        for seen in self._topics.poll(timeout_s):
            if seen.event is None:
                continue
            data = seen.event.data
            if getattr(data, "run_id", None) != self.run_id:
                continue
            if seen.topic == RAN_TRIGGERS:
                offset_s = getattr(data, "sim_offset_s", 0.0)
                self.triggers[seen.event.id] = TriggerSeen(
                    seen.event.id, seen.event.type, offset_s, seen.content_sha256
                )
            elif isinstance(data, Decision):
                self._hops_ms[data.decision_id] = hops_ms(data)

    def counts(self, run: run_pb2.Run) -> Counts:
        """What inference function and radio network counted since the past was skipped."""
        now, before = self._inference_counts(), self._before
        return Counts(
            notifications=now.notifications - before.notifications,
            made=now.made - before.made,
            applied=now.applied - before.applied,
            failed=now.failed - before.failed,
            published_by_type={
                count.trigger_type: count.published_count for count in run.trigger_counts
            },
            unanswered=run.unanswered_count,
        )

    def engine(self) -> str:
        """The engine of the active model."""
        active = [
            model
            for model in self._status().models
            if model.state == inference_pb2.LOADED_MODEL_STATE_ACTIVE
        ]
        if not active:
            return ""
        return enum_word(inference_pb2.Engine.DESCRIPTOR, active[0].engine).lower()

    def ticks(self) -> list[Tick]:
        """Key figures of every tick of the run, which must have ended."""
        request = radio.StreamKpisRequest(run_id=self.run_id)
        return self._ask(
            lambda: [tick_of(answer.kpi) for answer in self._peers.radio.StreamKpis(request)]
        )

    def truth_of(self, decision_id: str) -> radio_pb2.GroundTruth:
        """Ground truth of an applied decision."""
        request = radio.GetGroundTruthRequest(decision_id=decision_id)
        return self._ask(lambda: self._peers.radio.GetGroundTruth(request)).ground_truth

    def hops_by_name(self) -> dict[str, tuple[float, ...]]:
        """Times of each hop over all decisions whose way is known, in milliseconds."""
        ways = list(self._hops_ms.values())
        return {hop: tuple(way[hop] for way in ways) for hop in HOPS} if ways else {}

    def wall_s_of(self, time: datetime) -> float:
        """Seconds from the start of the demo to a wall-clock time."""
        return (time - self._started_at).total_seconds()

    def now_s(self) -> float:
        """Seconds since the start of the demo."""
        return self.wall_s_of(self._clock.now())

    def _inference_counts(self) -> Counts:
        status = self._status()
        return Counts(
            notifications=status.notifications_count,
            made=status.decisions_made_count,
            applied=status.decisions_applied_count,
            failed=status.decisions_failed_count,
        )

    def _status(self) -> inference.GetStatusResponse:
        return self._ask(lambda: self._peers.inference.GetStatus(inference.GetStatusRequest()))

    def _new_reports(self) -> list[inference_pb2.InferenceReport]:
        request = inference.ListReportsRequest(after_sequence=self._last_report)
        call = self._peers.inference.ListReports
        return self._ask(lambda: list(every_sequence(call, request, "reports")))

    def _ask(self, call: Callable[[], T]) -> T:
        return patiently(call, clock=self._clock)


def decision_made(report: inference_pb2.InferenceReport) -> DecisionMade:
    """The decision of a report."""
    decision, outcome = report.decision, report.outcome
    return DecisionMade(
        decision_id=decision.decision_id,
        trigger_id=outcome.trigger_id,
        trigger_type=report.trigger_type,
        sim_offset_s=seconds_of(outcome.sim_offset),
        source=enum_word(inference_pb2.DecisionSource.DESCRIPTOR, decision.source),
        model_version=decision.model_version,
        before_bps_hz=outcome.before_bps_hz,
        after_bps_hz=outcome.after_bps_hz,
        predicted_bps_hz=decision.predicted_rate_bps_hz,
        reliability=decision.reliability,
        inference_ms=seconds_of(decision.inference_time) * _MS_PER_S,
        trigger_to_applied_ms=seconds_of(report.trigger_to_applied) * _MS_PER_S,
    )


def hops_ms(decision: Decision) -> Mapping[str, float]:
    """Time of each hop of a decision, in milliseconds."""
    timings = decision.timings
    marks = (
        timings.published_at,
        timings.notified_at,
        timings.received_at,
        timings.context_at,
        timings.decided_at,
        timings.applied_at,
    )
    return {
        hop: (end - begin) / _NANOSECONDS_PER_MS
        for hop, begin, end in zip(HOPS, marks[:-1], marks[1:], strict=True)
    }


def tick_of(kpi: radio_pb2.Kpi) -> Tick:
    """The figures of one tick."""
    return Tick(
        sim_offset_s=seconds_of(kpi.sim_offset),
        elevation_deg=kpi.elevation_deg,
        doppler_hz=kpi.doppler_hz,
        beam_sinr_db=tuple(beam.sinr_db for beam in kpi.beams),
        beam_rain_db=tuple(beam.rain_db for beam in kpi.beams),
        sum_secrecy_rate_bps_hz=kpi.sum_secrecy_rate_bps_hz,
    )
