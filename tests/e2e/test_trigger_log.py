"""Two runs with one seed publish the same bytes."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.waiting import wait_until

from aimlctl.scenario_orders import SCENARIO_FOLDER, read_order
from aimlctl.topics import SeenEvent, TopicReader
from aimlnf.ransim.v1 import radio_service_pb2 as radio
from aimlnf.ransim.v1 import run_pb2
from aimlnf.ransim.v1.radio_service_pb2_grpc import RadioServiceStub
from nf_runtime.client import open_sync_channel
from nf_runtime.config import ClientSettings, KafkaSettings
from nf_runtime.events.broker import Start, broker_of
from nf_runtime.events.catalogue import RAN_TRIGGERS

pytestmark = pytest.mark.slow

START_TIMEOUT_S = 60.0


@contextmanager
def process(folder: Path, name: str, *arguments: str) -> Iterator[Any]:
    """What a module's process writes into its ready file."""
    ready = folder / f"{name}.json"
    with (folder / f"{name}.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", *arguments], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_until(ready.exists, timeout_s=START_TIMEOUT_S, what=name)
        yield json.loads(ready.read_text())
    finally:
        running.terminate()
        running.wait(30)


def trigger_log(folder: Path, *, seed: int) -> list[bytes]:
    """The trigger records of one pass on a broker and a simulator of its own, as bytes."""
    folder.mkdir()
    ready = str(folder / "broker.json")
    with ExitStack() as stack:
        broker = stack.enter_context(
            process(folder, "broker", "nf_runtime.embedded_broker", "--ready-file", ready)
        )
        kafka = {
            "bootstrap": broker["address"],
            "embedded": True,
            "log_identity": broker["log_identity"],
        }
        settings = {
            "server": {"port": 0, "metrics_port": 0, "ready_file": str(folder / "ran_sim.json")},
            "kafka": kafka,
            "database": {"url": f"sqlite:///{folder / 'runs.db'}"},
        }
        config = folder / "ran_sim.yaml"
        config.write_text(yaml.safe_dump(settings))
        simulator = stack.enter_context(
            process(folder, "ran_sim", "ran_sim", "--config", str(config))
        )
        channel = open_sync_channel(simulator["address"], settings=ClientSettings())
        stack.callback(channel.close)
        radio_stub = RadioServiceStub(channel)
        order = read_order(SCENARIO_FOLDER / "demo-pass.yaml", duration_s=60, seed=seed)
        request = radio.StartRunRequest()
        request.CopyFrom(order.request)
        request.request_id = str(uuid.uuid4())
        request.pace = run_pb2.PACE_SCALED
        request.speed_factor = 0
        radio_stub.StartRun(request)
        reader = TopicReader(
            broker_of(KafkaSettings(**kafka)), [RAN_TRIGGERS], start=Start.EARLIEST
        )
        stack.enter_context(reader)
        seen: list[SeenEvent] = []

        def is_complete() -> bool:
            seen.extend(reader.poll(0.1))
            run = radio_stub.GetRun(radio.GetRunRequest()).run
            published = sum(count.published_count for count in run.trigger_counts)
            return run.state == run_pb2.RUN_STATE_FINISHED and len(seen) >= published > 0

        wait_until(is_complete, timeout_s=START_TIMEOUT_S, what="the end of the pass")
    return sorted(record_bytes(one) for one in seen)


def record_bytes(seen: SeenEvent) -> bytes:
    """Key, headers and value of a record, without the transport's own headers."""
    headers = [(name, value) for name, value in seen.raw.headers if not name.startswith("x-")]
    return repr((seen.partition, seen.raw.key, headers, seen.raw.value)).encode()


def test_same_seed_publishes_the_same_bytes(tmp_path: Path) -> None:
    """Two simulators on two brokers publish byte-identical triggers; another seed does not."""
    first = trigger_log(tmp_path / "first", seed=7)
    second = trigger_log(tmp_path / "second", seed=7)
    other = trigger_log(tmp_path / "other", seed=8)
    assert first == second
    assert first != other
    assert len(first) > 20
