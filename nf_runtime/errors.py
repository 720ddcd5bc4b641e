# ruff: noqa: N818 - named after the gRPC status that each one becomes
"""The error tree of every network function, and its way over gRPC.

Domain code and adapters raise; the server interceptor turns it into a status with
`google.rpc.ErrorInfo`; the client raises the same class again at the other end::

    raise NotFound(
        f"model {name} has no version {version}; list the versions first",
        reason="MODEL_VERSION_NOT_FOUND", name=name, version=str(version),
    )

    try:
        await stub.GetModel(request)
    except NotFound as error:
        error.reason, error.metadata["name"]

`reason` is one of the names of the enum `aimlnf.errors.v1.Reason`. Whatever is variable in the
message is in the metadata too. Source: google.aip.dev/193.
"""

from typing import Any, ClassVar

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status


class NfError(Exception):
    """An outcome that a client may see: a sentence that says what to do, and a stable reason."""

    status: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL

    def __init__(self, message: str, /, *, reason: str, **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = metadata


class InvalidArgument(NfError):
    """The request is wrong whatever the state of the system."""

    status = grpc.StatusCode.INVALID_ARGUMENT


class NotFound(NfError):
    """What the request names does not exist."""

    status = grpc.StatusCode.NOT_FOUND


class AlreadyExists(NfError):
    """What the request would create exists."""

    status = grpc.StatusCode.ALREADY_EXISTS


class FailedPrecondition(NfError):
    """The system is not in the state that the request needs; trying again will not help."""

    status = grpc.StatusCode.FAILED_PRECONDITION


class Aborted(NfError):
    """Somebody else changed the same thing; read it again and retry."""

    status = grpc.StatusCode.ABORTED


class ResourceExhausted(NfError):
    """A bound is reached: size, count, quota."""

    status = grpc.StatusCode.RESOURCE_EXHAUSTED


class Unavailable(NfError):
    """The peer, broker or database does not answer now; trying again may help."""

    status = grpc.StatusCode.UNAVAILABLE


class DeadlineExceeded(NfError):
    """It took longer than the caller allowed; whether it happened is unknown."""

    status = grpc.StatusCode.DEADLINE_EXCEEDED


class PermissionDenied(NfError):
    """The caller is known and may not do this."""

    status = grpc.StatusCode.PERMISSION_DENIED


class Unauthenticated(NfError):
    """The caller did not say who it is."""

    status = grpc.StatusCode.UNAUTHENTICATED


class DataLoss(NfError):
    """Stored data are damaged: a digest or a signature does not match."""

    status = grpc.StatusCode.DATA_LOSS


class Unimplemented(NfError):
    """This network function does not offer that."""

    status = grpc.StatusCode.UNIMPLEMENTED


class Internal(NfError):
    """A mistake of this program; the log holds the rest under the request id."""

    status = grpc.StatusCode.INTERNAL


_TREE: tuple[type[NfError], ...] = (
    InvalidArgument,
    NotFound,
    AlreadyExists,
    FailedPrecondition,
    Aborted,
    ResourceExhausted,
    Unavailable,
    DeadlineExceeded,
    PermissionDenied,
    Unauthenticated,
    DataLoss,
    Unimplemented,
    Internal,
)
_CLASS_OF_STATUS: dict[grpc.StatusCode, type[NfError]] = {
    **{kind.status: kind for kind in _TREE},
    grpc.StatusCode.OUT_OF_RANGE: InvalidArgument,
    grpc.StatusCode.UNKNOWN: Internal,
    # A call that we cancel ourselves raises CancelledError, so this one was ended by the peer.
    grpc.StatusCode.CANCELLED: Unavailable,
}
# For a status without ErrorInfo: gRPC itself made it, or a peer that is no function of ours.
_REASON_WITHOUT_INFO: dict[type[NfError], str] = {
    InvalidArgument: "INVALID_FIELD",
    NotFound: "RESOURCE_NOT_FOUND",
    AlreadyExists: "RESOURCE_EXISTS",
    FailedPrecondition: "STATE_FORBIDS",
    Aborted: "ETAG_MISMATCH",
    ResourceExhausted: "QUOTA_EXCEEDED",
    Unavailable: "PEER_UNAVAILABLE",
    DeadlineExceeded: "DEADLINE_EXCEEDED",
    PermissionDenied: "NOT_AUTHORISED",
    Unauthenticated: "NOT_AUTHORISED",
    DataLoss: "DIGEST_MISMATCH",
    Unimplemented: "NOT_SUPPORTED",
    Internal: "INTERNAL",
}


def status_of(error: NfError, *, domain: str, request_id: str) -> grpc.Status:
    """The gRPC status of an error, with ErrorInfo and RequestInfo as details.

    Args:
        error: What was raised.
        domain: Who raised it, e.g. ``mms_repository.aimlnf``.
        request_id: Under which the log has the rest.
    """
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=domain, metadata=error.metadata)
    status = status_pb2.Status(code=error.status.value[0], message=error.message)
    for detail in (info, error_details_pb2.RequestInfo(request_id=request_id)):
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return rpc_status.to_status(status)


def error_from_rpc(error: grpc.RpcError, *, address: str = "") -> NfError:
    """The `NfError` that a failed call stands for.

    Reason and metadata are the peer's own where it sent ErrorInfo; else the reason is the nearest
    one, and the metadata name the `peer`.
    """
    code = error.code()
    kind = _CLASS_OF_STATUS.get(code, Internal)
    details = error.details() or code.name
    rich = _rich_status(error)
    info = error_details_pb2.ErrorInfo()
    if rich is not None and any(detail.Unpack(info) for detail in rich.details):
        theirs = kind(details, reason=info.reason)
        theirs.metadata = dict(info.metadata)
        return theirs
    peer = address or "the peer"
    if kind is Unavailable:
        details = f"{peer} cannot be reached; is it running? ({details})"
    elif kind is DeadlineExceeded:
        details = f"{peer} did not answer within the deadline"
    metadata = {"peer": address} if address else {}
    return kind(details, reason=_REASON_WITHOUT_INFO[kind], **metadata)


def _rich_status(error: grpc.RpcError) -> status_pb2.Status | None:
    # Works for sync and aio errors alike; both carry the status in the same trailing key.
    trailing: Any = error.trailing_metadata() or ()
    for name, value in trailing:
        if name == "grpc-status-details-bin":
            return status_pb2.Status.FromString(value)
    return None
