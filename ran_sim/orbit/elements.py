"""Element sets of SGP4: reading two-line sets, and saying clearly what is wrong with one."""

import datetime as dt
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sgp4.alpha5 import from_alpha5
from sgp4.api import WGS72, Satrec

from nf_runtime.errors import FailedPrecondition, InvalidArgument
from ran_sim.orbit.ageing import MAX_MANOEUVRING_AGE, is_manoeuvring, tolerated_age

LINE_LENGTH = 69
LARGEST_LINE_NUMBER = 339_999
"""Greatest catalogue number that the five columns of a two-line set hold, in the alpha-5 scheme."""

# The format writes two digits of the year; 57 to 99 belong to the century of Sputnik.
_FIRST_TWO_DIGIT_YEAR = 57
_MINUTES_PER_DAY = 1440.0
_CATALOGUE_NUMBER = re.compile(r"[0-9]{1,9}|[A-HJ-NP-Z][0-9]{4}")
_SGP4_EPOCH = dt.datetime(1949, 12, 31, tzinfo=dt.UTC)


@dataclass(frozen=True)
class MeanElements:
    """Mean elements of the SGP4 theory at their epoch, in the frame TEME.

    Attributes:
        inclination_deg: [0, 180].
        ascending_node_deg: right ascension of the ascending node.
        eccentricity: [0, 1).
        perigee_deg: argument of perigee.
        mean_anomaly_deg: mean anomaly.
        mean_motion_rev_day: Kozai's mean motion, as element sets print it.
        drag_per_earth_radius: B*, the drag term.
        mean_motion_dot_rev_day2: half the first derivative of the mean motion; SGP4 ignores it.
        mean_motion_ddot_rev_day3: a sixth of the second; SGP4 ignores it.
    """

    inclination_deg: float
    ascending_node_deg: float
    eccentricity: float
    perigee_deg: float
    mean_anomaly_deg: float
    mean_motion_rev_day: float
    drag_per_earth_radius: float = 0.0
    mean_motion_dot_rev_day2: float = 0.0
    mean_motion_ddot_rev_day3: float = 0.0


@dataclass(frozen=True)
class ElementSet:
    """One satellite's mean elements in the form that SGP4 takes them.

    Attributes:
        satellite_id: NORAD catalogue number as printed, without leading blanks.
        name: the title line of a three-line set, or "NORAD <number>".
        epoch: UTC of the elements.
        line1: first line, 69 columns; rounded to them where the set did not come as lines, and
            empty where its catalogue number does not fit (above 339999).
        line2: second line, 69 columns; likewise.
        mean: the elements unrounded where they did not come as lines; None where they did.
    """

    satellite_id: str
    name: str
    epoch: dt.datetime
    line1: str
    line2: str
    mean: MeanElements | None = None

    def record(self) -> Satrec:
        """SGP4's record of the satellite, with the gravity that elements are fitted with: WGS72.

        WGS84 gravity would be 0.09 km off after two days.

        Source: Vallado 2006.
        Not modelled: anything that SGP4 leaves out, manoeuvres above all.
        """
        if self.mean is None:
            return Satrec.twoline2rv(self.line1, self.line2, WGS72)
        return sgp4_record(catalogue_number(self.satellite_id), self.epoch, self.mean)

    def check_age(self, at: dt.datetime, *, allow_stale: bool = False) -> str:
        """Refuses a time at which the elements no longer say where the satellite is.

        Three days for a satellite of a manoeuvring constellation (see `ageing.is_manoeuvring`);
        other satellites are never refused.

        Returns:
            A warning in one sentence, empty where there is nothing to warn of: more than seven days
            from the epoch, or what `allow_stale` let pass.

        Raises:
            FailedPrecondition: `at` is more than three days from the epoch of a manoeuvring one.
        """
        age = abs(at - self.epoch)
        record = self.record()
        manoeuvring = is_manoeuvring(
            name=self.name,
            catalogue_number=catalogue_number(self.satellite_id),
            inclination_deg=math.degrees(record.inclo),
            mean_motion_rev_day=record.no_kozai * _MINUTES_PER_DAY / (2 * math.pi),
            eccentricity=record.ecco,
        )
        if age <= tolerated_age(manoeuvring=manoeuvring):
            return ""
        what = (
            f"The elements of {self.name} are of {self.epoch:%Y-%m-%d %H:%M} UTC, "
            f"{age / dt.timedelta(days=1):.1f} days from start_time {at:%Y-%m-%d %H:%M} UTC"
        )
        if manoeuvring and not allow_stale:
            raise FailedPrecondition(
                f"{what}, and the satellite manoeuvres; use a start_time within "
                f"{MAX_MANOEUVRING_AGE.days} days of the epoch or newer elements.",
                reason="ELEMENTS_UNUSABLE",
                field="start_time",
                satellite_id=self.satellite_id,
            )
        return f"{what}; the satellite may be far from where they say."


