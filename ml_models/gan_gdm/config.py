"""Everything a training depends on, as one frozen record that a JSON document can hold."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from ml_models.datasets.scenarios import ScenarioProfile

FEW_STEP_COUNTS = (1, 2, 4)
DIFFUSION_STEPS = 100
GAN_GDM, UNFOLDED = "gan_gdm", "unfolded"
ESTIMATED, TRUE, EXPECTED = "estimated", "true", "expected"
OUTCOMES = (ESTIMATED, TRUE, EXPECTED)
SPECTRAL_NORM, GRADIENT_PENALTY = "spectral_norm", "gradient_penalty"
CRITIC_REGULARISATIONS = ("none", SPECTRAL_NORM, GRADIENT_PENALTY)

# A quick training: data and steps within this time, most of it for the second stage.
_QUICK_S = 200.0
_QUICK_LABELS = 1536
_QUICK_CALIBRATION = 1024
_QUICK_DIFFUSION_STEPS = 400
_QUICK_DIFFUSION_BATCH = 128
_QUICK_SECRECY_BATCH = 32


class ConfigError(ValueError):
    """A training configuration that cannot be used; the message says what to change."""


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the sampler.

    Attributes:
        architecture: "gan_gdm", the few-step sampler, or "unfolded", the unfolded optimiser, which
            has `layers` iterations of networks `width` wide, and no use for what diffuses.
        width: features of an ESIM in the encoder of contexts.
        layers: transformer layers of the encoder.
        heads: attention heads.
        cell_width: features of a cell of the generator's table, ESIMs by carriers.
        cell_layers: layers of the table network, taken at every denoising step.
        cell_expansion: hidden features of a cell over its features.
        channels: ways in which ESIMs of one carrier hear each other.
        latent: latent dimensions per ESIM and denoising step.
        denoising_steps: T', evaluations of the generator a decision: 1, 2 or 4, or all 100 as
            plain diffusion takes them.
        stochasticity: eta of the strided steps: 1 draws from the posterior, 0 is deterministic
            (DDIM), in between as much noise as it says.
        candidates: K, decisions drawn for a context, of which the best is kept.
        quota: the most ESIMs a carrier takes.
        leakage_margin: factor on the reported leakage when candidates are compared, because a
            station is rarely where it was reported: nulls are worse than they look.
        best_points: whether every ESIM of a candidate is put on the point of the whole path of
            beamformers that is best for it by what candidates are compared on, instead of the one
            that the generator proposes on the frontier.
        expects_errors: whether candidates are compared by what reports mean, learned from true
            channels (`expectation`), and not by what they say.
        says_confidence: whether decisions come with the probability that they are good
            (`confidence`); it takes a quarter of the time of a decision.
        critic_width: features of a cell of the discriminator's table.
        critic_layers: its table layers.
    """

    architecture: str = GAN_GDM
    width: int = 64
    layers: int = 2
    heads: int = 4
    cell_width: int = 32
    cell_layers: int = 2
    cell_expansion: int = 2
    channels: int = 8
    latent: int = 4
    denoising_steps: int = 4
    stochasticity: float = 1.0
    candidates: int = 16
    quota: int = 4
    leakage_margin: float = 1.0
    best_points: bool = False
    expects_errors: bool = False
    says_confidence: bool = False
    critic_width: int = 24
    critic_layers: int = 2

    def __post_init__(self) -> None:
        if self.architecture not in {GAN_GDM, UNFOLDED}:
            raise ConfigError(
                f"architecture is {self.architecture!r}; choose {GAN_GDM} or {UNFOLDED}"
            )
        if self.denoising_steps not in {*FEW_STEP_COUNTS, DIFFUSION_STEPS}:
            raise ConfigError(
                f"denoising_steps is {self.denoising_steps}; choose one of {FEW_STEP_COUNTS} or "
                f"{DIFFUSION_STEPS}"
            )
        if not 0 <= self.stochasticity <= 1:
            raise ConfigError(f"stochasticity is {self.stochasticity}; choose between 0 and 1")
        if self.width % self.heads:
            raise ConfigError(f"width must be a multiple of heads = {self.heads}")
        if self.expects_errors and self.architecture == UNFOLDED:
            raise ConfigError(
                "the unfolded optimiser has nothing that learns what reports mean; leave "
                "expects_errors out"
            )
        if not self.leakage_margin > 0:
            raise ConfigError("leakage_margin multiplies a power and must be above zero")


