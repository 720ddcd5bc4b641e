"""Executes what consumers want watched: monitors, loading policies, performance jobs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from nf_runtime.client import keep_trying, wait_or_stop
from nf_runtime.clock import Clock
from nf_runtime.errors import NfError
from nf_runtime.events.catalogue import (
    Decision,
    EventData,
    PerformanceReported,
    Reliability,
    ThresholdCrossed,
)
from oam.nrm.activation import Situation, scope_holds
from oam.nrm.alarms import QUALITY_OF_SERVICE, Condition, clear_alarm, raise_alarm
from oam.nrm.inference_reports import InferenceReports
from oam.nrm.mirror import identity_of
from oam.nrm.objects import Moi, ObjectStore, Tree
from oam.nrm.samples import Samples
from oam.nrm.starting import begin_by_policy
from oam.nrm.thresholds import Crossing, crossing, key_of
from oam.rules import MonitorBreach

log = structlog.get_logger(__name__)

_TICK_S = 1.0
_CLASSES = ("ThresholdMonitor", "MLModelLoadingPolicy", "PerfMetricJob")


@dataclass(frozen=True)
class Retraining:
    """A model that a monitor asks to be retrained."""

    model_name: str
    breach: MonitorBreach


class Watcher:
    """Looks at every monitor, policy and job once in its granularity period.

    Args:
        store: The managed objects.
        samples: What was reported.
        reports: Where the decisions of each model go.
        retrain: Asks for the retraining of a model, telling what was seen.
        situation: Time and place that the scopes of policies are judged by.
        clock: For the periods.
        policy_period_s: Granularity of policies, which TS 28.105 gives none.
    """

    def __init__(
        self,
        *,
        store: ObjectStore,
        samples: Samples,
        reports: InferenceReports,
        retrain: Callable[[str, MonitorBreach], Awaitable[object]],
        situation: Callable[[], Awaitable[Situation]],
        clock: Clock,
        policy_period_s: int,
    ) -> None:
        self._store = store
        self._samples = samples
        self._reports = reports
        self._retrain = retrain
        self._situation = situation
        self._clock = clock
        self._policy_period_s = policy_period_s
        self._looked_at_s: dict[str, float] = {}
        self._models: dict[tuple[str, int], str] = {}

    def observe(self, event: EventData) -> None:
        """Take in a report of inference."""
        if isinstance(event, Decision | Reliability):
            self._samples.observe(event, at_s=self._clock.monotonic_s(), models=self._models)
        if isinstance(event, Decision):
            self._reports.observe(event)

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set."""
        while not stop.is_set():
            await keep_trying(self.look, what="database", clock=self._clock, stop=stop)
            await wait_or_stop(_TICK_S, clock=self._clock, stop=stop)

    async def look(self) -> bool:
        """Look at all that are due."""
        watched = await self._store.transact(self._watched)
        now_s = self._clock.monotonic_s()
        due = [moi for moi in watched if self._is_due(moi, now_s)]
        scoped = any(moi.name.object_class == "MLModelLoadingPolicy" for moi in due)
        situation = await self._situation() if scoped else Situation(self._clock.now())
        for moi in due:
            from_s = self._looked_at_s[str(moi.name)]
            self._looked_at_s[str(moi.name)] = now_s
            wanted = await self._store.transact(
                partial(self._judge, moi=moi, from_s=from_s, to_s=now_s, situation=situation)
            )
            for retraining in wanted:
                await self._ask_to_retrain(retraining)
        return True

    def _watched(self, tree: Tree) -> list[Moi]:
        self._models = {identity_of(model): str(model.name) for model in tree.of_class("MLModel")}
        self._reports.write(tree, self._models)
        return [
            moi
            for moi in tree.of_class(*_CLASSES)
            if moi.attributes.get("administrativeState", "UNLOCKED") == "UNLOCKED"
        ]

    def _is_due(self, moi: Moi, now_s: float) -> bool:
        looked_at_s = self._looked_at_s.setdefault(str(moi.name), now_s)
        return now_s - looked_at_s >= self._period_s(moi)

    def _period_s(self, moi: Moi) -> int:
        attributes = moi.attributes
        period_s: int = attributes.get("monitorGranularityPeriod") or attributes.get(
            "granularityPeriod", self._policy_period_s
        )
        return period_s

    def _judge(
        self, tree: Tree, *, moi: Moi, from_s: float, to_s: float, situation: Situation
    ) -> list[Retraining]:
        current = tree.find(moi.name)
        if current is None:
            return []  # deleted meanwhile
        over = partial(self._samples.over, from_s=from_s, to_s=to_s)
        match moi.name.object_class:
            case "PerfMetricJob":
                _report(tree, current, over)
                return []
            case "ThresholdMonitor":
                infos = current.attributes["thresholdInfoList"]
                found = _crossings(tree, current, infos, current.attributes, over)
                return [each for crossed in found for each in _monitored(tree, current, crossed)]
        policy = current.attributes["policyForLoading"]
        found = _crossings(tree, current, policy.get("thresholdList", []), {}, over)
        breaches = [each for each in found if each.is_breach and each.is_notified]
        if breaches and scope_holds(policy.get("managedActivationScope"), situation):
            for model in current.attributes["mLModelRef"]:
                begin_by_policy(tree, current, model, f"because {_text(breaches[0])}")
        return []

    async def _ask_to_retrain(self, retraining: Retraining) -> None:
        try:
            await self._retrain(retraining.model_name, retraining.breach)
        except NfError as error:
            log.warning("no retraining", model=retraining.model_name, error=error.message)


