"""What can be asked of the simulated network: runs, radio contexts, decisions, key figures.

A finished run stays at its last tick: contexts are served and decisions applied there until the
next run starts, so that answers that are still on their way are not lost.
"""

import asyncio
import datetime as dt
import math
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import structlog

from nf_runtime.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from radio_math.context import RadioContext
from ran_sim.allocations import check_allocation
from ran_sim.events import kpi_at
from ran_sim.foresight import MAX_HORIZON_S
from ran_sim.outcomes import Decision, GroundTruth, Kpi, Outcome, ServedContext
from ran_sim.playback import ActiveRun, Playback, activate
from ran_sim.ports import RunStore
from ran_sim.runs import IN_PROGRESS, Run, RunOrder, RunState
from ran_sim.simulation import InForce, Simulation

MAX_ID_LENGTH = 200
_KPI_BATCH = 200
_MS_PER_S = 1000
_ORIGIN = re.compile(r"(?P<tick>[0-9]{1,9})(?:\+(?P<horizon_ms>[0-9]{1,5})ms)?")

log = structlog.get_logger(__name__)


class RunProcedures:
    """Starting, steering and looking at runs."""

    def __init__(self, store: RunStore, playback: Playback) -> None:
        self._store = store
        self._playback = playback

    async def start(self, request_id: str, order: RunOrder) -> Run:
        """Starts a run, or returns the one that the same request started.

        Raises:
            FailedPrecondition: another run is in progress, or the satellite cannot be simulated.
            AlreadyExists: the request identity was used with another order.
        """
        _check_id("request_id", request_id)
        async with self._playback.lock:
            known = await self._store.ordered_by(request_id) if request_id else None
            if known is not None:
                return _same_order(known, order, request_id)
            busy = self._playback.active
            if busy is not None and busy.run.state in IN_PROGRESS:
                raise FailedPrecondition(
                    f"Run {busy.run.run_id} is {busy.run.state.value}; stop it or wait for its end "
                    "before another is started.",
                    reason="STATE_FORBIDS",
                    resource=busy.run.run_id,
                    state=busy.run.state.name,
                    wanted=RunState.RUNNING.name,
                )
            simulation = await asyncio.to_thread(Simulation, order.scenario)
            first = Run(
                run_id=f"{order.scenario.scenario_id}-{order.scenario.seed}",
                order=order,
                start_time=simulation.environment.start_time,
                pause_at_s=order.pause_at_s,
            )
            run = await self._store.create(request_id, first)
            self._playback.begin(activate(run, simulation))
        log.info("run started", run_id=run.run_id, ticks=order.scenario.tick_count)
        return run

    async def get(self, run_id: str) -> Run:
        """A run, the latest for the empty identity.

        Raises:
            NotFound: there is none.
        """
        _check_id("run_id", run_id)
        run = await self._store.get(run_id)
        if run is None:
            what = f"There is no run {run_id!r}" if run_id else "No run was started yet"
            raise NotFound(f"{what}; start one first.", reason="NO_RUN", resource=run_id)
        return run

    async def pause(self, run_id: str) -> Run:
        """Stops simulated time until `resume`.

        Raises:
            NotFound: there is no such run.
            FailedPrecondition: it has ended.
        """
        return await self._steer(run_id, Run.paused)

    async def resume(self, run_id: str, pause_at_s: float | None) -> Run:
        """Lets simulated time pass again, up to a next pause.

        Raises:
            NotFound: there is no such run.
            FailedPrecondition: it has ended.
            InvalidArgument: the next pause is not ahead.
        """
        return await self._steer(run_id, lambda run: run.resumed(pause_at_s))

    async def stop(self, run_id: str) -> Run:
        """Ends a run before its pass is over.

        Raises:
            NotFound: there is no such run.
            FailedPrecondition: it has ended by itself.
        """
        return await self._steer(run_id, Run.stopped)

    async def kpis(self, run_id: str, after_sim_offset_s: float | None) -> AsyncIterator[Kpi]:
        """Key figures of every tick after a simulated time, up to the end of the run.

        Raises:
            NotFound: there is no such run.
            InvalidArgument: the simulated time is no number of seconds from 0 on.
        """
        run = await self.get(run_id)
        tick = _last_tick_until(after_sim_offset_s, run.scenario.tick_period_s)
        simulation = await self._simulation_of(run)
        ended = False
        while True:
            changed = self._playback.changed
            rows = await self._store.rates(run.run_id, tick, _KPI_BATCH)
            for tick, rate_bps_hz in rows:
                yield kpi_at(simulation, run.run_id, tick, rate_bps_hz)
            if rows:
                continue
            if ended:
                return
            # Once it has ended, one more look finds what was played since the last one.
            ended = (await self.get(run.run_id)).state not in IN_PROGRESS
            if not ended:
                await changed.wait()

    async def _steer(self, run_id: str, change: Callable[[Run], Run]) -> Run:
        async with self._playback.lock:
            run = await self.get(run_id)
            changed = change(run)
            if changed != run:
                await self._store.save(changed)
            active = self._playback.active
            if active is not None and active.run.run_id == run.run_id:
                active.run = changed
                self._playback.restart_clock(active)
                self._playback.changed_now()
        log.info("run steered", run_id=run.run_id, state=changed.state.value)
        return changed

    async def _simulation_of(self, run: Run) -> Simulation:
        active = self._playback.active
        if active is not None and active.run.run_id == run.run_id:
            return active.simulation
        return await asyncio.to_thread(Simulation, run.scenario)


