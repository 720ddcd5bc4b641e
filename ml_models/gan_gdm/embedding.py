"""What is peculiar in a radio context: statistics of its ESIMs, once the geometry is explained.

The ESIMs of a context are nearly independent draws, so what is said of each is said well of all
ten. Of every ESIM come the link gain, the residual Doppler, and five numbers of its Pareto frontier
of gain against leakage (`member_features`). How these vary with the geometry of a pass would hide
a change of conditions; so each is predicted, with its spread, from what the beams and the Doppler
of the context tell of the geometry, by ridge regression on fixed random hidden units. What is left
has mean 0 and variance 1 for the training contexts; its mean and log variance over the ESIMs are
the embedding, beside the same statistics of the beam patterns themselves.

Source: Huang et al. 2006 (extreme learning machine); Davidian and Carroll 1987 (variance function).
Not modelled: dependence of the ESIMs of a context beyond their common geometry.
"""

import math

import torch
from torch import Tensor, nn

from radio_math.beamforming import mu_grid
from radio_math.context import BEAMS, GRID_POINTS, RadioContext

BEAM_FEATURES = 5
LINK_FEATURES = 7
EMBEDDING_SIZE = 2 * (BEAM_FEATURES + LINK_FEATURES) + 1
"""Per feature of an ESIM its mean and log variance over the ESIMs; and the roughness."""

_HIDDEN = 128
_DOPPLER = 1  # its column among the link features
_GEOMETRY_INPUTS = BEAMS + 3 * BEAM_FEATURES + 3 * BEAMS
_LEAST_LEAKAGE_PER_W = 1e-5  # costs 0.005 b/s/Hz at 300 W: below it nobody listens
_INPUT_LIMIT = 5.0  # deviations at which inputs of the regression are cut
_RESIDUAL_LIMIT = 30.0
_LIMIT = 100.0  # deviations at which the embedding is cut, so that nothing overflows
_RIDGE = 1.0
_SEED = 1


class ContextEmbedding(nn.Module):
    """Raw contexts in, scaled embeddings out; regressions and scales are learned and stored."""

    price: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        price = torch.as_tensor(mu_grid(), dtype=torch.float32)
        self.register_buffer("price", price, persistent=False)
        self.doppler = _Explained(_GEOMETRY_INPUTS, 1)
        self.link = _Explained(_GEOMETRY_INPUTS + 3, LINK_FEATURES - 1)
        self.register_buffer("mean", torch.zeros(EMBEDDING_SIZE))
        self.register_buffer("deviation", torch.ones(EMBEDDING_SIZE))

    @torch.no_grad()
    def calibrate(self, context: RadioContext) -> None:
        """Learns the regressions, then the scales of the embedding, from contexts [N]."""
        beams, link, _ = self._members(context)
        geometry, known = _regressors(context, beams, link)
        self.doppler.fit(geometry.flatten(0, 1), _doppler(link).flatten(0, 1))
        self.link.fit(known.flatten(0, 1), _others(link).flatten(0, 1))
        raw = self._raw(context)
        self.mean.copy_(raw.mean(dim=0))
        self.deviation.copy_(raw.std(dim=0).clamp(min=0.02))

    def forward(self, context: RadioContext) -> Tensor:
        """Embedding [N, EMBEDDING_SIZE] of contexts with one batch axis, in deviations."""
        scaled = (self._raw(context) - self.mean) / self.deviation
        return scaled.clamp(-_LIMIT, _LIMIT)

    def _raw(self, context: RadioContext) -> Tensor:
        beams, link, rough = self._members(context)
        geometry, known = _regressors(context, beams, link)
        doppler = self.doppler(geometry, _doppler(link))
        others = self.link(known, _others(link))
        left = torch.cat([others[..., :_DOPPLER], doppler, others[..., _DOPPLER:]], dim=-1)
        return torch.cat(
            [*_mean_and_spread(beams), *_mean_and_spread(left), rough.mean(dim=1)], dim=1
        )

    def _members(self, context: RadioContext) -> tuple[Tensor, Tensor, Tensor]:
        return member_features(context, self.price)


