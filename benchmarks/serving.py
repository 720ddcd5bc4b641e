"""How quickly the inference function answers, and how undisturbed a swap leaves it.

``python -m benchmarks.serving``. Everything is measured in one run and in short rounds, each of
which has a turn of every server: a gRPC echo of the same bytes, MLServer as a peer, and a bare
server with the same graph, which is the least that one in Python can take. The graph alone runs in
this process between two calls of the echo, where it finds the caches as it does in a server. The
function logs warnings only, as MLServer does. It prints ratios and asserts nothing.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

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
from benchmarks.ratios import Ratio, at_least, at_most, of_rounds, show
from benchmarks.serving_model import INPUT, NAME, Repository, Version, example, make_version
from benchmarks.serving_servers import bare, echo, free_port, inference_nf, mlserver
from inference_nf.engines.onnxruntime import OnnxRuntimeBuilder
from inference_nf.releases import Precision
from nf_runtime.signing import Signer
from nf_runtime.wire import fill_context_message
from radio_math.context import BEAMS, CARRIERS, ESIMS, GRID_POINTS, RadioContext

CALLERS = 16
_SWAP_RATE_HZ = 200.0
_SWAPS, _SWAP_TURNS = 20, 10
_TAIL = 99

Rounds = defaultdict[str, list[float]]


@dataclass(frozen=True)
class Servers:
    """Addresses of what is compared."""

    echo: str
    bare: str
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


def graph_alone(graph: bytes) -> Callable[[], object]:
    """The graph alone, in this process."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    feeds = {INPUT: example()}
    return lambda: session.run(None, feeds)


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


def one_caller(servers: Servers, graph: bytes, rounds: int, calls: int) -> Rounds:
    """Median seconds of a call to each, in each round; `floor` is a call of the echo and the graph.

    Also the graph alone, call after call, for comparison.
    """
    taken: Rounds = defaultdict(list)
    alone = graph_alone(graph)
    for _ in range(rounds):
        for name, address in vars(servers).items():
            with caller(address) as call:
                timed(call, 20)
                taken[name].append(statistics.median(timed(call, calls)))
                if name == "echo":
                    both = timed(lambda call=call: (call(), alone()), calls)  # type: ignore[misc]
                    taken["floor"].append(statistics.median(both))
        taken["graph"].append(statistics.median(timed(alone, calls)))
    return taken


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


def many_callers(servers: Servers, rounds: int, duration_s: float) -> Rounds:
    """Seconds that each takes for an answer to one of `CALLERS`, in each round."""
    taken: Rounds = defaultdict(list)
    for _ in range(rounds):
        for name, address in vars(servers).items():
            taken[name].append(1 / asyncio.run(throughput(address, duration_s)))
    return taken


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

    def __iadd__(self, other: "Swapping") -> Self:
        self.made += other.made
        self.in_force += other.in_force
        self.failed += other.failed
        return self

    def percentile_s(self, percent: float) -> float:
        """Of the decisions' times."""
        return float(np.percentile(self.taken_s, percent))

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


def with_and_without_swaps(
    address: str, duration_s: float, swaps: int, turns: int
) -> tuple[Swapping, Swapping]:
    """Decisions while versions are swapped, and as many while none is, in turns."""
    swapped, steady = Swapping([], []), Swapping([], [])
    for _ in range(turns):
        steady += asyncio.run(decide_at_a_rate(address, duration_s / turns, 0))
        swapped += asyncio.run(decide_at_a_rate(address, duration_s / turns, swaps // turns))
    return swapped, steady


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
            bare(folder, versions[0].graph, INPUT) as bare_address,
            inference_nf(folder, settings) as ours,
            mlserver(folder, versions[0].graph, NAME) as peer,
        ):
            # Only what a load needs is there.
            there = Repository(list(versions), signer)  # type: ignore[abstract]
            asyncio.run(_load(ours, repository, there, versions))
            yield Servers(echo_address, bare_address, ours, peer)


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
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=100, help="of one caller, a round and server")
    parser.add_argument("--load-s", type=float, default=0.5, help="of many callers, likewise")
    parser.add_argument(
        "--swap-s", type=float, default=60.0, help="with swaps, and as long without"
    )
    arguments = parser.parse_args(argv)
    versions = [make_version(1), make_version(2)]
    load = [os.getloadavg()[0]]
    with serving(versions) as servers:
        one = one_caller(servers, versions[0].graph, arguments.rounds, arguments.calls)
        many = many_callers(servers, arguments.rounds, arguments.load_s)
        load.append(os.getloadavg()[0])
        swapped, steady = with_and_without_swaps(
            servers.ours, arguments.swap_s, _SWAPS, turns=_SWAP_TURNS
        )
        load.append(os.getloadavg()[0])
    single, crowd = "ModelInfer p50, 1 caller", f"an answer, {CALLERS} callers"
    rows = [
        of_rounds(single, "echo + graph", one["ours"], one["floor"], target=at_most(1.15)),
        of_rounds(single, "MLServer", one["ours"], one["mlserver"], target=at_most(0.5)),
        of_rounds(crowd, "MLServer", many["ours"], many["mlserver"], target=at_least(1.9)),
        of_rounds(crowd, "echo", many["ours"], many["echo"], target=at_least(0.65)),
        Ratio(
            f"decision p99, {_SWAPS} swaps",
            "no swaps",
            swapped.percentile_s(_TAIL),
            steady.percentile_s(_TAIL),
            at_most(2.0),
        ),
        of_rounds(
            f"bare: {single}", "echo + graph", one["bare"], one["floor"], target=at_most(1.15)
        ),
        of_rounds(f"bare: {crowd}", "echo", many["bare"], many["echo"], target=at_least(0.65)),
    ]
    show("Serving", rows)
    print("load: " + ", ".join(f"{value:.1f}" for value in load))
    for what, of in (("p50 [ms]", one), ("an answer [ms]", many)):
        medians = {name: 1e3 * statistics.median(times_s) for name, times_s in of.items()}
        print(f"{what}: " + ", ".join(f"{name} {ms:.3f}" for name, ms in medians.items()))
    for what, of_them in (("steady", steady), (f"{_SWAPS} swaps", swapped)):
        print(
            f"{what}: {len(of_them.made)} decisions, {of_them.failed} failed, "
            f"{of_them.wrong_version} of the wrong version, "
            f"p50 {1e3 * of_them.percentile_s(50):.2f} ms, "
            f"p99 {1e3 * of_them.percentile_s(_TAIL):.2f} ms"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
