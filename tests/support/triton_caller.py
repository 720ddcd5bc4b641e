"""What an unmodified Triton client makes of a server: ``python triton_caller.py ADDRESS MODEL``.

A process of its own: the client registers the protocol's messages under the same names as this
project's stubs do, and one process has room for one set. Prints one JSON object.
"""

import json
import queue
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

BATCH = 2


def main(address: str, name: str) -> None:
    """Go through everything that the client can ask for."""
    with triton.InferenceServerClient(address) as client:
        report = {
            "live": client.is_server_live(),
            "ready_before": client.is_server_ready(),
            "load_champion": failure(lambda: client.load_model(name)),
            "load_second": failure(
                lambda: client.load_model(
                    name, config='{"version_policy": {"specific": {"versions": [2]}}}'
                )
            ),
            "load_missing": failure(
                lambda: client.load_model(
                    name, config='{"version_policy": {"specific": {"versions": ["9"]}}}'
                )
            ),
            "load_latest": failure(
                lambda: client.load_model(
                    name, config='{"version_policy": {"latest": {"num_versions": 1}}}'
                )
            ),
            "load_files": failure(
                lambda: client.load_model(name, config="{}", files={"file:1/model.onnx": b"onnx"})
            ),
            "index": index(client),
            "ready": client.is_server_ready(),
            "model_ready": [
                client.is_model_ready(name, version) for version in ("", "1", "2", "9")
            ],
            "server": client.get_server_metadata(as_json=True),
            "model": client.get_model_metadata(name, as_json=True),
            "unknown_metadata": failure(lambda: client.get_model_metadata("weather")),
        }
        inputs, arrays = given(client, name)
        report |= {
            "infer": outputs(client.infer(name, inputs, request_id="q1")),
            "second": outputs(client.infer(name, inputs, model_version="2")),
            "some": outputs(
                client.infer(name, inputs, outputs=[triton.InferRequestedOutput("reliability")])
            ),
            "async": outputs(asynchronously(client, name, inputs)),
            "inputs": {key: array.tolist() for key, array in arrays.items()},
            "unknown_model": failure(lambda: client.infer("weather", inputs)),
            "unknown_version": failure(lambda: client.infer(name, inputs, model_version="9")),
            "missing_input": failure(lambda: client.infer(name, inputs[1:])),
            "wrong_name": failure(
                lambda: client.infer(name, [tensor("weather", np.zeros(2)), *inputs])
            ),
            "wrong_datatype": failure(
                lambda: client.infer(
                    name, [tensor(inputs[0].name(), np.zeros(inputs[0].shape())), *inputs[1:]]
                )
            ),
            "wrong_shape": failure(
                lambda: client.infer(
                    name,
                    [tensor(inputs[0].name(), np.zeros((BATCH, 3), np.float32)), *inputs[1:]],
                )
            ),
            "unknown_output": failure(
                lambda: client.infer(name, inputs, outputs=[triton.InferRequestedOutput("weather")])
            ),
            "unload": failure(lambda: client.unload_model(name)),
            "index_after": index(client),
        }
        json.dump(report, sys.stdout)


def given(
    client: triton.InferenceServerClient, name: str
) -> tuple[list[triton.InferInput], dict[str, Any]]:
    """A batch of inputs made from nothing but the model's metadata."""
    rng = np.random.default_rng(1)
    arrays = {}
    for spec in client.get_model_metadata(name).inputs:
        shape = [BATCH if length < 0 else length for length in spec.shape]
        arrays[spec.name] = (1 + rng.random(shape)).astype(triton_to_np_dtype(spec.datatype))
    return [tensor(key, array) for key, array in arrays.items()], arrays


def tensor(name: str, array: Any) -> triton.InferInput:
    """One input, as the client wants it."""
    made = triton.InferInput(name, array.shape, "FP64" if array.dtype == np.float64 else "FP32")
    made.set_data_from_numpy(array)
    return made


def outputs(result: triton.InferResult) -> dict[str, Any]:
    """Version, id and every output of a result."""
    response = result.get_response()
    return {
        "version": response.model_version,
        "id": response.id,
        "arrays": {o.name: result.as_numpy(o.name).tolist() for o in response.outputs},
    }


def asynchronously(
    client: triton.InferenceServerClient, name: str, inputs: list[triton.InferInput]
) -> triton.InferResult:
    """The result of the client's own non-blocking call."""
    answers: queue.Queue[tuple[Any, Any]] = queue.Queue()
    client.async_infer(name, inputs, callback=lambda result, error: answers.put((result, error)))
    result, error = answers.get(timeout=30)
    if error is not None:
        raise error
    return result


def index(client: triton.InferenceServerClient) -> list[dict[str, str]]:
    """Every entry of the repository index."""
    entries = client.get_model_repository_index().models
    return [
        {"name": e.name, "version": e.version, "state": e.state, "reason": e.reason}
        for e in entries
    ]


def failure(call: Callable[[], Any]) -> list[str]:
    """Status and sentence of the client's exception; empty when it succeeded."""
    try:
        call()
    except InferenceServerException as error:
        return [str(error.status()), error.message()]
    return []


if __name__ == "__main__":
    main(*sys.argv[1:])
