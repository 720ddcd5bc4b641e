"""`aimlctl model push`, `pull`, `verify`, `promote` and `rollback` against a real repository."""

import base64
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.command_line import Answer, aimlctl
from support.mms_process import MmsProcess
from support.mms_uploads import MODEL, SIGNER_KEY, files, write_public_key

from aimlctl.peers import connected
from aimlctl.run_file import RunFile, RunningProcess, run_file_path, write_run_file
from aimlnf.mms.v1 import model_repository_service_pb2 as mms

pytestmark = pytest.mark.slow


@pytest.fixture
def repository(tmp_path: Path, sqlite_url: str) -> Iterator[MmsProcess]:
    """A running repository, as the only function of a platform."""
    process = MmsProcess(tmp_path, sqlite_url, upload_keep_s=3600)
    process.start()
    announce(tmp_path, process)
    keys = tmp_path / ".aimlnf" / "keys"
    keys.mkdir(parents=True)
    (keys / "mtlf.key").write_bytes(base64.b64encode(SIGNER_KEY.private_bytes_raw()))
    write_public_key(keys / "mtlf.pub", SIGNER_KEY)
    yield process
    process.kill()


def announce(folder: Path, process: MmsProcess) -> None:
    """Tell the command line where the repository is."""
    path = run_file_path(folder / ".aimlnf")
    path.parent.mkdir(exist_ok=True)
    running = RunningProcess(1, process.address, "")
    write_run_file(path, RunFile("127.0.0.1:1", {"mms_repository": running}))


def folder_of(path: Path, note: str = "", *, weight_count: int = 4) -> Path:
    """A folder with the files of a version."""
    path.mkdir()
    for name, content in files(note=note, weight_count=weight_count).items():
        (path / name).write_bytes(content)
    return path


def model(folder: Path, *arguments: str) -> Answer:
    """The answer of `aimlctl model …` in JSON."""
    return aimlctl("model", *arguments, "--json", cwd=folder)


def approve(folder: Path, number: int) -> None:
    """Let a version pass its test and approve it."""
    author = {"model_name": MODEL, "version": number, "actor": "test", "reason": "because"}
    with connected(folder / ".aimlnf") as peers:
        peers.repository.RecordTestResult(mms.RecordTestResultRequest(passed=True, **author))
        peers.repository.ApproveModelVersion(mms.ApproveModelVersionRequest(**author))


def champions(answer: Answer) -> Sequence[Any]:
    """Which versions are champions, as the command says."""
    assert answer.status == 0, answer.stderr
    return [version["version"] for version in answer.document["champions"]]


def test_there_and_back(repository: MmsProcess, tmp_path: Path) -> None:
    """What was pushed is pulled, byte for byte, and verified in both places."""
    pushed = model(tmp_path, "push", MODEL, str(folder_of(tmp_path / "a")), "--label", "team=ntn")
    assert pushed.status == 0, pushed.stderr
    assert pushed.document["model_version"]["labels"] == {"team": "ntn"}
    again = model(tmp_path, "push", MODEL, str(tmp_path / "a"))
    assert again.document["model_version"]["version"] == 1
    pulled = model(tmp_path, "pull", MODEL, str(tmp_path / "b"))
    assert pulled.status == 0, pulled.stderr
    found = {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()}
    assert found == files()
    for where in ([], ["--folder", str(tmp_path / "b")]):
        assert model(tmp_path, "verify", MODEL, *where).document["verified"] is True


def test_labels_are_replaced(repository: MmsProcess, tmp_path: Path) -> None:
    """By those that are named; a label without a value is told before anything is changed."""
    folder = str(folder_of(tmp_path / "a"))
    model(tmp_path, "push", MODEL, folder, "--label", "site=lab", "--label", "team=ntn")
    labelled = model(tmp_path, "label", MODEL, "--label", "site=field")
    assert labelled.status == 0, labelled.stderr
    assert labelled.document["model_version"]["labels"] == {"site": "field"}
    refused = model(tmp_path, "label", MODEL, "--label", "site")
    assert (refused.status, "NAME=VALUE" in refused.document["error"]) == (1, True)
    history = model(tmp_path, "show", MODEL).document["history"]
    assert history[-1]["labels"]["labels"] == {"site": "field"}


