"""Contexts and labels as torch tensors: converted, selected, renumbered."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ml_models.datasets.labelled import LabelledScenarios
from ml_models.gan_gdm.diffusion import clean_variable
from radio_math.channel import ContextPair
from radio_math.context import CARRIERS, RadioContext

_CONTEXT_TENSORS = tuple(RadioContext.__dataclass_fields__)
_OFF_LOG_SHARE = -9.0


@dataclass(frozen=True)
class Batch:
    """Labelled contexts on torch: [N] contexts and the label's carriers, log shares, indices."""

    context: RadioContext
    carrier: Tensor
    log_share: Tensor
    index: Tensor

    def clean(self) -> Tensor:
        """x_0 of the labels, [N, U, M + 2]."""
        one_hot = functional.one_hot(self.carrier, CARRIERS).to(self.log_share.dtype)
        return clean_variable(one_hot, self.log_share, self.index)

    def rows(self, chosen: Tensor | slice) -> "Batch":
        """The chosen rows."""
        return Batch(
            context=select_rows(self.context, chosen),
            carrier=self.carrier[chosen],
            log_share=self.log_share[chosen],
            index=self.index[chosen],
        )

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device."""
        return Batch(
            context=_context_to(self.context, device),
            carrier=self.carrier.to(device),
            log_share=self.log_share.to(device),
            index=self.index.to(device),
        )

    def renumbered(self, generator: torch.Generator) -> "Batch":
        """The batch with the carriers of every context renumbered at random."""
        context, order = renumber_carriers(self.context, generator)
        return Batch(
            context=context,
            carrier=order.argsort(dim=1).gather(1, self.carrier),
            log_share=self.log_share,
            index=self.index,
        )


def labelled_batch(scenarios: LabelledScenarios) -> Batch:
    """Estimated contexts and labels of a data set on torch."""
    context = to_torch(scenarios.contexts.estimated)
    power_w = torch.as_tensor(np.asarray(scenarios.label.power_w, dtype=np.float32))
    return Batch(
        context=context,
        carrier=torch.as_tensor(scenarios.label.carrier, dtype=torch.int64),
        log_share=off_log_share(power_w, context.power_budget_w),
        index=torch.as_tensor(np.asarray(scenarios.label.beamformer_index, dtype=np.float32)),
    )


def to_torch(context: RadioContext) -> RadioContext:
    """The context in single precision on torch."""
    return RadioContext(
        **{
            name: torch.as_tensor(np.asarray(getattr(context, name), dtype=np.float32))
            for name in _CONTEXT_TENSORS
        }
    )


def select_rows(context: RadioContext, rows: Tensor | slice) -> RadioContext:
    """The chosen rows of contexts on torch."""
    return RadioContext(**{name: getattr(context, name)[rows] for name in _CONTEXT_TENSORS})


def join_contexts(contexts: list[RadioContext]) -> RadioContext:
    """Batches of contexts on torch as one batch."""
    return RadioContext(
        **{name: torch.cat([getattr(one, name) for one in contexts]) for name in _CONTEXT_TENSORS}
    )


def torch_pair(pair: ContextPair) -> ContextPair:
    """True and estimated contexts in single precision on torch."""
    return ContextPair(true=to_torch(pair.true), estimated=to_torch(pair.estimated))


def pair_to(pair: ContextPair, device: torch.device) -> ContextPair:
    """True and estimated contexts on a device."""
    return ContextPair(
        true=_context_to(pair.true, device), estimated=_context_to(pair.estimated, device)
    )


def select_pairs(pair: ContextPair, rows: Tensor | slice) -> ContextPair:
    """The chosen rows of true and estimated contexts on torch."""
    return ContextPair(
        true=select_rows(pair.true, rows), estimated=select_rows(pair.estimated, rows)
    )


def join_pairs(pairs: list[ContextPair]) -> ContextPair:
    """Batches of true and estimated contexts on torch as one batch."""
    return ContextPair(
        true=join_contexts([one.true for one in pairs]),
        estimated=join_contexts([one.estimated for one in pairs]),
    )


def renumber_carriers(
    context: RadioContext, generator: torch.Generator
) -> tuple[RadioContext, Tensor]:
    """Contexts with carriers in random order: new carrier j of row n is old carrier order[n, j]."""
    noise: Tensor = context.carrier_noise
    order = torch.rand(noise.shape, generator=generator, device=noise.device).argsort(dim=1)
    return replace(context, carrier_noise=noise.gather(1, order)), order


def renumber_pair(pair: ContextPair, generator: torch.Generator) -> ContextPair:
    """True and estimated contexts with carriers in the same random order."""
    estimated, order = renumber_carriers(pair.estimated, generator)
    return ContextPair(
        true=replace(pair.true, carrier_noise=pair.true.carrier_noise.gather(1, order)),
        estimated=estimated,
    )


def off_log_share(power_w: Tensor, power_budget_w: Tensor) -> Tensor:
    """Log shares [N, U] of powers, with ESIMs that are off at a finite floor."""
    return torch.log(power_w / power_budget_w[:, None]).clamp(min=_OFF_LOG_SHARE)


def _context_to(context: RadioContext, device: torch.device) -> RadioContext:
    return RadioContext(**{name: getattr(context, name).to(device) for name in _CONTEXT_TENSORS})