class RadioProcedures:
    """Serving radio contexts and applying decisions."""

    def __init__(self, store: RunStore, playback: Playback) -> None:
        self._store = store
        self._playback = playback

    async def context(self, trigger_id: str, horizon_s: float | None = None) -> ServedContext:
        """The estimate at the current tick, or what it will be, by the orbit, after a horizon.

        Raises:
            FailedPrecondition: no run is in progress, or the satellite is too low, now or then.
            NotFound: the run has not had this trigger.
            InvalidArgument: the horizon is out of range.
        """
        horizon_ms = _checked_horizon_ms(horizon_s)
        async with self._playback.lock:
            active, tick = self._current()
            _check_trigger(active, tick, trigger_id)
            return _estimate(active, tick, horizon_ms)

    async def apply(self, decision: Decision) -> Outcome:
        """Puts a decision in force and measures it; the second time only says what it achieved.

        Raises:
            InvalidArgument: the allocation cannot be put in force.
            NotFound: the run has not had this trigger or context.
            FailedPrecondition: no run is in progress, or the satellite is too low.
        """
        if not decision.decision_id:
            raise InvalidArgument(
                "decision_id is empty; give every decision an identity of its own.",
                reason="INVALID_FIELD",
                field="decision_id",
            )
        _check_id("decision_id", decision.decision_id)
        async with self._playback.lock:
            known = await self._store.outcome(decision.decision_id)
            if known is not None:
                return known
            active, tick = self._current()
            simulation = active.simulation
            _check_trigger(active, tick, decision.trigger_id)
            asked_at, horizon_ms = _origin_of_context(active, tick, decision.context_id)
            check_allocation(decision.allocation, simulation.power_budget_w)
            in_force = InForce(decision.allocation)
            outcome = Outcome(
                decision_id=decision.decision_id,
                context_id=decision.context_id,
                run_id=active.run.run_id,
                trigger_id=decision.trigger_id,
                sim_offset_s=float(simulation.environment.offset_s[tick]),
                before_bps_hz=simulation.secrecy_rate_bps_hz(tick, active.in_force),
                after_bps_hz=simulation.secrecy_rate_bps_hz(tick, in_force),
            )
            truth = GroundTruth(
                outcome=outcome,
                estimate=_estimate(active, asked_at, horizon_ms),
                truth=replace(
                    _served(active, tick, simulation.contexts_at(tick).true),
                    estimate_time=simulation.time_at(tick),
                    csi_age_s=0.0,
                ),
                allocation=decision.allocation,
            )
            await self._store.apply(truth)
            active.in_force = in_force
            active.open_triggers.discard(decision.trigger_id)
            self._playback.changed_now()
        return outcome

    async def truth(self, decision_id: str) -> GroundTruth:
        """An applied decision with everything that it takes to score it.

        Raises:
            NotFound: no decision with this identity was applied.
        """
        _check_id("decision_id", decision_id)
        truth = await self._store.truth(decision_id)
        if truth is None:
            raise NotFound(
                f"No decision {decision_id!r} was applied; list the outcomes to see those that "
                "were.",
                reason="RESOURCE_NOT_FOUND",
                resource=decision_id,
            )
        return truth

    async def outcomes(
        self, run_id: str, after_sequence: int, limit: int
    ) -> Sequence[tuple[int, Outcome]]:
        """Outcomes of a run after a sequence number, oldest first, with their numbers."""
        return await self._store.outcomes(run_id, after_sequence, limit)

    def _current(self) -> tuple[ActiveRun, int]:
        active = self._playback.active
        if active is None or active.run.state is RunState.STOPPED:
            raise FailedPrecondition("No run is in progress; start one first.", reason="NO_RUN")
        tick = active.run.current_tick
        if tick is None:
            raise FailedPrecondition(
                f"Run {active.run.run_id} is about to begin; ask again after its first tick.",
                reason="NO_RUN",
                resource=active.run.run_id,
            )
        return active, tick


