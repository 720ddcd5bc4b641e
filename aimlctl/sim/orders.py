"""What the commands of ``aimlctl sim`` are asked for, read with errors that name the option."""

import datetime as dt
import math
import re

from aimlctl.output import CommandError

LEAST_FREQUENCY_GHZ, GREATEST_FREQUENCY_GHZ = 0.1, 300.0
MAX_SAMPLES = 200_000

_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_SITE = re.compile(rf"({_NUMBER}),({_NUMBER})(?:,({_NUMBER}))?")
_MAX_LATITUDE_DEG, _MAX_LONGITUDE_DEG = 90.0, 180.0
# From Sputnik on, and as far as two digits of a year reach.
_FIRST_YEAR, _LAST_YEAR = 1957, 2056
_LEAST_ALTITUDE_M, _GREATEST_ALTITUDE_M = -500.0, 20_000.0


def site_coordinates(text: str) -> tuple[float, float, float | None]:
    """Latitude [deg], longitude [deg] and altitude [m] of ``LAT,LON[,ALT_M]``; None: not given.

    Raises:
        CommandError: the text is no such place.
    """
    found = _SITE.fullmatch(text.replace(" ", ""))
    if found is None:
        raise CommandError(
            f"--site is {text[:60]!r}, no known place; give LAT,LON or LAT,LON,ALT_M in degrees "
            "and metres, such as 48.1,11.6,520"
        )
    latitude_deg, longitude_deg = float(found[1]), float(found[2])
    altitude_m = None if found[3] is None else float(found[3])
    if abs(latitude_deg) > _MAX_LATITUDE_DEG:
        raise CommandError(f"the latitude of --site is {latitude_deg:g}; give -90 to 90 degrees")
    if abs(longitude_deg) > _MAX_LONGITUDE_DEG:
        raise CommandError(
            f"the longitude of --site is {longitude_deg:g}; give -180 to 180 degrees"
        )
    if altitude_m is not None and not _LEAST_ALTITUDE_M <= altitude_m <= _GREATEST_ALTITUDE_M:
        raise CommandError(
            f"the altitude of --site is {altitude_m:g}; give {_LEAST_ALTITUDE_M:g} to "
            f"{_GREATEST_ALTITUDE_M:g} metres"
        )
    return latitude_deg, longitude_deg, altitude_m


def utc_time(option: str, text: str) -> dt.datetime:
    """The instant of an ISO 8601 text; without a zone it is UTC.

    Raises:
        CommandError: the text is no time, or none at which satellites are known.
    """
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"{option} is {text[:40]!r}; give a time in UTC such as 2025-09-23T18:00:00Z"
        ) from None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise CommandError(
            f"{option} is in the year {found.year}; elements are of {_FIRST_YEAR} to {_LAST_YEAR}"
        )
    return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)


def sample_offsets(start: dt.datetime, end: dt.datetime, step_s: float) -> list[float]:
    """Seconds after the start of every sample, the end included where the step meets it.

    Raises:
        CommandError: the end is not after the start, the step is not positive, or there would be
            too many samples.
    """
    span_s = (end - start).total_seconds()
    if span_s <= 0:
        raise CommandError("--end must be after --start; both are UTC")
    if not (math.isfinite(step_s) and step_s > 0):
        raise CommandError(f"--step-s is {step_s:g}; give seconds above 0")
    # A step that fits a whole number of times must not lose its last sample to rounding.
    count = math.floor(span_s / step_s + 1e-9) + 1
    if count > MAX_SAMPLES:
        raise CommandError(
            f"--step-s {step_s:g} makes {count} samples; give a longer step or a shorter time "
            f"(at most {MAX_SAMPLES})"
        )
    return [number * step_s for number in range(count)]


def check_frequency(frequency_ghz: float) -> None:
    """Refuses what cannot be a frequency in GHz.

    Raises:
        CommandError: it is not within 0.1 to 300 GHz, as hertz would be.
    """
    if not LEAST_FREQUENCY_GHZ <= frequency_ghz <= GREATEST_FREQUENCY_GHZ:
        raise CommandError(
            f"--frequency-ghz is {frequency_ghz:g}; give it in GHz, from {LEAST_FREQUENCY_GHZ:g} "
            f"to {GREATEST_FREQUENCY_GHZ:g}: 20 for 20e9 Hz"
        )


def check_mask(elevation_deg: float) -> None:
    """Refuses a mask that is no elevation above the horizon.

    Raises:
        CommandError: it is not within 0 to 90 degrees.
    """
    if not 0.0 <= elevation_deg < _MAX_LATITUDE_DEG:
        raise CommandError(f"--min-elevation-deg is {elevation_deg:g}; give 0 to below 90 degrees")
