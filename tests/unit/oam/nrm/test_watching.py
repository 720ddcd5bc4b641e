"""Monitors, loading policies and performance jobs are executed, on a clock that the test moves."""

from itertools import pairwise

import pytest
from fakes.oam.memory_tree import ELEMENT, FUNCTION, MemoryObjectStore, model
from hypothesis import given, settings
from hypothesis import strategies as st
from support.oam_samples import NOW
from support.ran_events import decision

from nf_runtime.clock import ManualClock
from nf_runtime.errors import FailedPrecondition
from nf_runtime.events.catalogue import Alarm, PerformanceReported, Reliability, ThresholdCrossed
from oam.nrm.activation import Situation
from oam.nrm.inference_reports import InferenceReports
from oam.nrm.names import Name, parse_name
from oam.nrm.objects import existing
from oam.nrm.provisioning import create, modify
from oam.nrm.samples import Samples, percentile
from oam.nrm.thresholds import crossing
from oam.nrm.watching import Watcher
from oam.rules import MonitorBreach

MONITOR = parse_name(f"{ELEMENT},ThresholdMonitor=m")
JOB = parse_name(f"{FUNCTION},PerfMetricJob=j")
POLICY = parse_name(f"{FUNCTION},MLModelLoadingPolicy=p")
OOD = {
    "performanceMetrics": ["OOD_RATE"],
    "thresholdDirection": "UP",
    "thresholdValue": 0.5,
    "hysteresis": 0.1,
}


class World:
    """A watcher with everything that it needs."""

    def __init__(self) -> None:
        self.store = MemoryObjectStore()
        self.tree = self.store.tree
        self.clock = ManualClock(NOW)
        self.asked: list[tuple[str, MonitorBreach]] = []
        self.watcher = Watcher(
            store=self.store,
            samples=Samples(FUNCTION, f"{ELEMENT},NTNFunction=1"),
            reports=InferenceReports(parse_name(FUNCTION)),
            retrain=self._retrain,
            situation=self._situation,
            clock=self.clock,
            policy_period_s=1,
        )

    async def _retrain(self, model_name: str, breach: MonitorBreach) -> None:
        self.asked.append((model_name, breach))
        if len(self.asked) > 1:
            raise FailedPrecondition("one is in progress", reason="ADAPTATION_IN_PROGRESS")

    async def _situation(self) -> Situation:
        return Situation(self.clock.now())

    def create(self, name: Name, attributes: dict[str, object]) -> None:
        """A consumer asks for something to be watched."""
        create(self.tree, name, attributes)

    async def period(self, *low_shares: float) -> None:
        """One second passes, with these reports of how many inputs were out of distribution."""
        await self.watcher.look()
        await self.clock.advance(0.5)
        for share in low_shares:
            self.watcher.observe(
                Reliability(
                    model_name="gan-gdm",
                    model_version=1,
                    window=10,
                    mean_reliability=0.5,
                    low_share=share,
                    sim_offset_s=0.0,
                )
            )
        await self.clock.advance(0.5)
        await self.watcher.look()

    @property
    def crossings(self) -> list[str]:
        """Directions that were notified."""
        return [
            each.observed_perf_metric_direction
            for each in self.tree.told
            if isinstance(each, ThresholdCrossed)
        ]

    @property
    def alarms(self) -> list[str]:
        """Severities that were told."""
        return [each.perceived_severity for each in self.tree.told if isinstance(each, Alarm)]


@pytest.fixture
def world() -> World:
    """With nothing to watch."""
    return World()


async def test_monitor_tells_a_crossing_once(world: World) -> None:
    """With its hysteresis; the alarm is cleared when the value has come back."""
    world.create(MONITOR, {"thresholdInfoList": [OOD], "monitorGranularityPeriod": 1})
    for share, crossings, alarms in (
        (0.55, [], []),
        (0.65, ["UP"], ["MAJOR"]),
        (0.45, ["UP"], ["MAJOR"]),
        (0.70, ["UP"], ["MAJOR"]),
        (0.40, ["UP"], ["MAJOR", "CLEARED"]),
        (0.60, ["UP", "UP"], ["MAJOR", "CLEARED", "MAJOR"]),
    ):
        await world.period(share)
        assert (world.crossings, world.alarms) == (crossings, alarms), share
    assert world.asked == []


async def test_monitor_retrains_the_models_that_name_it(world: World) -> None:
    """`retrainingEventsMonitorRef` is acted on, once for each model; a refusal harms nobody."""
    world.create(MONITOR, {"thresholdInfoList": [OOD], "monitorGranularityPeriod": 1})
    for version in (1, 2):
        modify(world.tree, parse_name(model(version)), {"retrainingEventsMonitorRef": str(MONITOR)})
    await world.period(0.9)
    ((name, breach),) = world.asked
    assert name == "gan-gdm"
    assert breach == MonitorBreach(
        monitor=str(MONITOR),
        text="monitor m saw that OOD_RATE rose to 0.9 (threshold 0.5)",
        figures={"OOD_RATE": 0.9, "threshold": 0.5, "hysteresis": 0.1},
    )
    await world.period(0.1)
    await world.period(0.9)
    assert len(world.asked) == 2


