"""The server with a thread for each stream that the fan-out of ours is beside.

``python -m benchmarks.nwdaf_streams READY STREAMS COUNT`` serves with `grpc.server` and a queue and
a thread for each stream, each of which gets messages of its own making. It stores and matches
nothing.
"""

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
    serve_with_threads(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
