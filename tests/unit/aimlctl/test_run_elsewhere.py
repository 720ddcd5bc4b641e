"""A platform that others start and stop, as the compose file's."""

from pathlib import Path

import pytest
import yaml

from aimlctl.output import CommandError
from aimlctl.platform import down, up
from aimlctl.run_file import (
    RunFile,
    RunningProcess,
    read_run_file,
    read_supervision,
    run_file_path,
    runs_elsewhere,
    write_run_file,
)

DEPLOY = Path(__file__).parents[3] / "deploy"


def described(pid: int) -> RunFile:
    """A platform of one process."""
    return RunFile("127.0.0.1:9", {"oam": RunningProcess(pid, "127.0.0.1:50054", "")})


def test_process_id_zero_says_that_it_runs_elsewhere(tmp_path: Path) -> None:
    """What a supervisor of this machine wrote is its own; what has no process ids is not."""
    assert not runs_elsewhere(tmp_path)
    write_run_file(run_file_path(tmp_path), described(pid=812))
    assert not runs_elsewhere(tmp_path)
    write_run_file(run_file_path(tmp_path), described(pid=0))
    assert runs_elsewhere(tmp_path)


def test_what_runs_elsewhere_is_not_started_or_stopped_here(tmp_path: Path) -> None:
    """`up` would overwrite its addresses, `down` has nothing to stop; both refuse."""
    write_run_file(run_file_path(tmp_path), described(pid=0))
    with pytest.raises(CommandError, match="elsewhere"):
        up(state_dir=tmp_path, broker="embedded")
    with pytest.raises(CommandError, match="elsewhere"):
        down(state_dir=tmp_path)
    assert read_run_file(run_file_path(tmp_path)) == described(pid=0)


def test_the_described_ports_are_those_that_the_compose_file_publishes() -> None:
    """`deploy/aimlctl/` names each service's published port, and the broker's."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    published = {
        name.replace("-", "").replace("_", ""): service["ports"][0].rpartition(":")[0]
        for name, service in compose["services"].items()
        if "ports" in service
    }
    run = read_run_file(DEPLOY / "aimlctl" / "run.json")
    for name, process in run.processes.items():
        assert published[name.replace(".", "").replace("_", "")] == process.address
    assert published["kafka"] == run.broker
    assert read_supervision(DEPLOY / "aimlctl").embedded_broker_pid is None
