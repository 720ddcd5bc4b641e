"""What ``aimlctl sim pass`` does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from aimlctl.output import CommandError, Output, table_of
from aimlctl.sim.orders import (
    check_frequency,
    check_mask,
    sample_offsets,
    site_coordinates,
    utc_time,
)
from aimlctl.sim.pass_files import write_csv, write_parquet, write_plot
from aimlctl.sim.pass_samples import PassOrder, PassTable, pass_table, printed
from aimlctl.sim.path_losses import LossModel, Weather
from nf_runtime.errors import FailedPrecondition
from radio_math.attenuation import AttenuationError
from ran_sim.orbit.catalogues import read_catalogue_file
from ran_sim.orbit.elements import find_element_set
from ran_sim.orbit.passes import Site

_COLUMNS = (
    ("UTC", "time_utc", None),
    ("Elevation deg", "elevation_deg", ".2f"),
    ("Azimuth deg", "azimuth_deg", ".2f"),
    ("Range km", "range_km", ".3f"),
    ("Rate km/s", "range_rate_km_s", ".4f"),
    ("Doppler kHz", "doppler_hz", ",.1f"),
    ("Hz/s", "doppler_rate_hz_s", ",.1f"),
    ("FSPL dB", "fspl_db", ".2f"),
    ("Gas", "gas_db", ".2f"),
    ("Rain", "rain_db", ".2f"),
    ("Cloud", "cloud_db", ".2f"),
    ("Scint.", "scintillation_db", ".2f"),
    ("Total dB", "total_loss_db", ".2f"),
)
_LEAST_DIAMETER_M, _GREATEST_DIAMETER_M = 0.01, 100.0


@dataclass(frozen=True)
class PassRequest:
    """The command line, as it was typed."""

    tle: Path
    satellite: str
    site: str
    start: str
    end: str
    step_s: float
    frequency_ghz: float
    minimum_elevation_deg: float
    losses: str
    exceedance_percent: float
    antenna_diameter_m: float
    allow_stale: bool
    csv: Path | None
    parquet: Path | None
    plot: Path | None


def run(request: PassRequest, output: Output) -> None:
    """Computes the pass, writes the files and shows the samples.

    Raises:
        CommandError: an option is wrong.
        NfError: the elements, the place or the weather are.
    """
    order = _order(request)
    try:
        table = pass_table(order, allow_stale=request.allow_stale)
    except AttenuationError as error:
        raise CommandError(str(error)) from error
    except FailedPrecondition as error:
        if error.metadata.get("field") != "start_time":
            raise
        raise CommandError(f"{error.message} --allow-stale takes them all the same.") from error
    elements = order.elements
    if request.csv is not None:
        write_csv(request.csv, table)
    if request.parquet is not None:
        write_parquet(request.parquet, table)
    if request.plot is not None:
        title = f"{elements.name} from {request.site}, elements of {printed(elements.epoch)}"
        write_plot(request.plot, table, title)
    if output.as_json:
        output.document(_document(order, table))
    else:
        _show(output.console, order, table)


def _order(request: PassRequest) -> PassOrder:
    check_frequency(request.frequency_ghz)
    check_mask(request.minimum_elevation_deg)
    latitude_deg, longitude_deg, altitude_m = site_coordinates(request.site)
    start, end = utc_time("--start", request.start), utc_time("--end", request.end)
    offsets = sample_offsets(start, end, request.step_s)
    try:
        model = LossModel(request.losses)
    except ValueError:
        raise CommandError(
            f"--losses is {request.losses[:20]!r}; choose none, reference or itu"
        ) from None
    if not _LEAST_DIAMETER_M <= request.antenna_diameter_m <= _GREATEST_DIAMETER_M:
        raise CommandError(
            f"--antenna-diameter-m is {request.antenna_diameter_m:g}; give metres from "
            f"{_LEAST_DIAMETER_M:g} to {_GREATEST_DIAMETER_M:g}"
        )
    catalogue = read_catalogue_file(request.tle)
    return PassOrder(
        elements=find_element_set(catalogue, request.satellite),
        site=Site(latitude_deg, longitude_deg, altitude_m or 0.0),
        start=start,
        end=end,
        offset_s=offsets,
        frequency_ghz=request.frequency_ghz,
        minimum_elevation_deg=request.minimum_elevation_deg,
        weather=Weather(
            model=model,
            exceedance_percent=request.exceedance_percent,
            antenna_diameter_m=request.antenna_diameter_m,
            altitude_m=altitude_m,
        ),
    )


def _document(order: PassOrder, table: PassTable) -> dict[str, Any]:
    elements, weather = order.elements, order.weather
    is_itu = weather.model is LossModel.ITU
    return {
        "satellite": {
            "norad_id": elements.satellite_id,
            "name": elements.name,
            "epoch_utc": printed(elements.epoch),
        },
        "site": {
            "latitude_deg": order.site.latitude_deg,
            "longitude_deg": order.site.longitude_deg,
            "altitude_m": order.site.altitude_m,
        },
        "frequency_ghz": order.frequency_ghz,
        "min_elevation_deg": order.minimum_elevation_deg,
        "losses": {
            "model": str(weather.model),
            "exceedance_percent": weather.exceedance_percent if is_itu else None,
            "antenna_diameter_m": weather.antenna_diameter_m if is_itu else None,
        },
        "warnings": table.warnings,
        "passes": [
            {
                "rise_time_utc": printed(one.rise_time),
                "culmination_time_utc": printed(one.culmination.time),
                "max_elevation_deg": one.culmination.elevation_deg,
                "set_time_utc": printed(one.set_time),
            }
            for one in table.passes
        ],
        "samples": list(table.samples()),
    }


def _show(console: Console, order: PassOrder, table: PassTable) -> None:
    elements = order.elements
    console.print(
        f"[bold]{elements.name}[/bold] ({elements.satellite_id}), elements of "
        f"{printed(elements.epoch)}, {order.frequency_ghz:g} GHz, losses: {order.weather.model}"
    )
    for warning in table.warnings:
        console.print(f"[yellow]{warning}[/yellow]")
    for one in table.passes:
        console.print(
            f"pass: rises {printed(one.rise_time) or 'before'}, highest at "
            f"{printed(one.culmination.time)} with {one.culmination.elevation_deg:.2f} deg, sets "
            f"{printed(one.set_time) or 'later'}"
        )
    if not table.passes:
        console.print("The satellite does not come above the horizon in this time.")
    # Doppler is shown in kHz and given in Hz.
    rows = (
        [
            _cell(sample[key] / 1e3 if key == "doppler_hz" else sample[key], form)
            for _, key, form in _COLUMNS
        ]
        for sample in table.samples()
    )
    console.print(table_of([column for column, _, _ in _COLUMNS], rows))


def _cell(value: Any, form: str | None) -> str:
    if value is None:
        return "-"
    # Whole seconds are printed without their zeros, so that a line is not folded.
    return str(value).removesuffix(".000Z") if form is None else format(value, form)
