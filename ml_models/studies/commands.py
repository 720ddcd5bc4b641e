"""`python -m ml_models precision` and `robustness`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.methods import MethodError
from ml_models.studies.robustness import METHODS, SECTIONS, RobustnessConfig, robustness

ArtifactOption = Annotated[
    Path, typer.Option(help="artifact folder in single precision", exists=True, file_okay=False)
]
SamplesOption = Annotated[int, typer.Option(help="scenarios a power", min=1)]
SeedOption = Annotated[int, typer.Option(help="of the scenarios; not one trained on")]
GeometryOption = Annotated[str, typer.Option(help="reference, pass or mixed")]
JsonOption = Annotated[bool, typer.Option("--json", help="one line of JSON")]


def precision_command(
    artifact: ArtifactOption,
    samples: SamplesOption = 64,
    seed: SeedOption = 700_001,
    geometry: GeometryOption = "reference",
    *,
    as_json: JsonOption = False,
) -> None:
    """Measures what half precision, eight-bit integers and pruning cost and buy."""
    from ml_models.studies.precision import precision_study  # noqa: PLC0415 torch, two seconds

    with _told_of(ValueError):
        profile = ScenarioProfile(geometry=geometry)
    result = precision_study(
        artifact,
        samples=samples,
        seed=seed,
        profile=profile,
        on_progress=lambda fraction: typer.echo(f"{fraction:6.1%}", err=True),
    )
    typer.echo(json.dumps(result, indent=None if as_json else 2, allow_nan=False))


def robustness_command(  # noqa: PLR0917 - options of a command line
    artifact: ArtifactOption,
    samples: SamplesOption = 64,
    seed: SeedOption = 700_001,
    geometry: GeometryOption = "reference",
    methods: Annotated[str, typer.Option(help="names between commas")] = ",".join(METHODS),
    sections: Annotated[str, typer.Option(help="names between commas")] = ",".join(SECTIONS),
    *,
    as_json: JsonOption = False,
) -> None:
    """Studies an artifact without reports, with old ones, with more ESIMs, and its uncertainty."""
    with _told_of(ValueError):
        config = RobustnessConfig(
            artifact=artifact,
            samples=samples,
            seed=seed,
            profile=ScenarioProfile(geometry=geometry),
            methods=_names(methods),
            sections=_names(sections),
        )

    def tell(fraction: float, section: str) -> None:
        typer.echo(f"{fraction:6.1%} {section}", err=True)

    with _told_of(MethodError):
        result = robustness(config, tell)
    typer.echo(json.dumps(result, indent=None if as_json else 2, allow_nan=False))


@contextmanager
def _told_of(wrong: type[ValueError]) -> Iterator[None]:
    """What is wrong with an option is told as one sentence, without a traceback."""
    try:
        yield
    except wrong as error:
        raise typer.BadParameter(str(error)) from error


def _names(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(",") if word.strip())
