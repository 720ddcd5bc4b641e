"""What is served to a decision maker, and what an applied decision achieved."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from radio_math.context import Allocation, RadioContext


@dataclass(frozen=True)
class ServedContext:
    """A radio context with where and when it was taken.

    Attributes:
        context_id: identity; the run, the tick and the horizon if there is one.
        run_id: the run.
        satellite_id: NORAD catalogue number.
        sim_offset_s: when, in simulated time since the start.
        estimate_time: simulated UTC of the reports that it is made of.
        csi_age_s: how old those reports are.
        context: the arrays.
        horizon_s: how long after `sim_offset_s` the orbit puts satellite and ESIMs where the
            context has them; None where they are as reported.
    """

    context_id: str
    run_id: str
    satellite_id: str
    sim_offset_s: float
    estimate_time: dt.datetime
    csi_age_s: float
    context: RadioContext
    horizon_s: float | None = None


@dataclass(frozen=True)
class Decision:
    """What a decision maker asks to be put in force."""

    decision_id: str
    context_id: str
    trigger_id: str
    allocation: Allocation


@dataclass(frozen=True)
class Outcome:
    """What an applied decision achieved, in b/s/Hz of sum secrecy rate on the true channel."""

    decision_id: str
    context_id: str
    run_id: str
    trigger_id: str
    sim_offset_s: float
    before_bps_hz: float
    after_bps_hz: float


@dataclass(frozen=True)
class GroundTruth:
    """An outcome with everything that it takes to score the decision.

    Attributes:
        outcome: what was measured.
        estimate: what the decision was made from.
        truth: the true channel when it took effect.
        allocation: what was applied.
    """

    outcome: Outcome
    estimate: ServedContext
    truth: ServedContext
    allocation: Allocation


@dataclass(frozen=True)
class BeamKpi:
    """Radio state of one beam; no SINR while it serves no ESIM or the satellite is too low."""

    beam_id: str
    sinr_db: float | None
    rain_db: float


@dataclass(frozen=True)
class HandoverReport:
    """The serving beam of an ESIM changed, or the satellite that serves all of them.

    Attributes:
        kind: which of the two.
        from_id: identity of the beam or satellite before.
        to_id: identity of the one from now on.
        esim_id: the ESIM; empty for all.
    """

    kind: Literal["beam", "satellite"]
    from_id: str
    to_id: str
    esim_id: str = ""


@dataclass(frozen=True)
class Kpi:
    """Key figures of one tick, seen from the centre of the service area."""

    run_id: str
    satellite_id: str
    sim_offset_s: float
    elevation_deg: float
    azimuth_deg: float
    range_km: float
    doppler_hz: float
    doppler_rate_hz_s: float
    beams: tuple[BeamKpi, ...]
    sum_secrecy_rate_bps_hz: float | None
    handovers: tuple[HandoverReport, ...] = ()
    suppressed_triggers: int = 0