@dataclass(frozen=True)
class DataConfig:
    """Labelled scenarios to learn from.

    Attributes:
        profile: the distribution of scenarios.
        labelled: scenarios labelled by exhaustive search.
        unlabelled: further scenarios without labels, for the secrecy loss alone.
        seed: seed of the scenarios; keep it apart from every seed that evaluates.
        calibration: scenarios that only calibrate the reliability.
        processes: worker processes that draw and label.
    """

    profile: ScenarioProfile = field(default_factory=ScenarioProfile)
    labelled: int = 10240
    unlabelled: int = 0
    seed: int = 20250
    calibration: int = 2048
    processes: int = 1


@dataclass(frozen=True)
class TrainingConfig:
    """One training run. The same configuration gives the same weights, but for `wall_clock_s`.

    That is, on the same kind of device with the same versions of libraries.

    Attributes:
        network: shape of the sampler; a warm start must have the parent's.
        data: what to learn from.
        seed: seed of initial weights and of every draw in training.
        diffusion_steps: optimiser steps of the first stage (diffusion on the labels).
        secrecy_steps: optimiser steps of the second stage (unrolled sampler, secrecy rate).
        diffusion_batch: labels in a step of the first stage.
        secrecy_batch: contexts in a step of the second stage.
        samples: decisions drawn for a context in the second stage; the others are the baseline.
        diffusion_rate: peak learning rate of the first stage.
        secrecy_rate: peak learning rate of the second stage.
        lambda_gan: weight of the adversarial loss in the second stage; 0 leaves it out.
        lambda_diff: weight of the diffusion loss in the second stage; 0 needs no labels.
        lambda_sec: weight of the secrecy loss in the second stage.
        outcome: what the secrecy loss is taken on: the "estimated" channel, the "true" one, or what
            is "expected" of the true one with such a report, which a network that expects errors
            learns beside. Decisions are made from the estimate in any case. True outcomes are as
            right as expected ones but scatter far more.
        critic_regularisation: what holds the critic back: "none", "spectral_norm", which keeps the
            greatest singular value of each of its matrices at 1, or "gradient_penalty", R1.
        gradient_penalty_weight: gamma of R1, which only the gradient penalty has.
        ema: decay a step of a moving average of the generator's weights, which is what validation
            sees and what is kept; 0 keeps the weights of the last step.
        patience: reports of the second stage, twenty in all, that may be no better than the best
            in a row before the stage ends; None goes to its end. Better is the validation on the
            channel of `outcome`.
        keep_best: whether the weights of the second stage's best report are kept instead of its
            last.
        wall_clock_s: time for data and both stages together [s]. Data are drawn whatever it takes;
            steps not taken by then are left out, but for the first twenty of a stage. None takes
            all steps.
        threads: threads of torch.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    data: DataConfig = field(default_factory=DataConfig)
    seed: int = 1
    diffusion_steps: int = 3000
    secrecy_steps: int = 1200
    diffusion_batch: int = 256
    secrecy_batch: int = 48
    samples: int = 4
    diffusion_rate: float = 1.5e-3
    secrecy_rate: float = 4e-4
    lambda_gan: float = 0.02
    lambda_diff: float = 0.5
    lambda_sec: float = 1.0
    outcome: str = "estimated"
    critic_regularisation: str = "none"
    gradient_penalty_weight: float = 1.0
    ema: float = 0.0
    patience: int | None = None
    keep_best: bool = False
    wall_clock_s: float | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        if self.samples < 2:  # noqa: PLR2004 the others are the baseline
            raise ConfigError("samples must be at least 2: the others are each one's baseline")
        if self.outcome not in OUTCOMES:
            raise ConfigError(f"outcome is {self.outcome!r}; choose one of {OUTCOMES}")
        if self.outcome == EXPECTED and not self.network.expects_errors:
            raise ConfigError("a network expects outcomes only with network.expects_errors")
        if not 0 <= self.ema < 1:
            raise ConfigError(f"ema is {self.ema}; choose from 0 (off) to below 1, such as 0.999")
        if self.critic_regularisation not in CRITIC_REGULARISATIONS:
            raise ConfigError(
                f"critic_regularisation is {self.critic_regularisation!r}; choose one of "
                f"{CRITIC_REGULARISATIONS}"
            )
        if not self.gradient_penalty_weight > 0:
            raise ConfigError(
                "gradient_penalty_weight must be above zero; set critic_regularisation to none to "
                "leave the penalty out"
            )
        if self.patience is not None and self.patience < 1:
            raise ConfigError(f"patience is {self.patience}; give at least 1 report, or null")
        if (self.patience is not None or self.keep_best) and self.data.labelled < 1:
            raise ConfigError(
                "the best weights are told by validation on labels; give data.labelled, or set "
                "patience to null and keep_best to false"
            )
        needs_labels = self.diffusion_steps > 0 or self.lambda_diff > 0 or self.lambda_gan > 0
        if needs_labels and self.network.architecture == UNFOLDED:
            raise ConfigError(
                "the unfolded optimiser learns from the secrecy rate alone; set diffusion_steps, "
                "lambda_diff and lambda_gan to zero"
            )
        if needs_labels and self.data.labelled < 1:
            raise ConfigError(
                "the diffusion and adversarial losses learn from labels; give data.labelled, or "
                "set diffusion_steps, lambda_diff and lambda_gan to zero"
            )
        if self.data.labelled + self.data.unlabelled < 1:
            raise ConfigError("there is nothing to learn from; give data.labelled or unlabelled")


def config_from_json(document: Mapping[str, Any]) -> TrainingConfig:
    """The configuration that a JSON object describes; keys left out keep their defaults.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type.
    """
    config = _build(TrainingConfig, document, "")
    if not isinstance(config, TrainingConfig):
        raise ConfigError("the document does not describe a training")
    return config


def load_config(path: Path) -> TrainingConfig:
    """The configuration in a JSON file.

    A key `base` names another file in the same folder that the rest of the object changes, so
    that a rival or an ablation says what is different about it and nothing else.

    Raises:
        ConfigError: a file is no JSON object or does not describe a training.
    """
    document = _read(path)
    files = [path.name]
    while "base" in document:
        base = document.pop("base")
        if not isinstance(base, str) or base in files:
            raise ConfigError(f"base of {path} is {base!r}; name another file in its folder")
        files.append(base)
        document = _changed(_read(path.with_name(base)), document)
    return config_from_json(document)


def _changed(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the values of `changes`, objects key by key."""
    changed = dict(document)
    for key, value in changes.items():
        old = changed.get(key)
        both = isinstance(value, Mapping) and isinstance(old, Mapping)
        changed[key] = _changed(old, value) if both else value  # type: ignore[arg-type]
    return changed


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path} must hold one JSON object")
    return document


