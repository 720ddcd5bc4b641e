"""Access layers side by side: which of a satellite and a platform serves each ESIM.

The layers stay apart (their beams never combine, and they use bands of their own); what moves
between them are the ESIMs, by the same rule as between beams: a layer that has been stronger by a
hysteresis for the time-to-trigger takes over, one that is gone is replaced at once.

Axes: T ticks, U ESIMs, B beams, C layers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from radio_math.attenuation import MIN_ELEVATION_DEG
from radio_math.channel import LinkGeometry
from radio_math.link import Floats, free_space_loss_db, to_db
from ran_sim.handover import HandoverRule, IndexArray, serving

_LEAST_POWER = 1e-30  # exact nulls stay finite


@dataclass(frozen=True)
class AccessLayer:
    """One layer as the ESIMs see it.

    Attributes:
        name: of the satellite or platform.
        link: geometry [T, U] and beams [T, U, B], of `ran_sim.sights` or `ran_sim.haps`.
        carrier_hz: its frequency.
        noise_temperature_k: of its receiver, so that layers compare by what they hear.
    """

    name: str
    link: LinkGeometry
    carrier_hz: float
    noise_temperature_k: float = 355.0

    def quality_db(self) -> Floats:
        """G/T of the strongest beam towards each ESIM less the path loss, [T, U] [dB/K].

        Minus infinity where the layer stands below 5 degrees: it cannot serve there.

        Source: TR 38.821 6.1.3.1.
        Not modelled: weather, which is the same on both paths but for the air above a platform.
        """
        strongest = np.max(self.link.beam_amplitude**2, axis=-1)
        quality = (
            self.link.satellite_gain_db[..., None]
            + to_db(np.maximum(strongest, _LEAST_POWER))
            - free_space_loss_db(self.link.slant_range_m, self.carrier_hz)
            - to_db(self.noise_temperature_k)
        )
        return np.where(self.link.elevation_deg >= MIN_ELEVATION_DEG, quality, -np.inf)


def serving_layers(
    layers: Sequence[AccessLayer], tick_period_s: float, rule: HandoverRule
) -> IndexArray:
    """Index of the layer that serves each ESIM at each tick, [T, U].

    Args:
        layers: in any order; the first wins a tie at the start.
        tick_period_s: time between two ticks.
        rule: its hysteresis and time-to-trigger for beams count, and its suppression afterwards
            (`ran_sim.handover.within`).

    Source: TR 38.811 6.10; TS 38.331 5.5.4.4.
    Not modelled: load of the layers, time lost in the handover, forecasts of the pass.
    """
    quality = np.stack([layer.quality_db() for layer in layers], axis=-1)
    return serving(
        quality,
        rule.beam_hysteresis_db,
        tick_period_s,
        time_to_trigger_s=rule.beam_time_to_trigger_s,
    )
