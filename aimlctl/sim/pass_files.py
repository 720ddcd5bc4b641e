"""The samples of a pass as files: CSV, Parquet and a plot."""

import csv
from pathlib import Path
from typing import Any

from aimlctl.output import CommandError
from aimlctl.pictures import extra, new_figure, save_figure
from aimlctl.sim.pass_samples import PassTable


def write_csv(path: Path, table: PassTable) -> None:
    """Writes the samples with a header; what is null is empty.

    Raises:
        CommandError: the file cannot be written.
    """
    columns = table.columns()
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
    except OSError as error:
        raise CommandError(f"--csv {path} cannot be written: {error.strerror}") from error


def write_parquet(path: Path, table: PassTable) -> None:
    """Writes the samples as a Parquet file, times as timestamps in UTC.

    Raises:
        CommandError: pyarrow is not installed, or the file cannot be written.
    """
    pa = extra("pyarrow", "--parquet")
    parquet = extra("pyarrow.parquet", "--parquet")
    columns: dict[str, Any] = dict(table.columns())
    columns["time_utc"] = pa.array(table.time, pa.timestamp("us", tz="UTC"))
    for name, values in columns.items():
        if isinstance(values, list) and all(value is None for value in values):
            columns[name] = pa.array(values, pa.float64())
    try:
        parquet.write_table(pa.table(columns), path)
    except OSError as error:
        raise CommandError(f"--parquet {path} cannot be written: {error}") from error


def write_plot(path: Path, table: PassTable, title: str) -> None:
    """Draws elevation, Doppler shift and rate, path loss and the atmosphere over time.

    Raises:
        CommandError: matplotlib is not installed, the suffix names no format of pictures, or the
            file cannot be written.
    """
    dates = extra("matplotlib.dates", "--plot")
    figure = new_figure(9.0, 9.0, user="--plot")
    axes = figure.subplots(4, sharex=True)
    columns = {
        name: [float("nan") if value is None else value for value in values]
        for name, values in table.columns().items()
        if name != "time_utc"
    }
    panels = (
        ("elevation [deg]", (("elevation_deg", "elevation", 1.0),)),
        (
            "Doppler [kHz]",
            (("doppler_hz", f"shift at {table.frequency_ghz:g} GHz", 1e-3),),
        ),
        ("loss [dB]", (("fspl_db", "free space", 1.0), ("total_loss_db", "total", 1.0))),
        (
            "atmosphere [dB]",
            tuple((f"{name}_db", name, 1.0) for name in ("rain", "cloud", "gas", "scintillation")),
        ),
    )
    for panel, (label, lines) in zip(axes, panels, strict=True):
        for column, name, scale in lines:
            panel.plot(table.time, [value * scale for value in columns[column]], label=name)
        panel.set_ylabel(label)
        panel.grid(alpha=0.3)
        panel.legend(loc="upper right")
    axes[0].axhline(0.0, color="grey", linewidth=0.8)
    axes[1].axhline(0.0, color="grey", linewidth=0.8)
    locator = axes[-1].xaxis.get_major_locator()
    axes[-1].xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes[-1].set_xlabel("UTC")
    figure.suptitle(title)
    save_figure(figure, path, dpi=110, label=f"--plot {path}")
