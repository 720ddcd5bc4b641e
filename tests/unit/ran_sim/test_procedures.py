"""What can be asked of runs, contexts and decisions."""

import math
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fakes.sql_runs import MemoryRunStore
from support.passes import pass_scenario
from support.ran_playing import Player, allocation, playing

from nf_runtime.clock import ManualClock
from nf_runtime.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from ran_sim.outcomes import Decision
from ran_sim.runs import Pace, RunOrder, RunState

# One tick is played at once, the next needs the clock to move.
STANDING = RunOrder(pass_scenario(), Pace.SCALED, speed_factor=1.0)
FAST = replace(STANDING, speed_factor=0.0)


@pytest.fixture
def clock() -> ManualClock:
    """Time that stands still."""
    return ManualClock()


@pytest.fixture
async def player(clock: ManualClock) -> AsyncIterator[Player]:
    """A simulator without a run."""
    async with playing(MemoryRunStore(), clock) as player:
        yield player


async def decision(player: Player, **changes: Any) -> Decision:
    """A good decision from the current context, with other values."""
    context = await player.radio.context("")
    return replace(Decision("decision-1", context.context_id, "", allocation()), **changes)


class TestStarting:
    """Runs begin once."""

    async def test_a_repeated_request_gets_the_same_run(self, player: Player) -> None:
        """The second call starts nothing."""
        first = await player.runs.start("request-1", STANDING)
        again = await player.runs.start("request-1", STANDING)
        assert again.run_id == first.run_id
        assert again.order == first.order

    async def test_a_request_identity_means_one_order(self, player: Player) -> None:
        """With another order it is refused."""
        await player.runs.start("request-1", STANDING)
        with pytest.raises(AlreadyExists) as caught:
            await player.runs.start("request-1", replace(STANDING, speed_factor=2.0))
        assert caught.value.reason == "REQUEST_ID_REUSED"

    async def test_one_run_at_a_time(self, player: Player) -> None:
        """A second run is refused and named the one in its way."""
        first = await player.runs.start("", STANDING)
        with pytest.raises(FailedPrecondition, match=first.run_id) as caught:
            await player.runs.start("", STANDING)
        assert caught.value.reason == "STATE_FORBIDS"

    async def test_run_identities_are_countable(self, player: Player) -> None:
        """Scenario, seed and number, so that two fresh simulators publish the same bytes."""
        first = await player.runs.start("", FAST)
        await player.until(lambda run: run.state is RunState.FINISHED)
        second = await player.runs.start("", FAST)
        assert (first.run_id, second.run_id) == ("test-pass-3-1", "test-pass-3-2")

    async def test_what_cannot_be_simulated_starts_nothing(self, player: Player) -> None:
        """After a refused scenario another can be started."""
        out_of_reach = replace(STANDING, scenario=pass_scenario(latitude_deg=84.0))
        with pytest.raises(FailedPrecondition, match="never rises"):
            await player.runs.start("", out_of_reach)
        await player.runs.start("", STANDING)

    async def test_unknown_runs(self, player: Player) -> None:
        """Before the first run, and for identities that no run has."""
        for run_id in ("", "run-x"):
            with pytest.raises(NotFound) as caught:
                await player.runs.get(run_id)
            assert caught.value.reason == "NO_RUN"
        with pytest.raises(InvalidArgument, match="run_id has 201 characters"):
            await player.runs.get("x" * 201)


