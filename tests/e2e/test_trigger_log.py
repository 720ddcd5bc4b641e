"""Two runs with one seed publish the same bytes."""

from pathlib import Path

import pytest
from support.lone_simulator import lone_trigger_log

from aimlctl.topics import SeenEvent

pytestmark = pytest.mark.slow


def record_bytes(seen: SeenEvent) -> bytes:
    """Key, headers and value of a record, without the transport's own headers."""
    headers = [(name, value) for name, value in seen.raw.headers if not name.startswith("x-")]
    return repr((seen.partition, seen.raw.key, headers, seen.raw.value)).encode()


def trigger_log(folder: Path, seed: int) -> list[bytes]:
    """The trigger records of a minute of the demo's pass, as bytes."""
    seen = lone_trigger_log(folder, scenario="demo-pass.yaml", duration_s=60.0, seed=seed)
    return sorted(record_bytes(one) for one in seen)


def test_same_seed_publishes_the_same_bytes(tmp_path: Path) -> None:
    """Two simulators on two brokers publish byte-identical triggers; another seed does not."""
    first = trigger_log(tmp_path / "first", seed=7)
    second = trigger_log(tmp_path / "second", seed=7)
    other = trigger_log(tmp_path / "other", seed=8)
    assert first == second
    assert first != other
    assert len(first) > 20
