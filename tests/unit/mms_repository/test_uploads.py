"""The order in which the bytes of an upload must come."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.mms_uploads import manifest_of

from mms_repository.uploads import Chunk, Reception, check_kpis
from nf_runtime.errors import InvalidArgument

CONTENTS = st.dictionaries(
    st.sampled_from(["a.json", "b.onnx", "c.yaml"]), st.binary(min_size=1, max_size=20), min_size=1
)


@st.composite
def cut_uploads(draw: st.DrawFn) -> tuple[dict[str, bytes], list[Chunk]]:
    """Files and the chunks of a good upload of them, cut anywhere."""
    contents = draw(CONTENTS)
    chunks = []
    for name, content in contents.items():
        cuts = draw(st.sets(st.integers(1, len(content))).map(sorted))
        bounds = [0, *(cut for cut in cuts if cut < len(content)), len(content)]
        chunks += [Chunk(name, start, content[start:end]) for start, end in pairwise(bounds)]
    return contents, chunks


@given(cut_uploads())
def test_any_cut_is_accepted(upload: tuple[dict[str, bytes], list[Chunk]]) -> None:
    """However the files are cut, the bytes of each are accepted in order and found complete."""
    contents, chunks = upload
    reception = Reception(manifest_of(contents))
    received = dict.fromkeys(contents, b"")
    for chunk in chunks:
        artifact = reception.accept(chunk)
        received[artifact.file_name] += chunk.data
        complete = received[artifact.file_name] == contents[artifact.file_name]
        assert reception.is_complete(artifact) == complete
    assert received == contents
    reception.finish()


@given(cut_uploads(), st.data())
def test_any_end_before_the_last_byte_is_noticed(
    upload: tuple[dict[str, bytes], list[Chunk]], data: st.DataObject
) -> None:
    """An upload that ends early is never complete."""
    contents, chunks = upload
    reception = Reception(manifest_of(contents))
    for chunk in chunks[: data.draw(st.integers(0, len(chunks) - 1))]:
        reception.accept(chunk)
    with pytest.raises(InvalidArgument):
        reception.finish()


@given(cut_uploads(), st.data())
def test_any_other_chunk_is_refused(
    upload: tuple[dict[str, bytes], list[Chunk]], data: st.DataObject
) -> None:
    """At any point only the bytes that follow are accepted, and a refusal changes nothing."""
    contents, chunks = upload
    position = data.draw(st.integers(0, len(chunks)))
    reception = Reception(manifest_of(contents))
    for chunk in chunks[:position]:
        reception.accept(chunk)
    due = chunks[position] if position < len(chunks) else chunks[-1]
    wrong = data.draw(
        st.sampled_from(
            [
                replace(due, file_name="other.json"),
                replace(due, offset_bytes=due.offset_bytes + 1),
                replace(due, offset_bytes=due.offset_bytes - 1),
                replace(due, data=b""),
                replace(due, data=due.data + bytes(100)),
            ]
        )
    )
    with pytest.raises(InvalidArgument) as caught:
        reception.accept(wrong)
    assert caught.value.reason == "INVALID_FIELD"
    for chunk in chunks[position:]:
        reception.accept(chunk)
    reception.finish()


def test_chunk_beyond_one_mebibyte() -> None:
    """Chunks are bounded, so that a message is."""
    contents = {"a.json": bytes(1024 * 1024 + 1)}
    with pytest.raises(InvalidArgument):
        Reception(manifest_of(contents)).accept(Chunk("a.json", 0, contents["a.json"]))


@pytest.mark.parametrize("kpis", [{"": 1.0}, {"a b": 1.0}, {"a": float("nan")}, {"a" * 65: 1.0}])
def test_refused_figures(kpis: dict[str, float]) -> None:
    """Figures are named and finite."""
    with pytest.raises(InvalidArgument) as caught:
        check_kpis(kpis)
    assert caught.value.metadata["field"] == "kpis"
