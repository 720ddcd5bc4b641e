"""What ``aimlctl sim link-budget`` does."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console

from aimlctl.output import CommandError, Output, table_of
from aimlctl.sim.orders import check_frequency
from nf_runtime.errors import FailedPrecondition
from ran_sim.link_budgets import (
    Direction,
    LinkParameters,
    link_budget,
    study_case,
    study_cases,
)

_LOSSES = ("free_space", "gas", "shadow_margin", "scintillation", "polarisation", "additional")
_NEEDED = (
    "altitude_km",
    "elevation_deg",
    "frequency_ghz",
    "bandwidth_mhz",
    "eirp_dbw",
    "g_over_t_db_per_k",
)


@dataclass(frozen=True)
class FreeLink:
    """The parameters of a link that is no study case; None: not given."""

    altitude_km: float | None
    elevation_deg: float | None
    frequency_ghz: float | None
    bandwidth_mhz: float | None
    eirp_dbw: float | None
    g_over_t_db_per_k: float | None
    shadow_margin_db: float
    polarisation_loss_db: float
    additional_loss_db: float
    magnetic_latitude_deg: float

    @property
    def is_given(self) -> bool:
        """Whether any parameter was given."""
        return any(getattr(self, name) is not None for name in _NEEDED)

    def parameters(self) -> LinkParameters:
        """The link.

        Raises:
            CommandError: a parameter is missing.
            InvalidArgument: one is out of its range.
        """
        missing = [name for name in _NEEDED if getattr(self, name) is None]
        if missing:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
            raise CommandError(f"a link by its parameters needs {options} too")
        if self.frequency_ghz is not None:
            check_frequency(self.frequency_ghz)
        return LinkParameters(name="free", **asdict(self))


def run(cases: Sequence[str], direction: str, free: FreeLink, output: Output) -> None:
    """Shows the budgets.

    Raises:
        CommandError: the options do not fit together.
        NotFound: there is no such study case.
        FailedPrecondition: an uplink that was asked for by name is left out.
    """
    if free.is_given and cases:
        raise CommandError("give study cases or the parameters of a link, not both")
    left_out: list[dict[str, str]] = []
    if free.is_given:
        links = [free.parameters()]
    else:
        links, left_out = _studied(cases, _directions(direction))
    document = {"links": [_document(link) for link in links], "left_out": left_out}
    output.document(document, show=lambda console: _show(console, document))


def _directions(text: str) -> tuple[Direction, ...]:
    if text.lower() == "both":
        return tuple(Direction)
    try:
        return (Direction(text.upper()),)
    except ValueError:
        raise CommandError(f"--direction is {text[:20]!r}; choose DL, UL or both") from None


def _studied(
    cases: Sequence[str], directions: Sequence[Direction]
) -> tuple[list[LinkParameters], list[dict[str, str]]]:
    links: list[LinkParameters] = []
    left_out: list[dict[str, str]] = []
    # Asked for by name and direction, a gap is an error; in an overview it is a remark.
    is_overview = not cases or len(directions) > 1
    for name in cases or study_cases():
        for direction in directions:
            try:
                links.append(study_case(name.upper(), direction))
            except FailedPrecondition as error:
                if not is_overview:
                    raise
                left_out.append({"link": f"{name.upper()} {direction}", "why": error.message})
    return links, left_out


def _document(link: LinkParameters) -> dict[str, Any]:
    budget = link_budget(link)
    case, _, direction = link.name.partition(" ")
    return {
        "case": case,
        "direction": direction or None,
        "altitude_km": link.altitude_km,
        "elevation_deg": link.elevation_deg,
        "frequency_ghz": link.frequency_ghz,
        "bandwidth_mhz": link.bandwidth_mhz,
        "eirp_dbw": link.eirp_dbw,
        "g_over_t_db_per_k": link.g_over_t_db_per_k,
        "losses_db": dict(budget.losses_db),
        "cnr_db": budget.cnr_db,
        "terms": [asdict(term) for term in budget.terms()],
    }


def _show(console: Console, document: dict[str, Any]) -> None:
    rows = (
        (
            link["case"],
            link["direction"] or "",
            f"{link['altitude_km']:g}",
            f"{link['elevation_deg']:g}",
            f"{link['frequency_ghz']:g}",
            f"{link['bandwidth_mhz']:g}",
            f"{link['eirp_dbw']:.2f}",
            f"{link['g_over_t_db_per_k']:.2f}",
            *(f"{link['losses_db'][name]:.2f}" for name in _LOSSES),
            f"{link['cnr_db']:.2f}",
        )
        for link in document["links"]
    )
    columns = (
        "Case", "Way", "km", "El deg", "GHz", "MHz", "EIRP dBW", "G/T dB/K",
        "FSPL dB", "Gas", "Shadow", "Scint.", "Polar.", "Other", "CNR dB",
    )  # fmt: skip
    console.print(table_of(columns, rows))
    if document["left_out"]:
        names = ", ".join(gap["link"] for gap in document["left_out"])
        console.print(f"Left out: {names}.")
        console.print(document["left_out"][0]["why"], markup=False)
