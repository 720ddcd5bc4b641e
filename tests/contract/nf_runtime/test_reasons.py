"""Reasons in the code and the published enum are the same language."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimlnf.errors.v1.reason_pb2 import Reason
from nf_runtime import errors
from nf_runtime.errors import NfError

ROOT = Path(__file__).parents[3]
ROOMS = (
    *("nf_runtime", "nwdaf", "mms_repository", "inference_nf", "oam", "ran_sim"),
    *("gateway", "aimlctl"),
)
TREE = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, NfError)
}


def reasons_in(room: str) -> Iterator[tuple[str, str]]:
    """Where each literal reason of a raised error stands."""
    for path in sorted((ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            for keyword in node.keywords if name in TREE else ():
                if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", str(keyword.value.value)


@pytest.mark.parametrize("room", ROOMS)
def test_every_reason_is_published(room: str) -> None:
    """A reason that the code raises is a name of aimlnf.errors.v1.Reason."""
    known = {name.removeprefix("REASON_") for name in Reason.DESCRIPTOR.values_by_name}
    unknown = [f"{place} {reason}" for place, reason in reasons_in(room) if reason not in known]
    assert unknown == []


def test_runtime_raises_reasons() -> None:
    """The search finds what it looks for."""
    found = {reason for _, reason in reasons_in("nf_runtime")}
    assert {"DRAINING", "MALFORMED_REQUEST", "BROKER_UNAVAILABLE", "PEER_UNAVAILABLE"} <= found


def test_reasons_without_info_are_published() -> None:
    """The reasons given to errors of foreign servers are in the enum as well."""
    known = {name.removeprefix("REASON_") for name in Reason.DESCRIPTOR.values_by_name}
    assert set(errors._REASON_WITHOUT_INFO.values()) <= known
