"""How quickly the inference function answers, and how undisturbed a swap leaves it.

``python -m benchmarks.serving``. Everything is measured in one run and in turns: a gRPC echo of
the same bytes, the same graph in this process, and MLServer as a peer. The function logs warnings
only, as MLServer does. It prints ratios and asserts nothing.
"""

import argparse
import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import onnxruntime

from aimlnf.inference.oip import open_inference_pb2 as oip
from aimlnf.inference.oip.open_inference_pb2_grpc import GRPCInferenceServiceStub
from aimlnf.inference.v1 import inference_function_service_pb2 as pb
from aimlnf.inference.v1.inference_function_service_pb2_grpc import InferenceFunctionServiceStub
from aimlnf.mms.v1.model_repository_service_pb2_grpc import (
    add_ModelRepositoryServiceServicer_to_server,
)
from aimlnf.ransim.v1 import radio_pb2
from benchmarks.ratios import Ratio, at_least, at_most, show
from benchmarks.serving_model import INPUT, NAME, Repository, Version, example, make_version
from benchmarks.serving_servers import echo, free_port, inference_nf, mlserver
from inference_nf.engines.onnxruntime import OnnxRuntimeBuilder
from inference_nf.releases import Precision
from nf_runtime.signing import Signer
from nf_runtime.wire import fill_context_message
from radio_math.context import BEAMS, CARRIERS, ESIMS, GRID_POINTS, RadioContext

CALLERS = 16
_TURNS = 7
_SWAP_RATE_HZ = 200.0
_TAIL = 99


@dataclass(frozen=True)
class Servers:
    """Addresses of what is compared."""

    echo: str
    ours: str
    mlserver: str


def request_bytes() -> bytes:
    """One ModelInfer request, as it goes over the wire to each of them."""
    array = example()
    request = oip.ModelInferRequest(model_name=NAME, raw_input_contents=[array.tobytes()])
    request.inputs.add(name=INPUT, datatype="FP32", shape=array.shape)
    return request.SerializeToString()


def response_bytes(graph: bytes) -> bytes:
    """The answer that the echo gives: as many bytes as ours."""
    engine = OnnxRuntimeBuilder(threads=1).build(graph, sha256=NAME, precision=Precision.FP32)
    response = oip.ModelInferResponse(model_name=NAME, model_version="1")
    for name, array in engine.run({INPUT: example()}).items():
        datatype = "INT64" if array.dtype == np.int64 else "FP32"
        response.outputs.add(name=name, datatype=datatype, shape=array.shape)
        response.raw_output_contents.append(array.tobytes())
    return response.SerializeToString()


