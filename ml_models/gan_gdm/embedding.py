"""What is peculiar in a radio context: statistics of its ESIMs, once the geometry is explained.

The ESIMs of a context are nearly independent draws, so what is said of each is said well of all
ten. Of every ESIM come the link gain, the residual Doppler, and five numbers of its Pareto frontier
of gain against leakage (`member_features`). How these vary with the geometry of a pass would hide
a change of conditions; so each is predicted, with its spread, from what the beams and the Doppler
of the context tell of the geometry (`Explained`). What is left
has mean 0 and variance 1 for the training contexts; its mean and log variance over the ESIMs are
the embedding, beside the same statistics of the beam patterns themselves.

Not modelled: dependence of the ESIMs of a context beyond their common geometry.
"""

import torch
from torch import Tensor, nn

from ml_models.gan_gdm.explained import Explained
from radio_math.beamforming import mu_grid
from radio_math.context import BEAMS, REPORT_POINTS, RadioContext

BEAM_FEATURES = 5
LINK_FEATURES = 7
EMBEDDING_SIZE = 2 * (BEAM_FEATURES + LINK_FEATURES) + 1
"""Per feature of an ESIM its mean and log variance over the ESIMs; and the roughness."""

_DOPPLER = 1  # its column among the link features
_GEOMETRY_INPUTS = BEAMS + 3 * BEAM_FEATURES + 3 * BEAMS
_LEAST_LEAKAGE_PER_W = 1e-5  # costs 0.005 b/s/Hz at 300 W: below it nobody listens
_LIMIT = 100.0  # deviations at which the embedding is cut, so that nothing overflows


class ContextEmbedding(nn.Module):
    """Raw contexts in, scaled embeddings out; regressions and scales are learned and stored."""

    price: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        price = torch.as_tensor(mu_grid(), dtype=torch.float32)
        self.register_buffer("price", price, persistent=False)
        self.doppler = Explained(_GEOMETRY_INPUTS, 1)
        self.link = Explained(_GEOMETRY_INPUTS + 3, LINK_FEATURES - 1)
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
        beam_mean, beam_variance = _moments(beams)
        mean, variance = _moments(left)
        log_variance = torch.log(torch.cat([beam_variance, variance], dim=1) + 0.02)
        return torch.cat(
            [
                beam_mean,
                log_variance[:, :BEAM_FEATURES],
                mean,
                log_variance[:, BEAM_FEATURES:],
                rough.mean(dim=1),
            ],
            dim=1,
        )

    def _members(self, context: RadioContext) -> tuple[Tensor, Tensor, Tensor]:
        return member_features(context, self.price)


def member_features(context: RadioContext, price: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What is said of each ESIM.

    Args:
        context: contexts [N].
        price: [S] leakage price mu at the points of the frontier [W].

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
    gain: Tensor = context.gain_per_w[..., :REPORT_POINTS]
    leakage = context.leakage_per_w[..., :REPORT_POINTS].clamp(min=_LEAST_LEAKAGE_PER_W)
    floor = leakage[..., -1:]
    power = amplitude.square() + 1e-6
    own = power.sum(dim=-1, keepdim=True)
    share = power / own
    beams = torch.cat(
        [
            torch.log(
                torch.cat(
                    [
                        own,
                        share.square().sum(dim=-1, keepdim=True),
                        share.amax(dim=-1, keepdim=True),
                        torch.sqrt(share).sum(dim=-1, keepdim=True),
                    ],
                    dim=-1,
                )
            ),
            amplitude.sum(dim=-1, keepdim=True) / torch.sqrt(own),
        ],
        dim=-1,
    )
    # Differences before quotients: what nulling costs is often a hundred thousandth of the gain.
    last_gain = gain[..., -1:]
    spent = ((gain[..., :1] - last_gain) / last_gain).clamp(min=0.0)
    nulled = ((leakage - floor) / floor).clamp(min=0.0)
    first_nulled = nulled[..., :1] + 1e-4
    left = (nulled[..., 1:-1] + 1e-4) / first_nulled
    later, sooner = gain[..., 1:], gain[..., :-1]
    step = 2.0 * (later - sooner) / (later + sooner)
    above = nulled + 0.03
    loaded = price * floor * above
    weight = loaded / (1.0 + loaded)
    fall = torch.log(above[..., 1:] / above[..., :-1])
    untied = step - 0.5 * (weight[..., 1:] + weight[..., :-1]) * fall
    rise = step.clamp(min=0.0) + fall.clamp(min=0.0)
    link = torch.cat(
        [
            torch.log(gain[..., :1]),
            30.0 * torch.sqrt(context.ici_factor)[..., None],
            torch.log(floor),
            torch.log(spent + 1e-6),
            torch.log(first_nulled),
            left.sum(dim=-1, keepdim=True),
            torch.asinh(1e3 * untied[..., :8].sum(dim=-1, keepdim=True)),
        ],
        dim=-1,
    )
    return beams, link, torch.log(1e-3 + rise.sum(dim=-1, keepdim=True))


def _regressors(context: RadioContext, beams: Tensor, link: Tensor) -> tuple[Tensor, Tensor]:
    """Of each ESIM and of its context: what beams tell of the geometry; with the Doppler too."""
    amplitude: Tensor = context.beam_amplitude
    beam_mean, beam_variance = _moments(beams)
    whole = torch.cat(
        [
            beam_mean,
            torch.sqrt(beam_variance + 1e-6),
            amplitude.mean(dim=1),
            amplitude.square().mean(dim=1),
            amplitude.amax(dim=1),
        ],
        dim=1,
    )
    doppler = _doppler(link)
    mean, variance = _moments(doppler)
    motion = torch.cat([mean, torch.sqrt(variance + 1e-6)], dim=1)
    geometry = torch.cat([amplitude, beams, _to_each(whole, amplitude)], dim=-1)
    return geometry, torch.cat([geometry, doppler, _to_each(motion, amplitude)], dim=-1)


def _doppler(link: Tensor) -> Tensor:
    return link[..., _DOPPLER : _DOPPLER + 1]


def _others(link: Tensor) -> Tensor:
    return torch.cat([link[..., :_DOPPLER], link[..., _DOPPLER + 1 :]], dim=-1)


def _to_each(whole: Tensor, member: Tensor) -> Tensor:
    return whole[:, None].expand(-1, member.shape[1], -1)


def _moments(member: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [N, F] and variance [N, F] of features [N, U, F] over the ESIMs."""
    mean = member.mean(dim=1)
    return mean, (member - mean[:, None]).square().mean(dim=1)
