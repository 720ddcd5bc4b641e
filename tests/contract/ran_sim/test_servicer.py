"""RadioService as its clients see it."""

from dataclasses import replace
from typing import Any

import grpc
import numpy as np
import pytest
from fakes.memory_broker import MemoryBroker
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from support.passes import pass_scenario
from support.ran_playing import allocation
from support.waiting import until

from aimlnf.errors.v1.reason_pb2 import Reason
from aimlnf.ransim.v1 import radio_pb2, run_pb2, tensor_pb2
from aimlnf.ransim.v1 import radio_service_pb2 as wire
from aimlnf.ransim.v1.radio_service_pb2_grpc import RadioServiceStub
from nf_runtime.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NfError,
    NotFound,
)
from nf_runtime.events.cloud_event import decode
from nf_runtime.wire import allocation_to_message, context_from_message
from radio_math.secrecy import Combining, sum_secrecy_rate
from ran_sim.messages import order_to_message
from ran_sim.runs import Pace, RunOrder
from ran_sim.simulation import Simulation

SCENARIO = pass_scenario()
FAST = RunOrder(SCENARIO, Pace.SCALED, speed_factor=0.0)
LOCKSTEP = RunOrder(SCENARIO, Pace.LOCKSTEP, speed_factor=0.0)


async def started(stub: Any, order: RunOrder, *, pause_at_s: float | None = None) -> run_pb2.Run:
    """A run that has paused or ended."""
    order = replace(order, pause_at_s=pause_at_s)
    response = await stub.StartRun(order_to_message(order, "request-1"))
    run: run_pb2.Run = response.run
    standing = {run_pb2.RUN_STATE_PAUSED, run_pb2.RUN_STATE_FINISHED}
    while run.state not in standing:
        run = (await stub.GetRun(wire.GetRunRequest(run_id=run.run_id))).run
    return run


async def decision(stub: Any, **changes: Any) -> wire.ApplyDecisionRequest:
    """A good decision from the current context, with other values."""
    context = (await stub.GetRadioContext(wire.GetRadioContextRequest())).context
    values = {
        "decision_id": "decision-1",
        "context_id": context.context_id,
        "allocation": allocation_to_message(allocation()),
    }
    return wire.ApplyDecisionRequest(**{**values, **changes})


async def test_health_and_reflection(channel: grpc.aio.Channel) -> None:
    """Both know the service."""
    service = "aimlnf.ransim.v1.RadioService"
    health = await health_pb2_grpc.HealthStub(channel).Check(
        health_pb2.HealthCheckRequest(service=service)
    )
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]))
    names = [entry.name async for answer in call for entry in answer.list_services_response.service]
    assert service in names


