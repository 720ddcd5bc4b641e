"""The radio environment of a scenario as a picture: no platform, no decisions."""

from pathlib import Path
from typing import Any

import numpy as np

from aimlctl.pictures import new_figure, save_figure
from radio_math.link import free_space_loss_db
from ran_sim.orbit.frames import FloatArray
from ran_sim.scenario_files import ScenarioFile
from ran_sim.scenarios import TriggerKind
from ran_sim.simulation import Simulation
from ran_sim.triggers import Trigger

_COLOURS = {
    TriggerKind.BEAM_QUALITY_DEGRADED: "tab:blue",
    TriggerKind.DOPPLER_SINR_DROP: "tab:orange",
    TriggerKind.EAVESDROPPER_DETECTED: "tab:red",
}
_HZ_PER_KHZ = 1e3


def write_plot(path: Path, file: ScenarioFile) -> None:
    """Draws elevation, path loss, Doppler, SINR and rain over the run, with its triggers.

    Lines are medians over the ESIMs, bands reach from the least to the greatest; rain has a line an
    ESIM. Handovers between satellites are vertical lines.

    Raises:
        CommandError: matplotlib is not installed, the suffix names no format of pictures, or the
            file cannot be written.
        FailedPrecondition: the scenario cannot be simulated.
    """
    figure = new_figure(11.0, 13.0, user="a picture")
    simulation = Simulation(file.order.scenario)
    panels = figure.subplots(7, 1, sharex=True)
    _draw_geometry(panels, simulation)
    _draw_link(panels, simulation)
    _draw_triggers(panels[6], simulation)
    for panel in panels:
        for tick in np.flatnonzero(simulation.handovers.satellite):
            panel.axvline(simulation.environment.offset_s[tick], color="black", linestyle=":")
        panel.grid(alpha=0.3)
    panels[-1].set_xlabel(
        f"seconds after {simulation.environment.start_time:%Y-%m-%d %H:%M:%S} UTC"
    )
    serving = dict.fromkeys(
        simulation.satellite_id_at(tick) for tick in range(simulation.tick_count)
    )
    figure.suptitle(
        f"{file.order.scenario.scenario_id}, seed {file.order.scenario.seed}: "
        f"served by {', then '.join(serving)}"
    )
    save_figure(figure, path, dpi=70, label=str(path))


def _draw_geometry(panels: Any, simulation: Simulation) -> None:
    environment, frequency_hz = simulation.environment, simulation.scenario.carrier_frequency_hz
    look = environment.now.look
    _band(panels[0], simulation, look.elevation_deg, "tab:blue", "ESIMs")
    centre_deg = environment.centre_look.elevation_deg[:, None]
    _band(panels[0], simulation, centre_deg, "black", "centre of the area")
    panels[0].set_ylabel("elevation [deg]")
    panels[0].legend(loc="upper left")
    free_db = free_space_loss_db(look.range_m, frequency_hz)
    _band(panels[1], simulation, free_db + environment.losses.total_db, "tab:purple", "all losses")
    _band(panels[1], simulation, free_db, "black", "free space")
    panels[1].set_ylabel("path loss [dB]")
    panels[1].legend(loc="upper left")
    shift_khz = look.doppler_hz(frequency_hz) / _HZ_PER_KHZ
    _band(panels[2], simulation, shift_khz, "tab:green", "shift")
    panels[2].set_ylabel("Doppler [kHz]")
    residual_khz = environment.residual_doppler_hz / _HZ_PER_KHZ
    _band(panels[3], simulation, residual_khz, "tab:orange", "residual")
    panels[3].set_ylabel("residual [kHz]")
    panels[3].set_ylim(bottom=0)


def _draw_link(panels: Any, simulation: Simulation) -> None:
    environment = simulation.environment
    _band(panels[4], simulation, simulation.observables.truth.sinr_db, "tab:blue", "ESIMs")
    rule = simulation.scenario.rules[TriggerKind.BEAM_QUALITY_DEGRADED]
    panels[4].axhline(rule.threshold, color="tab:red", linestyle="--", label="beam threshold")
    panels[4].set_ylabel("SINR [dB]")
    panels[4].legend(loc="lower left")
    panels[5].plot(
        environment.offset_s,
        _broken(environment.losses.rain_db, simulation),
        color="tab:blue",
        linewidth=1,
    )
    panels[5].set_ylabel("rain [dB]")
    panels[5].set_ylim(bottom=0)


def _draw_triggers(panel: Any, simulation: Simulation) -> None:
    kinds = list(TriggerKind)
    for row, kind in enumerate(kinds):
        fired = [
            trigger
            for tick in range(simulation.tick_count)
            for trigger in simulation.triggers_at(tick)
            if trigger.kind is kind
        ]
        holds = [simulation.log.holds[kind][one.tick, _subject(one)] for one in fired]
        for real, marker in ((True, "|"), (False, "x")):
            ticks = [one.tick for one, true in zip(fired, holds, strict=True) if true == real]
            panel.plot(
                [float(simulation.environment.offset_s[tick]) for tick in ticks],
                np.full(len(ticks), row),
                marker,
                color=_COLOURS[kind],
                markersize=14 if real else 7,
            )
    panel.set_yticks(range(len(kinds)), [kind.value.replace("-", "\n", 1) for kind in kinds])
    panel.set_ylim(-0.6, len(kinds) - 0.4)
    panel.set_title("triggers (x: false alarm)", fontsize="medium")


def _subject(trigger: Trigger) -> int:
    return trigger.beam if trigger.esim is None else trigger.esim


def _band(panel: Any, simulation: Simulation, values: FloatArray, colour: str, label: str) -> None:
    """Median and range over the ESIMs of values [T, U]; gaps where there are none."""
    time_s, shown = simulation.environment.offset_s, _broken(values, simulation)
    panel.plot(time_s, np.median(shown, axis=1), color=colour, label=label)
    panel.fill_between(
        time_s, shown.min(axis=1), shown.max(axis=1), color=colour, alpha=0.2, linewidth=0
    )


def _broken(values: FloatArray, simulation: Simulation) -> FloatArray:
    """The values with a gap where the satellite changes: what jumps there is no line."""
    return np.where(simulation.handovers.satellite[:, None], np.nan, values)
