"""Looks into safetensors files by their header; of the tensors it only looks for NaN.

Source: https://github.com/huggingface/safetensors#format
"""

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mms_repository.manifests import ContentError

_PREFIX_BYTES = 8
_MAX_HEADER_BYTES = 16 * 1024 * 1024
_BLOCK = 1 << 20
# Unsigned integer of the same width, bits of the exponent, bits of the mantissa.
_FLOATS: Mapping[str, tuple[str, int, int]] = {
    "F8_E4M3": ("u1", 0x78, 0x07),
    "F8_E5M2": ("u1", 0x7C, 0x03),
    "BF16": ("<u2", 0x7F80, 0x007F),
}
# Those that numpy knows, and looks through several times quicker.
_NATIVE: Mapping[str, str] = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
_BITS: Mapping[str, int] = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "U16": 16,
    "I16": 16,
    "F16": 16,
    "BF16": 16,
    "U32": 32,
    "I32": 32,
    "F32": 32,
    "U64": 64,
    "I64": 64,
    "F64": 64,
}


def check_safetensors(path: Path) -> None:
    """Returns if the header is well formed, its tensors fill the rest exactly and hold no NaN.

    Raises:
        ContentError: Otherwise.
    """
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(_PREFIX_BYTES)
        if len(prefix) < _PREFIX_BYTES:
            raise ContentError("it is shorter than its length field")
        (header_bytes,) = struct.unpack("<Q", prefix)
        if header_bytes > min(_MAX_HEADER_BYTES, size_bytes - _PREFIX_BYTES):
            raise ContentError(f"a header of {header_bytes} bytes does not fit")
        header = _parsed(file.read(header_bytes))
    end = 0
    extents = sorted(
        _extent(name, entry) for name, entry in header.items() if name != "__metadata__"
    )
    for begin, tensor_end, name in extents:
        if begin != end:
            raise ContentError(f"tensor {name} begins at byte {begin}, where {end} is due")
        end = tensor_end
    data_bytes = size_bytes - _PREFIX_BYTES - header_bytes
    if end != data_bytes:
        raise ContentError(f"its tensors have {end} bytes, the file has {data_bytes}")
    for begin, tensor_end, name in extents:
        dtype = header[name]["dtype"]
        start = _PREFIX_BYTES + header_bytes + begin
        if tensor_end > begin and _holds_nan(path, dtype, start, tensor_end - begin):
            raise ContentError(f"tensor {name} holds NaN; train it again")


def _holds_nan(path: Path, dtype: str, start: int, size_bytes: int) -> bool:
    if dtype in _NATIVE:
        return _holds_native_nan(path, _NATIVE[dtype], start, size_bytes)
    layout = _FLOATS.get(dtype)
    if layout is None:
        return False
    unsigned, exponent, mantissa = layout
    count = size_bytes // np.dtype(unsigned).itemsize
    bits = np.memmap(path, dtype=unsigned, mode="r", offset=start, shape=(count,))
    # A NaN is all exponent bits and any bit of the mantissa; E4M3 has no infinities, so only all
    # of its mantissa's bits are one.
    for first in range(0, count, _BLOCK):
        block = bits[first : first + _BLOCK]
        if dtype == "F8_E4M3":
            found = (block & (exponent | mantissa)) == (exponent | mantissa)
        else:
            found = ((block & exponent) == exponent) & ((block & mantissa) != 0)
        if found.any():
            return True
    return False


def _holds_native_nan(path: Path, dtype: str, start: int, size_bytes: int) -> bool:
    count = size_bytes // np.dtype(dtype).itemsize
    values = np.memmap(path, dtype=dtype, mode="r", offset=start, shape=(count,))
    return any(
        bool(np.isnan(values[first : first + _BLOCK]).any()) for first in range(0, count, _BLOCK)
    )


def _parsed(header: bytes) -> dict[str, Any]:
    try:
        content = json.loads(header.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ContentError(f"its header is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise ContentError("its header is no JSON object")
    metadata = content.get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ContentError("its __metadata__ is no map of texts")
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a name comes twice")
    return content


def _extent(name: str, entry: Any) -> tuple[int, int, str]:
    """First byte, byte after the last, and name of a tensor."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ContentError(f"tensor {name} has no dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise ContentError(f"tensor {name} is of unknown dtype {dtype!r}")
    if not _are_counts(shape):
        raise ContentError(f"tensor {name} has shape {shape!r}")
    if not _are_counts(offsets) or len(offsets) != 2:  # noqa: PLR2004 - begin and end
        raise ContentError(f"tensor {name} has data_offsets {offsets!r}")
    begin, end = offsets
    size_bytes = math.prod(shape) * _BITS[dtype] // 8
    if end - begin != size_bytes:
        raise ContentError(f"tensor {name} has {end - begin} bytes, its shape {size_bytes}")
    return begin, end, name


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)
