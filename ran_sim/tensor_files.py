"""The physics tensor as a file.

`.npz` and `.safetensors` have no null: a cell without a link is NaN and False in `valid`. JSON has:
`json_document` gives null, and no reader can take it for 0 dB.
"""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from nf_runtime.errors import FailedPrecondition
from ran_sim.physics_tensor import PhysicsTensor


def write_npz(tensor: PhysicsTensor, path: Path) -> None:
    """Writes values, valid, latitude_deg, longitude_deg, time_utc and metadata (JSON text)."""
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            values=tensor.values,
            valid=tensor.valid,
            latitude_deg=tensor.grid.latitude_deg,
            longitude_deg=tensor.grid.longitude_deg,
            time_utc=np.array([instant.isoformat() for instant in tensor.time_utc]),
            metadata=np.array(json.dumps(tensor.metadata())),
        )


def write_safetensors(tensor: PhysicsTensor, path: Path) -> None:
    """Writes values, valid (0 or 1), latitude_deg and longitude_deg; metadata in the header.

    Raises:
        FailedPrecondition: the package for this format is not installed.
    """
    try:
        safetensors = import_module("safetensors.numpy")
    except ModuleNotFoundError as error:
        raise FailedPrecondition(
            "Writing .safetensors needs safetensors; install it with: pip install 'aimlnf[serve]'",
            reason="UNAVAILABLE_DATA",
        ) from error
    safetensors.save_file(
        {
            "values": np.ascontiguousarray(tensor.values),
            "valid": tensor.valid.astype(np.uint8),
            "latitude_deg": np.ascontiguousarray(tensor.grid.latitude_deg),
            "longitude_deg": np.ascontiguousarray(tensor.grid.longitude_deg),
        },
        path,
        metadata={"physics_tensor": json.dumps(tensor.metadata())},
    )


def json_document(tensor: PhysicsTensor) -> dict[str, Any]:
    """The tensor as JSON values: metadata, axes and nested lists with None where nothing is."""
    values = tensor.values.astype(object)
    values[np.isnan(tensor.values)] = None
    return tensor.metadata() | {
        "latitude_deg": tensor.grid.latitude_deg.tolist(),
        "longitude_deg": tensor.grid.longitude_deg.tolist(),
        "values": values.tolist(),
    }
