"""ONNX Runtime, on the processor."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt
import onnxruntime

from inference_nf.model_card import TensorSpec
from inference_nf.releases import EngineKind, Precision
from nf_runtime.errors import FailedPrecondition

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
_ERRORS_ONLY = 3

Tensors = Mapping[str, npt.NDArray[Any]]


class OnnxRuntimeEngine:
    """One session. ONNX Runtime allows several threads to run it at once."""

    kind = EngineKind.ONNXRUNTIME
    version = str(onnxruntime.__version__)
    precision = Precision.FP32  # a processor gains nothing by less

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self.inputs: Sequence[TensorSpec] = tuple(map(_spec, session.get_inputs()))
        self.outputs: Sequence[TensorSpec] = tuple(map(_spec, session.get_outputs()))
        self._output_names = [spec.name for spec in self.outputs]

    def run(self, feeds: Tensors) -> dict[str, npt.NDArray[Any]]:
        """Every output by name."""
        outputs = self._session.run(self._output_names, feeds)
        return dict(zip(self._output_names, outputs, strict=True))


class OnnxRuntimeBuilder:
    """Makes sessions.

    Args:
        threads: Threads within one run. They do not spin while they wait: the processor is shared
            with everything else on the host.
    """

    def __init__(self, *, threads: int) -> None:
        self._threads = threads

    def build(
        self,
        graph: bytes,
        *,
        sha256: str,
        precision: Precision,  # noqa: ARG002 - computed in float32 whatever would do
    ) -> OnnxRuntimeEngine:
        """The session of the graph. From bytes, so that what was verified is what runs.

        Raises:
            FailedPrecondition: ARTIFACT_REFUSED when ONNX Runtime cannot read or plan the graph.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = onnxruntime.InferenceSession(
                graph, sess_options=options, providers=["CPUExecutionProvider"]
            )
            return OnnxRuntimeEngine(session)
        except Exception as error:  # its exceptions share no base class of their own
            raise FailedPrecondition(
                f"ONNX Runtime {onnxruntime.__version__} cannot use graph {sha256[:12]}: {error}",
                reason="ARTIFACT_REFUSED",
                artifact=sha256,
            ) from error


def _spec(node: Any) -> TensorSpec:
    dtype = _DTYPES.get(node.type)
    if dtype is None:
        raise ValueError(f"{node.name} is a {node.type}; only {', '.join(_DTYPES)} are served")
    shape = tuple(length if isinstance(length, int) else None for length in node.shape)
    return TensorSpec(node.name, dtype, shape)