async def test_a_run_from_start_to_end(stub: RadioServiceStub, broker: MemoryBroker) -> None:
    """Its ticks are streamed, its events published, its counts are those of the events."""
    await stub.StartRun(order_to_message(FAST, "request-1"))
    kpis = [answer.kpi async for answer in stub.StreamKpis(wire.StreamKpisRequest())]
    assert [kpi.sim_offset.seconds for kpi in kpis] == list(range(60))
    assert all(len(kpi.beams) == 8 for kpi in kpis)
    assert min(kpi.sum_secrecy_rate_bps_hz for kpi in kpis) > 0
    run = (await stub.GetRun(wire.GetRunRequest())).run
    assert run.state == run_pb2.RUN_STATE_FINISHED
    assert run.sim_offset.seconds == 60
    fired = sum(count.published_count for count in run.trigger_counts)
    await until(lambda: len(broker.records("ran.measurements")) == 60)
    await until(lambda: len(broker.records("ran.triggers")) == fired)
    events = [decode(record.headers, record.value) for record in broker.records("ran.triggers")]
    assert {event.type for event in events} == {
        count.trigger_type for count in run.trigger_counts if count.published_count
    }
    assert all(
        record.key in {b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8"}
        for record in broker.records("ran.triggers")
    )


async def test_the_context_is_the_estimate(stub: RadioServiceStub) -> None:
    """Tensors of the promised shapes, and exactly the estimate of the paused tick."""
    run = await started(stub, FAST, pause_at_s=12.0)
    context = (await stub.GetRadioContext(wire.GetRadioContextRequest())).context
    assert context.run_id == run.run_id
    assert context.satellite_id == "48112"
    assert context.sim_offset.seconds == 12
    assert context.csi_age.nanos == 20_000_000
    assert len(context.esim_ids) == 10
    assert list(context.beam_ids) == ["1", "2", "3", "4", "5", "6", "7", "8"]
    assert context.carrier_quota == 4
    arrays = context_from_message(context)
    estimated = Simulation(SCENARIO).contexts_at(12).estimated
    assert arrays.gain_per_w == pytest.approx(estimated.gain_per_w, rel=1e-6)
    assert arrays.beam_amplitude.shape == (10, 8)


async def test_the_context_is_foreseen_where_a_horizon_is_given(stub: RadioServiceStub) -> None:
    """Geometry of the orbit at the horizon; without one the field stays unset."""
    await started(stub, FAST, pause_at_s=12.0)
    plain = (await stub.GetRadioContext(wire.GetRadioContextRequest())).context
    assert not plain.HasField("horizon")
    request = wire.GetRadioContextRequest(horizon=Duration(seconds=10))
    context = (await stub.GetRadioContext(request)).context
    assert context.horizon.seconds == 10
    assert context.sim_offset == plain.sim_offset
    assert context.context_id != plain.context_id
    arrays = context_from_message(context)
    then = Simulation(SCENARIO).contexts_at(22).true
    assert arrays.beam_amplitude == pytest.approx(then.beam_amplitude, abs=1e-3)
    await stub.ApplyDecision(await decision(stub, context_id=context.context_id))
    truth = await stub.GetGroundTruth(wire.GetGroundTruthRequest(decision_id="decision-1"))
    assert truth.ground_truth.estimate == context


async def test_an_unknown_context_or_horizon_is_refused(stub: RadioServiceStub) -> None:
    """A horizon above a minute, and contexts that were never served."""
    await started(stub, FAST, pause_at_s=12.0)
    with pytest.raises(InvalidArgument, match="horizon is 61 s"):
        await stub.GetRadioContext(wire.GetRadioContextRequest(horizon=Duration(seconds=61)))
    name = (await stub.GetRadioContext(wire.GetRadioContextRequest())).context.context_id
    for wrong in (f"{name}+", f"{name}+99999ms", f"{name}+1s", f"{name}+-1ms"):
        with pytest.raises(NotFound, match="has served no context"):
            await stub.ApplyDecision(await decision(stub, context_id=wrong))


async def test_an_applied_decision_is_scored(stub: RadioServiceStub) -> None:
    """Before, after and the ground truth agree with each other."""
    await started(stub, FAST, pause_at_s=12.0)
    request = await decision(stub)
    outcome = (await stub.ApplyDecision(request)).outcome
    truth = (
        await stub.GetGroundTruth(wire.GetGroundTruthRequest(decision_id="decision-1"))
    ).ground_truth
    assert truth.outcome == outcome
    assert truth.allocation == request.allocation
    context = context_from_message(truth.truth)
    assert float(sum_secrecy_rate(context, allocation())) == pytest.approx(
        outcome.after_bps_hz, rel=1e-4
    )
    benchmark = Simulation(SCENARIO).benchmark().allocation
    assert float(sum_secrecy_rate(context, benchmark, Combining.MRC)) == pytest.approx(
        outcome.before_bps_hz, rel=1e-4
    )
    assert truth.estimate.gain_per_w != truth.truth.gain_per_w


async def test_a_repeated_decision_gets_the_same_outcome(stub: RadioServiceStub) -> None:
    """Also after time has passed."""
    await started(stub, FAST, pause_at_s=12.0)
    request = await decision(stub)
    first = (await stub.ApplyDecision(request)).outcome
    await stub.ResumeRun(wire.ResumeRunRequest(pause_at=Duration(seconds=20)))
    again = (await stub.ApplyDecision(request)).outcome
    assert again == first
    outcomes = (await stub.ListOutcomes(wire.ListOutcomesRequest())).outcomes
    assert list(outcomes) == [first]


async def test_lockstep_waits_for_the_named_answer(stub: RadioServiceStub) -> None:
    """A run holds at its first trigger and goes on once a decision names it."""
    response = await stub.StartRun(order_to_message(LOCKSTEP))
    run = response.run
    while run.state != run_pb2.RUN_STATE_HOLDING:
        run = (await stub.GetRun(wire.GetRunRequest())).run
    held_at = run.sim_offset.seconds
    simulation = Simulation(SCENARIO)
    for trigger in simulation.triggers_at(held_at):
        name = f"{run.run_id}/org.aimlnf.ran.{trigger.kind.value}.v1/{trigger.sequence}"
        context = (await stub.GetRadioContext(wire.GetRadioContextRequest(trigger_id=name))).context
        assert context.sim_offset.seconds == held_at
        await stub.ApplyDecision(await decision(stub, decision_id=name, trigger_id=name))
    while run.sim_offset.seconds == held_at:
        run = (await stub.GetRun(wire.GetRunRequest())).run
    assert run.unanswered_count == 0
    assert run.applied_count == len(simulation.triggers_at(held_at))
    stopped = (await stub.StopRun(wire.StopRunRequest())).run
    assert stopped.state == run_pb2.RUN_STATE_STOPPED


async def test_pages_of_outcomes(stub: RadioServiceStub) -> None:
    """Every outcome once, in order, whatever the page size."""
    await started(stub, FAST, pause_at_s=3.0)
    for number in range(7):
        await stub.ApplyDecision(await decision(stub, decision_id=f"decision-{number}"))
    seen, token = [], ""
    while True:
        page = await stub.ListOutcomes(wire.ListOutcomesRequest(page_size=3, page_token=token))
        seen += [outcome.decision_id for outcome in page.outcomes]
        token = page.next_page_token
        if not token:
            break
    assert seen == [f"decision-{number}" for number in range(7)]


async def test_events_wait_for_a_missing_broker(
    stub: RadioServiceStub, broker: MemoryBroker
) -> None:
    """A run plays without it, and everything is published once it is there."""
    broker.missing = True
    await started(stub, FAST)
    assert broker.records("ran.measurements") == []
    broker.missing = False
    await until(lambda: len(broker.records("ran.measurements")) == 60)


def spoiled(**changes: Any) -> wire.StartRunRequest:
    """A start request with other values in its scenario."""
    request = order_to_message(FAST)
    for name, value in changes.items():
        setattr(request.scenario, name, value)
    return request


class TestBadInput:
    """Each one clear sentence that names the field, with a reason of the published list."""

    async def refused(self, call: Any, kind: type[NfError], reason: str, *words: str) -> None:
        """The call fails as it should."""
        with pytest.raises(kind) as caught:
            await call
        assert caught.value.reason == reason
        assert f"REASON_{reason}" in Reason.DESCRIPTOR.values_by_name
        for word in words:
            assert word in caught.value.message
        assert "Traceback" not in caught.value.message

    @pytest.mark.parametrize(
        ("request_", "reason", "word"),
        [
            (wire.StartRunRequest(), "INVALID_FIELD", "pace"),
            (wire.StartRunRequest(pace=run_pb2.PACE_SCALED), "INVALID_FIELD", "scenario"),
            (spoiled(tle_line1=""), "ELEMENTS_UNUSABLE", "tle_line1"),
            (
                spoiled(tle_line2=SCENARIO.elements.line2[:-1] + "1"),
                "ELEMENTS_UNUSABLE",
                "tle_line2",
            ),
            (spoiled(latitude_deg=123.0), "INVALID_FIELD", "latitude_deg"),
            (spoiled(longitude_deg=float("nan")), "INVALID_FIELD", "longitude_deg"),
            (spoiled(carrier_frequency_hz=20.0), "INVALID_FIELD", "carrier_frequency_hz"),
            (spoiled(seed=-1), "INVALID_FIELD", "seed"),
            (spoiled(scenario_id="a b"), "INVALID_FIELD", "scenario_id"),
        ],
    )
    async def test_start(
        self,
        stub: RadioServiceStub,
        request_: wire.StartRunRequest,
        reason: str,
        word: str,
    ) -> None:
        """A scenario that cannot be simulated."""
        await self.refused(stub.StartRun(request_), InvalidArgument, reason, word)

    async def test_satellite_that_never_rises(self, stub: RadioServiceStub) -> None:
        """A site out of the orbit's reach."""
        call = stub.StartRun(spoiled(latitude_deg=84.0))
        await self.refused(call, FailedPrecondition, "SATELLITE_NOT_VISIBLE", "latitude_deg 84")

    async def test_stale_elements(self, stub: RadioServiceStub) -> None:
        """A start far from the elements' epoch."""
        request = order_to_message(FAST)
        request.scenario.start_time.FromJsonString("2023-01-01T00:00:00Z")
        call = stub.StartRun(request)
        await self.refused(call, FailedPrecondition, "ELEMENTS_UNUSABLE", "start_time")

    async def test_without_a_run(self, stub: RadioServiceStub) -> None:
        """Nothing can be asked of a run before there is one."""
        await self.refused(stub.GetRun(wire.GetRunRequest()), NotFound, "NO_RUN")
        await self.refused(stub.PauseRun(wire.PauseRunRequest()), NotFound, "NO_RUN")
        await self.refused(stub.ResumeRun(wire.ResumeRunRequest()), NotFound, "NO_RUN")
        await self.refused(stub.StopRun(wire.StopRunRequest()), NotFound, "NO_RUN")
        await self.refused(stub.ListOutcomes(wire.ListOutcomesRequest()), NotFound, "NO_RUN")
        await self.refused(
            stub.GetRadioContext(wire.GetRadioContextRequest()), FailedPrecondition, "NO_RUN"
        )
        with pytest.raises(NotFound):
            async for _ in stub.StreamKpis(wire.StreamKpisRequest()):
                pass

    async def test_ended_run(self, stub: RadioServiceStub) -> None:
        """It can neither be paused nor resumed."""
        await started(stub, FAST)
        await self.refused(
            stub.PauseRun(wire.PauseRunRequest()), FailedPrecondition, "STATE_FORBIDS", "finished"
        )

    async def test_reused_request_identity(self, stub: RadioServiceStub) -> None:
        """One identity, two orders."""
        await started(stub, FAST)
        call = stub.StartRun(order_to_message(replace(FAST, speed_factor=1.0), "request-1"))
        await self.refused(call, AlreadyExists, "REQUEST_ID_REUSED", "request-1")

    @pytest.mark.parametrize(
        ("changes", "kind", "reason", "word"),
        [
            ({"decision_id": ""}, InvalidArgument, "INVALID_FIELD", "decision_id"),
            ({"context_id": "x"}, NotFound, "RESOURCE_NOT_FOUND", "context 'x'"),
            ({"trigger_id": "x"}, NotFound, "RESOURCE_NOT_FOUND", "trigger 'x'"),
            ({"allocation": None}, InvalidArgument, "INVALID_TENSOR", "carrier"),
        ],
    )
    async def test_decision(
        self,
        stub: RadioServiceStub,
        changes: dict[str, Any],
        kind: type[NfError],
        reason: str,
        word: str,
    ) -> None:
        """Unknown identities, and no allocation."""
        await started(stub, FAST, pause_at_s=3.0)
        await self.refused(stub.ApplyDecision(await decision(stub, **changes)), kind, reason, word)

    @pytest.mark.parametrize(
        ("field", "tensor", "reason"),
        [
            ("carrier", tensor_pb2.Tensor(), "INVALID_TENSOR"),
            (
                "power_w",
                tensor_pb2.Tensor(
                    data_type=tensor_pb2.DATA_TYPE_FLOAT32,
                    shape=[10],
                    raw=np.full(10, np.nan, dtype="<f4").tobytes(),
                ),
                "TENSOR_NOT_FINITE",
            ),
            (
                "beamformer_index",
                tensor_pb2.Tensor(
                    data_type=tensor_pb2.DATA_TYPE_FLOAT32, shape=[2**40, 2**40], raw=b""
                ),
                "INVALID_TENSOR",
            ),
        ],
    )
    async def test_tensor(
        self, stub: RadioServiceStub, field: str, tensor: tensor_pb2.Tensor, reason: str
    ) -> None:
        """A tensor of the wrong kind, length or content, named."""
        await started(stub, FAST, pause_at_s=3.0)
        message = allocation_to_message(allocation())
        getattr(message, field).CopyFrom(tensor)
        call = stub.ApplyDecision(await decision(stub, allocation=message))
        await self.refused(call, InvalidArgument, reason, field)

    async def test_quota_and_budget(self, stub: RadioServiceStub) -> None:
        """An allocation that breaks a rule of the radio network."""
        await started(stub, FAST, pause_at_s=3.0)
        for bad, word in (
            (replace(allocation(), carrier=np.zeros(10, dtype=np.int64)), "allocation.carrier"),
            (replace(allocation(), power_w=np.full(10, 30.0)), "allocation.power_w"),
        ):
            request = await decision(stub, allocation=allocation_to_message(bad))
            call = stub.ApplyDecision(request)
            await self.refused(call, InvalidArgument, "INVALID_FIELD", word)

    @pytest.mark.parametrize(
        "request_",
        [
            wire.ListOutcomesRequest(page_size=-1),
            wire.ListOutcomesRequest(page_size=5000),
            wire.ListOutcomesRequest(page_token="later"),  # noqa: S106 - no password
            wire.ListOutcomesRequest(page_token="9" * 30),
        ],
    )
    async def test_pages(self, stub: RadioServiceStub, request_: wire.ListOutcomesRequest) -> None:
        """Page sizes out of range and tokens that were never given."""
        await started(stub, FAST, pause_at_s=3.0)
        await self.refused(stub.ListOutcomes(request_), InvalidArgument, "INVALID_FIELD", "page_")

    async def test_unknown_ground_truth(self, stub: RadioServiceStub) -> None:
        """A decision that was never applied."""
        call = stub.GetGroundTruth(wire.GetGroundTruthRequest(decision_id="none"))
        await self.refused(call, NotFound, "RESOURCE_NOT_FOUND", "'none'")

    async def test_malformed_message(self, channel: grpc.aio.Channel) -> None:
        """Bytes that are no message are refused without a traceback."""
        method = channel.unary_unary(
            "/aimlnf.ransim.v1.RadioService/ApplyDecision",
            request_serializer=lambda raw: raw,
            response_deserializer=radio_pb2.Outcome.FromString,
        )
        await self.refused(method(b"\xff\xff\xff"), InvalidArgument, "MALFORMED_REQUEST")
