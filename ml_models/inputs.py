"""What a model may be asked: contexts of its shapes, finite, and within what is physical.

A network answers anything, also a context of NaN; so it is asked only what passed this check.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from radio_math.context import ContextError, RadioContext, check_context

RANGES: Mapping[str, tuple[float, float]] = {
    "beam_amplitude": (-10.0, 10.0),  # relative to the peak of a beam
    "gain_per_w": (1e-30, 1e9),
    "leakage_per_w": (1e-30, 1e9),  # a station that is not there leaks next to nothing
    "ici_factor": (0.0, 10.0),
    "carrier_noise": (1.0, 1e6),
    "power_budget_w": (1e-3, 1e5),
}
"""Least and greatest value of each input, in its unit: wide, and safe in single precision."""


def check_inputs(context: RadioContext, signature: Sequence[Mapping[str, Any]]) -> None:
    """Returns nothing; raises unless a model of this signature can be asked about the contexts.

    Args:
        context: contexts with one batch axis.
        signature: inputs of the model as its card lists them.

    Raises:
        ContextError: a shape is not the model's, or a number is not finite or out of its range.
    """
    for entry in signature:
        name = entry["name"]
        if name not in RANGES:
            continue
        shape = np.shape(getattr(context, name))
        if len(shape) != len(entry["shape"]) or list(shape[1:]) != list(entry["shape"][1:]):
            raise ContextError(
                f"{name} has shape {list(shape)}; this model takes {entry['shape']}, with the "
                "batch first"
            )
    check_context(context)
    for name, (least, greatest) in RANGES.items():
        value = np.asarray(getattr(context, name))
        outside = (value < least) | (value > greatest)
        if outside.any():
            raise ContextError(
                f"{name} holds {float(value[outside].flat[0]):.6g}; give values from {least:g} to "
                f"{greatest:g}, see its unit"
            )
