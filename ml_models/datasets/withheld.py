"""Scenarios whose eavesdroppers nobody reported: what can still be known, and what is then decided.

Without a report the leakage factors of a scenario's stations are unknown. Two things are left:

* `BlindBeams.MRT`: beams towards the satellite and nowhere else. The grid has one beam at all of
  its points, so gain and leakage tables are flat.
* `BlindBeams.PRIOR`: stations stand on the ground, so their statistics are known from training
  scenarios even if they are not. With R the mean of f f^H over the stations of those, the family
  w(kappa) ~ (I + kappa R)^-1 h trades gain for the leakage that is expected, which is low all along
  the horizon; along its whole grid kappa rises as mu does along the frontier of a report.

The estimated leakage is the mean over training scenarios in decibels, because a rate loses
log(1 + p L): w^H R w and the mean floor give how it depends on the ESIM's own beam, one factor for
each point of the grid gives its level. The true leakage is what the true stations hear of these
beams. Links, beams of the satellite, Doppler, noise and power are those of the scenario with a
report: the same seed draws the same situations.
Not modelled: a station's strength is the same for all ESIMs in expectation, whatever the terrain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from ml_models.datasets.scenarios import ScenarioProfile, Split, draw_scenarios
from radio_math.beamforming import Beamformers, loaded_beamformers, mu_grid
from radio_math.channel import (
    Channel,
    ChannelModel,
    ChannelState,
    ContextPair,
    LinkGeometry,
    context_of,
    context_pair,
    prior_of_stations,
    reported_channel,
    true_channel,
)
from radio_math.context import GRID_POINTS
from radio_math.ground_stations import StationPrior
from radio_math.link import Floats

_LEARNED_FROM = 256  # scenarios with ten ESIMs and two stations each


class BlindBeams(StrEnum):
    """What an ESIM does with its array when no station was reported."""

    MRT = "mrt"
    PRIOR = "prior"


@dataclass(frozen=True)
class BlindKnowledge:
    """What is known of the stations of an ESIM before any report.

    Attributes:
        prior: their mean R.
        floor_per_w: mean of the leakage that no beam removes [1/W].
        level: [S] by beams, the mean over ESIMs of leakage in decibels, as a factor on the
            expectation.
    """

    prior: StationPrior
    floor_per_w: float
    level: Mapping[BlindBeams, Floats]


def learn_prior(profile: ScenarioProfile, seed: int) -> BlindKnowledge:
    """What training scenarios of a profile tell.

    Args:
        profile: of the scenarios.
        seed: of the training scenarios, `Split.TRAIN`.
    """
    floors, terminals = 0.0, 0

    def remember(
        geometry: LinkGeometry, state: ChannelState, model: ChannelModel, **known: Floats
    ) -> ContextPair:
        nonlocal floors, terminals
        channel = true_channel(geometry, state, model)
        floors += float(channel.leakage_floor.sum())
        terminals += channel.leakage_floor.size
        return context_pair(geometry, state, model, **known)

    draw_scenarios(profile, _LEARNED_FROM, Split.TRAIN.seed(seed), contexts=remember)
    expected = BlindKnowledge(
        prior_of_stations(profile.channel),
        floors / terminals,
        {beams: np.ones(GRID_POINTS) for beams in BlindBeams},
    )
    level = {}
    for beams in BlindBeams:
        pair = draw_unreported(profile, _LEARNED_FROM, Split.TRAIN.seed(seed, 1), expected, beams)
        ratio = np.log(pair.true.leakage_per_w / pair.estimated.leakage_per_w)
        level[beams] = np.exp(ratio.mean(axis=(0, 1)))
    return replace(expected, level=level)


def draw_unreported(
    profile: ScenarioProfile,
    count: int,
    seed: int | tuple[int, ...],
    known_before: BlindKnowledge,
    beams: BlindBeams,
) -> ContextPair:
    """The scenarios of `draw_scenarios` as they are and as they look without any report.

    Args:
        profile: of the scenarios.
        count: scenarios.
        seed: that of the scenarios with reports to compare with.
        known_before: of the stations.
        beams: what the ESIMs do.

    Raises:
        ContextError: count is below one.
    """
    strength = known_before.prior.strength
    vectors = known_before.prior.rotated_back(np.eye(len(strength), dtype=complex))
    directions = vectors.T * np.sqrt(strength)  # columns f with the mean R

    def unreported(
        geometry: LinkGeometry, state: ChannelState, model: ChannelModel, **known: Floats
    ) -> ContextPair:
        link = reported_channel(geometry, state, model)
        expected = replace(
            link,
            leakage_factors=directions,
            leakage_floor=np.full_like(link.leakage_floor, known_before.floor_per_w),
        )
        weights = blind_beamformers(link, known_before.prior, beams)
        estimated = context_of(expected, weights, geometry, **known)
        return ContextPair(
            true=context_of(true_channel(geometry, state, model), weights, geometry, **known),
            estimated=replace(
                estimated, leakage_per_w=estimated.leakage_per_w * known_before.level[beams]
            ),
        )

    return draw_scenarios(profile, count, seed, contexts=unreported)


def blind_beamformers(link: Channel, prior: StationPrior, beams: BlindBeams) -> Beamformers:
    """Unit-norm beamformers of ESIMs [..., U] at the points of the grid.

    Args:
        link: as reported; only the response to the satellite is used.
        prior: of the stations.
        beams: which ones.
    """
    price = mu_grid(GRID_POINTS) * (beams is BlindBeams.PRIOR)
    shape = link.response.shape
    unreported = np.zeros((*shape, 0), dtype=complex)
    no_frontier = np.zeros((*shape[:-1], 0, 0), dtype=complex)
    loaded = loaded_beamformers(link.response, unreported, prior, price)
    return Beamformers(unreported, no_frontier, prior=prior, loaded=loaded)
