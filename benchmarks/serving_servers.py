"""The servers that the serving benchmark compares, each in a process of its own.

`echo` is a bare grpc.aio server that answers every call with the bytes of a file: what the way
there and back costs. `bare` is one that runs the graph and does nothing else: it checks, counts and
traces nothing. MLServer is installed into an environment of its own on first use.
"""

import asyncio
import json
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import numpy as np
import onnxruntime
import yaml

from aimlnf.inference.oip import open_inference_pb2 as pb
from aimlnf.inference.oip.open_inference_pb2_grpc import GRPCInferenceServiceStub

PEERS = Path(".cache/peers")
_START_TIMEOUT_S = 120.0

# What MLServer runs: the same graph, in the same engine, with one thread.
_RUNTIME = """
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse

class Graph(MLModel):
    async def load(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, options, providers=["CPUExecutionProvider"]
        )
        self.names = [output.name for output in self.session.get_outputs()]
        return True

    async def predict(self, payload):
        feeds = {tensor.name: NumpyCodec.decode_input(tensor) for tensor in payload.inputs}
        outputs = self.session.run(self.names, feeds)
        return InferenceResponse(
            id=payload.id,
            model_name=self.name,
            outputs=[NumpyCodec.encode_output(n, a) for n, a in zip(self.names, outputs)],
        )
"""


@contextmanager
def process(arguments: list[str], log: Path) -> Iterator[None]:
    """A process until the block ends; its output goes to a file."""
    with log.open("ab") as file:
        running = subprocess.Popen(arguments, stdout=file, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


@contextmanager
def echo(folder: Path, response: bytes) -> Iterator[str]:
    """The address of a server that answers `response`."""
    (folder / "response.bin").write_bytes(response)
    with _bare_server(folder, "echo", str(folder / "response.bin")) as address:
        yield address


@contextmanager
def bare(folder: Path, graph: bytes, name: str) -> Iterator[str]:
    """The address of a server that runs `graph`, whose one input is called `name`."""
    (folder / "graph.onnx").write_bytes(graph)
    with _bare_server(folder, "bare", str(folder / "graph.onnx"), name) as address:
        yield address


@contextmanager
def _bare_server(folder: Path, what: str, *arguments: str) -> Iterator[str]:
    port, log = free_port(), folder / f"{what}.log"
    with process([sys.executable, "-m", __name__, str(port), what, *arguments], log):
        yield _ready(f"127.0.0.1:{port}", log)


@contextmanager
def inference_nf(folder: Path, settings: dict[str, object]) -> Iterator[str]:
    """The address of the inference function."""
    port = free_port()
    config = folder / "inference_nf.yaml"
    server = {"port": port, "metrics_port": None}
    config.write_text(yaml.safe_dump({**settings, "server": server}))
    with process(
        [sys.executable, "-m", "inference_nf", "--config", str(config)], folder / "inference_nf.log"
    ):
        yield _ready(f"127.0.0.1:{port}", folder / "inference_nf.log")


@contextmanager
def mlserver(folder: Path, graph: bytes, name: str) -> Iterator[str]:
    """The address of an MLServer that serves the graph without worker processes, its best case."""
    environment = PEERS / "mlserver"
    if not (environment / "bin" / "mlserver").exists():
        venv.create(environment, with_pip=True)
        subprocess.run(
            [environment / "bin" / "pip", "install", "--quiet", "mlserver", "onnxruntime"],
            check=True,
        )
    served = folder / "mlserver"
    served.mkdir()
    (served / "graph.onnx").write_bytes(graph)
    (served / "graph_runtime.py").write_text(_RUNTIME)
    http, port, metrics = free_port(), free_port(), free_port()
    (served / "settings.json").write_text(
        json.dumps(
            {
                "host": "127.0.0.1",
                "http_port": http,
                "grpc_port": port,
                "metrics_port": metrics,
                "parallel_workers": 0,
                "debug": False,
            }
        )
    )
    (served / "model-settings.json").write_text(
        json.dumps(
            {
                "name": name,
                "implementation": "graph_runtime.Graph",
                "parameters": {"uri": str((served / "graph.onnx").resolve())},
            }
        )
    )
    with process(
        [str(environment / "bin" / "mlserver"), "start", str(served)], folder / "mlserver.log"
    ):
        yield _ready(f"127.0.0.1:{port}", folder / "mlserver.log", model=name)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _ready(address: str, log: Path, model: str = "") -> str:
    """The address, once whoever listens there answers."""
    end_s = time.monotonic() + _START_TIMEOUT_S
    with grpc.insecure_channel(address) as channel:
        stub = GRPCInferenceServiceStub(channel)
        while time.monotonic() < end_s:
            try:
                live = stub.ServerLive(pb.ServerLiveRequest(), wait_for_ready=True, timeout=1.0)
                if live.live and (
                    not model
                    or stub.ModelReady(pb.ModelReadyRequest(name=model), timeout=1.0).ready
                ):
                    return address
            except grpc.RpcError:
                pass
            time.sleep(0.1)
    raise TimeoutError(f"nobody answered at {address}; see {log}:\n{log.read_text()[-2000:]}")


def _answering(response: bytes) -> Callable[[bytes], bytes]:
    return lambda _: response


def _running(graph: bytes, name: str) -> Callable[[bytes], bytes]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(content: bytes) -> bytes:
        request = pb.ModelInferRequest.FromString(content)
        array = np.frombuffer(request.raw_input_contents[0], np.float32)
        outputs = session.run(names, {name: array.reshape(request.inputs[0].shape)})
        response = pb.ModelInferResponse(model_name=request.model_name, model_version="1")
        for output, values in zip(names, outputs, strict=True):
            datatype = "INT64" if values.dtype == np.int64 else "FP32"
            response.outputs.add(name=output, datatype=datatype, shape=values.shape)
            response.raw_output_contents.append(values.tobytes())
        return response.SerializeToString()

    return run


async def _serve(port: int, answer: Callable[[bytes], bytes]) -> None:
    async def infer(request: bytes, context: object) -> bytes:  # noqa: ARG001 - gRPC's
        return answer(request)

    async def live(request: bytes, context: object) -> bytes:  # noqa: ARG001 - gRPC's
        return pb.ServerLiveResponse(live=True).SerializeToString()

    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "inference.GRPCInferenceService",
                {
                    "ModelInfer": grpc.unary_unary_rpc_method_handler(infer),
                    "ServerLive": grpc.unary_unary_rpc_method_handler(live),
                },
            ),
        )
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    port, what, file, *arguments = sys.argv[1:]
    content = Path(file).read_bytes()
    asyncio.run(
        _serve(int(port), _answering(content) if what == "echo" else _running(content, *arguments))
    )
