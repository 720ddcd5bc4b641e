"""What tests ask of an OAM."""

import asyncio
import time
from collections.abc import Sequence

from aimlnf.oam.v1 import lifecycle_pb2
from aimlnf.oam.v1 import lifecycle_service_pb2 as pb
from aimlnf.oam.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub

MODEL = "gan-gdm"
_INTERVAL_S = 0.01


async def watch_until(
    stub: LifecycleServiceStub,
    *last: str,
    after_sequence: int = 0,
    model_name: str = MODEL,
    timeout_s: float = 30.0,
) -> list[lifecycle_pb2.LifecycleStep]:
    """The record after a sequence up to the first step of one of these kinds."""
    steps = []
    request = pb.WatchLifecycleRequest(model_name=model_name, after_sequence=after_sequence)
    async for response in stub.WatchLifecycle(request, timeout=timeout_s):
        steps.append(response.step)
        if kinds([response.step])[0] in last:
            break
    return steps


async def adaptation_in(
    stub: LifecycleServiceStub, adaptation_id: str, state: int, *, timeout_s: float = 30.0
) -> lifecycle_pb2.Adaptation:
    """The adaptation once it is in `state`."""
    end_s = time.monotonic() + timeout_s
    while True:
        request = pb.GetAdaptationRequest(adaptation_id=adaptation_id)
        adaptation = (await stub.GetAdaptation(request)).adaptation
        if adaptation.state == state:
            return adaptation
        if time.monotonic() > end_s:
            raise TimeoutError(f"still {lifecycle_pb2.AdaptationState.Name(adaptation.state)}")
        await asyncio.sleep(_INTERVAL_S)


async def finished(
    stub: LifecycleServiceStub, adaptation_id: str, *, timeout_s: float = 30.0
) -> lifecycle_pb2.Adaptation:
    """The adaptation once nothing of it is left to be done."""
    end_s = time.monotonic() + timeout_s
    while (await lifecycle(stub)).current_adaptation.adaptation_id == adaptation_id:
        if time.monotonic() > end_s:
            raise TimeoutError(f"adaptation {adaptation_id} has not ended")
        await asyncio.sleep(_INTERVAL_S)
    request = pb.GetAdaptationRequest(adaptation_id=adaptation_id)
    return (await stub.GetAdaptation(request)).adaptation


async def lifecycle(stub: LifecycleServiceStub, model_name: str = MODEL) -> lifecycle_pb2.Lifecycle:
    """Where the model stands."""
    return (await stub.GetLifecycle(pb.GetLifecycleRequest(model_name=model_name))).lifecycle


async def steps_of(
    stub: LifecycleServiceStub, model_name: str = MODEL
) -> list[lifecycle_pb2.LifecycleStep]:
    """The whole record."""
    request = pb.ListLifecycleStepsRequest(model_name=model_name, page_size=1000)
    return list((await stub.ListLifecycleSteps(request)).steps)


def kinds(steps: Sequence[lifecycle_pb2.LifecycleStep]) -> list[str]:
    """The kinds of steps in lower case."""
    names = [lifecycle_pb2.StepKind.Name(step.kind) for step in steps]
    return [name.removeprefix("STEP_KIND_").lower() for name in names]
