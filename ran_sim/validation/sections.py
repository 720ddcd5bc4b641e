"""Every section that this simulator can check, and the run over a whole reference file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nf_runtime.errors import NfError
from ran_sim.validation import antenna, itu, link, orbit
from ran_sim.validation.checks import Check, NotChecked, SectionCheck
from ran_sim.validation.reference_file import Reference

SECTIONS: Mapping[str, SectionCheck] = {
    **orbit.SECTIONS,
    **link.SECTIONS,
    **itu.SECTIONS,
    **antenna.SECTIONS,
}

ABOUT_THE_FILE = frozenset({"generated", "about"})
"""Keys that describe the file and hold nothing to check."""


@dataclass(frozen=True)
class SectionOutcome:
    """What came out of one section.

    Attributes:
        section: its name.
        is_known: whether the simulator can check it.
        checks: its comparisons, in the order of the file.
        not_checked: its parts that the simulator has nothing to compare with.
        problem: why it could not be evaluated to its end; empty where it could.
    """

    section: str
    is_known: bool
    checks: tuple[Check, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether everything that was evaluated is within its tolerance; true where unknown."""
        return not self.problem and all(check.passed for check in self.checks)

    @property
    def state(self) -> str:
        """`passed`, `failed`, or `not checked` for an unknown section."""
        if not self.is_known:
            return "not checked"
        return "passed" if self.passed else "failed"


def validate(
    reference: Reference, sections: Mapping[str, SectionCheck] = SECTIONS
) -> Iterator[SectionOutcome]:
    """The outcome of every section of a file, in its order."""
    for name in reference.sections:
        if name in ABOUT_THE_FILE:
            continue
        yield _outcome(name, reference, sections.get(name))


def _outcome(name: str, reference: Reference, check: SectionCheck | None) -> SectionOutcome:
    if check is None:
        return SectionOutcome(name, is_known=False)
    found: list[Check | NotChecked] = []
    problem = ""
    try:
        for one in check(reference.section(name), reference):
            found.append(one)  # noqa: PERF402 - what came before an error is kept
    except (NfError, ValueError) as error:
        problem = str(error)
    checks = tuple(one for one in found if isinstance(one, Check))
    not_checked = tuple(one for one in found if isinstance(one, NotChecked))
    if not checks and not problem:
        # A section that compares nothing must not look as if it had been confirmed.
        problem = f"{name} holds nothing to compare."
    return SectionOutcome(
        name, is_known=True, checks=checks, not_checked=not_checked, problem=problem
    )
