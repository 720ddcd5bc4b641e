# ruff: noqa: N802, ARG002 - names and signatures are the generated code's
"""`aimlnf.ransim.v1.RadioService`: messages to procedures and back."""

from collections.abc import AsyncIterator
from typing import Any

from aimlnf.ransim.v1 import radio_service_pb2 as wire
from aimlnf.ransim.v1.radio_service_pb2_grpc import RadioServiceServicer
from nf_runtime.errors import InvalidArgument
from nf_runtime.wire import allocation_from_message
from radio_math.context import ESIMS
from ran_sim.messages import (
    context_to_message,
    kpi_to_message,
    order_from_message,
    outcome_to_message,
    run_to_message,
    truth_to_message,
)
from ran_sim.outcomes import Decision
from ran_sim.procedures import RadioProcedures, RunProcedures
from ran_sim.scenario_messages import optional_seconds

_DEFAULT_PAGE = 100
_LARGEST_PAGE = 1000
_LONGEST_TOKEN = 18  # digits of a 64-bit number


class RadioServicer(RadioServiceServicer):
    """The service; every error is raised as an `NfError`."""

    def __init__(self, runs: RunProcedures, radio: RadioProcedures) -> None:
        self._runs = runs
        self._radio = radio

    async def StartRun(self, request: wire.StartRunRequest, context: Any) -> wire.StartRunResponse:
        """Start a run, once for each request identity."""
        run = await self._runs.start(request.request_id, order_from_message(request))
        return wire.StartRunResponse(run=run_to_message(run))

    async def GetRun(self, request: wire.GetRunRequest, context: Any) -> wire.GetRunResponse:
        """A run as it stands."""
        return wire.GetRunResponse(run=run_to_message(await self._runs.get(request.run_id)))

    async def PauseRun(self, request: wire.PauseRunRequest, context: Any) -> wire.PauseRunResponse:
        """Let simulated time stand still."""
        return wire.PauseRunResponse(run=run_to_message(await self._runs.pause(request.run_id)))

    async def ResumeRun(
        self, request: wire.ResumeRunRequest, context: Any
    ) -> wire.ResumeRunResponse:
        """Let simulated time pass on."""
        run = await self._runs.resume(request.run_id, optional_seconds(request, "pause_at"))
        return wire.ResumeRunResponse(run=run_to_message(run))

    async def StopRun(self, request: wire.StopRunRequest, context: Any) -> wire.StopRunResponse:
        """End a run before its pass is over."""
        return wire.StopRunResponse(run=run_to_message(await self._runs.stop(request.run_id)))

    async def GetRadioContext(
        self, request: wire.GetRadioContextRequest, context: Any
    ) -> wire.GetRadioContextResponse:
        """The estimate at the current tick, or one predicted from it."""
        horizon_s = optional_seconds(request, "horizon")
        served = await self._radio.context(request.trigger_id, horizon_s)
        return wire.GetRadioContextResponse(context=context_to_message(served))

    async def ApplyDecision(
        self, request: wire.ApplyDecisionRequest, context: Any
    ) -> wire.ApplyDecisionResponse:
        """Put a decision in force and measure it, once."""
        decision = Decision(
            decision_id=request.decision_id,
            context_id=request.context_id,
            trigger_id=request.trigger_id,
            allocation=allocation_from_message(request.allocation, esim_count=ESIMS),
        )
        outcome = await self._radio.apply(decision)
        return wire.ApplyDecisionResponse(outcome=outcome_to_message(outcome))

    async def StreamKpis(
        self, request: wire.StreamKpisRequest, context: Any
    ) -> AsyncIterator[wire.StreamKpisResponse]:
        """Key figures of every tick up to the end of the run."""
        after_s = optional_seconds(request, "after_sim_offset")
        async for kpi in self._runs.kpis(request.run_id, after_s):
            yield wire.StreamKpisResponse(kpi=kpi_to_message(kpi))

    async def ListOutcomes(
        self, request: wire.ListOutcomesRequest, context: Any
    ) -> wire.ListOutcomesResponse:
        """Outcomes of applied decisions, oldest first."""
        run = await self._runs.get(request.run_id)
        limit = _page_size(request.page_size)
        rows = await self._radio.outcomes(run.run_id, _page_start(request.page_token), limit + 1)
        page = rows[:limit]
        return wire.ListOutcomesResponse(
            outcomes=[outcome_to_message(outcome) for _, outcome in page],
            next_page_token=str(page[-1][0]) if len(rows) > limit else "",
        )

    async def GetGroundTruth(
        self, request: wire.GetGroundTruthRequest, context: Any
    ) -> wire.GetGroundTruthResponse:
        """What it takes to score an applied decision."""
        truth = await self._radio.truth(request.decision_id)
        return wire.GetGroundTruthResponse(ground_truth=truth_to_message(truth))


def _page_size(asked: int) -> int:
    if not 0 <= asked <= _LARGEST_PAGE:
        raise InvalidArgument(
            f"page_size is {asked}; use 0 to {_LARGEST_PAGE}.",
            reason="INVALID_FIELD",
            field="page_size",
        )
    return asked or _DEFAULT_PAGE


def _page_start(token: str) -> int:
    if not token:
        return 0
    if not (token.isascii() and token.isdecimal() and len(token) <= _LONGEST_TOKEN):
        raise InvalidArgument(
            "page_token is none that this service gave; leave it empty to begin anew.",
            reason="INVALID_FIELD",
            field="page_token",
        )
    return int(token)
