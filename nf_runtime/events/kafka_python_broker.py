"""The kafka-python client behind the port `nf_runtime.events.ports`.

Measured on librdkafka's in-memory cluster (the embedded broker) with kafka-python 3.0.12: version
detection fails, so the version is named there and only there; an empty fetch sleeps its whole
`fetch_max_wait_ms`; group joins take seconds, so partitions are assigned by hand everywhere.
"""

import socket
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import kafka
from kafka import errors
from kafka.structs import TopicPartition

from nf_runtime.config import ConfigurationError, KafkaSettings
from nf_runtime.events.cloud_event import Message
from nf_runtime.events.ports import (
    BrokerMissingError,
    Fetched,
    MessageRefusedError,
    Partition,
    Start,
    endpoints,
)

_PROBE_TIMEOUT_S = 2.0
_BLOCK_MS = 3_000
_EMBEDDED_VERSION = (2, 3)
# An idle subscriber costs 9 % of a core at 5 ms and 5 % at 20, and some functions have three.
_EMBEDDED_FETCH_WAIT_MS = 30
_FETCH_WAIT_MS = 100
_CLOSE_TIMEOUT_S = 1.0

_USELESS_TO_REPEAT = (
    errors.MessageSizeTooLargeError,
    errors.InvalidTopicError,
    errors.TopicAuthorizationFailedError,
    errors.InvalidRecordError,
    TypeError,
    ValueError,
)


class KafkaPythonBroker:
    """Opens kafka-python producers and consumers on one broker."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._endpoints = endpoints(settings)

    @property
    def address(self) -> str:
        """As configured."""
        return self._settings.bootstrap

    def open_writer(self) -> "KafkaPythonWriter":
        """A connected writer."""
        self._probe()
        return KafkaPythonWriter(
            _opened(
                partial(
                    kafka.KafkaProducer,
                    **self._shared(),
                    acks="all",
                    enable_idempotence=True,
                    max_block_ms=_BLOCK_MS,
                )
            )
        )

    def open_reader(self) -> "KafkaPythonReader":
        """A connected reader."""
        self._probe()
        wait_ms = _EMBEDDED_FETCH_WAIT_MS if self._settings.embedded else _FETCH_WAIT_MS
        return KafkaPythonReader(
            _opened(
                partial(
                    kafka.KafkaConsumer,
                    **self._shared(),
                    group_id=None,
                    enable_auto_commit=False,
                    # A stored offset that the log no longer has: lose nothing, ids drop the rest.
                    auto_offset_reset="earliest",
                    fetch_max_wait_ms=wait_ms,
                )
            )
        )

    def _shared(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": self._settings.bootstrap.split(","),
            "api_version": _EMBEDDED_VERSION if self._settings.embedded else None,
            "bootstrap_timeout_ms": _BLOCK_MS,
            "reconnect_backoff_max_ms": 1_000,
            "metrics_enabled": False,
        }

    def _probe(self) -> None:
        # The client's constructors leave their thread behind when nobody answers; find out first.
        failures = []
        for host, port in self._endpoints:
            try:
                socket.create_connection((host, port), timeout=_PROBE_TIMEOUT_S).close()
            except OSError as error:
                failures.append(f"{host}:{port}: {error.strerror or error}")
            else:
                return
        raise BrokerMissingError("; ".join(failures))


class KafkaPythonWriter:
    """An idempotent producer that waits for all replicas."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer

    def send(self, message: Message, done: Callable[[Exception | None], None]) -> None:
        """Queue a message in the producer's thread."""
        try:
            future = self._producer.send(
                message.topic,
                key=message.key,
                value=message.value,
                headers=list(message.headers),
            )
        except _USELESS_TO_REPEAT as error:
            raise MessageRefusedError(f"{message.topic}: {error}") from error
        except errors.KafkaError as error:
            raise BrokerMissingError(str(error)) from error
        future.add_callback(lambda _metadata: done(None))
        future.add_errback(lambda error: done(_judged(message.topic, error)))

    def close(self) -> None:
        """Close without waiting for what is not acknowledged."""
        try:
            self._producer.close(timeout=_CLOSE_TIMEOUT_S)
        except errors.KafkaTimeoutError:
            self._producer.close(timeout=0)


class KafkaPythonReader:
    """A consumer without a group."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._assigned: set[Partition] = set()

    def partitions(self, topics: Collection[str]) -> set[Partition]:
        """Ask the broker anew."""
        try:
            self._consumer.topics()
            return {
                Partition(topic, number)
                for topic in topics
                for number in self._consumer.partitions_for_topic(topic)
            }
        except errors.KafkaError as error:
            raise BrokerMissingError(str(error)) from error

    def ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Ask the broker anew."""
        try:
            ends = self._consumer.end_offsets([TopicPartition(*one) for one in partitions])
        except errors.KafkaError as error:
            raise BrokerMissingError(str(error)) from error
        return {Partition(one.topic, one.partition): end for one, end in ends.items()}

    def assign(self, starts: Mapping[Partition, int | Start]) -> None:
        """Add partitions; the positions of the others stay."""
        self._assigned |= set(starts)
        self._consumer.assign([TopicPartition(*partition) for partition in self._assigned])
        for partition, start in starts.items():
            where = TopicPartition(*partition)
            if start is Start.EARLIEST:
                self._consumer.seek_to_beginning(where)
            elif start is Start.LATEST:
                self._consumer.seek_to_end(where)
            else:
                self._consumer.seek(where, start)

    def poll(self, timeout_s: float) -> list[Fetched]:
        """What arrived, or nothing after `timeout_s`."""
        try:
            batches = self._consumer.poll(timeout_ms=round(timeout_s * 1000))
        except errors.KafkaError as error:
            raise BrokerMissingError(str(error)) from error
        return [
            Fetched(
                Partition(record.topic, record.partition),
                record.offset,
                record.key,
                tuple((name, value or b"") for name, value in record.headers),
                record.value,
            )
            for records in batches.values()
            for record in records
        ]

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close()


def _opened(construct: Callable[[], Any]) -> Any:
    try:
        return construct()
    except errors.KafkaConfigurationError as error:
        raise ConfigurationError(f"setting kafka: {error}") from error
    except errors.KafkaError as error:
        raise BrokerMissingError(str(error)) from error


def _judged(topic: str, error: Exception) -> Exception:
    if isinstance(error, _USELESS_TO_REPEAT):
        return MessageRefusedError(f"{topic}: {error}")
    return error
