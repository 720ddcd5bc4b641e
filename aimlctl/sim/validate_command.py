"""What ``aimlctl sim validate`` does."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from aimlctl.output import Output, table_of
from ran_sim.validation.checks import Check
from ran_sim.validation.reference_file import bundled_reference, read_reference
from ran_sim.validation.sections import SectionOutcome, validate


def run(path: Path | None, output: Output) -> bool:
    """Shows every comparison; whether all that could be checked passed.

    Raises:
        InvalidArgument: the reference file cannot be read.
    """
    reference = bundled_reference() if path is None else read_reference(path)
    outcomes = list(validate(reference))
    known = [outcome for outcome in outcomes if outcome.is_known]
    # A file of nothing but unknown sections confirms nothing.
    passed = bool(known) and all(outcome.passed for outcome in known)
    document = {
        "passed": passed,
        "reference": reference.name,
        "check_count": sum(len(outcome.checks) for outcome in outcomes),
        "failed_count": sum(not check.passed for one in outcomes for check in one.checks),
        "sections": [_section_document(outcome) for outcome in outcomes],
    }
    output.document(document, show=lambda console: _show(console, outcomes, passed=passed))
    return passed


def _section_document(outcome: SectionOutcome) -> dict[str, Any]:
    return {
        "section": outcome.section,
        "state": outcome.state,
        "problem": outcome.problem,
        "not_checked": [asdict(part) for part in outcome.not_checked],
        "checks": [_check_document(check) for check in outcome.checks],
    }


def _check_document(check: Check) -> dict[str, Any]:
    document = asdict(check)
    del document["section"]
    # JSON has no NaN and no infinity.
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in document.items()
    }


def _show(console: Console, outcomes: Sequence[SectionOutcome], *, passed: bool) -> None:
    for outcome in outcomes:
        rows = [
            (
                check.name,
                check.quantity,
                f"{check.value:.9g}",
                f"{check.reference:.9g}",
                f"{check.deviation:.2g}",
                f"{check.tolerance:.2g}",
                check.unit,
                "" if check.passed else "OUTSIDE",
            )
            for check in outcome.checks
        ]
        columns = ("Row", "Quantity", "Value", "Reference", "Deviation", "Tolerance", "Unit", "")
        console.print(f"\n[bold]{outcome.section}[/bold]: {outcome.state}")
        if rows:
            console.print(table_of(columns, rows))
        for part in outcome.not_checked:
            console.print(f"{part.where}: not checked; {part.reason}", markup=False)
        if outcome.problem:
            console.print(outcome.problem, markup=False)
    console.print()
    summary = (
        (
            outcome.section,
            outcome.state,
            len(outcome.checks),
            sum(not check.passed for check in outcome.checks),
        )
        for outcome in outcomes
    )
    console.print(table_of(("Section", "State", "Compared", "Outside"), summary))
    console.print(
        "[green]Everything that was compared is within its tolerance.[/green]"
        if passed
        else "[red]Not everything is within its tolerance.[/red]"
    )
