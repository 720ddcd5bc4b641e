"""What the simulator measures over a pass, as the AnLF keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from support.passes import pass_scenario
from support.ran_events import START

from nwdaf.anlf.analytics import BeamSample
from ran_sim.events import kpi_at
from ran_sim.outcomes import Kpi
from ran_sim.simulation import Simulation


@dataclass(frozen=True)
class Track:
    """Geometry of a pass, each [T]."""

    time_s: npt.NDArray[np.float64]
    elevation_deg: npt.NDArray[np.float64]
    range_km: npt.NDArray[np.float64]
    doppler_hz: npt.NDArray[np.float64]


def kpis(**changes: Any) -> Sequence[Kpi]:
    """The key figures of each second of a pass."""
    simulation = Simulation(pass_scenario(**{"duration_s": 600.0, **changes}))
    return [kpi_at(simulation, "run-1", tick, None) for tick in range(simulation.tick_count)]


def track(**changes: Any) -> Track:
    """The geometry of a pass."""
    rows = [
        (kpi.sim_offset_s, kpi.elevation_deg, kpi.range_km, kpi.doppler_hz)
        for kpi in kpis(**changes)
    ]
    return Track(*np.array(rows).T)


def beam_samples(**changes: Any) -> Sequence[BeamSample]:
    """The samples of all beams that have a SINR, in order of time."""
    return [
        BeamSample(
            time=START + timedelta(seconds=kpi.sim_offset_s),
            beam_id=beam.beam_id,
            sinr_db=beam.sinr_db,
            rain_db=beam.rain_db,
            doppler_hz=kpi.doppler_hz,
            elevation_deg=kpi.elevation_deg,
            range_km=kpi.range_km,
            satellite_id=kpi.satellite_id,
        )
        for kpi in kpis(**changes)
        for beam in kpi.beams
        if beam.sinr_db is not None
    ]
