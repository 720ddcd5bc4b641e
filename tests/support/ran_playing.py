"""A simulator without a wire: procedures over a store, playing on a clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np

from nf_runtime.clock import Clock
from radio_math.context import Allocation
from ran_sim.outcomes import Decision, Outcome
from ran_sim.playback import Playback
from ran_sim.ports import RunStore
from ran_sim.procedures import RadioProcedures, RunProcedures
from ran_sim.runs import Run, RunState

_DEADLINE_S = 10.0


@dataclass
class Player:
    """One life of a simulator."""

    store: RunStore
    playback: Playback
    runs: RunProcedures
    radio: RadioProcedures

    @property
    def run(self) -> Run:
        """The run that is played, as it stands in memory."""
        active = self.playback.active
        if active is None:
            raise AssertionError("no run is played")
        return active.run

    @property
    def open_triggers(self) -> list[str]:
        """Triggers that simulated time waits for."""
        active = self.playback.active
        return sorted(active.open_triggers) if active and active.run.holding else []

    async def until(self, condition: Callable[[Run], bool]) -> None:
        """Returns when the run fulfils the condition; looks at every change."""
        async with asyncio.timeout(_DEADLINE_S):
            while True:
                changed = self.playback.changed
                if condition(self.run):
                    return
                await changed.wait()

    async def until_holding(self) -> list[str]:
        """Triggers of the next tick that waits for answers; none when the run ends first."""
        await self.until(lambda run: bool(self.open_triggers) or run.state is RunState.FINISHED)
        return self.open_triggers

    async def answer(self, trigger_id: str, seed: int = 0) -> Outcome:
        """Applies some decision that answers the trigger."""
        context = await self.radio.context(trigger_id)
        return await self.radio.apply(
            Decision(f"decision of {trigger_id}", context.context_id, trigger_id, allocation(seed))
        )

    async def answer_all(self) -> list[Outcome]:
        """Plays a lockstep run to its end."""
        outcomes = []
        while open_triggers := await self.until_holding():
            outcomes += [await self.answer(name) for name in open_triggers]
            answered = frozenset(open_triggers)
            await self.until(lambda _, answered=answered: answered.isdisjoint(self.open_triggers))
        return outcomes


def allocation(seed: int = 0) -> Allocation:
    """Something that may be put in force."""
    rng = np.random.default_rng(seed)
    return Allocation(
        carrier=np.arange(10) % 4,
        power_w=np.full(10, 3.0),
        beamformer_index=rng.uniform(0, 15, 10).astype(np.float32).astype(np.float64),
    )


@asynccontextmanager
async def playing(store: RunStore, clock: Clock) -> AsyncIterator[Player]:
    """A simulator that has recovered and plays; leaving it is a crash."""
    playback = Playback(store, clock)
    await playback.recover()
    task = asyncio.create_task(playback.play(asyncio.Event()))
    try:
        yield Player(
            store, playback, RunProcedures(store, playback), RadioProcedures(store, playback)
        )
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