class TestContexts:
    """What is served."""

    async def test_without_a_run_there_is_none(self, player: Player) -> None:
        """NO_RUN before the first, and after a stop."""
        with pytest.raises(FailedPrecondition) as caught:
            await player.radio.context("")
        assert caught.value.reason == "NO_RUN"
        await player.runs.start("", STANDING)
        await player.until(lambda run: run.ticks_done == 1)
        await player.runs.stop("")
        with pytest.raises(FailedPrecondition) as caught:
            await player.radio.context("")
        assert caught.value.reason == "NO_RUN"

    async def test_it_is_the_estimate_of_the_current_tick(
        self, player: Player, clock: ManualClock
    ) -> None:
        """With its age, and never the truth."""
        await player.runs.start("", STANDING)
        await clock.advance(4.0)
        await player.until(lambda run: run.ticks_done == 5)
        served = await player.radio.context("")
        assert served.context_id == "test-pass-3-1/context/4"
        assert served.sim_offset_s == 4.0
        active = player.playback.active
        assert active is not None
        age = active.simulation.time_at(4) - served.estimate_time
        assert age.total_seconds() == served.csi_age_s == 0.02
        pair = active.simulation.contexts_at(4)
        assert np.array_equal(served.context.gain_per_w, pair.estimated.gain_per_w)
        assert not np.array_equal(served.context.gain_per_w, pair.true.gain_per_w)

    async def test_it_is_foreseen_for_a_horizon(self, player: Player, clock: ManualClock) -> None:
        """Under an identity of its own, and a decision from it is scored with it."""
        await player.runs.start("", STANDING)
        await clock.advance(4.0)
        await player.until(lambda run: run.ticks_done == 5)
        served = await player.radio.context("", 2.5)
        assert served.context_id == "test-pass-3-1/context/4+2500ms"
        assert (served.sim_offset_s, served.horizon_s) == (4.0, 2.5)
        active = player.playback.active
        assert active is not None
        foreseen = active.simulation.predicted_at(4, 2.5)
        assert np.array_equal(served.context.gain_per_w, foreseen.gain_per_w)
        await player.radio.apply(await decision(player, context_id=served.context_id))
        truth = await player.radio.truth("decision-1")
        assert truth.estimate.context_id == served.context_id
        assert truth.estimate.horizon_s == 2.5
        np.testing.assert_allclose(
            truth.estimate.context.gain_per_w, foreseen.gain_per_w, rtol=1e-6
        )

    @pytest.mark.parametrize("horizon_s", [-0.1, 60.1, float("nan")])
    async def test_a_horizon_out_of_range_is_refused(
        self, player: Player, horizon_s: float
    ) -> None:
        """Nobody knows the ESIMs' course for longer."""
        await player.runs.start("", STANDING)
        await player.until(lambda run: run.ticks_done == 1)
        with pytest.raises(InvalidArgument, match="use 0 to 60 s"):
            await player.radio.context("", horizon_s)

    async def test_a_trigger_that_was_not_published_is_unknown(self, player: Player) -> None:
        """Neither one of another run nor one of the future."""
        await player.runs.start("", STANDING)
        await player.until(lambda run: run.ticks_done == 1)
        future = "test-pass-3-1/org.aimlnf.ran.eavesdropper-detected.v1/1"
        for trigger_id in ("nonsense", future):
            with pytest.raises(NotFound, match="has published no trigger"):
                await player.radio.context(trigger_id)


class TestDecisions:
    """What is applied."""

    @pytest.fixture
    async def standing(self, player: Player) -> Player:
        """A simulator at its first tick."""
        await player.runs.start("", STANDING)
        await player.until(lambda run: run.ticks_done == 1)
        return player

    async def test_before_and_after(self, standing: Player) -> None:
        """The benchmark is in force first, then what was applied last."""
        active = standing.playback.active
        assert active is not None
        benchmark = active.simulation.secrecy_rate_bps_hz(0, active.simulation.benchmark())
        first = await standing.radio.apply(await decision(standing))
        second = await standing.radio.apply(
            await decision(standing, decision_id="decision-2", allocation=allocation(7))
        )
        assert first.before_bps_hz == benchmark
        assert second.before_bps_hz == first.after_bps_hz
        assert second.after_bps_hz != first.after_bps_hz

    async def test_once_is_enough(self, standing: Player) -> None:
        """A repeated decision changes nothing, whatever else it says."""
        first = await standing.radio.apply(await decision(standing))
        other = await decision(standing, decision_id="decision-2", allocation=allocation(7))
        await standing.radio.apply(other)
        again = await standing.radio.apply(await decision(standing, allocation=allocation(9)))
        assert again == first
        active = standing.playback.active
        assert active is not None
        assert active.in_force.allocation is other.allocation
        assert (await standing.runs.get("")).applied_count == 2

    async def test_measured_when_it_takes_effect(
        self, standing: Player, clock: ManualClock
    ) -> None:
        """A decision from an old context is measured on the channel of now."""
        late = await decision(standing)
        await clock.advance(10.0)
        await standing.until(lambda run: run.ticks_done == 11)
        outcome = await standing.radio.apply(late)
        truth = await standing.radio.truth("decision-1")
        assert outcome.sim_offset_s == 10.0
        assert truth.outcome == outcome
        assert truth.estimate.sim_offset_s == 0.0
        assert truth.truth.sim_offset_s == 10.0
        assert truth.truth.csi_age_s == 0.0

    @pytest.mark.parametrize(
        ("changes", "kind", "words"),
        [
            ({"decision_id": ""}, InvalidArgument, "decision_id is empty"),
            ({"decision_id": "x" * 201}, InvalidArgument, "decision_id has 201"),
            ({"context_id": ""}, NotFound, "has served no context"),
            ({"context_id": "test-pass-3-1/context/1"}, NotFound, "has served no context"),
            ({"context_id": "test-pass-3-1/context/-1"}, NotFound, "has served no context"),
            ({"context_id": "other-run/context/0"}, NotFound, "has served no context"),
            ({"trigger_id": "nonsense"}, NotFound, "has published no trigger"),
            ({"allocation": "greedy"}, InvalidArgument, "adds up to 100 W"),
        ],
    )
    async def test_a_bad_decision_leaves_the_old_one_in_force(
        self, standing: Player, changes: dict[str, Any], kind: type[Exception], words: str
    ) -> None:
        """It is refused by name and nothing changes."""
        if changes.get("allocation") == "greedy":
            changes = {"allocation": replace(allocation(), power_w=np.full(10, 10.0))}
        active = standing.playback.active
        assert active is not None
        before = active.in_force
        bad = await decision(standing, **changes)
        with pytest.raises(kind, match=words):
            await standing.radio.apply(bad)
        assert active.in_force is before
        assert (await standing.runs.get("")).applied_count == 0

    async def test_outcomes_are_listed_in_order(self, standing: Player) -> None:
        """Oldest first, from any number on."""
        for number in range(5):
            await standing.radio.apply(await decision(standing, decision_id=f"decision-{number}"))
        run_id = standing.run.run_id
        rows = await standing.radio.outcomes(run_id, 0, 3)
        assert [outcome.decision_id for _, outcome in rows] == [
            "decision-0",
            "decision-1",
            "decision-2",
        ]
        rest = await standing.radio.outcomes(run_id, rows[-1][0], 100)
        assert [outcome.decision_id for _, outcome in rest] == ["decision-3", "decision-4"]

    async def test_unknown_ground_truth(self, standing: Player) -> None:
        """A decision that was never applied has none."""
        with pytest.raises(NotFound, match="'decision-9'"):
            await standing.radio.truth("decision-9")


