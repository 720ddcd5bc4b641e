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
    """Carriers within the quota, of K samples each.

    Attributes:
        one_hot: [..., U, M, K] 1 at the carrier of each ESIM.
        seat: [..., U, M, L, K] 1 at the place that an ESIM has on its carrier, of L = quota places.
    """

    one_hot: Tensor
    seat: Tensor

    @property
    def carrier(self) -> Tensor:
        """[..., U, K] (int64)."""
        return torch.argmax(self.one_hot, dim=-2)


def assign_within_quota(logits: Tensor, quota: int) -> Assignment:
    """Carriers for logits [..., U, M, K]; no carrier is taken more than `quota` times."""
    users, carriers = logits.shape[-3], logits.shape[-2]
    score = torch.log_softmax(logits, dim=-2)
    position = torch.arange(users, device=logits.device)
    earlier = position[:, None] > position[None, :]  # settles ties
    own, other = score[..., :, None, :, :], score[..., None, :, :, :]
    # Who would come before whom on every carrier, [..., U, U, M, K].
    ahead = ((other > own) | ((other == own) & earlier[:, :, None, None])).to(score.dtype)
    taken = _accepted(score, ahead, quota)
    for _ in range(min(carriers, -(-users // quota)) - 1):
        load = taken.sum(dim=-3, keepdim=True)
        waiting = 1.0 - taken.sum(dim=-2, keepdim=True)
        still_open = torch.where(load > quota - 0.5, _CLOSED, score)
        taken = taken + _accepted(still_open, ahead, quota, load=load, waiting=waiting)
    # Places are taken in the order of the ESIMs.
    before = (earlier.to(score.dtype) @ taken.flatten(-2)).reshape(taken.shape)
    place = torch.arange(quota, device=logits.device, dtype=score.dtype)[:, None]
    seat = (before[..., None, :] == place).to(score.dtype) * taken[..., None, :]
    return Assignment(taken, seat)


def _accepted(
    score: Tensor,
    ahead: Tensor,
    quota: int,
    *,
    load: Tensor | None = None,
    waiting: Tensor | None = None,
) -> Tensor:
    """Who gets the favourite carrier in one round, [..., U, M, K] 1 or 0.

    Args:
        score: of the carriers that are open.
        ahead: who comes before whom.
        quota: places of a carrier.
        load: [..., 1, M, K] places that are taken; none if not given.
        waiting: [..., U, 1, K] 1 for ESIMs that ask; all if not given.
    """
    favourite = torch.argmax(score, dim=-2, keepdim=True)
    number = torch.arange(score.shape[-2], device=score.device)[:, None]
    asked = (favourite == number).to(score.dtype)
    if waiting is not None:
        asked = asked * waiting
    place = (ahead * asked[..., None, :, :, :]).sum(dim=-3)
    if load is not None:
        place = place + load
    return asked * (place < quota - 0.5)


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
