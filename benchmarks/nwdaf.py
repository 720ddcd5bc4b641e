"""The matching and notifying of the NWDAF beside what it is limited by, as ratios in one run.

Matching is compared with a loop over all subscriptions, the way of an event with a bare producer
and consumer of kafka-python on the same broker, the fan-out with a server that has a thread for
each stream and with one that is nothing but gRPC. Prints tables, asserts nothing:
``python -m benchmarks.nwdaf [--only PART] [--events N]``; by its file name it would hide the
package that it measures.
"""

import argparse
import asyncio
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kafka import KafkaConsumer, KafkaProducer
from sqlalchemy import Connection, insert, select

from aimlctl.figures import percentile
from aimlnf.nwdaf.v1 import events_subscription_pb2 as sub
from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as pb
from aimlnf.nwdaf.v1.events_subscription_service_pb2_grpc import EventsSubscriptionServiceStub
from benchmarks.nwdaf_matching import growth, matching
from benchmarks.ratios import show
from nf_runtime.client import open_sync_channel
from nf_runtime.clock import SystemClock
from nf_runtime.config import ClientSettings
from nf_runtime.database import Database
from nf_runtime.events.catalogue import DopplerSinrDrop, EventData
from nf_runtime.events.cloud_event import CloudEvent, encode
from nwdaf.anlf.adapters.sql_subscriptions import SqlSubscriptionStore
from nwdaf.anlf.adapters.sql_tables import METADATA, SUBSCRIPTIONS
from nwdaf.anlf.admission import admit
from nwdaf.anlf.app import MIGRATIONS
from nwdaf.anlf.subscriptions import Criteria, WatchedEvent

COUNT = 10_000
DIFFERENT = 50
STREAMS = 1_000
RESTART_LIMIT_S = 5.0
NOTIFICATIONS_PER_S = 10_000
CLOCK = SystemClock()


@contextmanager
def process(*arguments: str, ready: Path, folder: Path, **pipes: Any) -> Iterator[Any]:
    """A process that has written its ready file, until the block ends."""
    ready.unlink(missing_ok=True)
    with (folder / "processes.log").open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, *arguments], stderr=log, **{"stdout": log, **pipes}
        )
        try:
            while not ready.exists() or not ready.read_text():
                if running.poll() is not None:
                    raise RuntimeError(f"{arguments} ended; see {log.name}")
                time.sleep(0.01)
            yield running
        finally:
            running.terminate()
            running.wait()


@contextmanager
def anlf(folder: Path, kafka: dict[str, object]) -> Iterator[str]:
    """The address of an AnLF that serves."""
    ready, config = folder / "anlf.json", folder / "anlf.yaml"
    settings = {
        "server": {"port": 0, "metrics_port": 0, "drain_s": 1.0, "ready_file": str(ready)},
        "database": {"url": f"sqlite:///{folder / 'anlf.db'}"},
        "kafka": kafka,
        "subscriptions": {"per_consumer": 30_000, "total": 30_000},
        "log": {"level": "warning"},
    }
    config.write_text(yaml.safe_dump(settings))
    with process("-m", "nwdaf.anlf", "--config", str(config), ready=ready, folder=folder):
        yield json.loads(ready.read_text())["address"]


def kafka_of_the_tests() -> Any:
    """The module that starts it."""
    tests = str(Path(__file__).parent.parent / "tests")
    if tests not in sys.path:
        sys.path.append(tests)
    return importlib.import_module("support.kafka_node")


@contextmanager
def kafka_node(folder: Path) -> Iterator[dict[str, object]]:
    """Settings of a real Apache Kafka, started the way the tests start it."""
    node = kafka_of_the_tests().KafkaNode(folder)
    node.start()
    try:
        yield {"bootstrap": node.address, "log_identity": "benchmark"}
    finally:
        node.kill()


@contextmanager
def broker(folder: Path) -> Iterator[dict[str, object]]:
    """Settings of an embedded broker."""
    ready = folder / "broker.json"
    arguments = ("-m", "nf_runtime.embedded_broker", "--ready-file", str(ready))
    with process(*arguments, ready=ready, folder=folder):
        told = json.loads(ready.read_text())
        yield {
            "bootstrap": told["address"],
            "embedded": True,
            "log_identity": told["log_identity"],
        }


