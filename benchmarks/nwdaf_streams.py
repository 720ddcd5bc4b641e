"""A thousand consumers of notifications, and the server with a thread for each that ours is beside.

``python -m benchmarks.nwdaf_streams read ADDRESS FILE COUNT`` opens a stream for each subscription
id in the file, and tells on stdout when each has its first message and how long `COUNT` more took.
``… threads READY STREAMS COUNT`` serves such streams with `grpc.server` and a queue and a thread
for each; every stream gets a message of its own making. It stores and matches nothing.
"""

import asyncio
import queue
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from aimlnf.nwdaf.v1 import events_subscription_pb2 as sub
from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as pb
from nf_runtime.clock import SystemClock

CHANNELS = 8
METHOD = "/aimlnf.nwdaf.v1.EventsSubscriptionService/WatchNotifications"


async def read(address: str, subscription_ids: list[str], count: int) -> None:
    """Count what comes; nothing is decoded, so that the reader costs as little as it can."""
    clock = SystemClock()
    first, last = asyncio.Event(), asyncio.Event()
    seen = {"first": 0, "later": 0}
    times_s: dict[str, float] = {}

    async def stream(channel: grpc.aio.Channel, subscription_id: str) -> None:
        request = pb.WatchNotificationsRequest(subscription_id=subscription_id)
        call: Any = channel.unary_stream(METHOD, _serialized)(request)
        await call.read()
        seen["first"] += 1
        if seen["first"] == len(subscription_ids):
            first.set()
        while await call.read() is not grpc.aio.EOF:
            if not seen["later"]:
                times_s["begin"] = clock.monotonic_s()
            seen["later"] += 1
            if seen["later"] == count * len(subscription_ids):
                times_s["end"] = clock.monotonic_s()
                last.set()

    channels = [
        grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(CHANNELS)
    ]
    tasks = [
        asyncio.create_task(stream(channels[number % CHANNELS], subscription_id))
        for number, subscription_id in enumerate(subscription_ids)
    ]
    await first.wait()
    print("open", flush=True)
    await last.wait()
    print(times_s["end"] - times_s["begin"], flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for channel in channels:
        await channel.close()


def _serialized(request: pb.WatchNotificationsRequest) -> bytes:
    return request.SerializeToString()


class ThreadPerStream:
    """A queue and a thread for each stream."""

    def __init__(self, streams: int) -> None:
        self.queues: list[queue.SimpleQueue[sub.EventNotification]] = []
        self.all_there = threading.Event()
        self._streams = streams

    def watch(
        self, request: pb.WatchNotificationsRequest, context: Any
    ) -> Iterator[pb.WatchNotificationsResponse]:
        """Whatever is put into the queue."""
        mine: queue.SimpleQueue[sub.EventNotification] = queue.SimpleQueue()
        self.queues.append(mine)
        if len(self.queues) == self._streams:
            self.all_there.set()
        sequence = 0
        while context.is_active():
            sequence += 1
            yield pb.WatchNotificationsResponse(
                notification=sub.Notification(
                    subscription_id=request.subscription_id,
                    sequence=sequence,
                    notification_id=f"{request.subscription_id}{sequence:032}",
                    event_notifications=[mine.get()],
                )
            )

    def tell_all(self) -> None:
        """One notification to every stream."""
        event = sub.EventNotification(
            event="DOPPLER",
            beam_id="1",
            satellite_id="25544",
            run_id="run",
            trigger_id="trigger",
            trigger_type="org.aimlnf.ran.doppler-sinr-drop.v1",
            observed_value=4.0,
            doppler=sub.DopplerReport(esim_id="esim-03", sinr_loss_db=4.0, doppler_hz=1.0),
        )
        for one in self.queues:
            one.put(event)


def serve_with_threads(ready: Path, streams: int, count: int) -> None:
    """Serve until stdin ends; each line that comes sends `count` notifications to all."""
    servicer = ThreadPerStream(streams)
    server = grpc.server(ThreadPoolExecutor(max_workers=streams + 8))
    handler = grpc.unary_stream_rpc_method_handler(
        servicer.watch,
        request_deserializer=pb.WatchNotificationsRequest.FromString,
        response_serializer=pb.WatchNotificationsResponse.SerializeToString,
    )
    service, method = METHOD.strip("/").split("/")
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {method: handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ready.write_text(f"127.0.0.1:{port}")
    servicer.all_there.wait()
    servicer.tell_all()
    for _ in sys.stdin:
        for _ in range(count):
            servicer.tell_all()
    server.stop(grace=0)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["read", address, file, count]:
            asyncio.run(read(address, Path(file).read_text().split(), int(count)))
        case ["threads", ready, streams, count]:
            serve_with_threads(Path(ready), int(streams), int(count))
