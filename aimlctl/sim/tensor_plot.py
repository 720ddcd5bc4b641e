"""The physics tensor as a picture."""

from pathlib import Path

from aimlctl.pictures import new_figure, save_figure
from ran_sim.physics_tensor import UNITS, Channel, PhysicsTensor

_GAIN_RANGE_DB = 50.0


def write_plot(path: Path, tensor: PhysicsTensor) -> None:
    """Draws the six channels at the first instant; what has no link stays blank.

    Raises:
        CommandError: matplotlib is not installed, the suffix names no format of pictures, or the
            file cannot be written.
    """
    figure = new_figure(12.0, 6.5, user="--plot")
    panels = figure.subplots(2, 3, sharex=True, sharey=True)
    for panel, channel in zip(panels.flat, Channel, strict=True):
        values = tensor.channel(channel)[0]
        least = None
        if channel is Channel.ANTENNA_GAIN and tensor.valid[0].any():
            # The nulls of an ideal pattern would take all the colours.
            least = float(values[tensor.valid[0]].max()) - _GAIN_RANGE_DB
        image = panel.pcolormesh(
            tensor.grid.longitude_deg, tensor.grid.latitude_deg, values, vmin=least
        )
        figure.colorbar(image, ax=panel, label=UNITS[channel])
        panel.set_title(channel.name.lower().replace("_", " "))
    figure.supxlabel("longitude [deg]")
    figure.supylabel("latitude [deg]")
    figure.suptitle(
        f"{tensor.emitter}, {tensor.time_utc[0]:%Y-%m-%d %H:%M:%S} UTC, "
        f"{tensor.carrier_hz / 1e9:g} GHz, exceeded {tensor.exceedance_percent:g} % of a year"
    )
    save_figure(figure, path, dpi=80, label=f"--plot {path}")