def in_process_s(graph: bytes, count: int) -> float:
    """Median time of the graph alone, in this process."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    feeds = {INPUT: example()}
    return statistics.median(timed(lambda: session.run(None, feeds), count))


def timed(call: Callable[[], object], count: int) -> list[float]:
    """Seconds of each of `count` calls."""
    taken_s = []
    for _ in range(count):
        before_s = time.perf_counter()
        call()
        taken_s.append(time.perf_counter() - before_s)
    return taken_s


@contextmanager
def caller(address: str) -> Iterator[Callable[[], bytes]]:
    """One caller that sends the same bytes again and again and does not read the answer."""
    request = request_bytes()
    with grpc.insecure_channel(address) as channel:
        infer: Any = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        yield lambda: infer(request, timeout=10.0)


def one_caller(servers: Servers, graph: bytes, count: int) -> dict[str, float]:
    """Median seconds of a call to each, and of the graph alone, measured in turns."""
    taken: dict[str, list[float]] = {"in process": []}
    for _ in range(_TURNS):
        taken["in process"].append(in_process_s(graph, count))
        for name, address in vars(servers).items():
            with caller(address) as call:
                timed(call, 20)
                taken.setdefault(name, []).append(statistics.median(timed(call, count)))
    return {name: statistics.median(times_s) for name, times_s in taken.items()}


async def throughput(address: str, duration_s: float) -> float:
    """Answers a second to `CALLERS` callers at once."""
    request = request_bytes()
    answered = 0
    async with grpc.aio.insecure_channel(address) as channel:
        infer: Any = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        end_s = time.perf_counter() + duration_s

        async def call() -> None:
            nonlocal answered
            while time.perf_counter() < end_s:
                await infer(request, timeout=10.0)
                answered += 1

        await asyncio.gather(*(call() for _ in range(CALLERS)))
    return answered / duration_s


async def many_callers(servers: Servers, duration_s: float) -> dict[str, float]:
    """Median answers a second of each, in turns."""
    rates: dict[str, list[float]] = {}
    for _ in range(_TURNS):
        for name, address in vars(servers).items():
            rates.setdefault(name, []).append(await throughput(address, duration_s))
    return {name: statistics.median(of) for name, of in rates.items()}


@dataclass(frozen=True)
class Made:
    """A decision: when it was due, asked for and answered [s], and by which version."""

    due_s: float
    asked_s: float
    answered_s: float
    version: int


@dataclass
class Swapping:
    """What came of decisions while versions were swapped.

    `in_force` has, for each activation, its version, when it was asked for and when the next one
    was confirmed [s]: in between the version may decide.
    """

    made: list[Made]
    in_force: list[tuple[int, float, float]]
    failed: int = 0

    @property
    def taken_s(self) -> list[float]:
        """Each decision's time from the moment it was due: a late start counts."""
        return [made.answered_s - made.due_s for made in self.made]

    @property
    def wrong_version(self) -> int:
        """Decisions by a version that was not in force at any time while they were made."""
        return sum(
            not any(
                version == made.version and begin_s <= made.answered_s and made.asked_s <= end_s
                for version, begin_s, end_s in self.in_force
            )
            for made in self.made
        )


async def decide_at_a_rate(address: str, duration_s: float, swaps: int) -> Swapping:
    """200 decisions a second, with so many activations spread over them; version 1 begins."""
    context = radio_context()
    found = Swapping([], [])
    async with grpc.aio.insecure_channel(address) as channel:
        stub = InferenceFunctionServiceStub(channel)

        async def activate(version: int) -> None:
            asked_s = time.perf_counter()
            await stub.Activate(pb.ActivateRequest(model_name=NAME, version=version))
            if found.in_force:
                last, begin_s, _ = found.in_force.pop()
                found.in_force.append((last, begin_s, time.perf_counter()))
            found.in_force.append((version, asked_s, float("inf")))

        async def decide(number: int, due_s: float) -> None:
            asked_s = time.perf_counter()
            try:
                response = await stub.Decide(
                    pb.DecideRequest(context=context, decision_id=f"d{number}"), timeout=5.0
                )
            except grpc.aio.AioRpcError:
                found.failed += 1
                return
            decision = response.decision
            # The version's number is what its graph predicts: neither label nor weights can lie.
            told = round(decision.predicted_rate_bps_hz)
            version = told if told == decision.model_version else 0
            found.made.append(Made(due_s, asked_s, time.perf_counter(), version))

        async def swap() -> None:
            versions = itertools.cycle((2, 1))
            for _ in range(swaps):
                await asyncio.sleep(duration_s / (swaps + 1))
                await activate(next(versions))

        await activate(1)
        swapping = asyncio.create_task(swap())
        begin_s = time.perf_counter()
        deciding = []
        for number in range(round(duration_s * _SWAP_RATE_HZ)):
            due_s = begin_s + number / _SWAP_RATE_HZ
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            deciding.append(asyncio.create_task(decide(number, due_s)))
        await asyncio.gather(swapping, *deciding)
    return found


def radio_context() -> radio_pb2.RadioContext:
    """A context that every decision can be made from."""
    rng = np.random.default_rng(1)
    shapes = ((ESIMS, BEAMS), (ESIMS, GRID_POINTS), (ESIMS, GRID_POINTS), (ESIMS,), (CARRIERS,), ())
    message = radio_pb2.RadioContext(context_id="benchmark", satellite_id="1", carrier_quota=4)
    fill_context_message(message, RadioContext(*(1 + rng.random(shape) for shape in shapes)))
    return message


