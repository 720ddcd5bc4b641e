# ruff: noqa: N802, ARG002 - names and signatures are the generated code's
"""`aimlnf.inference.v1.InferenceFunctionService`: messages in, procedures called, messages out."""

from collections.abc import Callable
from typing import Any

from aimlnf.inference.v1 import inference_function_service_pb2 as pb
from aimlnf.inference.v1 import inference_pb2
from aimlnf.inference.v1.inference_function_service_pb2_grpc import (
    InferenceFunctionServiceServicer,
)
from inference_nf.deciding import Deciding, Request
from inference_nf.loading import Models
from inference_nf.messages import (
    MAX_ID_CHARACTERS,
    decision_message,
    engine_kind_of,
    load_failure_message,
    loaded_model_message,
    report_message,
    shadow_message,
    snapshot_from_message,
)
from inference_nf.ports import AnswerStore
from inference_nf.preparing import ServingModel
from inference_nf.releases import ModelKey
from inference_nf.shadowing import Shadowing
from nf_runtime.clock import Clock
from nf_runtime.errors import InvalidArgument

_MAX_NAME_CHARACTERS = 63
_DEFAULT_PAGE = 100
_MAX_PAGE = 1000


class InferenceFunctionServicer(InferenceFunctionServiceServicer):
    """See the service's proto file.

    Args:
        models: What is in memory.
        deciding: Makes decisions.
        shadowing: Lets a candidate decide too.
        store: Has the counts and the reports.
        in_work_count: Notifications received and not recorded yet.
        clock: For deadlines.
        max_batch: Most contexts in one call.
    """

    def __init__(
        self,
        *,
        models: Models,
        deciding: Deciding,
        shadowing: Shadowing,
        store: AnswerStore,
        in_work_count: Callable[[], int],
        clock: Clock,
        max_batch: int,
    ) -> None:
        self._models = models
        self._deciding = deciding
        self._shadowing = shadowing
        self._store = store
        self._in_work_count = in_work_count
        self._clock = clock
        self._max_batch = max_batch

    async def LoadModel(self, request: pb.LoadModelRequest, context: Any) -> pb.LoadModelResponse:
        """Load a version; what is active stays active."""
        name = _text(request.model_name, "model_name", _MAX_NAME_CHARACTERS)
        selector: int | str
        match request.WhichOneof("selector"):
            case "version":
                selector = _version(request.version)
            case "alias":
                selector = _text(request.alias, "alias", _MAX_NAME_CHARACTERS)
            case _:
                raise _invalid("version", "name a version or an alias of the model")
        model = await self._models.load(name, selector, engine_kind_of(request.engine))
        return pb.LoadModelResponse(model=self._loaded(model))

    async def LoadCoordinationGroup(
        self, request: pb.LoadCoordinationGroupRequest, context: Any
    ) -> pb.LoadCoordinationGroupResponse:
        """Load all members of a group, or none."""
        group = _text(request.group_name, "group_name", _MAX_NAME_CHARACTERS)
        models = await self._models.load_group(group, engine_kind_of(request.engine))
        return pb.LoadCoordinationGroupResponse(models=map(self._loaded, models))

    async def UnloadModel(
        self, request: pb.UnloadModelRequest, context: Any
    ) -> pb.UnloadModelResponse:
        """Free a version that is not in force, and its coordination group."""
        await self._models.unload(_key(request))
        return pb.UnloadModelResponse()

    async def Activate(self, request: pb.ActivateRequest, context: Any) -> pb.ActivateResponse:
        """Let a loaded version decide."""
        model = await self._models.activate(_key(request))
        return pb.ActivateResponse(model=self._loaded(model))

    async def Deactivate(
        self, request: pb.DeactivateRequest, context: Any
    ) -> pb.DeactivateResponse:
        """Let the fallback decide."""
        await self._models.deactivate()
        return pb.DeactivateResponse()

    async def Rollback(self, request: pb.RollbackRequest, context: Any) -> pb.RollbackResponse:
        """Let the version decide that decided before."""
        model = await self._models.rollback()
        return pb.RollbackResponse(model=self._loaded(model))

    async def StartShadow(
        self, request: pb.StartShadowRequest, context: Any
    ) -> pb.StartShadowResponse:
        """Let a candidate decide too."""
        comparison = await self._shadowing.start(_key(request), request.share)
        return pb.StartShadowResponse(shadow=shadow_message(comparison))

    async def StopShadow(
        self, request: pb.StopShadowRequest, context: Any
    ) -> pb.StopShadowResponse:
        """End that, and tell what was compared."""
        comparison = await self._shadowing.stop()
        return pb.StopShadowResponse(shadow=shadow_message(comparison))

    async def Decide(self, request: pb.DecideRequest, context: Any) -> pb.DecideResponse:
        """Decide without applying."""
        asked = _decision_request(request)
        decision = await self._deciding.decide(
            asked.snapshot,
            decision_id=asked.decision_id,
            deadline_s=deadline_of(context, self._clock),
        )
        return pb.DecideResponse(decision=decision_message(decision))

    async def DecideBatch(
        self, request: pb.DecideBatchRequest, context: Any
    ) -> pb.DecideBatchResponse:
        """Decide for several contexts without applying."""
        if not 1 <= len(request.requests) <= self._max_batch:
            raise _invalid("requests", f"one call holds 1 to {self._max_batch} requests")
        decisions = await self._deciding.decide_all(
            [_decision_request(each) for each in request.requests],
            deadline_s=deadline_of(context, self._clock),
        )
        return pb.DecideBatchResponse(decisions=map(decision_message, decisions))

    async def GetStatus(self, request: pb.GetStatusRequest, context: Any) -> pb.GetStatusResponse:
        """What is loaded, active and counted; decisions that were only asked for do not count."""
        counts = await self._store.counts()
        return pb.GetStatusResponse(
            activation_status=(
                inference_pb2.ACTIVATION_STATUS_DEACTIVATED
                if self._models.active is None
                else inference_pb2.ACTIVATION_STATUS_ACTIVATED
            ),
            models=[self._loaded(model) for model in self._models.serving],
            notifications_count=counts.notifications + self._in_work_count(),
            decisions_made_count=counts.made,
            decisions_applied_count=counts.applied,
            decisions_failed_count=counts.failed,
            notifications_expired_count=counts.expired,
            shadow=shadow_message(self._shadowing.comparison),
            load_failures=map(load_failure_message, self._models.failures),
        )

    async def ListReports(
        self, request: pb.ListReportsRequest, context: Any
    ) -> pb.ListReportsResponse:
        """Reports of applied decisions, oldest first."""
        if not 0 <= request.page_size <= _MAX_PAGE:
            raise _invalid("page_size", f"page_size lies between 0 and {_MAX_PAGE}")
        reports = await self._store.reports(
            after_sequence=request.after_sequence, limit=request.page_size or _DEFAULT_PAGE
        )
        return pb.ListReportsResponse(reports=[report_message(report) for report in reports])

    def _loaded(self, model: ServingModel) -> inference_pb2.LoadedModel:
        wanted = self._models.wanted.find(model.key)
        group = "" if wanted is None else wanted.group
        return loaded_model_message(model, active=model is self._models.active, group=group)


def deadline_of(context: Any, clock: Clock) -> float | None:
    """Monotonic time until which the caller waits; None where it waits for ever."""
    remaining_s = context.time_remaining()
    return None if remaining_s is None else clock.monotonic_s() + remaining_s


def _decision_request(request: pb.DecideRequest) -> Request:
    snapshot = snapshot_from_message(request.context)
    decision_id = request.decision_id or snapshot.context_id
    return Request(snapshot, _text(decision_id, "decision_id", MAX_ID_CHARACTERS))


def _key(
    request: pb.UnloadModelRequest | pb.ActivateRequest | pb.StartShadowRequest,
) -> ModelKey:
    name = _text(request.model_name, "model_name", _MAX_NAME_CHARACTERS)
    return ModelKey(name, _version(request.version))


def _text(value: str, field: str, most: int) -> str:
    if not 1 <= len(value) <= most:
        raise _invalid(field, f"{field} has 1 to {most} characters")
    return value


def _version(value: int) -> int:
    if value < 1:
        raise _invalid("version", "versions count from 1")
    return value


def _invalid(field: str, message: str) -> InvalidArgument:
    return InvalidArgument(message, reason="INVALID_FIELD", field=field)
