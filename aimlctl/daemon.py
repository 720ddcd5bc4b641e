"""``python -m aimlctl.daemon``: the supervisor of ``aimlctl up``, in a process of its own."""

import argparse
import random
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from aimlctl.lock import SupervisorLock
from aimlctl.nf_settings import PlatformSettings, Settings
from aimlctl.options import EMBEDDED
from aimlctl.output import CommandError
from aimlctl.supervisor import BrokerLife, Listener, Supervisor
from nf_runtime.clock import SystemClock
from nf_runtime.config import LogSettings
from nf_runtime.logs import configure_logs

# A laptop takes 0.1 s for the exhaustive search of one sample at one of the six powers.
LOCAL_OVERRIDES: dict[str, Settings] = {"oam": {"testing": {"sample_count": 24}}}
RUNTIMES = ("auto", "onnxruntime", "tensorrt")

log = structlog.get_logger(__name__)


def build_supervisor(
    state_dir: Path,
    *,
    broker: str,
    with_gateway: bool,
    default_ports: bool,
    overrides: Mapping[str, Settings],
    listener: Listener,
) -> Supervisor:
    """A supervisor of all functions, over the embedded broker or the one at HOST:PORT."""
    settings = PlatformSettings(
        state_dir,
        with_gateway=with_gateway,
        default_ports=default_ports,
        overrides=overrides,
        rng=random.Random(),
    )
    external = BrokerLife(bootstrap=broker, log_identity=f"broker:{broker}", embedded=False)
    return Supervisor(
        state_dir,
        broker=settings.broker if broker == EMBEDDED else external,
        functions=settings.functions,
        listener=listener,
        clock=SystemClock(),
    )


def runtime_overrides(runtime: str) -> dict[str, Settings]:
    """Settings that make the inference function use this engine."""
    if runtime not in RUNTIMES:
        raise CommandError(f"--runtime is {runtime!r}; use {', '.join(RUNTIMES)}")
    return {"inference_nf": {"engine": {"kind": runtime}}}


def main(argv: Sequence[str]) -> int:
    """Runs until SIGTERM or SIGINT; the last line of stderr says why it could not."""
    parser = argparse.ArgumentParser(prog="python -m aimlctl.daemon")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--runtime", choices=RUNTIMES, required=True)
    arguments = parser.parse_args(argv)
    configure_logs(LogSettings(format="json"), nf_name="supervisor")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    lock = SupervisorLock(arguments.state_dir)
    if not lock.take():
        sys.stderr.write(f"another supervisor runs in {arguments.state_dir}\n")
        return 1
    try:
        supervisor = build_supervisor(
            arguments.state_dir,
            broker=arguments.broker,
            with_gateway=True,
            default_ports=True,
            overrides=LOCAL_OVERRIDES | runtime_overrides(arguments.runtime),
            listener=log.info,
        )
        supervisor.run(stop)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
