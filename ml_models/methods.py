"""Every way to decide that is compared, by one name and with one call.

Learned methods are artifact folders, one subfolder of a models folder each, run through ONNX
Runtime as serving does. A method whose artifact is not there is left out, never made up.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ml_models.baselines import mrc_random
from ml_models.baselines.sca_matching import ScaMatching
from ml_models.onnx_sampler import CARD_FILE, OnnxSampler
from ml_models.robust import rivals
from radio_math.context import Allocation, RadioContext
from radio_math.secrecy import Combining

EXHAUSTIVE = "exhaustive"
SCA_MATCHING = "sca_matching"
SCA_CONIC = "sca_conic"
_ON_REQUEST = {SCA_CONIC, "sca_matching_margin", "local_search_margin"}
OWN_MODEL = "gan_gdm"
ESTIMATED_MODEL = "gan_gdm_estimated"
LEARNED = (
    OWN_MODEL,
    ESTIMATED_MODEL,
    "gan_gdm_fast",
    "gan",
    "gdm",
    "gdm_few_step",
    "unfolded",
)

Decide = Callable[[RadioContext, np.random.Generator], Allocation]


class MethodError(ValueError):
    """A comparison was asked of something that cannot decide; the message says what can."""


@dataclass(frozen=True)
class Method:
    """A way to decide.

    Attributes:
        name: as the results call it.
        decide: allocations for contexts [N]; a seed gives the same ones again.
        combining: how the satellite combines its beams for this method.
    """

    name: str
    decide: Decide
    combining: Combining = Combining.MMSE


def artifacts_in(models: Path) -> dict[str, Path]:
    """The artifact folders of learned methods that stand in a folder, by method."""
    return {name: models / name for name in LEARNED if (models / name / CARD_FILE).is_file()}


def available(artifacts: Mapping[str, Path]) -> tuple[str, ...]:
    """Names of all methods that can decide with these artifacts, classical ones first."""
    return (*_CLASSICAL, *artifacts)


def usual(artifacts: Mapping[str, Path]) -> tuple[str, ...]:
    """The methods of a usual comparison.

    The margin is shown on exhaustive search alone, and the convex method with its quick solver.
    """
    return tuple(name for name in available(artifacts) if name not in _ON_REQUEST)


def build(names: Iterable[str], artifacts: Mapping[str, Path]) -> list[Method]:
    """The methods of these names.

    Args:
        names: some of `available`.
        artifacts: artifact folders of learned methods, by name.

    Raises:
        MethodError: a name is not known, or has no artifact.
    """
    methods = []
    for name in names:
        if name in _CLASSICAL:
            methods.append(_CLASSICAL[name]())
        elif name in artifacts:
            methods.append(_learned(name, artifacts[name]))
        else:
            reason = "has no artifact here" if name in LEARNED else "is no method"
            known = ", ".join(available(artifacts))
            raise MethodError(f"{name} {reason}; choose from {known}")
    return methods


def _learned(name: str, folder: Path) -> Method:
    sampler = OnnxSampler(folder)
    return Method(name, lambda context, rng: sampler.decide(context, rng).allocation)


def _sca_conic() -> Decide:
    # cvxpy takes seconds to import and is only among the development dependencies.
    try:
        from ml_models.baselines.conic_power import maximise_minorant_conic  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MethodError(
            f"{SCA_CONIC} needs cvxpy; install it with pip install -e '.[dev]' or leave it out"
        ) from error
    method = ScaMatching(maximise=maximise_minorant_conic)
    return lambda context, _: method.decide(context)[0]


def _robust(name: str) -> Method:
    return Method(name, rivals.build(name))


_CLASSICAL: Mapping[str, Callable[[], Method]] = {
    EXHAUSTIVE: lambda: Method(EXHAUSTIVE, rivals.exhaustive()),
    SCA_MATCHING: lambda: Method(SCA_MATCHING, rivals.sca_matching()),
    SCA_CONIC: lambda: Method(SCA_CONIC, _sca_conic()),
    "local_search": lambda: Method("local_search", rivals.search_locally),
    "mrc_random": lambda: Method("mrc_random", mrc_random.decide, Combining.MRC),
    **{name: partial(_robust, name) for name in rivals.NAMES},
}
