"""One number of the simulator beside one number of a reference."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ran_sim.validation.reference_file import Entry, Reference


@dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes:
        section: section of the reference file.
        name: which row or case of it.
        quantity: what is compared.
        value: what the simulator gives.
        reference: what the file says.
        deviation: absolute difference of the two.
        tolerance: largest deviation that passes.
        unit: of the four numbers above; empty for pure numbers.
        passed: whether the deviation is within the tolerance; False where it is not a number.
    """

    section: str
    name: str
    quantity: str
    value: float
    reference: float
    deviation: float
    tolerance: float
    unit: str
    passed: bool


@dataclass(frozen=True)
class NotChecked:
    """A part of a section that this simulator has nothing to compare with.

    Attributes:
        where: the part.
        reason: why.
    """

    where: str
    reason: str


SectionCheck = Callable[[Entry, Reference], Iterator[Check | NotChecked]]
"""Checks of one section: it is given the section, and the file where it needs another one."""


def compared(
    section: str,
    name: str,
    quantity: str,
    *,
    value: float,
    reference: float,
    tolerance: float,
    unit: str = "",
) -> Check:
    """The comparison of a value with a reference within an absolute tolerance.

    A relative tolerance is given as `relative * abs(reference)`.
    """
    value, reference = float(value), float(reference)
    # Two infinities are equal, and their difference is not a number.
    deviation = 0.0 if value == reference else abs(value - reference)
    return Check(
        section=section,
        name=name,
        quantity=quantity,
        value=value,
        reference=reference,
        deviation=deviation,
        tolerance=float(tolerance),
        unit=unit,
        passed=not math.isnan(deviation) and deviation <= tolerance,
    )
