"""All that `python -m ml_models robustness` tells of an artifact, as one document."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.methods import EXHAUSTIVE, OWN_MODEL, build
from ml_models.onnx_sampler import OnnxSampler
from ml_models.studies.ageing import ageing
from ml_models.studies.spread import spread_of_candidates
from ml_models.studies.unreported import unreported

SECTIONS = ("without_report", "outdated_reports", "more_esims_or_beams", "uncertainty")
METHODS = (EXHAUSTIVE, "local_search", OWN_MODEL)


@dataclass(frozen=True)
class RobustnessConfig:
    """What to study.

    Attributes:
        artifact: folder of the model that is called gan_gdm.
        samples: scenarios at every power, the same ones in each section.
        seed: of the scenarios; never one that was trained on.
        powers_dbw: total powers.
        profile: distribution of the scenarios.
        methods: names of `ml_models.methods` beside which the model stands.
        sections: some of `SECTIONS`.
    """

    artifact: Path
    samples: int = 64
    seed: int = 700_001
    powers_dbw: tuple[float, ...] = (0.0, 5.0, 10.0, 15.0, 20.0, 25.0)
    profile: ScenarioProfile = field(default_factory=ScenarioProfile)
    methods: tuple[str, ...] = METHODS
    sections: tuple[str, ...] = SECTIONS

    def __post_init__(self) -> None:
        unknown = [name for name in self.sections if name not in SECTIONS]
        if unknown:
            raise ValueError(f"{unknown[0]} is no section; choose from {', '.join(SECTIONS)}")


def robustness(
    config: RobustnessConfig, on_progress: Callable[[float, str], None] | None = None
) -> dict[str, Any]:
    """One object a section, see `unreported`, `ageing`, `sizes` and `spread_of_candidates`.

    Args:
        config: what to study.
        on_progress: told the finished fraction and the section that begins.

    Raises:
        MethodError: a method cannot decide here.
    """
    methods = build(config.methods, {OWN_MODEL: config.artifact})
    document: dict[str, Any] = {
        "samples": config.samples,
        "seed": config.seed,
        "geometry": config.profile.geometry,
        "powers_dbw": list(config.powers_dbw),
    }
    for number, section in enumerate(config.sections):
        if on_progress is not None:
            on_progress(number / len(config.sections), section)
        match section:
            case "without_report":
                document[section] = unreported(
                    methods,
                    config.profile,
                    samples=config.samples,
                    seed=config.seed,
                    powers_dbw=config.powers_dbw,
                )
            case "outdated_reports":
                document[section] = ageing(
                    methods,
                    config.profile,
                    samples=config.samples,
                    seed=config.seed,
                    powers_dbw=config.powers_dbw,
                )
            case "more_esims_or_beams":
                from ml_models.studies.sizes import sizes  # noqa: PLC0415 torch, two seconds

                document[section] = sizes(
                    config.artifact,
                    config.profile,
                    samples=config.samples,
                    seed=config.seed,
                    powers_dbw=config.powers_dbw,
                )
            case _:
                document[section] = spread_of_candidates(
                    OnnxSampler(config.artifact),
                    config.profile,
                    samples=config.samples,
                    seed=config.seed,
                    powers_dbw=config.powers_dbw,
                )
    return document