class TestKeyFigures:
    """The stream of ticks."""

    async def test_every_tick_once_and_then_the_end(self, player: Player) -> None:
        """A stream that begins before the run's end follows it to there."""
        await player.runs.start("", FAST)
        offsets = [kpi.sim_offset_s async for kpi in player.runs.kpis("", None)]
        assert offsets == [float(tick) for tick in range(60)]

    async def test_from_some_time_on(self, player: Player) -> None:
        """Only ticks after the time that the client has already."""
        await player.runs.start("", FAST)
        offsets = [kpi.sim_offset_s async for kpi in player.runs.kpis("", 56.5)]
        assert offsets == [57.0, 58.0, 59.0]
        assert [kpi async for kpi in player.runs.kpis("", 59.0)] == []

    async def test_the_rate_is_that_of_what_was_in_force(
        self, player: Player, clock: ManualClock
    ) -> None:
        """It changes with the decision that is applied between two ticks."""
        await player.runs.start("", STANDING)
        await player.until(lambda run: run.ticks_done == 1)
        stream = player.runs.kpis("", None)
        active = player.playback.active
        assert active is not None
        simulation = active.simulation
        assert (await anext(stream)).sum_secrecy_rate_bps_hz == simulation.secrecy_rate_bps_hz(
            0, simulation.benchmark()
        )
        await player.radio.apply(await decision(player))
        await clock.advance(1.0)
        assert (await anext(stream)).sum_secrecy_rate_bps_hz == simulation.secrecy_rate_bps_hz(
            1, active.in_force
        )
        await stream.aclose()  # type: ignore[attr-defined]

    async def test_of_an_earlier_run(self, player: Player) -> None:
        """Runs that are over can still be looked at by name."""
        await player.runs.start("", FAST)
        await player.until(lambda run: run.state is RunState.FINISHED)
        again = replace(FAST, scenario=pass_scenario(seed=5))
        await player.runs.start("", again)
        await player.until(lambda run: run.state is RunState.FINISHED)
        kpis = [kpi async for kpi in player.runs.kpis("test-pass-3-1", 57.0)]
        assert [(kpi.run_id, kpi.sim_offset_s) for kpi in kpis] == [
            ("test-pass-3-1", 58.0),
            ("test-pass-3-1", 59.0),
        ]

    @pytest.mark.parametrize("after_s", [-1.0, math.nan, math.inf])
    async def test_a_bad_time_is_named(self, player: Player, after_s: float) -> None:
        """The error names the field."""
        await player.runs.start("", FAST)
        with pytest.raises(InvalidArgument) as caught:
            await anext(player.runs.kpis("", after_s))
        assert caught.value.metadata["field"] == "after_sim_offset"