def context_id(run_id: str, tick: int, horizon_ms: int | None = None) -> str:
    """Identity of the radio context of a tick, or of one predicted from it."""
    return f"{run_id}/context/{tick}" + ("" if horizon_ms is None else f"+{horizon_ms}ms")


def _estimate(active: ActiveRun, tick: int, horizon_ms: int | None) -> ServedContext:
    """What is served at a tick, with or without a horizon."""
    if horizon_ms is None:
        return _served(active, tick, active.simulation.contexts_at(tick).estimated)
    horizon_s = horizon_ms / _MS_PER_S
    context = active.simulation.predicted_at(tick, horizon_s)
    return replace(
        _served(active, tick, context),
        context_id=context_id(active.run.run_id, tick, horizon_ms),
        horizon_s=horizon_s,
    )


def _checked_horizon_ms(horizon_s: float | None) -> int | None:
    """The horizon in whole milliseconds, which the identity of a context holds."""
    if horizon_s is None:
        return None
    if not 0 <= horizon_s <= MAX_HORIZON_S:
        raise InvalidArgument(
            f"horizon is {horizon_s:g} s; use 0 to {MAX_HORIZON_S:g} s.",
            reason="INVALID_FIELD",
            field="horizon",
        )
    return round(horizon_s * _MS_PER_S)


def _served(active: ActiveRun, tick: int, context: RadioContext) -> ServedContext:
    csi_age_s = float(active.simulation.environment.csi_age_s[tick])
    return ServedContext(
        context_id=context_id(active.run.run_id, tick),
        run_id=active.run.run_id,
        satellite_id=active.simulation.satellite_id_at(tick),
        sim_offset_s=float(active.simulation.environment.offset_s[tick]),
        estimate_time=active.simulation.time_at(tick) - dt.timedelta(seconds=csi_age_s),
        csi_age_s=csi_age_s,
        context=context,
    )


def _origin_of_context(active: ActiveRun, current: int, identity: str) -> tuple[int, int | None]:
    """Tick and horizon [ms] of a context that the run can have served."""
    _check_id("context_id", identity)
    origin = _ORIGIN.fullmatch(identity.removeprefix(context_id(active.run.run_id, 0)[:-1]))
    if origin is not None and int(origin["tick"]) <= current:
        horizon_ms = None if origin["horizon_ms"] is None else int(origin["horizon_ms"])
        if horizon_ms is None or horizon_ms <= MAX_HORIZON_S * _MS_PER_S:
            return int(origin["tick"]), horizon_ms
    raise NotFound(
        f"Run {active.run.run_id} has served no context {identity!r}; get a radio context and "
        "decide anew.",
        reason="RESOURCE_NOT_FOUND",
        resource=identity,
    )


def _check_trigger(active: ActiveRun, current: int, identity: str) -> None:
    _check_id("trigger_id", identity)
    if identity and active.trigger_ticks.get(identity, current + 1) > current:
        raise NotFound(
            f"Run {active.run.run_id} has published no trigger {identity!r}; leave trigger_id "
            "empty where none is answered.",
            reason="RESOURCE_NOT_FOUND",
            resource=identity,
        )


def _same_order(run: Run, order: RunOrder, request_id: str) -> Run:
    if run.order != order:
        raise AlreadyExists(
            f"request_id {request_id!r} started run {run.run_id} with another scenario or pace; "
            "use a new request_id.",
            reason="REQUEST_ID_REUSED",
            resource=run.run_id,
        )
    return run


def _last_tick_until(sim_offset_s: float | None, tick_period_s: float) -> int:
    if sim_offset_s is None:
        return -1
    if not 0 <= sim_offset_s < math.inf:
        raise InvalidArgument(
            f"after_sim_offset is {sim_offset_s:g} s; use 0 or more.",
            reason="INVALID_FIELD",
            field="after_sim_offset",
        )
    return math.floor(sim_offset_s / tick_period_s + 1e-9)


def _check_id(name: str, value: str) -> None:
    if len(value) > MAX_ID_LENGTH:
        raise InvalidArgument(
            f"{name} has {len(value)} characters; at most {MAX_ID_LENGTH} are allowed.",
            reason="INVALID_FIELD",
            field=name,
        )