def trigger(number: int) -> CloudEvent[EventData]:
    """A Doppler trigger."""
    return CloudEvent(
        id=f"{uuid.uuid4().hex}/{number}",
        source="/benchmark",
        time=CLOCK.now(),
        data=DopplerSinrDrop(
            run_id="run",
            satellite_id="25544",
            beam_id=1,
            esim_id="esim-03",
            sim_offset_s=0.0,
            sinr_loss_db=4.0,
            threshold_db=3.0,
            doppler_hz=1.0,
            doppler_rate_hz_s=1.0,
            residual_doppler_hz=1.0,
            elevation_deg=40.0,
        ),
    )


def send(producer: KafkaProducer, number: int) -> None:
    """Publish a trigger; returns after the broker's acknowledgement."""
    message = encode(trigger(number), key="1")
    producer.send(message.topic, message.value, key=message.key, headers=list(message.headers)).get(
        10
    )


def subscribe(stub: EventsSubscriptionServiceStub) -> str:
    """The id of a subscription to Doppler triggers."""
    wanted = sub.EventsSubscription(event_subscriptions=[sub.EventSubscription(event="DOPPLER")])
    request = pb.CreateEventsSubscriptionRequest(subscription=wanted)
    return stub.CreateEventsSubscription(request).subscription.subscription_id


def latency(folder: Path, events: int) -> None:
    """From the record in Kafka to the notification at the consumer, in turns with bare Kafka."""
    with kafka_node(folder) as kafka, anlf(folder, kafka) as address:
        client = {"bootstrap_servers": kafka["bootstrap"]}
        producer = KafkaProducer(**client, linger_ms=0)
        bare = KafkaConsumer("bare", **client, auto_offset_reset="earliest")
        channel = open_sync_channel(address, settings=ClientSettings(deadline_s=60.0))
        stub = EventsSubscriptionServiceStub(channel)
        request = pb.WatchNotificationsRequest(subscription_id=subscribe(stub))
        stream = iter(stub.WatchNotifications(request))
        message = encode(trigger(0), key="1")

        def through_kafka() -> None:
            producer.send("bare", message.value, key=b"1", headers=list(message.headers)).get(10)
            next(bare)

        def through_anlf(number: int) -> None:
            send(producer, number)
            next(stream)

        through_kafka()
        through_anlf(0)
        times_ms: tuple[list[float], list[float]] = ([], [])
        for number in range(1, events + 1):
            before_s = CLOCK.monotonic_s()
            through_kafka()
            between_s = CLOCK.monotonic_s()
            through_anlf(number)
            times_ms[0].append(1e3 * (between_s - before_s))
            times_ms[1].append(1e3 * (CLOCK.monotonic_s() - between_s))
        channel.close()
        producer.close()
        bare.close()
    print(f"\n{events} events, milliseconds{'p50':>40}{'p95':>9}{'p99':>9}")
    for name, taken in zip(
        ("bare kafka-python", "record in, notification out"), times_ms, strict=True
    ):
        print(f"{name:<57}" + "".join(f"{percentile(taken, p):9.2f}" for p in (50, 95, 99)))
    ratio = percentile(times_ms[1], 99) / percentile(times_ms[0], 99)
    print(f"ratio of the p99: {ratio:.2f} (≤ 3)")


def fan_out(folder: Path, count: int) -> None:
    """Notifications a second to a thousand streams, ours and with a thread for each."""
    with broker(folder) as kafka, anlf(folder, kafka) as address:
        pid = json.loads((folder / "anlf.json").read_text())["pid"]
        channel = open_sync_channel(address, settings=ClientSettings(deadline_s=60.0))
        stub = EventsSubscriptionServiceStub(channel)
        producer = KafkaProducer(bootstrap_servers=kafka["bootstrap"], api_version=(2, 3))

        def tell() -> None:
            for number in range(1, count + 1):
                send(producer, number)

        ids = [subscribe(stub) for _ in range(STREAMS)]
        send(producer, 0)
        ours = read(folder, address, ids, count, tell, pid=pid)
        producer.close()
        channel.close()
    peer = read_peer("threads", folder, ids, count)
    bare = read_peer("bare", folder, ids, count)
    print(f"\n{STREAMS:,} streams, {count} notifications each (≥ {NOTIFICATIONS_PER_S:,}/s, ≥ 3)")
    print(f"{'':<34}{'a second':>10}{'ratio':>8}{'µs of processor each':>22}{'ratio':>8}")
    for name, (taken_s, used_s) in (
        ("a thread for each stream", peer),
        ("grpc.aio, bytes made beforehand", bare),
        ("ours", ours),
    ):
        total = STREAMS * count
        print(
            f"{name:<34}{total / taken_s:>10,.0f}{peer[0] / taken_s:>8.2f}"
            f"{1e6 * used_s / total:>22.1f}{peer[1] / used_s:>8.2f}"
        )


