# ruff: noqa: N802, ARG002 - gRPC names the methods and gives each a context
"""`aimlnf.oam.v1.LifecycleService`: messages in, procedures, messages out."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from aimlnf.oam.v1 import lifecycle_pb2
from aimlnf.oam.v1 import lifecycle_service_pb2 as pb
from aimlnf.oam.v1.lifecycle_service_pb2_grpc import LifecycleServiceServicer
from nf_runtime.errors import InvalidArgument
from oam.adaptations import Adaptation
from oam.callers import caller_of
from oam.lifecycles import Policy
from oam.managed_objects import CLASSES
from oam.messages import (
    adaptation_message,
    lifecycle_message,
    object_message,
    step_message,
    wish_from_message,
)
from oam.ports import LifecycleStore
from oam.procedures import LifecycleProcedures
from oam.start_requests import StartRequest, check_model_name

_DEFAULT_PAGE = 100
_LARGEST_PAGE = 1000
_LONGEST_TOKEN = 18  # digits of a 64-bit position


class LifecycleServicer(LifecycleServiceServicer):
    """See the proto file for what each method promises.

    Args:
        procedures: The use cases.
        store: For what is only read.
        policy: For the thresholds and times that are shown.
    """

    def __init__(
        self,
        *,
        procedures: LifecycleProcedures,
        store: LifecycleStore,
        policy: Policy,
    ) -> None:
        self._procedures = procedures
        self._store = store
        self._policy = policy

    async def Train(self, request: pb.TrainRequest, context: Any) -> pb.TrainResponse:
        """Start a first training."""
        started = await self._procedures.train(_training(request, context))
        return pb.TrainResponse(adaptation=self._told(started))

    async def Retrain(self, request: pb.RetrainRequest, context: Any) -> pb.RetrainResponse:
        """Start a retraining."""
        started = await self._procedures.retrain(_training(request, context))
        return pb.RetrainResponse(adaptation=self._told(started))

    async def Rollback(self, request: pb.RollbackRequest, context: Any) -> pb.RollbackResponse:
        """Start going back."""
        started = await self._procedures.roll_back(
            StartRequest(
                model_name=request.model_name,
                actor=caller_of(context, request.actor),
                reason=request.reason,
                request_id=request.request_id,
                allow_return=request.allow_return,
            )
        )
        return pb.RollbackResponse(adaptation=self._told(started))

    async def Approve(self, request: pb.ApproveRequest, context: Any) -> pb.ApproveResponse:
        """Let an adaptation go on."""
        adaptation = await self._procedures.approve(
            request.adaptation_id,
            actor=caller_of(context, request.actor),
            reason=request.reason,
            step=request.step,
        )
        return pb.ApproveResponse(adaptation=self._told(adaptation))

    async def Reject(self, request: pb.RejectRequest, context: Any) -> pb.RejectResponse:
        """End an adaptation that waits."""
        adaptation = await self._procedures.reject(
            request.adaptation_id,
            actor=caller_of(context, request.actor),
            reason=request.reason,
            step=request.step,
        )
        return pb.RejectResponse(adaptation=self._told(adaptation))

    async def GetLifecycle(
        self, request: pb.GetLifecycleRequest, context: Any
    ) -> pb.GetLifecycleResponse:
        """Where a model stands."""
        check_model_name(request.model_name)
        lifecycle = await self._store.lifecycle(request.model_name)
        return pb.GetLifecycleResponse(lifecycle=lifecycle_message(lifecycle, self._policy))

    async def GetAdaptation(
        self, request: pb.GetAdaptationRequest, context: Any
    ) -> pb.GetAdaptationResponse:
        """One adaptation."""
        adaptation = await self._store.adaptation(request.adaptation_id)
        return pb.GetAdaptationResponse(adaptation=self._told(adaptation))

    async def ListAdaptations(
        self, request: pb.ListAdaptationsRequest, context: Any
    ) -> pb.ListAdaptationsResponse:
        """Adaptations, newest first."""
        size = _page_size(request.page_size)
        found = await self._store.adaptations(
            request.model_name, before=_position(request.page_token), limit=size + 1
        )
        return pb.ListAdaptationsResponse(
            adaptations=[self._told(adaptation) for _, adaptation in found[:size]],
            next_page_token=_next_token([position for position, _ in found], size),
        )

    async def ListLifecycleSteps(
        self, request: pb.ListLifecycleStepsRequest, context: Any
    ) -> pb.ListLifecycleStepsResponse:
        """The record, oldest first; its head is read before, so that it lies on what follows."""
        head = await self._store.head()
        found = await self._store.steps(
            request.model_name,
            after_sequence=request.after_sequence,
            limit=_page_size(request.page_size),
        )
        return pb.ListLifecycleStepsResponse(
            steps=[step_message(step) for step in found],
            head_sequence=head.sequence,
            head_digest=head.digest,
        )

    async def WatchLifecycle(
        self, request: pb.WatchLifecycleRequest, context: Any
    ) -> AsyncIterator[pb.WatchLifecycleResponse]:
        """The record after a sequence, then each new step."""
        seen = request.after_sequence
        while True:
            last = self._store.last_sequence  # before reading: what comes meanwhile is read again
            found = await self._store.steps(
                request.model_name, after_sequence=seen, limit=_LARGEST_PAGE
            )
            for recorded in found:
                yield pb.WatchLifecycleResponse(step=step_message(recorded))
                seen = recorded.sequence
            if not found:
                seen = max(seen, last)
                await self._store.wait_for_steps(seen)

    async def GetManagedObject(
        self, request: pb.GetManagedObjectRequest, context: Any
    ) -> pb.GetManagedObjectResponse:
        """One managed object."""
        found = await self._store.managed_object(request.distinguished_name)
        return pb.GetManagedObjectResponse(managed_object=object_message(found))

    async def ListManagedObjects(
        self, request: pb.ListManagedObjectsRequest, context: Any
    ) -> pb.ListManagedObjectsResponse:
        """Managed objects in order of creation."""
        if request.object_class and request.object_class not in CLASSES:
            raise InvalidArgument(
                f"object_class must be empty or one of {', '.join(CLASSES)}",
                reason="INVALID_FIELD",
                field="object_class",
            )
        size = _page_size(request.page_size)
        found = await self._store.managed_objects(
            request.object_class,
            request.base_distinguished_name,
            after=_position(request.page_token),
            limit=size + 1,
        )
        return pb.ListManagedObjectsResponse(
            managed_objects=[object_message(stored) for _, stored in found[:size]],
            next_page_token=_next_token([position for position, _ in found], size),
        )

    def _told(self, adaptation: Adaptation) -> lifecycle_pb2.Adaptation:
        return adaptation_message(adaptation, self._policy.approvals)


def _training(request: pb.TrainRequest | pb.RetrainRequest, context: Any) -> StartRequest:
    return StartRequest(
        model_name=request.model_name,
        actor=caller_of(context, request.actor),
        reason=request.reason,
        request_id=request.request_id,
        wish=wish_from_message(request.order),
    )


def _page_size(wanted: int) -> int:
    if wanted < 0:
        raise InvalidArgument(
            "page_size must not be negative; 0 means 100",
            reason="INVALID_FIELD",
            field="page_size",
        )
    return min(wanted, _LARGEST_PAGE) or _DEFAULT_PAGE


def _position(token: str) -> int:
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) <= _LONGEST_TOKEN):
        raise InvalidArgument(
            "page_token must be empty or come from the previous response",
            reason="INVALID_FIELD",
            field="page_token",
        )
    return int(token)


def _next_token(positions: Sequence[int], size: int) -> str:
    """Position of the page's last entry, if there is more behind it."""
    return str(positions[size - 1]) if len(positions) > size else ""
