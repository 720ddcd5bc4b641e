"""Options of ``aimlctl sim tensor`` that the other commands do not have."""

from pathlib import Path
from typing import Annotated

import typer

CentreOption = Annotated[
    str,
    typer.Option("--site", metavar="LAT,LON", help="Centre of the map and of the eight cells."),
]
InstantOption = Annotated[
    str | None,
    typer.Option("--end", metavar="UTC", help="Last instant; without it there is one, the start."),
]
OutputOption = Annotated[
    Path,
    typer.Option("--output", metavar="FILE", help="Where to: .npz, .safetensors or .json."),
]
SpanOption = Annotated[
    float, typer.Option("--span-deg", metavar="D", help="Side of the map in degrees.")
]
CellsOption = Annotated[int, typer.Option("--cells", metavar="N", help="N x N cells.")]
CoverageOption = Annotated[
    str,
    typer.Option(
        "--coverage",
        metavar="KIND",
        help="How a beam fills its cell: fixed_aperture, adaptive_aperture, plain, tapered, "
        "phase_spoiled or hopping.",
    ),
]
SteeringOption = Annotated[
    str, typer.Option("--steering", metavar="earth_fixed|earth_moving", help="Of the beams.")
]
LandCoverOption = Annotated[
    Path | None,
    typer.Option(
        "--land-cover",
        metavar="FILE",
        help="Raster of classes (.npy, with a legend in .json); without it, land and sea.",
    ),
]
MapPlotOption = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="Draw the first instant (.png, .svg or .pdf)."),
]
