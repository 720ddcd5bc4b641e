"""Versions that are well signed and must not serve."""

import json
from dataclasses import replace

import numpy as np
import onnx
from onnx import numpy_helper
from safetensors.numpy import load, save
from support.tiny_models import TinyVersion, tiny_version

SECOND = tiny_version(2, rate_bps_hz=8)


def with_files(**files: bytes) -> TinyVersion:
    """The second version, well signed, with other files; ``__`` stands for the dot."""
    changed = {name.replace("__", "."): content for name, content in files.items()}
    return replace(SECOND, files={**SECOND.files, **changed})


def other_signature() -> TinyVersion:
    """A card that promises a smaller input than the graph takes."""
    card = json.loads(SECOND.files["model_card.json"])
    card["signature"]["inputs"][0]["shape"] = ["N", 9, 8]
    golden = load(SECOND.files["golden.safetensors"])
    golden["inputs.beam_amplitude"] = golden["inputs.beam_amplitude"][:, :9].copy()
    return with_files(model_card__json=json.dumps(card).encode(), golden__safetensors=save(golden))


def weights_gone_bad(*, in_golden: bool) -> TinyVersion:
    """NaN in the weights of the powers, and perhaps in the samples that were made with them."""
    model = onnx.load_from_string(SECOND.files["model.onnx"])
    for tensor in model.graph.initializer:
        if tensor.name == "share":
            bad = np.full((1, 10), np.nan, np.float32)
            tensor.CopyFrom(numpy_helper.from_array(bad, "share"))
    golden = load(SECOND.files["golden.safetensors"])
    if in_golden:
        golden["outputs.power_w"] = np.full_like(golden["outputs.power_w"], np.nan)
    return with_files(model__onnx=model.SerializeToString(), golden__safetensors=save(golden))


def unknown_operator() -> TinyVersion:
    """A graph of a custom domain that no engine knows."""
    model = onnx.load_from_string(SECOND.files["model.onnx"])
    model.graph.node[0].domain = "com.example"
    model.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    return with_files(model__onnx=model.SerializeToString())
