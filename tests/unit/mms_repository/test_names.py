"""Names that are allowed, and those that are not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mms_repository.names import (
    check_alias,
    check_file_name,
    check_identifier,
    check_model_name,
    check_text,
    distinguished_name,
)
from nf_runtime.errors import InvalidArgument


@given(st.text(max_size=200))
def test_accepted_file_names_are_no_paths(name: str) -> None:
    """Whatever is accepted stays in its folder, visible, on any file system."""
    try:
        check_file_name(name)
    except InvalidArgument:
        return
    folder = Path("/store")
    assert (folder / name).resolve().parent == folder
    assert not name.startswith(".")
    assert name.isascii()
    assert name.isprintable()


@pytest.mark.parametrize("name", ["model.onnx", "a", "A-1_b.yaml", "x..json", "a" * 128])
def test_usual_file_names(name: str) -> None:
    """These are fine."""
    check_file_name(name)


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "a\\b", "a\x00", "a\n", "ä", "a" * 129])
def test_refused_file_names(name: str) -> None:
    """These are not."""
    with pytest.raises(InvalidArgument):
        check_file_name(name)


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True), st.integers(1, 2**31 - 1))
def test_distinguished_names_are_unique(name: str, version: int) -> None:
    """Name and version can be read back from a DN, so no two versions share one."""
    check_model_name(name)
    value = distinguished_name(name, version).rpartition("MLModel=")[2]
    assert value.rsplit("-", 1) == [name, str(version)]


@pytest.mark.parametrize("alias", ["7", "", "-a", "A", "a_b", "a" * 64, "a\n"])
def test_refused_aliases(alias: str) -> None:
    """An alias begins with a letter, so it is never taken for a version."""
    with pytest.raises(InvalidArgument):
        check_alias(alias)


@pytest.mark.parametrize("value", ["", "  ", "a\x00", "\ud800", "x" * 201])
def test_refused_identifiers(value: str) -> None:
    """Identifiers are short, printable and not empty; the error names the field."""
    with pytest.raises(InvalidArgument) as caught:
        check_identifier(value, field="actor")
    assert caught.value.metadata == {"field": "actor"}


def test_text_may_be_longer() -> None:
    """A reason may be a sentence, not a book."""
    check_text("x" * 2000, field="reason")
    with pytest.raises(InvalidArgument):
        check_text("x" * 2001, field="reason")