def member_features(context: RadioContext, price: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What is said of each ESIM.

    Args:
        context: contexts [N].
        price: [S] leakage price mu at the points of the beamformer grid [W].

    Returns:
        [N, U, BEAM_FEATURES]: log power over all beams, and how it is shared by them;
        [N, U, LINK_FEATURES]: log gain and root Doppler loss; log leakage that no beamformer
        removes, which says how well the stations hear; the gain and, on its scale, the leakage
        that nulling them takes away, which say how far the array radiates towards them; how
        quickly it takes the leakage away; and whether gains and leakages are one frontier;
        [N, U, 1]: how far gain or leakage rise along the grid, where both can only fall.

    On the frontier of w(mu) the envelope theorem ties both tables together at every point,
    d log A = mu L / (1 + mu L) d log L, where L is the leakage without the floor.
    """
    amplitude: Tensor = context.beam_amplitude
    gain: Tensor = context.gain_per_w
    leakage: Tensor = context.leakage_per_w.clamp(min=_LEAST_LEAKAGE_PER_W)
    floor = leakage[..., GRID_POINTS - 1 :]
    power = amplitude.square() + 1e-6
    own = power.sum(dim=-1)
    log_own = torch.log(own)
    beams = torch.stack(
        [
            log_own,
            torch.log(power.square().sum(dim=-1)) - 2.0 * log_own,
            torch.log(power.amax(dim=-1)) - log_own,
            torch.log(torch.sqrt(power).sum(dim=-1)) - 0.5 * log_own,
            amplitude.sum(dim=-1) / torch.sqrt(own),
        ],
        dim=-1,
    )
    # Differences before quotients: what nulling costs is often a hundred thousandth of the gain.
    last_gain = gain[..., GRID_POINTS - 1 :]
    spent = ((gain - last_gain) / last_gain).clamp(min=0.0)
    nulled = ((leakage - floor) / floor).clamp(min=0.0)
    left = (nulled[..., 1:-1] + 1e-4) / (nulled[..., :1] + 1e-4)
    step = 2.0 * (gain[..., 1:] - gain[..., :-1]) / (gain[..., 1:] + gain[..., :-1])
    above = nulled + 0.03
    loaded = price * floor * above
    weight = loaded / (1.0 + loaded)
    fall = torch.log(above[..., 1:] / above[..., :-1])
    untied = step - 0.5 * (weight[..., 1:] + weight[..., :-1]) * fall
    rise = step.clamp(min=0.0) + torch.log(leakage[..., 1:] / leakage[..., :-1]).clamp(min=0.0)
    link = torch.cat(
        [
            torch.log(gain[..., :1]),
            30.0 * torch.sqrt(context.ici_factor)[..., None],
            torch.log(floor),
            torch.log(spent[..., :1] + 1e-6),
            torch.log(nulled[..., :1] + 1e-4),
            left.sum(dim=-1, keepdim=True),
            torch.asinh(3e2 * untied[..., :8].sum(dim=-1, keepdim=True)),
        ],
        dim=-1,
    )
    return beams, link, torch.log(1e-3 + rise.sum(dim=-1, keepdim=True))


class _Explained(nn.Module):
    """Targets less what inputs foretell of them, in the deviations that inputs foretell."""

    mean: Tensor
    deviation: Tensor
    hidden: Tensor
    bias: Tensor
    centre: Tensor
    log_variance: Tensor

    def __init__(self, inputs: int, targets: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(_SEED)
        units = 1 + inputs + _HIDDEN
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("deviation", torch.ones(inputs))
        hidden = torch.randn(inputs, _HIDDEN, generator=generator) / math.sqrt(inputs)
        self.register_buffer("hidden", hidden)
        self.register_buffer("bias", torch.randn(_HIDDEN, generator=generator))
        self.register_buffer("centre", torch.zeros(units, targets))
        self.register_buffer("log_variance", torch.zeros(units, targets))

    def fit(self, inputs: Tensor, targets: Tensor) -> None:
        """Least squares for the targets [R, T], then for the log squares of what is left."""
        self.mean.copy_(inputs.mean(dim=0))
        self.deviation.copy_(inputs.std(dim=0).clamp(min=1e-3))
        units = self._units(inputs)
        self.centre.copy_(_ridge(units, targets))
        left = targets - units @ self.centre
        # Logarithms of squares are skewed: their mean is below the log of the variance.
        small = 1e-2 * targets.var(dim=0) + 1e-9
        self.log_variance.copy_(_ridge(units, torch.log(left.square() + small)))
        scaled = left.square() * torch.exp(-(units @ self.log_variance))
        self.log_variance[0] += torch.log(scaled.mean(dim=0) + 1e-12)

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """[..., T] of inputs [..., I] and targets [..., T]."""
        units = self._units(inputs)
        log_variance = (units @ self.log_variance).clamp(-12.0, 12.0)
        left = (targets - units @ self.centre) * torch.exp(-0.5 * log_variance)
        return left.clamp(-_RESIDUAL_LIMIT, _RESIDUAL_LIMIT)

    def _units(self, inputs: Tensor) -> Tensor:
        scaled = ((inputs - self.mean) / self.deviation).clamp(-_INPUT_LIMIT, _INPUT_LIMIT)
        one = torch.ones_like(scaled[..., :1])
        return torch.cat([one, scaled, torch.tanh(scaled @ self.hidden + self.bias)], dim=-1)


def _ridge(units: Tensor, targets: Tensor) -> Tensor:
    exact = units.double()
    penalty = _RIDGE * torch.eye(exact.shape[1], dtype=exact.dtype)
    factor = torch.linalg.cholesky(exact.T @ exact + penalty)
    return torch.cholesky_solve(exact.T @ targets.double(), factor).float()


def _regressors(context: RadioContext, beams: Tensor, link: Tensor) -> tuple[Tensor, Tensor]:
    """Of each ESIM and of its context: what beams tell of the geometry; with the Doppler too."""
    amplitude: Tensor = context.beam_amplitude
    whole = torch.cat(
        [
            *_mean_and_deviation(beams),
            amplitude.mean(dim=1),
            amplitude.square().mean(dim=1),
            amplitude.amax(dim=1),
        ],
        dim=1,
    )
    doppler = _doppler(link)
    motion = torch.cat(_mean_and_deviation(doppler), dim=1)
    geometry = torch.cat([amplitude, beams, _to_each(whole, amplitude)], dim=-1)
    return geometry, torch.cat([geometry, doppler, _to_each(motion, amplitude)], dim=-1)


def _doppler(link: Tensor) -> Tensor:
    return link[..., _DOPPLER : _DOPPLER + 1]


def _others(link: Tensor) -> Tensor:
    return torch.cat([link[..., :_DOPPLER], link[..., _DOPPLER + 1 :]], dim=-1)


def _to_each(whole: Tensor, member: Tensor) -> Tensor:
    return whole[:, None].expand(-1, member.shape[1], -1)


def _mean_and_deviation(member: Tensor) -> list[Tensor]:
    mean = member.mean(dim=1)
    variance = (member - mean[:, None]).square().mean(dim=1)
    return [mean, torch.sqrt(variance + 1e-6)]


def _mean_and_spread(member: Tensor) -> list[Tensor]:
    """Mean [N, F] and log variance [N, F] of features [N, U, F] over the ESIMs."""
    mean = member.mean(dim=1)
    return [mean, torch.log((member - mean[:, None]).square().mean(dim=1) + 0.02)]
