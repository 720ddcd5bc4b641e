"""More ESIMs, or more beams, than a network was trained on.

The network is one of sets: its weights take any number of ESIMs, the exported graph one. So this
runs the weights in torch. Beams are another matter: the network takes eight amplitudes of an ESIM.
As rates depend on amplitudes by their products between ESIMs alone, more beams are turned into the
eight directions that hold most of them, and the decision is scored on all beams.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ml_models.baselines import local_search
from ml_models.datasets.scenarios import (
    ScenarioProfile,
    ServiceArea,
    at_power,
    draw_scenarios,
    select,
)
from ml_models.evaluate import obeys
from ml_models.export.artifact import WEIGHTS_FILE, config_of_card
from ml_models.export.graph import input_signature
from ml_models.gan_gdm.sampler import Sampler
from ml_models.gan_gdm.weights import load_weights
from ml_models.onnx_sampler import STANDARD_NORMAL, read_card
from radio_math.channel import ContextPair
from radio_math.context import BEAMS, Allocation, RadioContext
from radio_math.secrecy import sum_secrecy_rate

AREAS = {
    "trained": ServiceArea(),
    "esims_8": ServiceArea(esims=8),
    "esims_12": ServiceArea(esims=12),
    "esims_14": ServiceArea(esims=14),
    "beams_12": ServiceArea(rows=3),
}
_BATCH = 32
_NOISE_SEED, _SEARCH_SEED = 16, 17  # joined to the seed of the scenarios


def sizes(
    artifact: Path,
    profile: ScenarioProfile,
    *,
    samples: int,
    seed: int,
    powers_dbw: tuple[float, ...],
) -> dict[str, Any]:
    """`AREA.{estimated,true}`: ratio of means to local search, `AREA.violations` of the quota.

    Means are over all scenarios and powers. Local search and not exhaustive search, whose
    assignments are 16 million for 12 ESIMs. Arguments as in `unreported`.
    """
    network = config_of_card(read_card(artifact)).network
    sampler = Sampler(network).eval()
    load_weights(artifact / WEIGHTS_FILE, sampler)
    document = {}
    for name, area in AREAS.items():
        contexts = draw_scenarios(profile, samples, seed, area=area)
        rng = np.random.default_rng((seed, _NOISE_SEED))
        search_rng = np.random.default_rng((seed, _SEARCH_SEED))
        sums = np.zeros((2, 2))  # own and local search, on the estimate and on the truth
        violations = 0
        for power in powers_dbw:
            pair = ContextPair(
                true=at_power(contexts.true, power), estimated=at_power(contexts.estimated, power)
            )
            own = decided(sampler, pair.estimated, rng)
            valid = obeys(own, pair.estimated, network.quota)
            violations += int((~valid).sum())
            searched, _ = local_search.decide(pair.estimated, search_rng, quota=network.quota)
            for column, context in enumerate((pair.estimated, pair.true)):
                sums[0, column] += (valid * sum_secrecy_rate(context, own)).sum()
                sums[1, column] += sum_secrecy_rate(context, searched).sum()
        estimated, true = sums[0] / sums[1]
        document[name] = {
            "esims": area.esims,
            "beams": area.rows * area.columns,
            "estimated": float(estimated),
            "true": float(true),
            "violations": violations,
        }
    return document


def decided(sampler: Sampler, context: RadioContext, rng: np.random.Generator) -> Allocation:
    """Decisions of the weights in torch for contexts [N] of any number of ESIMs."""
    esims = context.ici_factor.shape[-1]
    seen = replace(context, beam_amplitude=_in_eight_directions(context.beam_amplitude))
    parts = []
    for start in range(0, len(context.power_budget_w), _BATCH):
        rows = select(seen, slice(start, start + _BATCH))
        count = len(rows.power_budget_w)
        noise = [
            torch.as_tensor(
                rng.standard_normal((count, *entry["shape"][1:-2], esims, entry["shape"][-1])),
                dtype=torch.float32,
            )
            for entry in input_signature(sampler.config)
            if entry["kind"] == STANDARD_NORMAL
        ]
        tensors = {
            name: torch.as_tensor(np.asarray(value), dtype=torch.float32)
            for name, value in vars(rows).items()
        }
        with torch.no_grad():
            parts.append(sampler(RadioContext(**tensors), *noise).allocation)
    return Allocation(
        carrier=torch.cat([part.carrier for part in parts]).numpy(),
        power_w=torch.cat([part.power_w for part in parts]).double().numpy(),
        beamformer_index=torch.cat([part.beamformer_index for part in parts]).double().numpy(),
    )


def _in_eight_directions(amplitude: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Amplitudes [N, U, B] as [N, U, 8]: themselves or, of more, the best of rank 8."""
    if amplitude.shape[-1] == BEAMS:
        return amplitude
    left, strength, _ = np.linalg.svd(amplitude, full_matrices=False)
    return np.asarray(left[..., :BEAMS] * strength[:, None, :BEAMS])
