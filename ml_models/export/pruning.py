"""Magnitude pruning: the smallest weights of the generator's layers become zero.

Zeros compress, so a pruned artifact is smaller to send over a narrow link; a dense kernel computes
with them as before, so it decides no faster. Source: Han 2015 (magnitude), over all layers at once.
Not modelled: training after pruning, which would win back some of the accuracy.
"""

from torch import nn
from torch.nn.utils import prune

from ml_models.gan_gdm.sampler import Sampler


class PruningError(ValueError):
    """A share that cannot be pruned; the message says what can."""


def prune_smallest(sampler: Sampler, share: float) -> None:
    """Sets the smallest weights of all linear layers of the generator together to zero, in place.

    Args:
        sampler: changed.
        share: of these weights, above 0 and below 1.

    Raises:
        PruningError: the share is none.
    """
    if not 0 < share < 1:
        raise PruningError(f"{share:g} is no share of weights; prune more than 0 and less than 1")
    layers = [
        (module, "weight")
        for module in sampler.generator.modules()
        if isinstance(module, nn.Linear)
    ]
    prune.global_unstructured(layers, prune.L1Unstructured, amount=share)
    for module, name in layers:
        prune.remove(module, name)  # type: ignore[no-untyped-call]
