"""What the radio access network measures whatever is decided: the quantities that trigger.

They are taken on a reference allocation (equal power, maximum-ratio beams, the fixed carriers of
`REFERENCE_CARRIER`) and averaged over fast fading, so that triggers depend on the environment
alone and not on when decisions arrive. Axes: T ticks, U ESIMs, B beams.
"""

from dataclasses import dataclass

import numpy as np

from radio_math.arrays import ARRAY_SIDE, element_gain
from radio_math.channel import snr_per_w
from radio_math.context import BEAMS
from radio_math.link import from_db, to_db
from radio_math.secrecy import mmse_error
from ran_sim.cells import HOME_CELL, REFERENCE_CARRIER
from ran_sim.environment import Environment
from ran_sim.orbit.frames import FloatArray
from ran_sim.scenarios import PassScenario, TriggerKind


@dataclass(frozen=True)
class Observables:
    """Measured quantities over a run; NaN while the satellite is too low for one of the ESIMs.

    Attributes:
        sinr_db: [T, U] SINR with residual Doppler.
        beam_sinr_db: [T, B] mean over the ESIMs in the beam's cell.
        sinr_loss_db: [T, U] part of the SINR that inter-carrier interference takes.
        detection_statistic: [T, U] in standard deviations.
    """

    sinr_db: FloatArray
    beam_sinr_db: FloatArray
    sinr_loss_db: FloatArray
    detection_statistic: FloatArray

    def of(self, kind: TriggerKind) -> FloatArray:
        """The quantity [T, subjects] that a kind of trigger watches."""
        return {
            TriggerKind.BEAM_QUALITY_DEGRADED: self.beam_sinr_db,
            TriggerKind.DOPPLER_SINR_DROP: self.sinr_loss_db,
            TriggerKind.EAVESDROPPER_DETECTED: self.detection_statistic,
        }[kind]


def observe(scenario: PassScenario, environment: Environment) -> Observables:
    """The observables of a run.

    `t` is the SINR after MMSE combining over the beams; residual Doppler makes it
    `t / (1 + epsilon t)`, so the loss is `10 log10(1 + epsilon t)`.
    """
    link = environment.now.link
    carrier = np.array(REFERENCE_CARRIER)
    noise = environment.carrier_noise[:, carrier]  # [T, U]
    power_w = from_db(scenario.power_budget_dbw) / len(carrier)
    array_gain = ARRAY_SIDE**2 * element_gain(link.elevation_deg)
    signal = (
        power_w * array_gain * snr_per_w(link, environment.state, environment.model) / noise
    )  # [T, U]
    shared = carrier[:, None] == carrier
    gram = (link.beam_amplitude @ np.swapaxes(link.beam_amplitude, -1, -2)) * shared
    sinr_without_ici = 1 / mmse_error(signal[..., None] * gram) - 1
    loss = 1 + environment.ici_factor * sinr_without_ici
    sinr_db = to_db(sinr_without_ici / loss)
    unseen = ~environment.visible[:, None]
    in_beam = np.array(HOME_CELL)[:, None] == np.arange(BEAMS)
    return Observables(
        sinr_db=np.where(unseen, np.nan, sinr_db),
        beam_sinr_db=np.where(unseen, np.nan, sinr_db @ (in_beam / in_beam.sum(axis=0))),
        sinr_loss_db=np.where(unseen, np.nan, to_db(loss)),
        detection_statistic=np.where(unseen, np.nan, environment.detection_statistic),
    )
