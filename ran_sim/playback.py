"""Playing a run tick by tick, in step with a clock and with the answers to its triggers.

One lock orders the steps: a tick and a decision never overlap, so a decision always takes effect
at a whole tick and is measured there. Every step is stored before it shows; after a crash the run
is rebuilt from scenario and seed and goes on from the stored tick with the decision in force.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import structlog

from nf_runtime.clock import Clock
from nf_runtime.errors import Unavailable
from nf_runtime.events.catalogue import EventData
from nf_runtime.events.cloud_event import CloudEvent
from ran_sim.events import kpi_at, measurement_event, trigger_event, trigger_id
from ran_sim.ports import RunStore
from ran_sim.runs import IN_PROGRESS, Pace, Run, RunState
from ran_sim.scenarios import beam_id
from ran_sim.simulation import InForce, Simulation

_STORE_WAIT_S = 1.0
_CLOCK_GRAIN_S = 1e-6  # sums of periods are seldom exact; nobody sleeps for less

log = structlog.get_logger(__name__)


@dataclass
class ActiveRun:
    """The run that is played, with what is needed to play on.

    Attributes:
        run: as stored.
        simulation: its environment.
        in_force: what satellite and ESIMs do.
        trigger_ticks: when each trigger of the run fires.
        open_triggers: those that simulated time waits for.
        hold_until_s: when it stops waiting, on the clock's monotonic time.
        due_s: when the next tick is due, likewise.
    """

    run: Run
    simulation: Simulation
    in_force: InForce
    trigger_ticks: dict[str, int]
    open_triggers: set[str] = field(default_factory=set)
    hold_until_s: float = 0.0
    due_s: float = 0.0


def activate(run: Run, simulation: Simulation, in_force: InForce | None = None) -> ActiveRun:
    """A run made ready to be played; the benchmark is in force unless a decision is."""
    ticks = range(simulation.tick_count)
    return ActiveRun(
        run=run,
        simulation=simulation,
        in_force=in_force or simulation.benchmark(),
        trigger_ticks={
            trigger_id(run.run_id, trigger): tick
            for tick in ticks
            for trigger in simulation.triggers_at(tick)
        },
    )


class Playback:
    """Plays at most one run at a time. `play` must run as a task of its own.

    Whoever reads or changes `active` holds `lock`, and calls `changed_now` after a change.
    """

    def __init__(self, store: RunStore, clock: Clock) -> None:
        self.lock = asyncio.Lock()
        self.active: ActiveRun | None = None
        self._store = store
        self._clock = clock
        self._changed = asyncio.Event()

    @property
    def changed(self) -> asyncio.Event:
        """An event that is set at the next change; take it before looking, then wait for it."""
        return self._changed

    def changed_now(self) -> None:
        """Wakes everybody who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def recover(self) -> None:
        """Takes up the latest run where the store says it stands."""
        run = await self._store.get("")
        if run is None or run.state is RunState.STOPPED:
            return
        simulation = await asyncio.to_thread(Simulation, run.scenario)
        last = await self._store.latest_truth(run.run_id)
        active = activate(run, simulation, InForce(last.allocation) if last else None)
        active.open_triggers = await self._unanswered(active)
        if run.state in IN_PROGRESS:
            log.info("run recovered", run_id=run.run_id, tick=run.current_tick)
        self.begin(active)

    def begin(self, active: ActiveRun) -> None:
        """Plays this run from now on."""
        self.active = active
        self.restart_clock(active)
        self.changed_now()

    def restart_clock(self, active: ActiveRun) -> None:
        """Counts pace and holding time from now on, as after a pause."""
        now_s = self._clock.monotonic_s()
        active.due_s = now_s
        active.hold_until_s = now_s + active.run.order.answer_timeout_s

    async def play(self, stop: asyncio.Event) -> None:
        """Plays whatever run is active until `stop` is set."""
        while not stop.is_set():
            changed = self._changed
            try:
                async with self.lock:
                    wait_s = await self._step()
            except Unavailable as error:
                log.warning("store unavailable, simulated time stands still", error=str(error))
                wait_s = _STORE_WAIT_S
            if wait_s == 0:
                await asyncio.sleep(0)
            else:
                await self._wait(wait_s, changed, stop)

    async def _step(self) -> float | None:
        """Does what is due; how long nothing more will be, or None until something changes."""
        active = self.active
        if active is None or active.run.state is not RunState.RUNNING:
            return None
        run, now_s = active.run, self._clock.monotonic_s()
        if run.holding and active.open_triggers and now_s < active.hold_until_s:
            return active.hold_until_s - now_s
        if run.holding:
            await self._release(active)
            return 0.0
        if run.over:
            await self._save(active, lambda run: replace(run, state=RunState.FINISHED))
            log.info("run finished", run_id=run.run_id)
        elif run.pause_due:
            await self._save(active, Run.paused)
        elif now_s < active.due_s - _CLOCK_GRAIN_S:
            return active.due_s - now_s
        else:
            await self._advance(active)
        return 0.0

    async def _advance(self, active: ActiveRun) -> None:
        run, simulation = active.run, active.simulation
        tick = run.ticks_done
        rate_bps_hz = (
            simulation.secrecy_rate_bps_hz(tick, active.in_force)
            if simulation.visible_at(tick)
            else None
        )
        triggers = [
            (trigger_id(run.run_id, trigger), trigger) for trigger in simulation.triggers_at(tick)
        ]
        kpi = kpi_at(simulation, run.run_id, tick, rate_bps_hz)
        events: list[tuple[str, CloudEvent[EventData]]] = [
            (kpi.satellite_id, measurement_event(simulation, kpi, tick))
        ]
        events += [
            (beam_id(trigger.beam), trigger_event(simulation, run.run_id, trigger))
            for _, trigger in triggers
        ]
        holds = run.order.pace is Pace.LOCKSTEP and bool(triggers)
        played = replace(run, ticks_done=tick + 1, holding=holds)
        await self._store.advance(played, triggers, events, rate_bps_hz)
        active.run = played
        active.due_s += run.order.wall_period_s
        if holds:
            active.open_triggers = {name for name, _ in triggers}
            active.hold_until_s = self._clock.monotonic_s() + run.order.answer_timeout_s
        self.changed_now()

    async def _release(self, active: ActiveRun) -> None:
        """Lets simulated time pass on; what is still open was not answered in time."""
        unanswered = sorted(active.open_triggers)
        await self._save(
            active,
            lambda run: replace(
                run,
                holding=False,
                unanswered_count=run.unanswered_count + len(unanswered),
            ),
        )
        for name in unanswered:
            log.warning("trigger unanswered", trigger_id=name)
        active.open_triggers.clear()
        self.restart_clock(active)

    async def _save(self, active: ActiveRun, change: Callable[[Run], Run]) -> None:
        changed = change(active.run)
        await self._store.save(changed)
        active.run = changed
        self.changed_now()

    async def _unanswered(self, active: ActiveRun) -> set[str]:
        """Triggers of the current tick that the run still waits for."""
        run = active.run
        if not run.holding:
            return set()
        fired = [name for name, tick in active.trigger_ticks.items() if tick == run.current_tick]
        return set(fired) - await self._store.answered(fired)

    async def _wait(
        self, wait_s: float | None, changed: asyncio.Event, stop: asyncio.Event
    ) -> None:
        waits = [asyncio.ensure_future(changed.wait()), asyncio.ensure_future(stop.wait())]
        if wait_s is not None:
            waits.append(asyncio.ensure_future(self._clock.sleep(wait_s)))  # type: ignore[arg-type]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
