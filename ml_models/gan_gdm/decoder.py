"""From carrier logits to carriers that respect the quota.

`assign_within_quota` decides: of all pairs of an unassigned ESIM and a carrier that is not full,
the one of highest log-probability is taken, U times over. The loop is unrolled and has neither
branches nor scatters, so it exports. `sample_within_quota` draws instead and knows the
log-probability of what it drew, which the policy gradient needs.
"""

import torch
from torch import Tensor

_CLOSED = -1.0e9
_SOONEST = 1e-30


def assign_within_quota(logits: Tensor, quota: int) -> Tensor:
    """Carriers [N, U] (int64) for logits [N, U, M]; no carrier is taken more than `quota` times."""
    users, carriers = logits.shape[1], logits.shape[2]
    score = torch.log_softmax(logits, dim=-1)
    position = torch.arange(users * carriers, device=logits.device)
    chosen = torch.zeros_like(score)  # [N, U, M] one-hot rows of ESIMs that have a carrier
    for _ in range(users):
        done = chosen.sum(dim=2, keepdim=True) > 0.5  # noqa: PLR2004 halfway between 0 and 1
        full = chosen.sum(dim=1, keepdim=True) > quota - 0.5
        open_score = torch.where(done | full, _CLOSED, score)
        best = torch.argmax(open_score.reshape(-1, users * carriers), dim=1, keepdim=True)
        pair = (position == best).to(score.dtype)
        chosen = chosen + pair.reshape(-1, users, carriers)
    return torch.argmax(chosen, dim=2)


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