def _crossings(
    tree: Tree,
    moi: Moi,
    infos: list[Mapping[str, Any]],
    attributes: Mapping[str, Any],
    over: Callable[..., tuple[float, int] | None],
) -> list[Crossing]:
    """Thresholds that were crossed in the period; sides are remembered in the object's notes."""
    sides = dict(moi.notes.get("sides", {}))
    crossed = []
    for i, info in enumerate(infos):
        for metric in info["performanceMetrics"]:
            measured = over(metric, attributes.get("objectInstances", []))
            if measured is None:
                continue
            key = key_of(i, metric)
            sides[key], found = crossing(info, metric, measured[0], sides.get(key))
            if found is not None:
                crossed.append(found)
    tree.put(moi.name, {}, {"sides": sides})
    return crossed


def _monitored(tree: Tree, monitor: Moi, crossed: Crossing) -> list[Retraining]:
    """Tell a crossing, raise or clear its alarm, and say which models are to be retrained."""
    watched = monitor.attributes.get("objectInstances") or [str(monitor.name.parent)]
    alarm_id = f"threshold/{monitor.name.identity}/{crossed.metric}/{crossed.threshold:g}"
    if not crossed.is_breach:
        clear_alarm(tree, alarm_id, str(monitor.name), subject=str(monitor.name))
    if not crossed.is_notified:
        return []
    data = ThresholdCrossed(
        object_instance=watched[0],
        monitor=str(monitor.name),
        observed_perf_metric_name=crossed.metric,
        observed_perf_metric_value=crossed.value,
        observed_perf_metric_direction="UP" if crossed.direction == "UP" else "DOWN",
        threshold_value=crossed.threshold,
        hysteresis=crossed.hysteresis,
    )
    event_id = f"{alarm_id}/{crossed.direction}/{tree.now.isoformat()}"
    tree.publish(data, event_id=event_id, subject=str(monitor.name))
    if not crossed.is_breach:
        return []
    condition = Condition(
        alarm_id=alarm_id,
        object_instance=watched[0],
        alarm_type=QUALITY_OF_SERVICE,
        probable_cause="THRESHOLD_CROSSED",
        specific_problem=f"{_text(crossed)}.",
    )
    raise_alarm(tree, condition, subject=str(monitor.name))
    names = {
        identity_of(model)[0]
        for model in tree.referring_to(monitor.name)
        if model.attributes.get("retrainingEventsMonitorRef") == str(monitor.name)
    }
    breach = MonitorBreach(
        monitor=str(monitor.name),
        text=f"monitor {monitor.name.identity} saw that {_text(crossed)}",
        figures={
            crossed.metric: crossed.value,
            "threshold": crossed.threshold,
            "hysteresis": crossed.hysteresis,
        },
    )
    return [Retraining(name, breach) for name in sorted(names)]


def _report(tree: Tree, job: Moi, over: Callable[..., tuple[float, int] | None]) -> None:
    """Tell what a job measured, as an event and in a container of the job."""
    measured = {
        metric: found
        for metric in job.attributes["performanceMetrics"]
        if (found := over(metric, job.attributes.get("objectInstances", []))) is not None
    }
    values = {metric: value for metric, (value, _) in measured.items()}
    counts = {metric: count for metric, (_, count) in measured.items()}
    data = PerformanceReported(
        job=str(job.name),
        granularity_period_s=job.attributes["granularityPeriod"],
        sample_counts=counts,
        values=values,
    )
    event_id = f"performance/{job.name}/{tree.now.isoformat()}"
    tree.publish(data, event_id=event_id, subject=str(job.name))
    tree.put(
        job.name.child("VsDataContainer", "latest"),
        {
            "vsDataType": "aimlnf:PerformanceReport",
            "vsDataFormatVersion": "1",
            "vsData": {
                "endTime": tree.now.isoformat(),
                "values": values,
                "sampleCounts": counts,
            },
        },
    )


def _text(crossed: Crossing) -> str:
    verb = "rose to" if crossed.direction == "UP" else "fell to"
    return f"{crossed.metric} {verb} {crossed.value:.4g} (threshold {crossed.threshold:g})"