def quick(config: TrainingConfig) -> TrainingConfig:
    """The same training cut down to five minutes of one core, from nothing to an artifact.

    Its `wall_clock_s` is meant for a clock that counts processor time.
    """
    return replace(
        config,
        data=replace(
            config.data,
            labelled=min(config.data.labelled, _QUICK_LABELS),
            unlabelled=min(config.data.unlabelled, _QUICK_LABELS),
            calibration=min(config.data.calibration, _QUICK_CALIBRATION),
        ),
        diffusion_steps=min(config.diffusion_steps, _QUICK_DIFFUSION_STEPS),
        diffusion_batch=min(config.diffusion_batch, _QUICK_DIFFUSION_BATCH),
        secrecy_batch=min(config.secrecy_batch, _QUICK_SECRECY_BATCH),
        wall_clock_s=_QUICK_S,
    )


def config_to_json(config: TrainingConfig) -> dict[str, Any]:
    """The JSON object of a configuration, defaults included."""
    return asdict(config)


def _build(kind: type, document: Mapping[str, Any], where: str) -> Any:
    known = {item.name for item in fields(kind)}
    types = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in document.items():
        if key not in known:
            raise ConfigError(f"{where}{key} is unknown; {kind.__name__} has {sorted(known)}")
        expected = types[key]
        if is_dataclass(expected):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{where}{key} must be an object")
            values[key] = _build(expected, value, f"{where}{key}.")  # type: ignore[arg-type]
            continue
        if expected is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)  # noqa: PLW2901 JSON writes 2.0 as 2
        if not isinstance(
            value, int | float | None if expected == (float | None) else expected
        ) or (isinstance(value, bool) and expected is not bool):
            raise ConfigError(f"{where}{key} is {value!r}; it must be {expected}")
        values[key] = value
    return kind(**values)
