"""A simulator on a broker of its own, with nobody to answer it: what it publishes, byte by byte."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml
from support.waiting import wait_until

from aimlctl.figures import trigger_log_sha256
from aimlctl.record import TriggerSeen
from aimlctl.scenario_orders import SCENARIO_FOLDER, read_order
from aimlctl.topics import SeenEvent, TopicReader
from aimlnf.ransim.v1 import radio_service_pb2 as radio
from aimlnf.ransim.v1 import run_pb2
from aimlnf.ransim.v1.radio_service_pb2_grpc import RadioServiceStub
from nf_runtime.client import open_sync_channel
from nf_runtime.config import ClientSettings, KafkaSettings
from nf_runtime.events.broker import Start, broker_of
from nf_runtime.events.catalogue import RAN_TRIGGERS

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


def lone_trigger_log(
    folder: Path, *, scenario: str, duration_s: float, seed: int | None = None
) -> list[SeenEvent]:
    """The trigger records of one pass, as fast as possible."""
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
        order = read_order(SCENARIO_FOLDER / scenario, duration_s=duration_s, seed=seed)
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
    return seen


def lone_trigger_log_sha256(folder: Path, *, scenario: str, duration_s: float) -> str:
    """Digest of that log, as a demo's document has it."""
    seen = lone_trigger_log(folder, scenario=scenario, duration_s=duration_s)
    return trigger_log_sha256(
        TriggerSeen(
            one.event.id,
            one.event.type,
            getattr(one.event.data, "sim_offset_s", 0.0),
            one.content_sha256,
        )
        for one in seen
        if one.event is not None
    )
