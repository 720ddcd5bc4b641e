"""What the radio access network measures whatever is decided, beside what is true.

The quantities are taken on a reference allocation (equal power, maximum-ratio beams, the fixed
carriers of `REFERENCE_CARRIER`) and averaged over fast fading, so that triggers depend on the
environment alone and not on when decisions arrive.

Axes: T ticks, U ESIMs, B beams.
"""

from dataclasses import dataclass

import numpy as np

from radio_math.arrays import ARRAY_SIDE, element_gain
from radio_math.channel import snr_per_w
from radio_math.context import BEAMS
from radio_math.doppler import ici_loss
from radio_math.link import from_db, to_db
from radio_math.secrecy import mmse_error
from ran_sim.cells import REFERENCE_CARRIER
from ran_sim.csi import measured
from ran_sim.environment import SUBCARRIER_SPACING_HZ, Environment, Stream, random_stream
from ran_sim.handover import BoolArray, IndexArray
from ran_sim.orbit.frames import FloatArray
from ran_sim.scenarios import PassScenario, TriggerKind


@dataclass(frozen=True)
class RadioTruth:
    """What is true of a run; NaN while the satellite is too low for one of the ESIMs.

    Attributes:
        sinr_db: [T, U] SINR with residual Doppler.
        beam_sinr_db: [T, B] mean over the ESIMs that a beam serves; NaN where it serves none.
        sinr_loss_db: [T, U] part of the SINR that residual Doppler takes.
        interference_db: [T, U] part that ESIMs on the same carrier take.
        listening: [T, U] whether a hidden station is on near an ESIM.
    """

    sinr_db: FloatArray
    beam_sinr_db: FloatArray
    sinr_loss_db: FloatArray
    interference_db: FloatArray
    listening: BoolArray

    def of(self, kind: TriggerKind) -> FloatArray:
        """The quantity [T, subjects] whose condition a kind of trigger stands for.

        An eavesdropper is either there or not: infinity of either sign.
        """
        return {
            TriggerKind.BEAM_QUALITY_DEGRADED: self.beam_sinr_db,
            TriggerKind.DOPPLER_SINR_DROP: self.sinr_loss_db,
            TriggerKind.EAVESDROPPER_DETECTED: np.where(self.listening, np.inf, -np.inf),
        }[kind]


@dataclass(frozen=True)
class Observables:
    """Measured quantities over a run; NaN while the satellite is too low for one of the ESIMs.

    Attributes:
        sinr_db: [T, U] SINR with residual Doppler.
        beam_sinr_db: [T, B] mean over the ESIMs that a beam serves; NaN where it serves none.
        sinr_loss_db: [T, U] part of the SINR that residual Doppler takes.
        detection_statistic: [T, U] in standard deviations.
        truth: the same without errors, and what nobody measures.
    """

    sinr_db: FloatArray
    beam_sinr_db: FloatArray
    sinr_loss_db: FloatArray
    detection_statistic: FloatArray
    truth: RadioTruth

    def of(self, kind: TriggerKind) -> FloatArray:
        """The quantity [T, subjects] that a kind of trigger watches."""
        return {
            TriggerKind.BEAM_QUALITY_DEGRADED: self.beam_sinr_db,
            TriggerKind.DOPPLER_SINR_DROP: self.sinr_loss_db,
            TriggerKind.EAVESDROPPER_DETECTED: self.detection_statistic,
        }[kind]


def observe(scenario: PassScenario, environment: Environment) -> Observables:
    """The observables of a run.

    `t` is the SINR after MMSE combining over the beams; residual Doppler divides it by
    `radio_math.doppler.ici_loss(t)`. The raw shift is in none of them: it is compensated.

    Source: Tse 2005 section 8.3.3; Moose 1994.
    Not modelled: what decisions change (the reference allocation stands in), fast fading, filtering
    of measurements over time.
    """
    truth = _truth(scenario, environment)
    sigma_db = scenario.knowledge.sinr_error_db
    rng = random_stream(scenario.seed, Stream.MEASUREMENT)
    sinr_db = measured(truth.sinr_db, sigma_db, rng)
    return Observables(
        sinr_db=sinr_db,
        beam_sinr_db=_over_beams(sinr_db, environment.serving_beam),
        sinr_loss_db=np.maximum(measured(truth.sinr_loss_db, sigma_db, rng), 0.0),
        detection_statistic=np.where(
            environment.visible[:, None], environment.detection_statistic, np.nan
        ),
        truth=truth,
    )


def reference_power_w(scenario: PassScenario) -> float:
    """Power of each ESIM in the reference allocation."""
    return float(from_db(scenario.power_budget_dbw)) / len(REFERENCE_CARRIER)


def _truth(scenario: PassScenario, environment: Environment) -> RadioTruth:
    link = environment.now.link
    carrier = np.array(REFERENCE_CARRIER)
    noise = environment.carrier_noise[:, carrier]  # [T, U]
    power_w = reference_power_w(scenario)
    array_gain = ARRAY_SIDE**2 * element_gain(link.elevation_deg)
    beta = snr_per_w(link, environment.state, environment.model)
    signal = power_w * array_gain * beta / noise  # [T, U]
    shared = carrier[:, None] == carrier
    gram = link.beam_amplitude @ np.swapaxes(link.beam_amplitude, -1, -2)
    alone = signal * np.sum(link.beam_amplitude**2, axis=-1)
    sinr_without_ici = 1 / mmse_error(signal[..., None] * (gram * shared)) - 1
    loss = ici_loss(sinr_without_ici, environment.residual_doppler_hz, SUBCARRIER_SPACING_HZ)
    sinr = sinr_without_ici / loss

    def seen(values: FloatArray) -> FloatArray:
        return np.where(environment.visible[:, None], values, np.nan)

    sinr_db = seen(to_db(sinr))
    return RadioTruth(
        sinr_db=sinr_db,
        beam_sinr_db=_over_beams(sinr_db, environment.serving_beam),
        sinr_loss_db=seen(to_db(loss)),
        interference_db=seen(to_db(alone / sinr_without_ici)),
        listening=environment.stations.listening,
    )


def _over_beams(sinr_db: FloatArray, serving_beam: IndexArray) -> FloatArray:
    """Mean [T, B] over the ESIMs that a beam serves, NaN where it serves none."""
    in_beam = serving_beam[..., None] == np.arange(BEAMS)  # [T, U, B]
    count = in_beam.sum(axis=1)
    total = (sinr_db[:, None, :] @ in_beam)[:, 0, :]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