def read_peer(kind: str, folder: Path, ids: list[str], count: int) -> tuple[float, float]:
    """What `read` says of a server of `nwdaf_streams`."""
    ready = folder / f"{kind}.txt"
    arguments = ("-m", "benchmarks.nwdaf_streams", kind, str(ready), str(STREAMS), str(count))
    with process(*arguments, ready=ready, folder=folder, stdin=subprocess.PIPE) as server:

        def tell() -> None:
            server.stdin.write(b"\n")
            server.stdin.flush()

        return read(folder, ready.read_text(), ids, count, tell, pid=server.pid)


def read(
    folder: Path,
    address: str,
    ids: list[str],
    count: int,
    tell: Callable[[], None],
    *,
    pid: int,
) -> tuple[float, float]:
    """From the first notification to the last: seconds, and the server's processor seconds.

    On a busy host the latter say more: they leave out what it did for others.
    """
    file = folder / "ids.txt"
    file.write_text("\n".join(ids))
    arguments = (address, str(file), str(count))
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.nwdaf_reader", *arguments],
        stdout=subprocess.PIPE,
    ) as reader:
        if reader.stdout is None or reader.stdout.readline() != b"open\n":
            raise RuntimeError("the streams did not open")
        before_s = processor_s(pid)
        tell()
        taken_s = float(reader.stdout.readline())
        return taken_s, processor_s(pid) - before_s


def processor_s(pid: int) -> float:
    """What a process has used up to now."""
    # Behind the name, which may hold spaces, the fields 3 and on of proc_pid_stat(5).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def fill(url: str) -> None:
    """Subscriptions in a database: as many different ones as there are, each copied often."""
    database = Database(url, METADATA, MIGRATIONS)
    await database.open()
    store = SqlSubscriptionStore(database, clock=CLOCK, per_consumer=2 * COUNT, total=2 * COUNT)
    for number in range(DIFFERENT):
        watched = WatchedEvent("QOS_SUSTAINABILITY", threshold=float(number))
        asked = Criteria((watched,))
        admission = admit(asked, now=CLOCK.now())
        await store.create(asked, admission, request_id="", position=0)
    await database.transact(copy_all)
    await database.close()


def copy_all(connection: Connection) -> None:
    """Each subscription that is there again and again, under ids of its own."""
    rows = [dict(row) for row in connection.execute(select(SUBSCRIPTIONS)).mappings()]
    for row in rows:
        del row["position"]
    connection.execute(
        insert(SUBSCRIPTIONS),
        [
            {**row, "subscription_id": uuid.uuid4().hex}
            for _ in range(COUNT // DIFFERENT - 1)
            for row in rows
        ],
    )


def restart(folder: Path) -> None:
    """From the start of the process until it serves, empty and with many subscriptions."""
    kafka: dict[str, object] = {"bootstrap": "127.0.0.1:1"}
    taken_s: dict[str, list[float]] = {"empty": [], "full": []}
    asyncio.run(fill(f"sqlite:///{folder / 'full' / 'anlf.db'}"))
    for _ in range(3):
        for name, times_s in taken_s.items():
            (folder / name).mkdir(exist_ok=True)
            before_s = CLOCK.monotonic_s()
            with anlf(folder / name, kafka):
                times_s.append(CLOCK.monotonic_s() - before_s)
    empty_s, full_s = (statistics.median(times_s) for times_s in taken_s.values())
    print(f"\nstart with {COUNT:,} subscriptions {full_s:.2f} s (≤ {RESTART_LIMIT_S} s)")
    print(f"empty {empty_s:.2f} s, ratio {full_s / empty_s:.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500, help="events of the latency")
    parser.add_argument("--notifications", type=int, default=20, help="to each of the streams")
    parser.add_argument("--only", choices=("matching", "latency", "fan-out", "restart"))
    arguments = parser.parse_args()
    if arguments.only in (None, "matching"):
        show("NWDAF", matching())
        growth()
    with tempfile.TemporaryDirectory(prefix="aimlnf-bench-") as folder:
        for name, measure in (
            ("latency", lambda at: latency(at, arguments.events)),
            ("fan-out", lambda at: fan_out(at, arguments.notifications)),
            ("restart", restart),
        ):
            if arguments.only not in (None, name):
                continue
            at = Path(folder) / name
            at.mkdir()
            try:
                measure(at)
            except kafka_of_the_tests().KafkaNotHereError as error:
                print(f"\n{name} was not measured: {error}")


if __name__ == "__main__":
    main()
