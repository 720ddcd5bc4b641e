"""What exhaustive search on the same estimates would have achieved: the bound of a run.

Each applied decision has its ground truth: the estimate that it was made from and the true channel
that it was measured on. The search sees the estimate, its decision is scored on the truth. It is
heavy, so it runs in processes of its own: ``python -m aimlctl.bound TRUTHS RATES``.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from aimlctl.output import CommandError
from aimlnf.ransim.v1 import radio_pb2

TIMEOUT_S = 300.0
_BATCH = 8
_LENGTH = struct.Struct("<I")


def exhaustive_rates(truths: Sequence[radio_pb2.GroundTruth]) -> dict[str, float]:
    """Rate of the exhaustive decision on the true channel by decision id, in b/s/Hz.

    One process per core works on an even share.

    Raises:
        CommandError: the search failed.
    """
    with tempfile.TemporaryDirectory(prefix="aimlnf-bound-") as folder:
        return _searched(truths, Path(folder))


def _searched(truths: Sequence[radio_pb2.GroundTruth], folder: Path) -> dict[str, float]:
    workers = min(len(os.sched_getaffinity(0)), len(truths))
    started: list[tuple[subprocess.Popen[bytes], Path]] = []
    try:
        for number in range(workers):
            given, found = folder / f"truths-{number}.bin", folder / f"rates-{number}.json"
            write_truths(given, truths[number::workers])
            command = [sys.executable, "-m", "aimlctl.child", sys.executable, "-m", "aimlctl.bound"]
            process = subprocess.Popen(  # noqa: S603 - our own command line
                [*command, str(given), str(found)], stderr=subprocess.PIPE
            )
            started.append((process, found))
        rates: dict[str, float] = {}
        for process, found in started:
            _, stderr = process.communicate(timeout=TIMEOUT_S)
            if process.returncode != 0:
                words = stderr.decode(errors="replace").strip().splitlines() or ["no word"]
                raise CommandError(f"the exhaustive search failed: {words[-1]}")
            rates |= json.loads(found.read_text(encoding="utf-8"))
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"the exhaustive search took over {TIMEOUT_S:g} s") from error
    finally:
        for process, _ in started:
            if process.poll() is None:
                process.kill()
                process.communicate()
    return rates


def write_truths(path: Path, truths: Sequence[radio_pb2.GroundTruth]) -> None:
    """Writes the messages, each after its length."""
    with path.open("wb") as file:
        for truth in truths:
            content = truth.SerializeToString()
            file.write(_LENGTH.pack(len(content)))
            file.write(content)


def read_truths(path: Path) -> Iterator[radio_pb2.GroundTruth]:
    """The messages that `write_truths` wrote."""
    content = path.read_bytes()
    position = 0
    while position < len(content):
        (length,) = _LENGTH.unpack_from(content, position)
        position += _LENGTH.size
        yield radio_pb2.GroundTruth.FromString(content[position : position + length])
        position += length


def search(truths: Sequence[radio_pb2.GroundTruth]) -> Mapping[str, float]:
    """The rates by decision id."""
    # Only the processes that search pay for importing what it takes.
    import numpy as np  # noqa: PLC0415

    from ml_models.baselines.exhaustive import ExhaustiveSearch  # noqa: PLC0415
    from nf_runtime.wire import context_from_message  # noqa: PLC0415
    from radio_math.context import RadioContext  # noqa: PLC0415
    from radio_math.secrecy import sum_secrecy_rate  # noqa: PLC0415

    def batch(messages: Sequence[radio_pb2.RadioContext]) -> RadioContext:
        contexts = [context_from_message(message) for message in messages]
        fields = RadioContext.__dataclass_fields__
        return RadioContext(
            **{name: np.stack([getattr(c, name) for c in contexts]) for name in fields}
        )

    exhaustive = ExhaustiveSearch()
    rates: dict[str, float] = {}
    for start in range(0, len(truths), _BATCH):
        some = truths[start : start + _BATCH]
        allocation, _ = exhaustive.decide(batch([truth.estimate for truth in some]))
        achieved = sum_secrecy_rate(batch([truth.truth for truth in some]), allocation)
        for truth, rate_bps_hz in zip(some, achieved, strict=True):
            rates[truth.outcome.decision_id] = float(rate_bps_hz)
    return rates


def main(argv: Sequence[str]) -> None:
    """Reads truths from the first file and writes rates to the second."""
    truths, rates = (Path(argument) for argument in argv)
    rates.write_text(json.dumps(dict(search(list(read_truths(truths))))), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
