"""The error tree and its way over the wire."""

from typing import Any

import grpc
import pytest
from google.rpc import status_pb2

from nf_runtime import errors
from nf_runtime.errors import (
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    NfError,
    NotFound,
    Unavailable,
    error_from_rpc,
    status_of,
)

TREE = sorted(
    (
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, NfError)
    ),
    key=lambda kind: kind.__name__,
)


class FailedCall(grpc.RpcError):
    """What a client catches."""

    def __init__(self, code: grpc.StatusCode, details: str | None, trailing: Any = ()) -> None:
        super().__init__()
        self._answer = (code, details, trailing)

    def code(self) -> grpc.StatusCode:
        """The status code."""
        return self._answer[0]

    def details(self) -> str | None:
        """The message."""
        return self._answer[1]

    def trailing_metadata(self) -> Any:
        """Where the rich status travels."""
        return self._answer[2]


def over_the_wire(error: NfError) -> NfError:
    """The error as the other end sees it."""
    status = status_of(error, domain="mms.aimlnf", request_id="r1")
    return error_from_rpc(FailedCall(status.code, status.details, status.trailing_metadata))


@pytest.mark.parametrize("kind", [kind for kind in TREE if kind is not NfError])
def test_error_comes_back_as_itself(kind: type[NfError]) -> None:
    """Class, sentence, reason and metadata survive the wire."""
    sent = kind("do this next", reason="STATE_FORBIDS", state="LOADED", reason_why="x")
    received = over_the_wire(sent)
    assert type(received) is kind
    assert received.message == str(received) == "do this next"
    assert received.reason == "STATE_FORBIDS"
    assert received.metadata == {"state": "LOADED", "reason_why": "x"}


def test_every_class_has_its_own_status() -> None:
    """No two classes share a status, so that each can be raised again."""
    statuses = [kind.status for kind in TREE if kind is not NfError]
    assert len(statuses) == len(set(statuses)) == 13


def test_domain_and_request_id_are_in_the_details() -> None:
    """The rich status names who raised it and where the log has the rest."""
    status = status_of(
        NotFound("x", reason="RESOURCE_NOT_FOUND"), domain="oam.aimlnf", request_id="r1"
    )
    rich = status_pb2.Status.FromString(dict(status.trailing_metadata)["grpc-status-details-bin"])
    text = str(rich.details)
    assert "oam.aimlnf" in text
    assert "r1" in text


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, Unavailable, "PEER_UNAVAILABLE"),
        (grpc.StatusCode.CANCELLED, Unavailable, "PEER_UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineExceeded, "DEADLINE_EXCEEDED"),
        (grpc.StatusCode.UNKNOWN, Internal, "INTERNAL"),
        (grpc.StatusCode.OUT_OF_RANGE, InvalidArgument, "INVALID_FIELD"),
    ],
)
def test_status_without_details_gets_the_nearest_reason(
    code: grpc.StatusCode, kind: type[NfError], reason: str
) -> None:
    """What gRPC itself or a foreign server says becomes part of the tree, naming the peer."""
    error = error_from_rpc(FailedCall(code, None), address="h:1")
    assert type(error) is kind
    assert error.reason == reason
    assert error.metadata == {"peer": "h:1"}


def test_details_that_are_no_error_info_are_ignored() -> None:
    """A rich status without ErrorInfo still gives an error."""
    rich = status_pb2.Status(code=5, message="gone").SerializeToString()
    call = FailedCall(grpc.StatusCode.NOT_FOUND, "gone", [("grpc-status-details-bin", rich)])
    error = error_from_rpc(call)
    assert isinstance(error, NotFound)
    assert error.message == "gone"
    assert error.metadata == {}


def test_metadata_of_any_name_is_taken() -> None:
    """A peer's metadata may use the names of our own arguments."""
    sent = NotFound("x", reason="RESOURCE_NOT_FOUND", message="m")
    sent.metadata["reason"] = "r"
    assert over_the_wire(sent).metadata == {"message": "m", "reason": "r"}
