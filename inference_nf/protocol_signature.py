"""What a model takes and gives, as the Open Inference Protocol says it.

Callers send the same names, datatypes and shapes again and again: what follows from them alone is
found out once, and each further call is checked for its contents only.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy.typing as npt

from aimlnf.inference.oip import open_inference_pb2 as pb
from inference_nf.model_card import TensorSpec
from inference_nf.protocol_tensors import (
    check_tensor,
    datatype_of,
    from_raw,
    from_values,
    invalid_tensor,
    to_raw,
)
from inference_nf.releases import ModelKey
from nf_runtime.errors import InvalidArgument

_CONTENTS = {
    "BOOL": "bool_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
}
_REMEMBERED = 256  # combinations of names, datatypes and shapes, for each model

Shape = tuple[int, ...]
Described = tuple[tuple[str, str, Shape], ...]  # of each input: name, datatype, shape


class ProtocolSignature:
    """The inputs and outputs of one model in memory.

    Args:
        key: The version that answers name.
        inputs: Of its graph.
        outputs: Of its graph.
        max_batch: Most contexts in one call.
    """

    def __init__(
        self,
        key: ModelKey,
        *,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        max_batch: int,
    ) -> None:
        self._key = key
        self._inputs = {spec.name: spec for spec in inputs}
        self._outputs = {spec.name: spec for spec in outputs}
        self._all = tuple(self._outputs)
        self._max_batch = max_batch
        self._checked = lru_cache(_REMEMBERED)(self._check)
        self._head = lru_cache(_REMEMBERED)(self._make_head)

    def feeds(self, request: pb.ModelInferRequest) -> dict[str, npt.NDArray[Any]]:
        """Every input by name.

        Raises:
            InvalidArgument: INVALID_TENSOR, INVALID_FIELD or TENSOR_NOT_FINITE.
        """
        raw, inputs = request.raw_input_contents, request.inputs
        if raw and len(raw) != len(inputs):
            raise InvalidArgument(
                f"raw_input_contents holds {len(raw)} entries for {len(inputs)} inputs",
                reason="INVALID_FIELD",
                field="raw_input_contents",
            )
        described = tuple([(t.name, t.datatype, tuple(t.shape)) for t in inputs])
        specs = self._checked(described)
        if not raw:
            return {
                spec.name: from_values(spec, _contents(tensor), shape)
                for spec, tensor, (_, _, shape) in zip(specs, inputs, described, strict=True)
            }
        for tensor in inputs:
            if tensor.HasField("contents"):
                raise invalid_tensor(tensor.name, "has raw and typed contents; send one of them")
        return {
            spec.name: from_raw(spec, data, shape)
            for spec, data, (_, _, shape) in zip(specs, raw, described, strict=True)
        }

    def wanted(
        self, asked: Sequence[pb.ModelInferRequest.InferRequestedOutputTensor]
    ) -> tuple[str, ...]:
        """Names of the outputs to answer with, in the order asked for; all where none is.

        Raises:
            InvalidArgument: INVALID_FIELD.
        """
        if not asked:
            return self._all
        names = tuple([output.name for output in asked])
        for name in names:
            if name not in self._outputs:
                raise InvalidArgument(
                    f"output {name} is unknown; there are {', '.join(self._outputs)}",
                    reason="INVALID_FIELD",
                    field="outputs",
                )
        return names

    def response(
        self, outputs: Mapping[str, npt.NDArray[Any]], *, wanted: tuple[str, ...], request_id: str
    ) -> pb.ModelInferResponse:
        """The answer with these outputs as raw contents."""
        arrays = [outputs[name] for name in wanted]
        response = pb.ModelInferResponse.FromString(
            self._head(wanted, tuple([array.shape for array in arrays]))
        )
        response.id = request_id
        response.raw_output_contents.extend([to_raw(array) for array in arrays])
        return response

    def _check(self, described: Described) -> tuple[TensorSpec, ...]:
        found: dict[str, TensorSpec] = {}
        for name, datatype, shape in described:
            spec = self._inputs.get(name)
            if spec is None or name in found:
                known = ", ".join(self._inputs)
                raise invalid_tensor(
                    name, "is given twice" if spec else f"is unknown; there are {known}"
                )
            check_tensor(spec, datatype=datatype, shape=shape, max_batch=self._max_batch)
            found[name] = spec
        if len(found) < len(self._inputs):
            raise invalid_tensor(min(self._inputs.keys() - found.keys()), "is missing")
        batches = {shape[0] for _, _, shape in described}
        if len(batches) > 1:
            raise invalid_tensor(
                described[0][0], f"and others have different batches: {sorted(batches)}"
            )
        return tuple(found.values())

    def _make_head(self, names: tuple[str, ...], shapes: tuple[Shape, ...]) -> bytes:
        """An answer without its contents."""
        outputs = [
            pb.ModelInferResponse.InferOutputTensor(
                name=name, datatype=datatype_of(self._outputs[name]), shape=shape
            )
            for name, shape in zip(names, shapes, strict=True)
        ]
        return pb.ModelInferResponse(
            model_name=self._key.name, model_version=str(self._key.version), outputs=outputs
        ).SerializeToString()


def _contents(tensor: pb.ModelInferRequest.InferInputTensor) -> Sequence[Any]:
    values: Sequence[Any] = getattr(tensor.contents, _CONTENTS[tensor.datatype])
    return values
