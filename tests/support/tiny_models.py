"""Published versions that take microseconds to run: the real signature around a trivial graph."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from inference_nf.releases import APPROVED, ModelKey, ModelRelease
from nf_runtime.signing import ArtifactDigest, SignedManifest, Signer
from radio_math.context import BEAMS, CARRIERS, ESIMS, GRID_POINTS, RadioContext

CANDIDATES = 2
NOISE_SHAPE = (CANDIDATES, ESIMS, CARRIERS + 2)
CONTEXT_SHAPES: dict[str, tuple[int, ...]] = {
    "beam_amplitude": (ESIMS, BEAMS),
    "gain_per_w": (ESIMS, GRID_POINTS),
    "leakage_per_w": (ESIMS, GRID_POINTS),
    "ici_factor": (ESIMS,),
    "carrier_noise": (CARRIERS,),
    "power_budget_w": (),
}
FEASIBLE = tuple(u % CARRIERS for u in range(ESIMS))
INFEASIBLE = (0,) * ESIMS

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
STRANGER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))

_INPUTS = [
    *(
        {"name": name, "dtype": "float32", "shape": ["N", *shape], "kind": "radio_context"}
        for name, shape in CONTEXT_SHAPES.items()
    ),
    {
        "name": "noise",
        "dtype": "float32",
        "shape": ["N", *NOISE_SHAPE],
        "kind": "standard_normal",
    },
]
_OUTPUTS = [
    {"name": "carrier", "dtype": "int64", "shape": ["N", ESIMS]},
    {"name": "power_w", "dtype": "float32", "shape": ["N", ESIMS]},
    {"name": "beamformer_index", "dtype": "float32", "shape": ["N", ESIMS]},
    {"name": "predicted_rate_bps_hz", "dtype": "float32", "shape": ["N"]},
    {"name": "reliability", "dtype": "float32", "shape": ["N"]},
]

_CONFIDENCE = {"name": "confidence", "dtype": "float32", "shape": ["N"]}


@dataclass(frozen=True)
class TinyVersion:
    """A version as the repository would have it: its files, its state, who signed it.

    `tampered` holds what the repository serves in place of what was signed; `signed_as` is the
    model's name in the manifest, where it is another one.
    """

    key: ModelKey
    files: dict[str, bytes]
    state: str = APPROVED
    signer: Signer = field(default=SIGNER)
    tampered: dict[str, bytes] = field(default_factory=dict)
    signed_as: str = ""

    @property
    def release(self) -> ModelRelease:
        """What the repository says about it."""
        artifacts = tuple(
            ArtifactDigest(name, hashlib.sha256(content).hexdigest(), len(content))
            for name, content in sorted(self.files.items())
        )
        manifest = SignedManifest(self.signed_as or self.key.name, 0, artifacts)
        key_id, signature = self.signer.sign(manifest)
        return ModelRelease(self.key, self.state, manifest, key_id, signature)

    def served(self, file_name: str) -> bytes:
        """The bytes that a download gets."""
        return self.tampered.get(file_name, self.files[file_name])

    def with_flipped_bit(self, file_name: str) -> "TinyVersion":
        """The version after somebody changed one bit of a file."""
        content = bytearray(self.files[file_name])
        content[len(content) // 2] ^= 1
        return replace(self, tampered={file_name: bytes(content)})


def tiny_version(
    version: int = 1,
    *,
    name: str = "gan-gdm",
    rate_bps_hz: float = 7.0,
    reliability: float = 0.5,
    carrier: tuple[int, ...] = FEASIBLE,
    golden_shift: float = 0.0,
    state: str = APPROVED,
    signer: Signer = SIGNER,
    precision: str | None = None,
    confidence: float | None = None,
) -> TinyVersion:
    """A version that gives every context the same carriers, equal power and a noisy beamformer.

    Args:
        version: its number.
        name: of the model.
        rate_bps_hz: what it predicts.
        reliability: what it says of itself.
        carrier: of each ESIM.
        golden_shift: added to the stored beamformer indices, so that they are wrong.
        state: in the repository.
        signer: of its manifest.
        precision: that its card allows; the card is silent without.
        confidence: what it says of each decision; no such output without.
    """
    graph = tiny_graph(
        rate_bps_hz=rate_bps_hz, reliability=reliability, carrier=carrier, confidence=confidence
    )
    inputs = golden_inputs()
    outputs = expected_outputs(
        inputs,
        rate_bps_hz=rate_bps_hz,
        reliability=reliability,
        carrier=carrier,
        confidence=confidence,
    )
    outputs["beamformer_index"] = outputs["beamformer_index"] + np.float32(golden_shift)
    golden = save(
        {f"inputs.{k}": v for k, v in inputs.items()}
        | {f"outputs.{k}": v for k, v in outputs.items()}
    )
    files = {
        "model.onnx": graph,
        "model_card.json": json.dumps(
            tiny_card(name, confidence=confidence is not None)
            | ({} if precision is None else {"precision": precision})
        ).encode(),
        "golden.safetensors": golden,
    }
    return TinyVersion(ModelKey(name, version), files, state, signer)


def tiny_card(name: str = "gan-gdm", *, confidence: bool = False) -> dict[str, Any]:
    """The card of every tiny version."""
    outputs = [*_OUTPUTS, *([_CONFIDENCE] if confidence else [])]
    return {
        "name": name,
        "signature": {"inputs": [dict(e) for e in _INPUTS], "outputs": [dict(e) for e in outputs]},
        "golden": {
            "file": "golden.safetensors",
            "tolerance": {"absolute": 1e-3, "relative": 1e-3},
        },
    }


def tiny_graph(
    *,
    rate_bps_hz: float,
    reliability: float,
    carrier: tuple[int, ...],
    confidence: float | None = None,
) -> bytes:
    """The graph: beamformer index = 7 + mean of the ESIM's noise, everything else constant."""

    def constant(name: str, value: npt.NDArray[Any]) -> onnx.TensorProto:
        return numpy_helper.from_array(value, name)

    nodes = [
        helper.make_node("Shape", ["power_budget_w"], ["count"]),
        helper.make_node("Concat", ["count", "esims"], ["count_esims"], axis=0),
        helper.make_node("Expand", ["carriers", "count_esims"], ["carrier"]),
        helper.make_node("Unsqueeze", ["power_budget_w", "one"], ["budget"]),
        helper.make_node("Mul", ["budget", "share"], ["power_w"]),
        helper.make_node("ReduceMean", ["noise", "noise_axes"], ["mean"], keepdims=0),
        helper.make_node("Add", ["mean", "middle"], ["beamformer_index"]),
        helper.make_node("Expand", ["rate", "count"], ["predicted_rate_bps_hz"]),
        helper.make_node("Expand", ["trust", "count"], ["reliability"]),
    ]
    initializers = [
        constant("esims", np.array([ESIMS], np.int64)),
        constant("carriers", np.array([carrier], np.int64)),
        constant("one", np.array([1], np.int64)),
        constant("share", np.full((1, ESIMS), 1 / ESIMS, np.float32)),
        constant("noise_axes", np.array([1, 3], np.int64)),
        constant("middle", np.array(7, np.float32)),
        constant("rate", np.array([rate_bps_hz], np.float32)),
        constant("trust", np.array([reliability], np.float32)),
    ]
    outputs = list(_OUTPUTS)
    if confidence is not None:
        nodes.append(helper.make_node("Expand", ["sure", "count"], ["confidence"]))
        initializers.append(constant("sure", np.array([confidence], np.float32)))
        outputs.append(_CONFIDENCE)
    types = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(e["name"], types[e["dtype"]], e["shape"]) for e in _INPUTS],
        [helper.make_tensor_value_info(e["name"], types[e["dtype"]], e["shape"]) for e in outputs],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def golden_inputs(batch: int = 3) -> dict[str, npt.NDArray[Any]]:
    """Positive inputs of the right shapes."""
    rng = np.random.default_rng(7)
    inputs = {
        name: (1 + rng.random((batch, *shape))).astype(np.float32)
        for name, shape in CONTEXT_SHAPES.items()
    }
    inputs["noise"] = rng.standard_normal((batch, *NOISE_SHAPE)).astype(np.float32)
    return inputs


def expected_outputs(
    inputs: dict[str, npt.NDArray[Any]],
    *,
    rate_bps_hz: float = 7.0,
    reliability: float = 0.5,
    carrier: tuple[int, ...] = FEASIBLE,
    confidence: float | None = None,
) -> dict[str, npt.NDArray[Any]]:
    """What the graph computes, in numpy."""
    batch = len(inputs["power_budget_w"])
    budget = inputs["power_budget_w"]
    sure = {} if confidence is None else {"confidence": np.full(batch, confidence, np.float32)}
    return {
        "carrier": np.tile(np.array(carrier, np.int64), (batch, 1)),
        "power_w": np.repeat(budget[:, None] / np.float32(ESIMS), ESIMS, axis=1),
        "beamformer_index": 7 + inputs["noise"].mean(axis=(1, 3)),
        "predicted_rate_bps_hz": np.full(batch, rate_bps_hz, np.float32),
        "reliability": np.full(batch, reliability, np.float32),
        **sure,
    }


def radio_context(seed: int = 1) -> RadioContext:
    """An unbatched context in float64, usable for every decision."""
    rng = np.random.default_rng(seed)
    return RadioContext(**{name: 1 + rng.random(shape) for name, shape in CONTEXT_SHAPES.items()})
