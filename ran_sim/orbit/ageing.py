"""How long an element set says where its satellite is.

Measured against newer sets of the same satellites, median and 90th percentile of the error:
Starlink 8 and 112 km after two days, 46 and 3,900 km after eight, because its satellites steer;
OneWeb 0.5 and 2 km after two days, 3 and 10 km after seven.
"""

import datetime as dt

MAX_MANOEUVRING_AGE = dt.timedelta(days=3)
USUAL_AGE = dt.timedelta(days=7)

MANOEUVRING_NAMES = ("STARLINK", "KUIPER", "QIANFAN", "HULIANWANG")
"""Beginnings of the names of satellites that steer with electric thrusters day by day."""

FIRST_STARLINK = 44235
"""Catalogue number of the first satellite of the first Starlink launch, May 2019."""

_SHELL_INCLINATIONS_DEG = (43.0, 53.1, 70.0, 97.6)
_INCLINATION_MARGIN_DEG = 0.6
_LEAST_MEAN_MOTION_REV_DAY = 14.9
_LARGEST_ECCENTRICITY = 0.005


def is_manoeuvring(
    *,
    name: str,
    catalogue_number: int,
    inclination_deg: float,
    mean_motion_rev_day: float,
    eccentricity: float,
) -> bool:
    """Whether a satellite belongs to a constellation that manoeuvres from day to day.

    By its name, where that begins with one of `MANOEUVRING_NAMES`. A set without a title line
    ("NORAD 48112") is told by its number and orbit: catalogued since the first Starlink launch, in
    one of Starlink's inclinations, almost circular and below some 600 km.

    Not modelled: what a named satellite of another operator does.
    """
    if not name.upper().startswith("NORAD "):
        return name.upper().startswith(MANOEUVRING_NAMES)
    return (
        catalogue_number >= FIRST_STARLINK
        and mean_motion_rev_day >= _LEAST_MEAN_MOTION_REV_DAY
        and eccentricity <= _LARGEST_ECCENTRICITY
        and any(
            abs(inclination_deg - shell_deg) <= _INCLINATION_MARGIN_DEG
            for shell_deg in _SHELL_INCLINATIONS_DEG
        )
    )


def tolerated_age(*, manoeuvring: bool) -> dt.timedelta:
    """How far from its epoch an element set is taken without a word."""
    return MAX_MANOEUVRING_AGE if manoeuvring else USUAL_AGE
