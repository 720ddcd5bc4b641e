"""The rivals on the true channel: methods that know that reports are wrong, and by how much.

Margins are those of `margins.json`, reporting errors are drawn here; both come from training seeds
of the reference geometry, so that nothing that is evaluated was tuned on.
"""

from collections.abc import Callable, Mapping

import numpy as np

from ml_models.baselines import local_search
from ml_models.baselines.exhaustive import ExhaustiveSearch
from ml_models.baselines.sca_matching import ScaMatching
from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.robust.margins import Decide, stored_margin
from ml_models.robust.sample_average import ReportingErrors, SampleAverageSearch
from radio_math.context import Allocation, RadioContext


def exhaustive() -> Decide:
    """Exhaustive search, which builds its enumeration once."""
    search = ExhaustiveSearch()
    return lambda context, _: search.decide(context)[0]


def sca_matching() -> Decide:
    """Matching, convex powers and golden search."""
    method = ScaMatching()
    return lambda context, _: method.decide(context)[0]


def search_locally(context: RadioContext, rng: np.random.Generator) -> Allocation:
    """Local search from a random start."""
    return local_search.decide(context, rng)[0]


MARGINED: Mapping[str, Callable[[], Decide]] = {
    "exhaustive_margin": exhaustive,
    "sca_matching_margin": sca_matching,
    "local_search_margin": lambda: search_locally,
}
"""Methods that are given a leakage margin, by the name that they have with it."""


def _with_margin(name: str) -> Decide:
    decide, margin = MARGINED[name](), stored_margin(name)
    return lambda context, rng: decide(margin.applied(context), rng)


def _local_search_robust() -> Decide:
    search = SampleAverageSearch(ReportingErrors.drawn(ScenarioProfile()))
    return lambda context, rng: search.decide(context, rng)[0]


def build(name: str) -> Decide:
    """The robust rival of this name, one of `NAMES`; the last of them takes 3 s to build."""
    return _local_search_robust() if name == NAMES[-1] else _with_margin(name)


NAMES = (*MARGINED, "local_search_robust")
