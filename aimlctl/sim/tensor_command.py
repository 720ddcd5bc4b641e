"""What ``aimlctl sim tensor`` does."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from aimlctl.output import CommandError, Output, table_of
from aimlctl.sim.orders import check_frequency, sample_offsets, site_coordinates, utc_time
from aimlctl.sim.tensor_plot import write_plot
from nf_runtime.errors import FailedPrecondition
from radio_math.attenuation import AttenuationError
from ran_sim.atmosphere.site import Exceedance
from ran_sim.cells import service_area
from ran_sim.land_cover import land_and_sea, read_land_cover
from ran_sim.orbit.catalogues import read_catalogue_file
from ran_sim.orbit.elements import ElementSet, find_element_set
from ran_sim.orbit.propagation import Propagator
from ran_sim.physics_tensor import UNITS, Channel, Emitter, GeoGrid, PhysicsTensor, physics_map
from ran_sim.spot_beams import Coverage, SpotBeamError, Steering, spot_beams
from ran_sim.tensor_files import json_document, write_npz, write_safetensors

MAX_VALUES = 60_000_000
_LEAST_SPAN_DEG, _GREATEST_SPAN_DEG = 0.1, 90.0
_GREATEST_CELLS = 1000

_Kind = TypeVar("_Kind", bound=StrEnum)


@dataclass(frozen=True)
class TensorRequest:
    """The command line, as it was typed."""

    tle: Path
    satellite: str
    site: str
    start: str
    end: str | None
    step_s: float
    frequency_ghz: float
    span_deg: float
    cells: int
    coverage: str
    steering: str
    exceedance_percent: float
    land_cover: Path | None
    allow_stale: bool
    output: Path
    plot: Path | None


def run(request: TensorRequest, output: Output) -> None:
    """Computes the tensor, writes it and says what is in it.

    Raises:
        CommandError: an option is wrong.
        NfError: the elements, the weather or the land cover are.
    """
    write = _writer(request.output)
    tensor, warnings = _computed(request)
    try:
        write(tensor, request.output)
    except OSError as error:
        raise CommandError(f"--output {request.output} cannot be written: {error}") from error
    if request.plot is not None:
        write_plot(request.plot, tensor)
    about = _summary(tensor)
    if output.as_json:
        output.document(
            tensor.metadata()
            | {"file": str(request.output), "warnings": warnings, "summary": about}
        )
        return
    for warning in warnings:
        output.console.print(f"[yellow]{warning}[/yellow]")
    rows = ([name, *(str(value) for value in found.values())] for name, found in about.items())
    output.console.print(table_of(["Channel", "Unit", "Least", "Greatest"], rows))
    output.console.print(
        f"{request.output}: {' x '.join(str(axis) for axis in tensor.values.shape)}, "
        f"{tensor.valid.mean():.0%} of the cells have a link"
    )


def _computed(request: TensorRequest) -> tuple[PhysicsTensor, list[str]]:
    check_frequency(request.frequency_ghz)
    latitude_deg, longitude_deg, _ = site_coordinates(request.site)
    start = utc_time("--start", request.start)
    offset_s = [0.0]
    if request.end is not None:
        offset_s = sample_offsets(start, utc_time("--end", request.end), request.step_s)
    grid = _grid(request, latitude_deg, longitude_deg, len(offset_s))
    coverage = _choice("--coverage", Coverage, request.coverage)
    steering = _choice("--steering", Steering, request.steering)
    elements = find_element_set(read_catalogue_file(request.tle), request.satellite)
    warnings = _warnings(elements, start, offset_s[-1], allow_stale=request.allow_stale)
    land = land_and_sea() if request.land_cover is None else read_land_cover(request.land_cover)
    try:
        emitter = Emitter(
            name=f"{elements.name} ({elements.satellite_id})",
            beams=spot_beams(coverage, steering),
            cell_centre_m=service_area(latitude_deg, longitude_deg).centre_m,
        )
        earth = physics_map(
            grid,
            frequency_ghz=request.frequency_ghz,
            exceedance=Exceedance(request.exceedance_percent),
            land_cover=land,
        )
        motion = Propagator(elements).ephemeris(start, offset_s)
        return earth.tensor(start, motion, emitter), warnings
    except (SpotBeamError, AttenuationError) as error:
        raise CommandError(str(error)) from error


def _grid(
    request: TensorRequest, latitude_deg: float, longitude_deg: float, instants: int
) -> GeoGrid:
    if not _LEAST_SPAN_DEG <= request.span_deg <= _GREATEST_SPAN_DEG:
        raise CommandError(
            f"--span-deg is {request.span_deg:g}; give {_LEAST_SPAN_DEG:g} to "
            f"{_GREATEST_SPAN_DEG:g} degrees"
        )
    if not 1 <= request.cells <= _GREATEST_CELLS:
        raise CommandError(f"--cells is {request.cells}; give 1 to {_GREATEST_CELLS} a side")
    if instants * len(Channel) * request.cells**2 > MAX_VALUES:
        raise CommandError(
            f"{instants} instants of {request.cells} x {request.cells} cells are more than "
            f"{MAX_VALUES} numbers; give a longer --step-s or fewer --cells"
        )
    return GeoGrid.around(
        latitude_deg, longitude_deg, span_deg=request.span_deg, cells=request.cells
    )


def _warnings(
    elements: ElementSet, start: dt.datetime, span_s: float, *, allow_stale: bool
) -> list[str]:
    try:
        found = dict.fromkeys(
            elements.check_age(at, allow_stale=allow_stale)
            for at in (start, start + dt.timedelta(seconds=span_s))
        )
    except FailedPrecondition as error:
        if error.metadata.get("field") != "start_time":
            raise
        raise CommandError(f"{error.message} --allow-stale takes them all the same.") from error
    return [warning for warning in found if warning]


def _choice(option: str, kinds: type[_Kind], text: str) -> _Kind:
    try:
        return kinds(text)
    except ValueError:
        known = ", ".join(kind.value for kind in kinds)
        raise CommandError(f"{option} is {text[:40]!r}; choose one of {known}") from None


def _writer(path: Path) -> Callable[[PhysicsTensor, Path], None]:
    writers = {".npz": write_npz, ".safetensors": write_safetensors, ".json": _write_json}
    if path.suffix not in writers:
        raise CommandError(f"--output {path} names no format: use .npz, .safetensors or .json")
    return writers[path.suffix]


def _write_json(tensor: PhysicsTensor, path: Path) -> None:
    path.write_text(json.dumps(json_document(tensor), allow_nan=False), encoding="utf-8")


def _summary(tensor: PhysicsTensor) -> dict[str, dict[str, Any]]:
    """Unit, least and greatest value of each channel; None where no cell has a link."""
    found = {}
    for channel in Channel:
        values = tensor.channel(channel)
        known = values[~np.isnan(values)]
        least, greatest = (
            (round(float(known.min()), 3), round(float(known.max()), 3))
            if known.size
            else (None, None)
        )
        found[channel.name.lower()] = {
            "unit": UNITS[channel],
            "least": least,
            "greatest": greatest,
        }
    return found
