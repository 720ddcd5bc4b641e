"""The servers that the fan-out of ours is beside; they store and match nothing.

``python -m benchmarks.nwdaf_streams KIND READY STREAMS COUNT`` serves

- ``threads``: with `grpc.server` and a queue and a thread for each stream, each of which gets
  messages of its own making;
- ``bare``: with `grpc.aio` and a queue for each stream, all of which get the same bytes, made
  beforehand: what is left to whoever builds on it.
"""

import asyncio
import queue
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from aimlnf.nwdaf.v1 import events_subscription_pb2 as sub
from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as pb

METHOD = "/aimlnf.nwdaf.v1.EventsSubscriptionService/WatchNotifications"


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
        event = event_notification()
        for one in self.queues:
            one.put(event)


class Bare:
    """A queue for each stream."""

    def __init__(self, streams: int) -> None:
        self.queues: list[asyncio.Queue[bytes]] = []
        self.all_there = asyncio.Event()
        self._streams = streams

    async def watch(self, request: bytes, context: Any) -> AsyncIterator[bytes]:  # noqa: ARG002
        """Whatever is put into the queue."""
        mine: asyncio.Queue[bytes] = asyncio.Queue()
        self.queues.append(mine)
        if len(self.queues) == self._streams:
            self.all_there.set()
        while True:
            yield await mine.get()
            mine.task_done()

    def tell_all(self) -> None:
        """One notification to every stream."""
        message = pb.WatchNotificationsResponse(
            notification=sub.Notification(
                subscription_id=uuid.uuid4().hex,
                sequence=1,
                notification_id=uuid.uuid4().hex,
                event_notifications=[event_notification()],
            )
        ).SerializeToString()
        for one in self.queues:
            one.put_nowait(message)


def event_notification() -> sub.EventNotification:
    """What all are told."""
    return sub.EventNotification(
        event="DOPPLER",
        beam_id="1",
        satellite_id="25544",
        run_id="run",
        trigger_id="trigger",
        trigger_type="org.aimlnf.ran.doppler-sinr-drop.v1",
        observed_value=4.0,
        doppler=sub.DopplerReport(esim_id="esim-03", sinr_loss_db=4.0, doppler_hz=1.0),
    )


def serve_with_threads(ready: Path, streams: int, count: int) -> None:
    """Serve until stdin ends; each line that comes sends `count` notifications to all."""
    servicer = ThreadPerStream(streams)
    server = grpc.server(ThreadPoolExecutor(max_workers=streams + 8))
    handler = grpc.unary_stream_rpc_method_handler(
        servicer.watch,
        request_deserializer=pb.WatchNotificationsRequest.FromString,
        response_serializer=pb.WatchNotificationsResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers((handlers(handler),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ready.write_text(f"127.0.0.1:{port}")
    servicer.all_there.wait()
    servicer.tell_all()
    for _ in sys.stdin:
        for _ in range(count):
            servicer.tell_all()
    server.stop(grace=0)


async def serve_bare(ready: Path, streams: int, count: int) -> None:
    """The same on one event loop; one notification is sent before the next."""
    servicer, server = Bare(streams), grpc.aio.server()
    server.add_generic_rpc_handlers(
        (handlers(grpc.unary_stream_rpc_method_handler(servicer.watch)),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await asyncio.to_thread(ready.write_text, f"127.0.0.1:{port}")
    await servicer.all_there.wait()
    servicer.tell_all()
    while await asyncio.to_thread(sys.stdin.readline):
        for _ in range(count):
            servicer.tell_all()
            for one in servicer.queues:
                await one.join()
    await server.stop(grace=0)


def handlers(handler: Any) -> Any:
    """The one method that is served."""
    service, method = METHOD.strip("/").split("/")
    return grpc.method_handlers_generic_handler(service, {method: handler})


if __name__ == "__main__":
    kind, ready, streams, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    if kind == "bare":
        asyncio.run(serve_bare(ready, streams, count))
    else:
        serve_with_threads(ready, streams, count)
