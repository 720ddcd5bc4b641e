"""A platform to work with: one that runs already, or one of one's own for a while."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from aimlctl.bound import exhaustive_rates
from aimlctl.daemon import build_supervisor, runtime_overrides
from aimlctl.figures import even_sample
from aimlctl.flight import Flight
from aimlctl.nf_settings import Settings
from aimlctl.observer import Observer
from aimlctl.operator_desk import OperatorDesk
from aimlctl.options import DEFAULT_MODEL
from aimlctl.peers import Peers
from aimlctl.record import DemoRecord, Stretch, Switch
from aimlctl.run_file import read_run_file, read_supervision, run_file_path
from aimlctl.scenario_orders import ScenarioOrder
from aimlctl.supervisor import SupervisorThread
from aimlctl.topics import TopicReader, broker_settings
from aimlctl.views import View
from nf_runtime.clock import Clock
from nf_runtime.events.broker import Start, broker_of
from nf_runtime.events.catalogue import INFERENCE_REPORTS, RAN_TRIGGERS

UP_TIMEOUT_S = 90.0
# Searched exhaustively: all decisions of a usual pass, an even sample of more.
MOST_SEARCHED = 160


@contextmanager
def own_platform(
    state_dir: Path,
    *,
    broker: str,
    runtime: str,
    overrides: Mapping[str, Settings],
    view: View,
    clock: Clock,
) -> Iterator[None]:
    """All network functions serve within the context, and are stopped at its end.

    Raises:
        CommandError: one of them cannot start.
    """
    supervisor = build_supervisor(
        state_dir,
        broker=broker,
        with_gateway=False,
        default_ports=False,
        overrides={**overrides, **runtime_overrides(runtime)},
        listener=view.note,
    )
    thread = SupervisorThread(supervisor)
    with thread:
        thread.wait_until_serving(timeout_s=UP_TIMEOUT_S, clock=clock)
        yield


class Session:
    """One run on the platform of a state directory, from before its start to its record."""

    def __init__(
        self,
        state_dir: Path,
        *,
        order: ScenarioOrder,
        actor: str,
        view: View,
        clock: Clock,
        started_at: datetime,
    ) -> None:
        self._state_dir = state_dir
        self._order = order
        self._view = view
        run = read_run_file(run_file_path(state_dir))
        with ExitStack() as stack:
            peers = Peers(run)
            stack.callback(peers.close)
            topics = TopicReader(
                broker_of(broker_settings(run, state_dir)),
                [RAN_TRIGGERS, INFERENCE_REPORTS],
                start=Start.LATEST,
            )
            stack.callback(topics.close)
            # What is on the topics by now is not of this run.
            topics.skip_past()
            self.observer = Observer(
                peers, topics, model=DEFAULT_MODEL, view=view, clock=clock, started_at=started_at
            )
            self.observer.skip_the_past()
            self.desk = OperatorDesk(
                peers, self.observer, view=view, model=DEFAULT_MODEL, actor=actor, clock=clock
            )
            self.flight = Flight(peers, self.observer, order=order, clock=clock)
            self._open = stack.pop_all()

    def close(self) -> None:
        """Lets go of all connections."""
        self._open.close()

    def record(self, switches: Sequence[Switch]) -> DemoRecord:
        """What was seen, once the run has ended and settled; searches for the bound."""
        observer, order = self.observer, self._order
        run = observer.run()
        counts, ticks, engine = observer.counts(run), observer.ticks(), observer.engine()
        bound = self._bound()
        platform = read_run_file(run_file_path(self._state_dir))
        starts = read_supervision(self._state_dir).starts
        stretches: tuple[Stretch, ...] = self.flight.stretches
        return DemoRecord(
            scenario=order.name,
            seed=order.seed,
            duration_s=order.duration_s,
            engine=engine,
            wall_time_s=observer.now_s(),
            steps=tuple(observer.steps),
            adaptations=self.desk.followed,
            stretches=stretches,
            switches=tuple(switches),
            triggers=tuple(observer.triggers.values()),
            decisions=tuple(observer.decisions.values()),
            ticks=tuple(ticks),
            counts=counts,
            exhaustive_bps_hz=bound,
            hops_ms=observer.hops_by_name(),
            processes={
                name: (process.pid, process.address)
                for name, process in sorted(platform.processes.items())
            },
            restarts={name: count - 1 for name, count in starts.items()},
        )

    def _bound(self) -> dict[str, float]:
        observer = self.observer
        sample = even_sample(list(observer.decisions), MOST_SEARCHED)
        if not sample:
            return {}
        self._view.act("Every decision is held against exhaustive search")
        self._view.note(
            f"{len(sample)} of {len(observer.decisions)} estimates are searched on "
            f"{len(os.sched_getaffinity(0))} cores"
        )
        truths = [observer.truth_of(decision_id) for decision_id in sample]
        return exhaustive_rates(truths)
