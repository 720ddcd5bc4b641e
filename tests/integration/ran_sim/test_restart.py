"""The simulator as a process that is killed without warning, with a real broker."""

import asyncio
import json
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from support.passes import pass_scenario
from support.ran_playing import allocation
from support.waiting import until

from aimlnf.ransim.v1 import radio_service_pb2 as wire
from aimlnf.ransim.v1 import run_pb2
from aimlnf.ransim.v1.radio_service_pb2_grpc import RadioServiceStub
from nf_runtime.client import keep_trying, open_channel
from nf_runtime.clock import SystemClock
from nf_runtime.config import ClientSettings, KafkaSettings
from nf_runtime.errors import Unavailable
from nf_runtime.events.broker import Start
from nf_runtime.events.catalogue import RAN_MEASUREMENTS, RAN_TRIGGERS
from nf_runtime.events.cloud_event import encode
from nf_runtime.events.subscriber import EventSubscriber
from nf_runtime.wire import allocation_to_message
from ran_sim.events import trigger_event
from ran_sim.messages import order_to_message
from ran_sim.runs import Pace, RunOrder
from ran_sim.simulation import Simulation

SCENARIO = pass_scenario()
RUN_ID = "test-pass-3-1"


@dataclass
class Process:
    """A simulator that can be killed and started again over the same database."""

    folder: Path
    broker: KafkaSettings
    lives: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Begins a life."""
        self.lives += 1
        config = self.folder / "ran_sim.yaml"
        document = {
            "server": {"port": 0, "metrics_port": None, "ready_file": str(self.ready)},
            "kafka": self.broker.model_dump(),
            "database": {"url": f"sqlite:///{self.folder / 'ran_sim.db'}"},
            "log": {"format": "json"},
        }
        config.write_text(yaml.safe_dump(document))
        with (self.folder / f"life-{self.lives}.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ran_sim", "--config", str(config)],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def ready(self) -> Path:
        """Where this life says that it serves."""
        return self.folder / f"ready-{self.lives}.json"

    def end(self, number: signal.Signals) -> int:
        """Ends this life; the exit status."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        status = self._process.wait(timeout=20)
        self._process = None
        return status

    async def address(self) -> str:
        """Where this life listens."""
        await until(self.ready.exists, timeout_s=30.0, what="the simulator")
        address: str = json.loads(self.ready.read_text())["address"]
        return address


@pytest.fixture
def process(tmp_path: Path, embedded_broker: KafkaSettings) -> Iterator[Process]:
    """A running simulator."""
    process = Process(tmp_path, embedded_broker)
    process.start()
    yield process
    process.end(signal.SIGKILL)


@pytest.fixture
async def events(embedded_broker: KafkaSettings) -> AsyncIterator[dict[str, bytes]]:
    """What has been published so far, value by event identity; a change of value is an error."""
    seen: dict[str, bytes] = {}

    async def read() -> None:
        topics = [RAN_TRIGGERS, RAN_MEASUREMENTS]
        async with EventSubscriber(
            embedded_broker, topics, start=Start.EARLIEST, clock=SystemClock()
        ) as records:
            async for record in records:
                assert record.event is not None
                value = record.raw.value or b""
                assert seen.setdefault(record.event.id, value) == value

    task = asyncio.create_task(read())
    yield seen
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def expected_triggers() -> dict[str, bytes]:
    """What the run must publish, whatever happens to the process."""
    simulation = Simulation(SCENARIO)
    made = [
        trigger_event(simulation, RUN_ID, trigger)
        for tick in range(simulation.tick_count)
        for trigger in simulation.triggers_at(tick)
    ]
    return {event.id: encode(event, key="").value for event in made}


def triggers_of(events: dict[str, bytes]) -> dict[str, bytes]:
    """The triggers among the events."""
    return {name: value for name, value in events.items() if ".measurement." not in name}


async def run_of(process: Process) -> run_pb2.Run | None:
    """The run as it stands; None while the process is down."""
    async with open_channel(
        await process.address(), settings=ClientSettings(attempts=1)
    ) as channel:
        try:
            return (await RadioServiceStub(channel).GetRun(wire.GetRunRequest())).run  # type: ignore[no-any-return]
        except Unavailable:
            return None


@pytest.mark.prove
async def test_killed_again_and_again_no_event_is_lost(
    process: Process, events: dict[str, bytes], round_seed: int
) -> None:
    """Three kills within a pass: every event is published, byte for byte as without them."""
    order = RunOrder(SCENARIO, Pace.SCALED, speed_factor=20.0)
    async with open_channel(await process.address(), settings=ClientSettings()) as channel:
        await RadioServiceStub(channel).StartRun(order_to_message(order, "request-1"))
    for tick in sorted(random.Random(round_seed).sample(range(2, 55), 3)):
        await until(lambda tick=tick: f"{tick}" in _ticks(events), timeout_s=30.0)  # type: ignore[misc]
        process.end(signal.SIGKILL)
        process.start()
    await until(lambda: len(_ticks(events)) == 60, timeout_s=60.0)
    await until(lambda: triggers_of(events) == expected_triggers(), timeout_s=30.0)
    run = await run_of(process)
    assert run is not None
    assert run.run_id == RUN_ID
    assert run.sim_offset.seconds >= 59
    assert process.end(signal.SIGTERM) == 0


async def test_lockstep_through_kills(process: Process, events: dict[str, bytes]) -> None:
    """Killed before and after every other answer, the run waits on and achieves the same."""
    order = RunOrder(SCENARIO, Pace.LOCKSTEP, speed_factor=0.0, answer_timeout_s=600.0)
    stop = asyncio.Event()
    async with open_channel(await process.address(), settings=ClientSettings()) as channel:
        await RadioServiceStub(channel).StartRun(order_to_message(order, "request-1"))
    names = list(expected_triggers())
    simulation, in_force = Simulation(SCENARIO), None
    for number, name in enumerate(names[:8]):
        await until(lambda name=name: name in events, timeout_s=30.0, what=name)  # type: ignore[misc]
        if number % 2:
            process.end(signal.SIGKILL)
            process.start()
        async with open_channel(await process.address(), settings=ClientSettings()) as channel:
            stub = RadioServiceStub(channel)
            asked = wire.GetRadioContextRequest(trigger_id=name)
            answer = await keep_trying(
                lambda stub=stub, asked=asked: stub.GetRadioContext(asked),  # type: ignore[misc]
                what="ran_sim",
                clock=SystemClock(),
                stop=stop,
            )
            assert answer is not None
            decided = allocation(number)
            outcome = (
                await stub.ApplyDecision(
                    wire.ApplyDecisionRequest(
                        decision_id=name,
                        context_id=answer.context.context_id,
                        trigger_id=name,
                        allocation=allocation_to_message(decided),
                    )
                )
            ).outcome
        tick = outcome.sim_offset.seconds
        before = in_force or simulation.benchmark()
        assert outcome.before_bps_hz == simulation.secrecy_rate_bps_hz(tick, before)
        in_force = type(before)(decided)
        assert outcome.after_bps_hz == simulation.secrecy_rate_bps_hz(tick, in_force)
    run = await run_of(process)
    assert run is not None
    assert run.applied_count == 8
    assert run.unanswered_count == 0


def _ticks(events: dict[str, bytes]) -> set[str]:
    return {name.rsplit("/", 1)[1] for name in events if ".measurement." in name}