async def test_locked_monitor_and_one_of_other_objects_see_nothing(world: World) -> None:
    """`administrativeState` and `objectInstances` are honoured; a silent period tells nothing."""
    attributes: dict[str, object] = {"thresholdInfoList": [OOD], "monitorGranularityPeriod": 1}
    world.create(MONITOR, {**attributes, "administrativeState": "LOCKED"})
    other = parse_name(f"{ELEMENT},ThresholdMonitor=other")
    world.create(other, {**attributes, "objectInstances": [model(2)]})
    await world.period(0.9)
    assert world.crossings == []
    modify(world.tree, MONITOR, {"administrativeState": "UNLOCKED"})
    await world.period()
    assert world.crossings == []
    modify(world.tree, other, {"objectInstances": [model(1)]})
    await world.period(0.9)
    assert world.crossings == ["UP", "UP"]


async def test_policy_loads_its_models_by_processes_without_requests(world: World) -> None:
    """One process for each model and breach, within the policy's scope only."""
    policy = {
        "thresholdList": [OOD],
        "managedActivationScope": {"timeWindow": [{"endTime": "2020-01-01T00:00:00Z"}]},
    }
    world.create(POLICY, {"policyForLoading": policy, "mLModelRef": [model(1), model(2)]})
    await world.period(0.9)
    assert world.tree.of_class("MLModelLoadingProcess") == []
    del policy["managedActivationScope"]
    modify(world.tree, POLICY, {"policyForLoading": policy})
    await world.period(0.1)
    await world.period(0.9)
    await world.period(0.9)
    processes = world.tree.of_class("MLModelLoadingProcess")
    assert [each.notes["model"] for each in processes] == [model(1), model(2)]
    for each in processes:
        assert each.attributes["mLModelLoadingPolicyRef"] == str(POLICY)
        assert "mLModelLoadingRequestRef" not in each.attributes
        assert each.attributes["progressStatus"]["status"] == "RUNNING"


async def test_job_reports_each_period(world: World) -> None:
    """Values and counts of what was reported in it; metrics without reports are left out."""
    metrics = ["OOD_RATE", "SUM_SECRECY_RATE_BPS_HZ", "INFERENCE_LATENCY_MS_P95", "SINR_DB_P5"]
    world.create(JOB, {"performanceMetrics": metrics, "granularityPeriod": 1})
    await world.watcher.look()
    await world.clock.advance(0.1)
    for rate in (2.0, 4.0):
        world.watcher.observe(decision(after_bps_hz=rate))
    await world.period(0.25)
    await world.period()
    first, second = [each for each in world.tree.told if isinstance(each, PerformanceReported)]
    assert first.values["OOD_RATE"] == 0.25
    assert first.values["SUM_SECRECY_RATE_BPS_HZ"] == 3.0
    assert first.sample_counts == {
        "OOD_RATE": 1,
        "SUM_SECRECY_RATE_BPS_HZ": 2,
        "INFERENCE_LATENCY_MS_P95": 2,
    }
    assert second.values == {}
    latest = existing(world.tree, JOB.child("VsDataContainer", "latest")).attributes["vsData"]
    assert latest["values"] == {}


async def test_latest_decision_of_a_model_is_reported(world: World) -> None:
    """With its reliability as decisionConfidenceScore; the model refers to its report."""
    await world.watcher.look()
    for rate, version in ((2.0, 1), (4.0, 1), (9.0, 7)):
        world.watcher.observe(
            decision(after_bps_hz=rate, model_version=version, model_name="gan-gdm")
        )
    await world.watcher.look()
    (report,) = world.tree.of_class("AIMLInferenceReport")
    (output,) = report.attributes["inferenceOutputs"]
    assert output["inferencePerformance"]["performanceScore"] == 4.0
    assert 0 <= output["inferencePerformance"]["decisionConfidenceScore"] <= 1
    assert report.attributes["mLModelRefList"] == [model(1)]
    listed = existing(world.tree, model(1)).attributes["aIMLInferenceReportRefList"]
    assert listed == [str(report.name)]


@settings(deadline=None)
@given(
    values=st.lists(st.floats(-2, 2), max_size=30),
    direction=st.sampled_from(["UP", "DOWN", "UP_AND_DOWN"]),
    hysteresis=st.floats(0, 1),
)
def test_crossings_alternate(values: list[float], direction: str, hysteresis: float) -> None:
    """No direction is told twice in a row, and each is on its side of the threshold."""
    info = {
        "performanceMetrics": ["OOD_RATE"],
        "thresholdDirection": direction,
        "thresholdValue": 0.0,
        "hysteresis": hysteresis,
    }
    side, told = None, []
    for value in values:
        side, found = crossing(info, "OOD_RATE", value, side)
        if found is not None:
            told.append(found.direction)
            assert value >= hysteresis if found.direction == "UP" else value <= -hysteresis
        assert crossing(info, "OOD_RATE", value, side) == (side, None)  # the same value again
    assert all(a != b for a, b in pairwise(told))
    if direction != "UP_AND_DOWN" and told:
        assert told[0] == direction


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0.01, 1.0))
def test_percentile_is_the_nearest_rank(values: list[float], share: float) -> None:
    """At least the share of the values do not exceed it, and no smaller value does as well."""
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)
