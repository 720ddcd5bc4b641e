"""What to train: the operator's wish, the configuration, and what the network sees."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from nf_runtime.errors import InvalidArgument

_DRY_DB = 0.01  # a mean below this is no rain that a measurement could tell
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
    standard_deviation_db: float


@dataclass(frozen=True)
class ObservedRain:
    """Zenith rain attenuation over all beams: mean and root mean square, dry samples included."""

    mean_db: float
    rms_db: float
    num_samples: int
    beam_count: int

    @property
    def probability(self) -> float:
        """Probability of rain that explains what was seen, in [0, 1].

        Scenarios draw rain with probability q and an exponential amount of mean m
        (`radio_math.channel`), so that the mean is q m and the mean square 2 q m^2. Amounts that
        vary less than an exponential one does are explained by rain all the time.
        """
        if self.mean_db < _DRY_DB:
            return 0.0
        return min(1.0, 2.0 * self.mean_db**2 / self.rms_db**2)

    @property
    def wet_mean_db(self) -> float | None:
        """Mean of the amount when it rains; None where it never does."""
        return self.mean_db / self.probability if self.probability > 0 else None

    @property
    def text(self) -> str:
        """The observation in words."""
        return (
            f"since the NWDAF saw {self.mean_db:.1f} dB of rain on average "
            f"({self.rms_db:.1f} dB rms) in {self.num_samples} samples of {self.beam_count} beams"
        )


def observed_rain(beams: Sequence[RainStatistics]) -> ObservedRain | None:
    """Rain over all beams, weighted by their samples; None where there are no samples."""
    num_samples = sum(beam.num_samples for beam in beams)
    if num_samples == 0:
        return None
    mean_db = sum(beam.num_samples * beam.mean_db for beam in beams) / num_samples
    mean_square = (
        sum(beam.num_samples * (beam.mean_db**2 + beam.standard_deviation_db**2) for beam in beams)
        / num_samples
    )
    return ObservedRain(mean_db, math.sqrt(mean_square), num_samples, len(beams))


def initial_order(wish: TrainingWish, defaults: TrainingDefaults) -> tuple[TrainingOrder, str]:
    """The order of a first training, and where its profile comes from."""
    order = TrainingOrder(
        training_type=defaults.initial_type,
        source_version=0,
        profile=_profile(wish.profile, defaults) if wish.profile else defaults.profile,
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
        profile, basis = _profile(wish.profile, defaults), "as ordered"
    elif rain is not None:
        profile = replace(profile, rain_probability=rain.probability)
        if rain.wet_mean_db is not None:
            profile = replace(profile, rain_mean_db=rain.wet_mean_db)
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
    if len(profile.name) > _LONGEST_NAME:
        raise _invalid("order.profile.name", f"at most {_LONGEST_NAME} characters long")
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


def _profile(wanted: Profile, defaults: TrainingDefaults) -> Profile:
    """The operator's profile; without a name it is of the configured kind."""
    return wanted if wanted.name else replace(wanted, name=defaults.profile.name)


def _invalid(field: str, wanted: str) -> InvalidArgument:
    return InvalidArgument(f"{field} must be {wanted}", reason="INVALID_FIELD", field=field)
