"""The random numbers of a training: streams by who draws from them, and where."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

_OWN, _SHARED, _HOST = range(3)


class RandomStreams:
    """Independent streams of one seed.

    Attributes:
        own: on the device, another one in each process: noise and samples.
        shared: on the device, the same in all processes: the order of the examples.
        host: on the processor, the same in all processes: numbers that the host itself needs,
            which would have it wait for a device to draw them.
    """

    def __init__(self, seed: int, rank: int, device: torch.device) -> None:
        self.own = torch.Generator(device).manual_seed(_seed(seed, _OWN, rank))
        self.shared = torch.Generator(device).manual_seed(_seed(seed, _SHARED))
        self.host = torch.Generator().manual_seed(_seed(seed, _HOST))

    def state(self) -> dict[str, Tensor]:
        """Where the streams stand, on the processor."""
        return {name: generator.get_state() for name, generator in vars(self).items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Goes on where `state` was taken."""
        for name, generator in vars(self).items():
            generator.set_state(state[name])


def _seed(*entropy: int) -> int:
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> np.uint64(1))
