"""A thousand consumers of notifications that cost as little as they can.

``python -m benchmarks.nwdaf_reader ADDRESS FILE COUNT`` opens a stream for each subscription id in
the file, says ``open`` when each has its first message, and then how many seconds passed from the
next message to the last of `COUNT` more for each.

A gRPC client in Python takes longer over a message than a server over sending it, and on two cores
the one would be measured for the other. So this speaks as much HTTP/2 (RFC 9113) and gRPC framing
as it takes to ask and to count: no compression of headers, no flow control but a window that never
closes. It checks that messages are whole, not what they say.
"""

import asyncio
import struct
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as pb
from nf_runtime.clock import SystemClock

CONNECTIONS = 8
METHOD = "/aimlnf.nwdaf.v1.EventsSubscriptionService/WatchNotifications"

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS = 0x1, 0x1, 0x4
_INITIAL_WINDOW_SIZE = 4  # the setting
_WIDEST_WINDOW, _FIRST_WINDOW = 2**31 - 1, 65_535
_FRAME_HEADER_BYTES, _PREFIX_BYTES = 9, 5
_UNCOMPRESSED = 0
_HEADERS_SENT = (
    (":method", "POST"),
    (":scheme", "http"),
    (":path", METHOD),
    (":authority", "benchmark"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
)


class Tally:
    """What all connections have seen."""

    def __init__(self, streams: int, count: int) -> None:
        self.first = 0
        self.later = 0
        self.begin_s = 0.0
        self.all_open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.took_s: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._clock = SystemClock()
        self._streams = streams
        self._wanted = streams * count

    def see(self, *, is_first: bool) -> None:
        """One more message."""
        if is_first:
            self.first += 1
            if self.first == self._streams:
                self.all_open.set_result(None)
            return
        if not self.later:
            self.begin_s = self._clock.monotonic_s()
        self.later += 1
        if self.later == self._wanted:
            self.took_s.set_result(self._clock.monotonic_s() - self.begin_s)

    def fail(self, why: str) -> None:
        """No more will come."""
        for awaited in (self.all_open, self.took_s):
            if not awaited.done():
                awaited.set_exception(RuntimeError(why))


class Connection(asyncio.Protocol):
    """Streams of one connection."""

    def __init__(self, subscription_ids: list[str], tally: Tally) -> None:
        self._asked = subscription_ids
        self._tally = tally
        self._unread = bytearray()
        self._open: set[int] = set()
        self._parts: dict[int, bytes] = {}  # of messages that have not come whole

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for all streams."""
        if not isinstance(transport, asyncio.WriteTransport):
            raise TypeError(transport)
        self._transport = transport
        window = struct.pack(">HI", _INITIAL_WINDOW_SIZE, _WIDEST_WINDOW)
        transport.write(_PREFACE + _frame(_SETTINGS, 0, 0, window))
        wider = struct.pack(">I", _WIDEST_WINDOW - _FIRST_WINDOW)
        transport.write(_frame(_WINDOW_UPDATE, 0, 0, wider))
        # Literal fields without indexing or Huffman coding, RFC 7541 6.2.2.
        headers = b"".join(b"\0" + _text(name) + _text(value) for name, value in _HEADERS_SENT)
        for number, subscription_id in enumerate(self._asked):
            stream = 2 * number + 1
            asked = pb.WatchNotificationsRequest(subscription_id=subscription_id)
            message = asked.SerializeToString()
            transport.write(_frame(_HEADERS, _END_HEADERS, stream, headers))
            prefix = struct.pack(">BI", _UNCOMPRESSED, len(message))
            transport.write(_frame(_DATA, _END_STREAM, stream, prefix + message))

    def data_received(self, data: bytes) -> None:
        """Count messages, and answer what wants to be answered."""
        for kind, flags, stream, payload in self._frames(data):
            if kind == _DATA:
                self._count(stream, payload)
            elif kind in (_SETTINGS, _PING) and not flags & _ACK:
                answer = payload if kind == _PING else b""
                self._transport.write(_frame(kind, _ACK, 0, answer))
            elif kind in (_RST_STREAM, _GOAWAY) or (kind == _HEADERS and flags & _END_STREAM):
                self._tally.fail(f"stream {stream} ended: {payload!r}")

    def _frames(self, data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
        unread, at = self._unread + data, 0
        while len(unread) - at >= _FRAME_HEADER_BYTES:
            length = int.from_bytes(unread[at : at + 3])
            end = at + _FRAME_HEADER_BYTES + length
            if end > len(unread):
                break
            stream = int.from_bytes(unread[at + 5 : at + _FRAME_HEADER_BYTES])
            yield (
                unread[at + 3],
                unread[at + 4],
                stream,
                bytes(unread[at + _FRAME_HEADER_BYTES : end]),
            )
            at = end
        self._unread = unread[at:]

    def _count(self, stream: int, payload: bytes) -> None:
        payload = self._parts.pop(stream, b"") + payload
        at = 0
        while len(payload) - at >= _PREFIX_BYTES:
            end = at + _PREFIX_BYTES + int.from_bytes(payload[at + 1 : at + _PREFIX_BYTES])
            if end > len(payload):
                break
            at = end
            self._tally.see(is_first=stream not in self._open)
            self._open.add(stream)
        if at < len(payload):
            self._parts[stream] = payload[at:]


def _same(connection: Connection) -> Connection:
    return connection


def _text(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + struct.pack(">BBI", kind, flags, stream) + payload


async def read(address: str, subscription_ids: list[str], count: int) -> None:
    """Open the streams, and count what comes."""
    host, _, port = address.rpartition(":")
    tally = Tally(len(subscription_ids), count)
    loop = asyncio.get_running_loop()
    transports = []
    for number in range(CONNECTIONS):
        mine = Connection(subscription_ids[number::CONNECTIONS], tally)
        transport, _ = await loop.create_connection(partial(_same, mine), host, int(port))
        transports.append(transport)
    await tally.all_open
    print("open", flush=True)
    print(await tally.took_s, flush=True)
    for transport in transports:
        transport.close()


if __name__ == "__main__":
    asked = Path(sys.argv[2]).read_text().split()
    asyncio.run(read(sys.argv[1], asked, int(sys.argv[3])))
