"""NVIDIA's own Triton client, unmodified, against the function over a real socket."""

import asyncio
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.inference_nf.grpc_peers import RepositoryServicer
from support.tiny_models import expected_outputs, tiny_version

from aimlnf.inference.v1.inference_function_service_pb2_grpc import InferenceFunctionServiceStub
from inference_nf.config import InferenceSettings

NAME = "gan-gdm"
CALLER = Path(__file__).parents[2] / "support" / "triton_caller.py"
RATES = {"1": 1.0, "2": 2.0}


@pytest.fixture
async def report(
    inference: InferenceFunctionServiceStub,
    repository: RepositoryServicer,
    settings: InferenceSettings,
) -> dict[str, Any]:
    """What the client reports; versions 1, the champion, and 2 are published, none is loaded."""
    if find_spec("tritonclient") is None:
        pytest.skip("tritonclient is not installed (pip install tritonclient)")
    for number, rate in RATES.items():
        version = tiny_version(int(number), rate_bps_hz=rate)
        repository.versions[version.key] = version
    repository.aliases["champion"] = 1
    ready_file = settings.server.ready_file
    assert ready_file is not None
    address = json.loads(ready_file.read_text())["address"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(CALLER),
        address,
        NAME,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(printed)
    return found


async def test_an_unmodified_triton_client_gets_along(report: dict[str, Any]) -> None:
    """Health, repository, metadata, batches and every error, in one session of the client.

    One test: each step of the session builds on the one before, and the client takes a while to
    start.
    """
    _check_health(report)
    _check_repository(report)
    _check_metadata(report)
    _check_inference(report)
    _check_errors(report)


def _check_health(report: dict[str, Any]) -> None:
    assert report["live"]
    assert not report["ready_before"]
    assert report["ready"]
    assert report["model_ready"] == [True, True, True, False]


def _check_repository(report: dict[str, Any]) -> None:
    """Load means the champion or the versions of the policy; failures stay listed; unload."""
    assert report["load_champion"] == report["load_second"] == []
    missing, latest, files = (report[f"load_{what}"] for what in ("missing", "latest", "files"))
    assert missing[0] == "StatusCode.NOT_FOUND"
    assert latest[0] == files[0] == "StatusCode.INVALID_ARGUMENT"
    assert "specific" in latest[1]
    assert "cannot be handed in" in files[1]
    *ready, failed = report["index"]
    assert [(e["name"], e["version"], e["state"]) for e in ready] == [
        (NAME, "1", "READY"),
        (NAME, "2", "READY"),
    ]
    assert (failed["version"], failed["state"]) == ("9", "UNAVAILABLE")
    assert failed["reason"].startswith("RESOURCE_NOT_FOUND")
    assert report["unload"] == []
    assert [e["state"] for e in report["index_after"]] == ["UNAVAILABLE"]


def _check_metadata(report: dict[str, Any]) -> None:
    assert report["server"]["name"] == "aimlnf.inference_nf"
    assert report["server"]["extensions"] == ["model_repository"]
    model = report["model"]
    assert (model["name"], model["versions"]) == (NAME, ["1", "2"])
    assert {"name": "beam_amplitude", "datatype": "FP32", "shape": ["-1", "10", "8"]} in model[
        "inputs"
    ]
    assert {"name": "carrier", "datatype": "INT64", "shape": ["-1", "10"]} in model["outputs"]


def _check_inference(report: dict[str, Any]) -> None:
    """A batch, by default by the newest version since none decides, then by number."""
    inputs = {name: np.array(values, np.float32) for name, values in report["inputs"].items()}
    for step, version, request_id in (
        ("infer", "2", "q1"),
        ("second", "2", ""),
        ("async", "2", ""),
    ):
        result = report[step]
        assert (result["version"], result["id"]) == (version, request_id)
        expected = expected_outputs(inputs, rate_bps_hz=RATES[version])
        assert list(result["arrays"]) == list(expected)
        for name, array in expected.items():
            np.testing.assert_allclose(result["arrays"][name], array, rtol=1e-5)
    assert list(report["some"]["arrays"]) == ["reliability"]


def _check_errors(report: dict[str, Any]) -> None:
    """The statuses that Triton's own server answers with."""
    for step, status, words in (
        ("unknown_metadata", "NOT_FOUND", "weather"),
        ("unknown_model", "NOT_FOUND", "weather"),
        ("unknown_version", "NOT_FOUND", "version 9"),
        ("missing_input", "INVALID_ARGUMENT", "is missing"),
        ("wrong_name", "INVALID_ARGUMENT", "weather is unknown"),
        ("wrong_datatype", "INVALID_ARGUMENT", "has datatype FP64; send FP32"),
        ("wrong_shape", "INVALID_ARGUMENT", "has shape"),
        ("unknown_output", "INVALID_ARGUMENT", "weather is unknown"),
    ):
        assert report[step][0] == f"StatusCode.{status}", report[step]
        assert words in report[step][1], report[step]
