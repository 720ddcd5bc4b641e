"""The verification set of SGP4 that the sgp4 package carries: 33 satellites with printed states.

Source: Vallado 2006.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

import numpy as np

from nf_runtime.errors import InvalidArgument
from ran_sim.orbit.elements import LINE_LENGTH, ElementSet
from ran_sim.orbit.frames import FloatArray
from ran_sim.orbit.propagation import Propagator

_MINUTES_PER_DAY = 1440.0
_KM_PER_M = 1e-3
# Time, position and velocity; osculating elements and a date may follow.
_STATE = slice(0, 7)
_HEADER = "xx"


@dataclass(frozen=True)
class PrintedState:
    """A line of the verification output: a state in TEME, minutes after the epoch."""

    minutes: float
    position_km: tuple[float, ...]
    velocity_km_s: tuple[float, ...]


@dataclass(frozen=True)
class VerificationCase:
    """A satellite of the set with its printed states."""

    elements: ElementSet
    states: tuple[PrintedState, ...]


def verification_cases() -> list[VerificationCase]:
    """Every satellite in the order of the set, some numbers more than once.

    The states of a satellite that SGP4 refuses at its epoch are left out: the program that printed
    them repeated those of the satellite before.
    """
    texts = [
        resources.files("sgp4").joinpath(name).read_text("ascii").splitlines()
        for name in ("SGP4-VER.TLE", "tcppver.out")
    ]
    sets = list(_element_sets(texts[0]))
    blocks = list(_printed_blocks(texts[1]))
    return [
        VerificationCase(elements, states if _is_placed(elements) else ())
        for elements, states in zip(sets, blocks, strict=True)
    ]


def verification_set(satellite_id: str) -> ElementSet:
    """The element set of one satellite of the set.

    Raises:
        InvalidArgument: the set does not have it.
    """
    for case in verification_cases() if satellite_id.strip().isdecimal() else ():
        if int(case.elements.satellite_id) == int(satellite_id):
            return case.elements
    raise InvalidArgument(
        f"Satellite {satellite_id} is not in the verification set of SGP4; give its line1 and "
        "line2.",
        reason="INVALID_FIELD",
        field="sat",
    )


def state_after(elements: ElementSet, minutes: float) -> tuple[FloatArray, FloatArray]:
    """Position [3] in km and velocity [3] in km/s in TEME, minutes after the epoch.

    Raises:
        FailedPrecondition: SGP4 reports an error.
    """
    record = elements.record()
    # Whole days apart from the rest: one float64 would lose micrometres over years.
    days, rest = divmod(minutes / _MINUTES_PER_DAY, 1.0)
    position_m, velocity_m_s = Propagator(elements).teme(
        np.array([record.jdsatepoch + days]), np.array([record.jdsatepochF + rest])
    )
    return position_m[0] * _KM_PER_M, velocity_m_s[0] * _KM_PER_M


def _is_placed(elements: ElementSet) -> bool:
    record = elements.record()
    error, _, _ = record.sgp4(record.jdsatepoch, record.jdsatepochF)
    return int(error) == 0


def _element_sets(lines: list[str]) -> Iterator[ElementSet]:
    # Not read by `parse_element_set`: the set holds deliberately odd lines.
    pairs = [line[:LINE_LENGTH] for line in lines if line.startswith(("1 ", "2 "))]
    for line1, line2 in zip(pairs[::2], pairs[1::2], strict=True):
        number = line1[2:7].strip()
        # SGP4 reads the epoch from the line itself; this one is for people.
        yield ElementSet(
            number, f"NORAD {number}", dt.datetime.min.replace(tzinfo=dt.UTC), line1, line2
        )


def _printed_blocks(lines: list[str]) -> Iterator[tuple[PrintedState, ...]]:
    block: list[PrintedState] | None = None
    for line in lines:
        words = line.split()
        if words[-1] == _HEADER:
            if block is not None:
                yield tuple(block)
            block = []
        elif block is not None:
            minutes, *state = (float(word) for word in words[_STATE])
            block.append(PrintedState(minutes, tuple(state[:3]), tuple(state[3:])))
    if block is not None:
        yield tuple(block)
