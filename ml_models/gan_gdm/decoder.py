"""From carrier logits to carriers that respect the quota.

`assign_within_quota` decides: all ESIMs ask for their favourite carrier that has room, and where
more ask than fit the surest come first; the others ask again. Every time somebody is turned away a
further carrier is full, so few rounds are enough, and they are written out without branches: the
loop exports. `sample_within_quota` draws instead and knows the log-probability of what it drew,
which the policy gradient needs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_CLOSED = -1.0e9
_SOONEST = 1e-30


@dataclass(frozen=True)
class Assignment:
    """Carriers within the quota.

    Attributes:
        one_hot: [..., U, M] 1 at the carrier of each ESIM.
        rank: [..., U] which of the places of its carrier an ESIM has, from 0 to quota - 1.
    """

    one_hot: Tensor
    rank: Tensor

    @property
    def carrier(self) -> Tensor:
        """[..., U] (int64)."""
        return torch.argmax(self.one_hot, dim=-1)


def assign_within_quota(logits: Tensor, quota: int) -> Assignment:
    """Carriers for logits [..., U, M]; no carrier is taken more than `quota` times."""
    users, carriers = logits.shape[-2], logits.shape[-1]
    score = torch.log_softmax(logits, dim=-1)
    number = torch.arange(carriers, device=logits.device)
    position = torch.arange(users, device=logits.device)
    earlier = position[:, None] > position[None, :]  # settles ties
    taken = torch.zeros_like(score)
    rank = torch.zeros_like(score[..., 0])
    for _ in range(min(carriers, -(-users // quota))):
        load = taken.sum(dim=-2, keepdim=True)
        waiting = 1.0 - taken.sum(dim=-1, keepdim=True)  # [..., U, 1]
        sureness, favourite = torch.max(
            torch.where(load > quota - 0.5, _CLOSED, score), dim=-1, keepdim=True
        )
        asked = (favourite == number).to(score.dtype) * waiting
        rivals = asked @ asked.transpose(-1, -2)
        other = sureness.transpose(-1, -2)
        ahead = (other > sureness) | ((other == sureness) & earlier)
        place = (rivals * ahead).sum(dim=-1, keepdim=True) + (asked * load).sum(
            dim=-1, keepdim=True
        )
        accepted = asked * (place < quota - 0.5)
        rank = rank + (accepted * place).sum(dim=-1)
        taken = taken + accepted
    return Assignment(taken, rank)


def sample_within_quota(
    logits: Tensor, quota: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Random carriers [N, U] within the quota, and their log-probability [N] given the order.

    ESIMs draw one after the other in a random order, each from the softmax over the carriers that
    are not full yet.
    """
    batch, users, carriers = logits.shape
    order = torch.rand(batch, users, generator=generator, device=logits.device).argsort(dim=1)
    ordered = logits.gather(1, order[:, :, None].expand(-1, -1, carriers))
    load = torch.zeros(batch, carriers, device=logits.device)
    number = torch.arange(carriers, device=logits.device)
    # The first of exponential clocks at these rates rings with the softmax's probability (Gumbel);
    # torch.multinomial draws the same way but has the host wait for the device at every call.
    clock = torch.empty_like(logits).exponential_(generator=generator).clamp(min=_SOONEST).log()
    drawn = []
    log_probability = torch.zeros(batch, device=logits.device)
    for position in range(users):
        open_logits = ordered[:, position].masked_fill(load > quota - 0.5, _CLOSED)
        log_probabilities = torch.log_softmax(open_logits, dim=1)
        race = log_probabilities.detach() - clock[:, position]
        pick = race.argmax(dim=1, keepdim=True)  # [N, 1]
        log_probability = log_probability + log_probabilities.gather(1, pick)[:, 0]
        load = load + (pick == number)
        drawn.append(pick)
    carrier = torch.cat(drawn, dim=1)
    return carrier.gather(1, order.argsort(dim=1)), log_probability
