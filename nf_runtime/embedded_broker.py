"""An in-memory Kafka broker for demos and tests: librdkafka's mock cluster in its own process.

::

    python -m nf_runtime.embedded_broker --ready-file broker.json
    # {"name": "embedded_broker", "pid": 1, "address": "127.0.0.1:41123", "log_identity": "…"}

It ends with the process that started it. It keeps about 5 MB a partition, topics appear on first
use with four partitions, the port is random, and everything is lost at its end: give its clients
the `log_identity` that it writes, which is new at every start.
Not modelled: replication, retention, transactions across restarts, authentication, admin calls.
"""

import argparse
import json
import os
import signal
import sys
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

import structlog
from confluent_kafka import Producer

from nf_runtime.config import LogSettings
from nf_runtime.logs import configure_logs
from nf_runtime.process import die_with_parent

_START_TIMEOUT_S = 10.0

log = structlog.get_logger(__name__)


class EmbeddedBroker:
    """The broker lives as long as this object."""

    def __init__(self) -> None:
        # The mock cluster belongs to a client instance, which is otherwise idle.
        self._client = Producer(
            {
                "bootstrap.servers": "embedded.invalid:9092",
                "test.mock.num.brokers": 1,
                "log_level": 3,
            }
        )
        brokers = self._client.list_topics(timeout=_START_TIMEOUT_S).brokers
        broker = next(iter(brokers.values()))
        self.address = f"{broker.host}:{broker.port}"
        self.log_identity = f"embedded-{uuid.uuid4().hex}"


def main(argv: Sequence[str]) -> int:
    """Run until SIGTERM or SIGINT, or until the parent ends."""
    die_with_parent()
    parser = argparse.ArgumentParser(prog="python -m nf_runtime.embedded_broker")
    parser.add_argument("--ready-file", type=Path, required=True, metavar="FILE")
    arguments = parser.parse_args(argv)
    configure_logs(LogSettings(), nf_name="embedded_broker")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    broker = EmbeddedBroker()
    log.warning(
        "embedded broker for demos and tests only: it forgets everything when it ends",
        address=broker.address,
    )
    ready = {
        "name": "embedded_broker",
        "pid": os.getpid(),
        "address": broker.address,
        "log_identity": broker.log_identity,
    }
    unfinished = arguments.ready_file.with_name(f"{arguments.ready_file.name}.tmp")
    unfinished.write_text(json.dumps(ready), encoding="utf-8")
    unfinished.replace(arguments.ready_file)
    stop.wait()
    arguments.ready_file.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
