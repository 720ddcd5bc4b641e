"""What to train: the operator's wish, the configuration, and what the network sees."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from nf_runtime.errors import InvalidArgument

# Attenuation under which a sample counts as dry: far below any rain worth training for, above the
# rounding of a measurement.
WET_DB = 0.05
_LONGEST_BUDGET_S = 86_400.0
_LONGEST_NAME = 63
_MOST_POWERS = 64


class TrainingType(StrEnum):
    """`mLTrainingType` of TS 28.105 7.3a.1."""

    INITIAL_TRAINING = "INITIAL_TRAINING"
    PRE_SPECIALISED_TRAINING = "PRE_SPECIALISED_TRAINING"
    RE_TRAINING = "RE_TRAINING"
    FINE_TUNING = "FINE_TUNING"


@dataclass(frozen=True)
class Profile:
    """The radio environment that scenarios are drawn from; None leaves it to the named profile."""

    name: str
    rain_probability: float | None = None
    rain_mean_db: float | None = None
    shadowing_sigma_db: float | None = None
    eavesdropper_min_km: float | None = None
    power_budget_dbw: tuple[float, ...] = ()

    @property
    def text(self) -> str:
        """The profile in words, as a detail and `expectedRuntimeContext` spell it."""
        parts = [
            f"{label} {value:.2f}{unit}"
            for label, value, unit in (
                ("rain probability", self.rain_probability, ""),
                ("mean rain attenuation", self.rain_mean_db, " dB"),
                ("shadowing", self.shadowing_sigma_db, " dB"),
                ("nearest eavesdropper", self.eavesdropper_min_km, " km"),
            )
            if value is not None
        ]
        if self.power_budget_dbw:
            parts.append("power " + "/".join(f"{power:g}" for power in self.power_budget_dbw))
            parts[-1] += " dBW"
        return f"profile {self.name}" + (f" ({', '.join(parts)})" if parts else "")


@dataclass(frozen=True)
class TrainingWish:
    """What the operator asked for; None leaves it to the OAM."""

    profile: Profile | None = None
    time_budget_s: float | None = None
    seed: int | None = None


@dataclass(frozen=True)
class TrainingDefaults:
    """What is trained where nobody asks for something else."""

    initial_type: TrainingType
    profile: Profile
    time_budget_s: float
    seed: int


@dataclass(frozen=True)
class TrainingOrder:
    """What the MTLF is asked to train. `source_version` 0: from no published version."""

    training_type: TrainingType
    source_version: int
    profile: Profile
    time_budget_s: float
    seed: int


@dataclass(frozen=True)
class RainStatistics:
    """Zenith rain attenuation of one beam in a window, in dB (`AnalyticsSeries` of rain_db)."""

    num_samples: int
    mean_db: float
    minimum_db: float
    p5_db: float
    p50_db: float
    p95_db: float
    maximum_db: float

    @property
    def wet_share(self) -> float:
        """Share of samples over `WET_DB`, read off the distribution between its quantiles."""
        knots = (
            (self.minimum_db, 0.0),
            (self.p5_db, 0.05),
            (self.p50_db, 0.5),
            (self.p95_db, 0.95),
            (self.maximum_db, 1.0),
        )
        if self.minimum_db > WET_DB:
            return 1.0
        for (low_db, low), (high_db, high) in pairwise(knots):
            if low_db <= WET_DB < high_db:
                return 1.0 - low - (high - low) * (WET_DB - low_db) / (high_db - low_db)
        return 0.0


@dataclass(frozen=True)
class ObservedRain:
    """The rain that the network has seen: `mean_db` is the mean of the wet samples."""

    probability: float
    mean_db: float | None
    num_samples: int
    beam_count: int

    @property
    def text(self) -> str:
        """The observation in words."""
        amount = "" if self.mean_db is None else f", {self.mean_db:.1f} dB on average when it rains"
        return (
            f"the NWDAF saw rain in {self.probability:.0%} of {self.num_samples} samples "
            f"of {self.beam_count} beams{amount}"
        )


def observed_rain(beams: Sequence[RainStatistics]) -> ObservedRain | None:
    """Rain over all beams, weighted by their samples; None where there are no samples."""
    num_samples = sum(beam.num_samples for beam in beams)
    if num_samples == 0:
        return None
    probability = sum(beam.wet_share * beam.num_samples for beam in beams) / num_samples
    mean_db = sum(beam.mean_db * beam.num_samples for beam in beams) / num_samples
    wettest_db = max(beam.maximum_db for beam in beams)
    return ObservedRain(
        probability=min(max(probability, 0.0), 1.0),
        mean_db=min(mean_db / probability, wettest_db) if probability > 0 else None,
        num_samples=num_samples,
        beam_count=len(beams),
    )


def initial_order(wish: TrainingWish, defaults: TrainingDefaults) -> tuple[TrainingOrder, str]:
    """The order of a first training, and where its profile comes from."""
    order = TrainingOrder(
        training_type=defaults.initial_type,
        source_version=0,
        profile=wish.profile or defaults.profile,
        time_budget_s=wish.time_budget_s or defaults.time_budget_s,
        seed=wish.seed or defaults.seed,
    )
    return order, "as ordered" if wish.profile else "as configured"


def retraining_order(
    wish: TrainingWish,
    defaults: TrainingDefaults,
    *,
    source_version: int,
    rain: ObservedRain | None,
    rain_unknown_because: str = "",
) -> tuple[TrainingOrder, str]:
    """The order of a retraining, and where its profile comes from.

    The operator's profile wins; else it is the configured one with the rain that was observed;
    else the configured one as it is, saying why. Each source version gets a seed of its own, so
    that retraining twice does not draw the same scenarios twice.
    """
    profile, basis = defaults.profile, f"as configured, since {rain_unknown_because}"
    if wish.profile is not None:
        profile, basis = wish.profile, "as ordered"
    elif rain is not None:
        profile = replace(profile, rain_probability=rain.probability)
        if rain.mean_db is not None:
            profile = replace(profile, rain_mean_db=rain.mean_db)
        basis = rain.text
    order = TrainingOrder(
        training_type=TrainingType.RE_TRAINING,
        source_version=source_version,
        profile=profile,
        time_budget_s=wish.time_budget_s or defaults.time_budget_s,
        seed=wish.seed or defaults.seed + source_version,
    )
    return order, basis


def check_wish(wish: TrainingWish) -> None:
    """Refuse what no training could be asked for.

    Raises:
        InvalidArgument: INVALID_FIELD; `field` in the metadata names it.
    """
    if wish.time_budget_s is not None and not 0 < wish.time_budget_s <= _LONGEST_BUDGET_S:
        raise _invalid("order.time_budget", f"between 0 and {_LONGEST_BUDGET_S:.0f} s")
    if wish.seed is not None and wish.seed < 0:
        raise _invalid("order.seed", "0 (the configured one) or positive")
    profile = wish.profile
    if profile is None:
        return
    if not 0 < len(profile.name) <= _LONGEST_NAME:
        raise _invalid("order.profile.name", f"1 to {_LONGEST_NAME} characters long")
    if profile.rain_probability is not None and not 0 <= profile.rain_probability <= 1:
        raise _invalid("order.profile.rain_probability", "between 0 and 1")
    for name in ("rain_mean_db", "shadowing_sigma_db", "eavesdropper_min_km"):
        value = getattr(profile, name)
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise _invalid(f"order.profile.{name}", "finite and not negative")
    if len(profile.power_budget_dbw) > _MOST_POWERS or not all(
        math.isfinite(power) for power in profile.power_budget_dbw
    ):
        raise _invalid("order.profile.power_budget_dbw", f"at most {_MOST_POWERS} finite powers")


def _invalid(field: str, wanted: str) -> InvalidArgument:
    return InvalidArgument(f"{field} must be {wanted}", reason="INVALID_FIELD", field=field)