def sgp4_record(number: int, epoch: dt.datetime, mean: MeanElements) -> Satrec:
    """SGP4's record of mean elements, gravity WGS72.

    Args:
        number: catalogue number, a label.
        epoch: UTC of the elements.
        mean: the elements, degrees and revolutions a day.

    Source: Vallado 2006.
    Not modelled: anything that SGP4 leaves out, manoeuvres above all.
    """
    record = Satrec()
    radians_per_minute = 2 * math.pi / _MINUTES_PER_DAY
    record.sgp4init(
        WGS72,
        "i",
        # The number is a label that SGP4 does not use; greater ones do not fit its record.
        number if number <= LARGEST_LINE_NUMBER else 0,
        (epoch - _SGP4_EPOCH) / dt.timedelta(days=1),
        mean.drag_per_earth_radius,
        mean.mean_motion_dot_rev_day2 * radians_per_minute / _MINUTES_PER_DAY,
        mean.mean_motion_ddot_rev_day3 * radians_per_minute / _MINUTES_PER_DAY**2,
        mean.eccentricity,
        math.radians(mean.perigee_deg),
        math.radians(mean.inclination_deg),
        math.radians(mean.mean_anomaly_deg),
        mean.mean_motion_rev_day * radians_per_minute,
        math.radians(mean.ascending_node_deg),
    )
    return record


def catalogue_number(satellite_id: str) -> int:
    """The NORAD catalogue number of an identity as printed.

    Five columns hold numbers above 99999 in the alpha-5 scheme: "B1234" is 111234.

    Raises:
        InvalidArgument: it is no catalogue number.
    """
    text = satellite_id.strip().upper()
    if not _CATALOGUE_NUMBER.fullmatch(text):
        raise InvalidArgument(
            f"satellite_id is {satellite_id[:20]!r}; give a NORAD catalogue number such as 25544.",
            reason="INVALID_FIELD",
            field="satellite_id",
        )
    return int(from_alpha5(text))


@dataclass(frozen=True)
class _Field:
    """Columns of one number (1-based, both included, as the format is always described)."""

    name: str
    first: int
    last: int
    minimum: float
    maximum: float

    def read(self, line: str, line_field: str) -> float:
        text = line[self.first - 1 : self.last]
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not self.minimum <= value <= self.maximum:
            raise _unusable(
                line_field,
                f"{self.name} in columns {self.first} to {self.last} reads {text!r} and should be "
                f"a number from {self.minimum:g} to {self.maximum:g}",
            )
        return value


_EPOCH_YEAR = _Field("epoch year", 19, 20, 0, 99)
_EPOCH_DAY = _Field("epoch day of year", 21, 32, 1, 367)
_LINE2_FIELDS = (
    _Field("inclination in degrees", 9, 16, 0, 180),
    _Field("right ascension of the ascending node in degrees", 18, 25, 0, 360),
    _Field("eccentricity without its decimal point", 27, 33, 0, 9_999_999),
    _Field("argument of perigee in degrees", 35, 42, 0, 360),
    _Field("mean anomaly in degrees", 44, 51, 0, 360),
    _Field("mean motion in revolutions per day", 53, 63, 0.01, 18),
)