@contextmanager
def serving(versions: Sequence[Version]) -> Iterator[Servers]:
    """Everything that is compared, the function with both versions loaded and the first active."""
    with tempfile.TemporaryDirectory(prefix="aimlnf-bench-") as name:
        folder = Path(name)
        key_file = folder / "key"
        signer = Signer.from_file(key_file)
        repository = f"127.0.0.1:{free_port()}"
        settings = {
            "log": {"level": "warning"},
            "database": {"url": f"sqlite:///{folder / 'inference.db'}"},
            "repository": {"address": repository},
            "notifications": {"enabled": False},
            "models": {"cache_folder": str(folder / "cache")},
            "signing": {"trusted_keys": [f"{key_file}.pub"]},
        }
        with (
            echo(folder, response_bytes(versions[0].graph)) as echo_address,
            inference_nf(folder, settings) as ours,
            mlserver(folder, versions[0].graph, NAME) as peer,
        ):
            # Only what a load needs is there.
            there = Repository(list(versions), signer)  # type: ignore[abstract]
            asyncio.run(_load(ours, repository, there, versions))
            yield Servers(echo_address, ours, peer)


async def _load(
    address: str, repository_address: str, repository: Repository, versions: Sequence[Version]
) -> None:
    server = grpc.aio.server()
    add_ModelRepositoryServiceServicer_to_server(repository, server)
    server.add_insecure_port(repository_address)
    await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        stub = InferenceFunctionServiceStub(channel)
        for version in versions:
            await stub.LoadModel(pb.LoadModelRequest(model_name=NAME, version=version.number))
        await stub.Activate(pb.ActivateRequest(model_name=NAME, version=versions[0].number))
        # Both answer the same, or the comparison is none.
        infer = GRPCInferenceServiceStub(channel).ModelInfer
        answer = await infer(oip.ModelInferRequest.FromString(request_bytes()))
        assert answer.model_version == "1"  # noqa: S101 - a benchmark of the wrong thing is none
    await server.stop(None)


def main(argv: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=400, help="of one caller, a turn and server")
    parser.add_argument("--load-s", type=float, default=3.0, help="of many callers, likewise")
    parser.add_argument("--swap-s", type=float, default=60.0, help="with 20 swaps")
    arguments = parser.parse_args(argv)
    versions = [make_version(1), make_version(2)]
    with serving(versions) as servers:
        alone = one_caller(servers, versions[0].graph, arguments.calls)
        rates = asyncio.run(many_callers(servers, arguments.load_s))
        steady = asyncio.run(decide_at_a_rate(servers.ours, arguments.swap_s / 2, 0))
        swapped = asyncio.run(decide_at_a_rate(servers.ours, arguments.swap_s, 20))
    p99 = [float(np.percentile(of.taken_s, _TAIL)) for of in (swapped, steady)]
    floor_s = alone["echo"] + alone["in process"]
    show(
        "Serving",
        [
            Ratio(
                "ModelInfer p50, 1 caller", "echo + graph", alone["ours"], floor_s, at_most(1.15)
            ),
            Ratio("the same", "MLServer", alone["ours"], alone["mlserver"], at_most(0.5)),
            Ratio(
                f"an answer, {CALLERS} callers",
                "MLServer",
                1 / rates["ours"],
                1 / rates["mlserver"],
                at_least(1.9),
            ),
            Ratio("the same", "echo", 1 / rates["ours"], 1 / rates["echo"], at_least(0.65)),
            Ratio("decision p99, 20 swaps", "no swaps", p99[0], p99[1], at_most(2.0)),
        ],
    )
    print(
        f"in process {1e3 * alone['in process']:.3f} ms, echo {1e3 * alone['echo']:.3f} ms; "
        + ", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items())
    )
    for what, of in (("steady", steady), ("20 swaps", swapped)):
        print(
            f"{what}: {len(of.taken_s)} decisions, {of.failed} failed, "
            f"{of.wrong_version} of the wrong version, "
            f"p50 {1e3 * statistics.median(of.taken_s):.2f} ms, "
            f"p99 {1e3 * float(np.percentile(of.taken_s, _TAIL)):.2f} ms"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
