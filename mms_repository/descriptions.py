"""What a publisher says about a version beside its files: marks, validity, origin, targets.

Validity and targets decide whether a version may be used and are signed with its files. Labels are
for searching, decide nothing, and are not signed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mms_repository.names import check_identifier, check_label_name, check_sha256, invalid_field
from nf_runtime.use_terms import UseTerms, edges_deg

_MAX_LABELS = 32
_MAX_PLACES = 32
_MAX_ENVIRONMENTS = 16
_MAX_LATITUDE_DEG = 90.0
_MAX_LONGITUDE_DEG = 180.0


@dataclass(frozen=True)
class Position:
    """A place on the ground."""

    latitude_deg: float
    longitude_deg: float

    def check(self, *, field: str) -> None:
        """Returns if both are within their ranges.

        Raises:
            InvalidArgument: INVALID_FIELD; so do the other checks of this module.
        """
        _check_degrees(self.latitude_deg, _MAX_LATITUDE_DEG, field=field)
        _check_degrees(self.longitude_deg, _MAX_LONGITUDE_DEG, field=field)


@dataclass(frozen=True)
class Region:
    """Between two parallels and, from west to east, two meridians; edges belong to it.

    A western edge beyond the eastern one means across the 180th meridian.
    """

    min_latitude_deg: float
    max_latitude_deg: float
    min_longitude_deg: float
    max_longitude_deg: float

    def check(self) -> None:
        """Returns if the edges are where edges can be."""
        for latitude_deg, longitude_deg in (
            (self.min_latitude_deg, self.min_longitude_deg),
            (self.max_latitude_deg, self.max_longitude_deg),
        ):
            Position(latitude_deg, longitude_deg).check(field="validity.regions")
        if self.min_latitude_deg > self.max_latitude_deg:
            raise invalid_field("validity.regions", "have a southern edge north of the northern")

    def covers(self, position: Position) -> bool:
        """Whether the position lies in it."""
        if not self.min_latitude_deg <= position.latitude_deg <= self.max_latitude_deg:
            return False
        east_of_west = position.longitude_deg >= self.min_longitude_deg
        west_of_east = position.longitude_deg <= self.max_longitude_deg
        if self.min_longitude_deg > self.max_longitude_deg:
            return east_of_west or west_of_east
        return east_of_west and west_of_east


@dataclass(frozen=True)
class Validity:
    """When and where a version may be used; what is None or empty does not restrict it.

    Not modelled: a shell's shape; it is a name that operator and publisher agree on.
    """

    valid_from: datetime | None = None
    valid_until: datetime | None = None
    orbit_shells: Sequence[str] = ()
    regions: Sequence[Region] = ()

    def check(self) -> None:
        """Returns if it can hold at some time and place."""
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise invalid_field("validity", "ends before it begins")
        if len(self.orbit_shells) > _MAX_PLACES or len(self.regions) > _MAX_PLACES:
            raise invalid_field("validity", f"has more than {_MAX_PLACES} shells or regions")
        check_distinct(self.orbit_shells, field="validity.orbit_shells")
        for region in self.regions:
            region.check()

    def holds_at(self, time: datetime) -> bool:
        """Whether the version may be used at that time."""
        begun = self.valid_from is None or self.valid_from <= time
        return begun and (self.valid_until is None or time < self.valid_until)

    def holds_in_shell(self, orbit_shell: str) -> bool:
        """Whether it may be used in that orbit shell."""
        return not self.orbit_shells or orbit_shell in self.orbit_shells

    def holds_for(self, position: Position) -> bool:
        """Whether it may be used for a terminal there."""
        return not self.regions or any(region.covers(position) for region in self.regions)


@dataclass(frozen=True)
class Description:
    """What a publisher says; `dataset_sha256` is empty where nobody said."""

    labels: Mapping[str, str] = field(default_factory=dict)
    validity: Validity = Validity()
    target_environments: Sequence[str] = ()
    dataset_sha256: str = ""

    def terms(self) -> UseTerms:
        """The part that is signed."""
        validity = self.validity
        return UseTerms(
            valid_from=validity.valid_from,
            valid_until=validity.valid_until,
            orbit_shells=tuple(validity.orbit_shells),
            regions=tuple(map(edges_deg, validity.regions)),
            target_environments=tuple(self.target_environments),
        )

    def check(self) -> None:
        """Returns if each part is well formed and within its bound."""
        check_labels(self.labels)
        self.validity.check()
        if len(self.target_environments) > _MAX_ENVIRONMENTS:
            raise invalid_field("target_environments", f"are more than {_MAX_ENVIRONMENTS}")
        check_distinct(self.target_environments, field="target_environments")
        if self.dataset_sha256:
            check_sha256(self.dataset_sha256)


UNDESCRIBED = Description()


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of an ONNX file; -1 in `shape` is an axis that may vary.

    `datatype` is the Open Inference Protocol's: FP32, INT64, …
    """

    file_name: str
    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class TensorSignature:
    """What the ONNX files of a version take and give."""

    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()


NO_TENSORS = TensorSignature()


def check_labels(labels: Mapping[str, str]) -> None:
    """Returns if the labels are few, well named and short."""
    if len(labels) > _MAX_LABELS:
        raise invalid_field("labels", f"are {len(labels)}; at most {_MAX_LABELS}")
    for name, value in labels.items():
        check_label_name(name)
        if value:
            check_identifier(value, field="labels")


def check_distinct(names: Sequence[str], *, field: str) -> None:
    """Returns if each is a short text that comes once."""
    for name in names:
        check_identifier(name, field=field)
    if len(set(names)) != len(names):
        raise invalid_field(field, "name one twice")


def _check_degrees(value: float, most_deg: float, *, field: str) -> None:
    if not (math.isfinite(value) and abs(value) <= most_deg):
        raise invalid_field(field, f"has {value} degrees; use -{most_deg:g} to {most_deg:g}")
