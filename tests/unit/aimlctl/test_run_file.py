"""run.json: who runs where."""

import json
import threading
from pathlib import Path

import pytest

from aimlctl.output import CommandError
from aimlctl.run_file import RunFile, RunningProcess, read_run_file, write_run_file

RUN = RunFile(
    broker="127.0.0.1:39125",
    processes={"oam": RunningProcess(pid=812, address="127.0.0.1:50054", metrics="127.0.0.1:9154")},
)


def test_run_file_has_the_documented_form(tmp_path: Path) -> None:
    """Other programs find broker and processes under the documented keys."""
    path = tmp_path / "run.json"
    write_run_file(path, RUN)
    assert json.loads(path.read_text()) == {
        "broker": "127.0.0.1:39125",
        "processes": {
            "oam": {"pid": 812, "address": "127.0.0.1:50054", "metrics": "127.0.0.1:9154"}
        },
    }


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    """Reading gives back what was written."""
    path = tmp_path / "run.json"
    write_run_file(path, RUN)
    assert read_run_file(path) == RUN


def test_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """While the file is rewritten again and again, each reading finds a whole one."""
    path = tmp_path / "run.json"
    write_run_file(path, RUN)
    many = RunFile(
        broker="127.0.0.1:1",
        processes={f"nf-{i}": RunningProcess(i, f"127.0.0.1:{i}", "") for i in range(500)},
    )
    done = threading.Event()

    def rewrite() -> None:
        for _ in range(100):
            write_run_file(path, many)
            write_run_file(path, RUN)
        done.set()

    writer = threading.Thread(target=rewrite)
    writer.start()
    seen = 0
    while not done.is_set():
        assert read_run_file(path) in (RUN, many)
        seen += 1
    writer.join()
    assert seen > 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]


def test_missing_file_says_how_to_start(tmp_path: Path) -> None:
    """Where nothing runs, the sentence names 'aimlctl up'."""
    with pytest.raises(CommandError, match="aimlctl up"):
        read_run_file(tmp_path / "run.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"broker": "x", "processes": {"oam": 1}}'])
def test_foreign_file_is_told(tmp_path: Path, text: str) -> None:
    """A file that is none of ours is told in a sentence, whatever is in it."""
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(CommandError, match="cannot be read"):
        read_run_file(path)


def test_unknown_function_points_to_status() -> None:
    """Asking for a function that does not run points to 'aimlctl status'."""
    with pytest.raises(CommandError, match="aimlctl status"):
        RUN.address_of("ran_sim")