def test_verify_finds_damage(repository: MmsProcess, tmp_path: Path) -> None:
    """In the pulled files, in the repository's, and in whom to trust; each fails with a reason."""
    model(tmp_path, "push", MODEL, str(folder_of(tmp_path / "a")))
    (tmp_path / "a" / "model.onnx").write_bytes(b"x")
    pulled = model(tmp_path, "verify", MODEL, "--folder", str(tmp_path / "a"))
    assert pulled.status == 1
    assert "model.onnx" in pulled.document["error"]
    keys = tmp_path / "revoked.pub"
    keys.write_text((tmp_path / ".aimlnf" / "keys" / "mtlf.pub").read_text() + " revoked")
    revoked = model(tmp_path, "verify", MODEL, "--keys", str(keys))
    assert (revoked.status, revoked.document["reason"]) == (1, "SIGNATURE_INVALID")
    for blob in (repository.artifacts / "sha256").glob("*/*"):
        blob.write_bytes(b"x" * blob.stat().st_size)
    stored = model(tmp_path, "verify", MODEL)
    assert (stored.status, stored.document["reason"]) == (1, "DIGEST_MISMATCH")


def test_pull_goes_on(repository: MmsProcess, tmp_path: Path) -> None:
    """A part that is there is not fetched again; a damaged part is found and thrown away."""
    model(tmp_path, "push", MODEL, str(folder_of(tmp_path / "a")))
    content = files()["model.onnx"]
    (tmp_path / "b").mkdir()
    part = tmp_path / "b" / "model.onnx.part"
    part.write_bytes(content[:50])
    assert model(tmp_path, "pull", MODEL, str(tmp_path / "b")).status == 0
    assert (tmp_path / "b" / "model.onnx").read_bytes() == content
    (tmp_path / "b" / "model.onnx").unlink()
    part.write_bytes(b"x" * 50)
    damaged = model(tmp_path, "pull", MODEL, str(tmp_path / "b"))
    assert damaged.status == 1
    assert "model.onnx" in damaged.document["error"]
    assert model(tmp_path, "pull", MODEL, str(tmp_path / "b")).status == 0
    assert (tmp_path / "b" / "model.onnx").read_bytes() == content


def test_push_goes_on_over_a_kill(repository: MmsProcess, tmp_path: Path) -> None:
    """The repository dies in the middle and comes back; the same command succeeds afterwards."""
    folder = folder_of(tmp_path / "a", weight_count=2_000_000)
    answers: list[Answer] = []
    pushing = threading.Thread(
        target=lambda: answers.append(model(tmp_path, "push", MODEL, str(folder)))
    )
    pushing.start()
    while not repository.incoming() and pushing.is_alive():
        pass
    repository.kill()
    repository.start()
    announce(tmp_path, repository)
    pushing.join()
    # The first command knows the old address only; whether it was done by then or not, one version.
    pushed = model(tmp_path, "push", MODEL, str(folder))
    assert pushed.status == 0, pushed.stderr
    assert pushed.document["model_version"]["version"] == 1
    assert repository.incoming() == []


def test_promotion_and_rollback(repository: MmsProcess, tmp_path: Path) -> None:
    """An unapproved version is not promoted, and nothing is rolled back before there is a way."""
    model(tmp_path, "push", MODEL, str(folder_of(tmp_path / "a")))
    refused = model(tmp_path, "promote", MODEL)
    assert (refused.status, refused.document["reason"]) == (1, "MODEL_NOT_APPROVED")
    assert model(tmp_path, "rollback", MODEL).document["reason"] == "RESOURCE_NOT_FOUND"
    assert model(tmp_path, "promote", MODEL, "--group", "pair").status == 1
    model(tmp_path, "push", MODEL, str(folder_of(tmp_path / "b", "second")))
    for number in (1, 2):
        approve(tmp_path, number)
        promoted = model(tmp_path, "promote", MODEL, "--version", str(number))
        assert champions(promoted) == [number]
    assert champions(model(tmp_path, "rollback", MODEL)) == [1]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "is no folder"), ({}, "is empty"), ({"model.pkl": b""}, "model.pkl")],
)
def test_what_is_not_pushed(tmp_path: Path, content: dict[str, bytes] | None, said: str) -> None:
    """Told before anything is sent."""
    (tmp_path / ".aimlnf" / "keys").mkdir(parents=True)
    (tmp_path / ".aimlnf" / "keys" / "mtlf.key").write_bytes(
        base64.b64encode(SIGNER_KEY.private_bytes_raw())
    )
    if content is not None:
        (tmp_path / "a").mkdir()
        for name, data in content.items():
            (tmp_path / "a" / name).write_bytes(data)
    answer = model(tmp_path, "push", MODEL, str(tmp_path / "a"))
    assert answer.status == 1
    assert said in answer.document["error"]
