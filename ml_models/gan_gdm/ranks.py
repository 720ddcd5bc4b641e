"""One training in several processes, each on its part of every batch (torchrun).

Gradients are averaged by torch's DistributedDataParallel, over NCCL between GPUs and Gloo between
processors. It averages what a module's own forward leads to, so the losses are modules, too
(`objectives`): the training does not call the networks by their forward.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ml_models.gan_gdm.config import ConfigError
from ml_models.gan_gdm.devices import chosen_device

_PATIENCE = timedelta(days=1)  # the others wait while the first process labels

Value = TypeVar("Value")


class RanksDivergedError(RuntimeError):
    """The processes of one training did not end with the same weights."""


@dataclass(frozen=True)
class Ranks:
    """The processes of a training as one of them sees them; alone by default.

    Attributes:
        rank: its own number, from 0.
        count: how many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this one draws the data, reports and writes for all."""
        return self.rank == 0

    def check_shares(self, size: int, what: str) -> None:
        """Returns if a batch of this size leaves no rest.

        Raises:
            ConfigError: the batch cannot be shared out evenly.
        """
        if size % self.count:
            raise ConfigError(
                f"{what} is {size}, which {self.count} processes cannot share evenly; give a "
                f"multiple of {self.count}"
            )

    def part(self, rows: Tensor) -> Tensor:
        """The rows that are this process's."""
        return rows[self.rank :: self.count]

    def from_first(self, value: Value | None) -> Value:
        """What the first process gives, in all of them; the others' value is not looked at."""
        if self.count == 1:
            return cast("Value", value)
        box = [value if self.first else None]
        distributed.broadcast_object_list(box, src=0)
        return cast("Value", box[0])

    def of_all(self, value: Value) -> list[Value]:
        """What every process gives, in the order of their numbers."""
        if self.count == 1:
            return [value]
        values: list[Value | None] = [None] * self.count
        distributed.all_gather_object(values, value)
        return cast("list[Value]", values)

    def averaging(self, objective: nn.Module) -> nn.Module:
        """The module with gradients averaged over the processes whenever it was called."""
        if self.count == 1:
            return objective
        # A stage need not reach every weight: what corrects reports learns in the second alone.
        return DistributedDataParallel(objective, find_unused_parameters=True)

    def check_same(self, module: nn.Module) -> None:
        """Returns if all processes have the same weights.

        Raises:
            RanksDivergedError: they have not.
        """
        total = [float(value.double().sum()) for value in module.state_dict().values()]
        if any(other != total for other in self.of_all(total)):
            raise RanksDivergedError(
                "the processes ended with different weights; run them on devices of one kind with "
                "the same versions of libraries"
            )


@contextmanager
def joined(device: str, environ: Mapping[str, str]) -> Iterator[tuple[Ranks, torch.device]]:
    """This process among those that torchrun started, and its device; alone without torchrun.

    Args:
        device: name of the device, see `chosen_device`; processes on one machine take its GPUs in
            order.
        environ: the environment, in which torchrun says who is who.

    Raises:
        ConfigError: there is no such device for this process.
    """
    place = chosen_device(device)
    if int(environ.get("WORLD_SIZE", "1")) == 1:
        yield Ranks(), place
        return
    if place.type == "cuda":
        number = int(environ["LOCAL_RANK"])
        if number >= torch.cuda.device_count():
            raise ConfigError(
                f"there are {torch.cuda.device_count()} GPUs for more processes; give torchrun "
                "--nproc-per-node no more than that"
            )
        place = torch.device("cuda", number)
        torch.cuda.set_device(place)
    distributed.init_process_group("nccl" if place.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size()), place
    finally:
        distributed.destroy_process_group()
