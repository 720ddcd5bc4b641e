"""What a model may be asked."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios, select
from ml_models.inputs import RANGES, check_inputs
from radio_math.context import ContextError, RadioContext

CONTEXT = draw_scenarios(ScenarioProfile(geometry="mixed"), 64, 191).estimated
SIGNATURE: list[dict[str, Any]] = [
    {"name": "beam_amplitude", "shape": ["N", 10, 8]},
    {"name": "gain_per_w", "shape": ["N", 10, 20]},
    {"name": "leakage_per_w", "shape": ["N", 10, 20]},
    {"name": "ici_factor", "shape": ["N", 10]},
    {"name": "carrier_noise", "shape": ["N", 4]},
    {"name": "power_budget_w", "shape": ["N"]},
    {"name": "noise", "shape": ["N", 16, 10, 6]},
]
NAMES = [item.name for item in fields(RadioContext)]


def spoilt(name: str, value: float) -> RadioContext:
    """The contexts with one number replaced."""
    array = np.array(getattr(CONTEXT, name))
    array.flat[3] = value
    return replace(CONTEXT, **{name: array})


def test_scenarios_of_every_geometry_pass() -> None:
    """Also stations that are not there and every total power."""
    check_inputs(CONTEXT, SIGNATURE)
    check_inputs(select(CONTEXT, slice(0, 1)), SIGNATURE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused(name: str, value: float) -> None:
    """The message names the input."""
    with pytest.raises(ContextError, match=f"{name} holds a value that is not finite"):
        check_inputs(spoilt(name, value), SIGNATURE)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_beyond_what_is_physical_are_refused(name: str) -> None:
    """Above the greatest, and below the least where that is no question of sign."""
    with pytest.raises(ContextError, match=f"{name} holds .*; give values from"):
        check_inputs(spoilt(name, 1.01 * RANGES[name][1]), SIGNATURE)
    with pytest.raises(ContextError, match=name):
        check_inputs(spoilt(name, RANGES[name][0] - 0.5), SIGNATURE)


@pytest.mark.parametrize("name", NAMES)
def test_other_shapes_are_refused(name: str) -> None:
    """One more along the last axis, or no batch axis; the message says what the model takes."""
    array = np.asarray(getattr(CONTEXT, name))
    if array.ndim > 1:
        wider = np.concatenate([array, array[..., :1]], axis=-1)
        with pytest.raises(ContextError, match=f"{name} has shape .* this model takes"):
            check_inputs(replace(CONTEXT, **{name: wider}), SIGNATURE)
    with pytest.raises(ContextError, match=f"{name} has shape"):
        check_inputs(replace(CONTEXT, **{name: array[0]}), SIGNATURE)
