"""Files of a version: their lines in a manifest and their chunks."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimlnf.mms.v1 import model_pb2
from nf_runtime.artifact_files import artifact_of, digest_of, sha256_of, upload_requests

MIB = 1024 * 1024


@given(content=st.binary(max_size=100), more=st.binary(max_size=100))
def test_the_digest_of_a_file_goes_on(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, more: bytes
) -> None:
    """Also from an empty file, and also with nothing more."""
    path = tmp_path_factory.mktemp("files") / "a.json"
    path.write_bytes(content)
    digest = sha256_of(path)
    assert digest.hexdigest() == hashlib.sha256(content).hexdigest()
    digest.update(more)
    assert digest.hexdigest() == hashlib.sha256(content + more).hexdigest()


def test_a_line_of_the_manifest_describes_the_file(tmp_path: Path) -> None:
    """Name, kind, digest and length, of which the kind is not signed."""
    path = tmp_path / "card.yml"
    path.write_bytes(b"{}")
    artifact = artifact_of(path)
    assert artifact == model_pb2.Artifact(
        file_name="card.yml",
        kind=model_pb2.ARTIFACT_KIND_YAML,
        sha256=hashlib.sha256(b"{}").hexdigest(),
        size_bytes=2,
    )
    signed = digest_of(artifact)
    assert (signed.file_name, signed.sha256, signed.size_bytes) == (
        "card.yml",
        artifact.sha256,
        2,
    )


@pytest.mark.parametrize("received", [0, 1, MIB, 2 * MIB + 1, 2 * MIB + 2])
def test_chunks_continue_what_is_there(tmp_path: Path, received: int) -> None:
    """In order and without gap, none larger than the repository takes."""
    path = tmp_path / "w.safetensors"
    content = bytes(range(256)) * (2 * MIB // 256) + b"xy"
    path.write_bytes(content)
    there = bytearray(content[:received])
    for request in upload_requests(path, received):
        chunk = request.chunk
        assert (chunk.file_name, chunk.offset_bytes) == ("w.safetensors", len(there))
        assert 0 < len(chunk.data) <= MIB
        there += chunk.data
    assert bytes(there) == content
