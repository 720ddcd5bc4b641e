"""Options of ``aimlctl sim``."""

from pathlib import Path
from typing import Annotated

import typer

TleOption = Annotated[
    Path,
    typer.Option(
        "--tle", metavar="FILE", help="Element sets: two or three lines, or OMM (JSON, XML, ...)."
    ),
]
SatelliteOption = Annotated[
    str, typer.Option("--satellite", metavar="NORAD_ID", help="NORAD catalogue number.")
]
SiteOption = Annotated[
    str,
    typer.Option(
        "--site", metavar="LAT,LON[,ALT_M]", help="Degrees, east positive; metres over WGS84."
    ),
]
StartOption = Annotated[
    str, typer.Option("--start", metavar="UTC", help="First sample, ISO 8601; UTC.")
]
EndOption = Annotated[str, typer.Option("--end", metavar="UTC", help="Last instant, ISO 8601.")]
StepOption = Annotated[float, typer.Option("--step-s", metavar="S", help="Time between samples.")]
FrequencyOption = Annotated[
    float, typer.Option("--frequency-ghz", metavar="F", help="Carrier frequency in GHz.")
]
MaskOption = Annotated[
    float,
    typer.Option("--min-elevation-deg", metavar="E", help="Below it the satellite is not visible."),
]
LossesOption = Annotated[
    str,
    typer.Option(
        "--losses",
        metavar="none|reference|itu",
        help="Free space only, with the standard atmosphere, or with the ITU-R's for the place.",
    ),
]
ExceedanceOption = Annotated[
    float,
    typer.Option(
        "--exceedance-percent",
        metavar="P",
        help="Percent of an average year for which the ITU-R's losses are exceeded: 1 is 1 %.",
    ),
]
AntennaOption = Annotated[
    float,
    typer.Option("--antenna-diameter-m", metavar="D", help="The terminal's; for scintillation."),
]
StaleOption = Annotated[
    bool, typer.Option("--allow-stale", help="Take elements that are too old, with a warning.")
]
CsvOption = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write the samples as CSV.")
]
ParquetOption = Annotated[
    Path | None, typer.Option("--parquet", metavar="FILE", help="Write them as Parquet.")
]
PlotOption = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="Draw them (.png, .svg or .pdf).")
]
ReferenceOption = Annotated[
    Path | None,
    typer.Option(
        "--reference", metavar="FILE", help="Reference numbers; without it, those that come along."
    ),
]
CasesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[CASE...]", help="Study cases such as SC6; without any, all of them."),
]
DirectionOption = Annotated[
    str, typer.Option("--direction", metavar="DL|UL|both", help="Which way the links go.")
]
AltitudeOption = Annotated[
    float | None,
    typer.Option("--altitude-km", help="A link of its own: the satellite's altitude."),
]
ElevationOption = Annotated[
    float | None, typer.Option("--elevation-deg", help="Its elevation at the terminal.")
]
LinkFrequencyOption = Annotated[
    float | None, typer.Option("--frequency-ghz", help="Carrier frequency in GHz.")
]
BandwidthOption = Annotated[
    float | None, typer.Option("--bandwidth-mhz", help="Occupied bandwidth.")
]
EirpOption = Annotated[
    float | None, typer.Option("--eirp-dbw", help="Of the transmitter, over that bandwidth.")
]
MeritOption = Annotated[float | None, typer.Option("--g-over-t-db-per-k", help="Of the receiver.")]
ShadowOption = Annotated[float, typer.Option("--shadow-margin-db", help="For shadow fading.")]
PolarisationOption = Annotated[
    float, typer.Option("--polarisation-loss-db", help="Mismatch; circular to linear is 3 dB.")
]
AdditionalOption = Annotated[float, typer.Option("--additional-loss-db", help="Anything else.")]
MagneticOption = Annotated[
    float,
    typer.Option("--magnetic-latitude-deg", help="Of the terminal, for scintillation in S band."),
]