def parse_element_set(line1: str, line2: str, name: str = "") -> ElementSet:
    """The element set of two lines, checked column by column.

    Raises:
        InvalidArgument: a line is wrong; the message names the line and the field.
    """
    line1, line2 = line1.rstrip(), line2.rstrip()
    _check_line(line1, "tle_line1", "1")
    _check_line(line2, "tle_line2", "2")
    satellite_id = line1[2:7].strip()
    if not _CATALOGUE_NUMBER.fullmatch(satellite_id):
        raise _unusable("tle_line1", f"{satellite_id!r} in columns 3 to 7 is no catalogue number")
    if line2[2:7].strip() != satellite_id:
        raise _unusable(
            "tle_line2",
            f"catalogue number {line2[2:7].strip()!r} differs from {satellite_id!r} of tle_line1",
        )
    for field in _LINE2_FIELDS:
        field.read(line2, "tle_line2")
    return ElementSet(
        satellite_id=satellite_id,
        name=name.strip() or f"NORAD {satellite_id}",
        epoch=_epoch(line1),
        line1=line1,
        line2=line2,
    )


def parse_catalogue(text: str) -> list[ElementSet]:
    """Every element set of a file of two-line or three-line sets, in its order.

    Raises:
        InvalidArgument: a set is wrong or incomplete; the message names the line of the file.
    """
    return list(_catalogue_entries(text))


def find_element_set(catalogue: Sequence[ElementSet], satellite_id: str) -> ElementSet:
    """The set of one satellite; the newest where the catalogue holds several.

    Raises:
        InvalidArgument: the catalogue does not hold the satellite.
    """
    wanted = catalogue_number(satellite_id)
    found = [entry for entry in catalogue if catalogue_number(entry.satellite_id) == wanted]
    if not found:
        raise InvalidArgument(
            f"Satellite {satellite_id} is not among the {len(catalogue)} of the catalogue; "
            "give the NORAD number of one that is.",
            reason="INVALID_FIELD",
            field="satellite_id",
            satellite_id=satellite_id,
        )
    return max(found, key=lambda entry: entry.epoch)


def checksum(line: str) -> int:
    """Modulo-10 sum of columns 1 to 68; a minus sign counts one, other letters nothing."""
    return sum(int(c) if c.isdecimal() else c == "-" for c in line[: LINE_LENGTH - 1]) % 10


def _catalogue_entries(text: str) -> Iterator[ElementSet]:
    name = ""
    first: tuple[int, str] | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.rstrip()
        if first is not None:
            try:
                yield parse_element_set(first[1], line, name)
            except InvalidArgument as error:
                raise InvalidArgument(
                    f"Lines {first[0]} and {number} of the element file: {error}",
                    reason="ELEMENTS_UNUSABLE",
                    line=str(first[0]),
                ) from error
            name, first = "", None
        elif line.startswith("1 "):
            first = (number, line)
        elif line:
            name = line.removeprefix("0 ")
    if first is not None or name:
        raise InvalidArgument(
            "The element file ends in the middle of a set; add its missing lines.",
            reason="ELEMENTS_UNUSABLE",
            line=str(len(text.splitlines())),
        )


def _check_line(line: str, field: str, number: str) -> None:
    if len(line) != LINE_LENGTH:
        raise _unusable(field, f"it has {len(line)} columns instead of {LINE_LENGTH}")
    if not line.isascii():
        raise _unusable(field, "it holds characters outside ASCII")
    if not line.startswith(f"{number} "):
        raise _unusable(field, f"it starts with {line[:2]!r} instead of '{number} '")
    if line[-1] != str(checksum(line)):
        raise _unusable(
            field, f"the checksum in column 69 is {line[-1]!r} and should be '{checksum(line)}'"
        )


def _epoch(line1: str) -> dt.datetime:
    two_digits = int(_EPOCH_YEAR.read(line1, "tle_line1"))
    year = two_digits + (1900 if two_digits >= _FIRST_TWO_DIGIT_YEAR else 2000)
    day = _EPOCH_DAY.read(line1, "tle_line1")
    return dt.datetime(year, 1, 1, tzinfo=dt.UTC) + dt.timedelta(
        minutes=(day - 1) * _MINUTES_PER_DAY
    )


def _unusable(field: str, what: str) -> InvalidArgument:
    return InvalidArgument(
        f"{field} is no usable element line: {what}.", reason="ELEMENTS_UNUSABLE", field=field
    )
