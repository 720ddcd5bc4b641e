"""Tests of what Triton's load parameters mean here."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimlnf.inference.oip import open_inference_pb2 as pb
from inference_nf.oip_repository import versions_wanted
from nf_runtime.errors import InvalidArgument


def config(text: str) -> dict[str, pb.ModelRepositoryParameter]:
    """The parameters of a load with that config."""
    return {"config": pb.ModelRepositoryParameter(string_param=text)}


def specific(*versions: object) -> str:
    """A policy that names these versions."""
    return json.dumps({"version_policy": {"specific": {"versions": versions}}})


def test_without_parameters_the_champion_is_meant() -> None:
    """So it is with a config that says nothing of versions."""
    assert versions_wanted({}) == ["champion"]
    assert versions_wanted(config("{}")) == ["champion"]
    assert versions_wanted(config('{"name": "gan-gdm"}')) == ["champion"]


def test_a_policy_names_versions_as_numbers_or_as_json_writes_an_int64() -> None:
    """In the order given."""
    assert versions_wanted(config(specific(2, "1"))) == [2, 1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "3",
        "{" * 100_000,
        '{"backend": "python"}',
        '{"version_policy": 1}',
        '{"version_policy": {"all": {}}}',
        '{"version_policy": {"latest": {"num_versions": 1}}}',
        '{"version_policy": {"specific": {"versions": 2}}}',
        specific(),
        specific(0),
        specific(-1),
        specific(1.5),
        specific(*[True]),
        specific("one"),
        specific(None),
        specific(*range(1, 10)),
    ],
)
def test_what_names_no_versions_is_refused(text: str) -> None:
    """INVALID_FIELD, whatever the text is."""
    with pytest.raises(InvalidArgument) as caught:
        versions_wanted(config(text))
    assert caught.value.reason == "INVALID_FIELD"


@given(st.text())
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    """Either versions or INVALID_ARGUMENT."""
    with contextlib.suppress(InvalidArgument):
        assert versions_wanted(config(text))


def test_files_cannot_be_handed_in() -> None:
    """Nothing that nobody signed is served."""
    with pytest.raises(InvalidArgument, match="cannot be handed in"):
        versions_wanted({"file:1/model.onnx": pb.ModelRepositoryParameter(bytes_param=b"x")})
