"""When, where and on what a version may be used: what a signed manifest says beside its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from google.protobuf.timestamp_pb2 import Timestamp

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as service_pb2

# Southern, northern, western and eastern edge.
RegionDeg = tuple[float, float, float, float]


def edges_deg(region: Any) -> RegionDeg:
    """The edges of a region, in the order in which they are signed.

    It has the fields of `mms.v1.Region`, as a message or a description does.
    """
    return (
        region.min_latitude_deg,
        region.max_latitude_deg,
        region.min_longitude_deg,
        region.max_longitude_deg,
    )


@dataclass(frozen=True)
class UseTerms:
    """The terms of use of a version; what is None or empty does not restrict it.

    Names come in any order and are signed sorted, times in UTC with microseconds.
    """

    valid_from: datetime | None = None
    valid_until: datetime | None = None
    orbit_shells: Sequence[str] = ()
    regions: Sequence[RegionDeg] = ()
    target_environments: Sequence[str] = ()

    @classmethod
    def of(cls, message: model_pb2.ModelVersion | service_pb2.UploadHeader) -> Self:
        """The terms that a version, or the header of its upload, states.

        Raises:
            ValueError: A time lies outside the years 1 to 9999.
        """
        validity = message.validity
        return cls(
            valid_from=_time(validity.valid_from) if validity.HasField("valid_from") else None,
            valid_until=_time(validity.valid_until) if validity.HasField("valid_until") else None,
            orbit_shells=tuple(validity.orbit_shells),
            regions=tuple(map(edges_deg, validity.regions)),
            target_environments=tuple(message.target_environments),
        )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The terms of which `document` was made."""
        times = {
            name: datetime.fromisoformat(document[name])
            for name in ("valid_from", "valid_until")
            if name in document
        }
        return cls(
            orbit_shells=tuple(document.get("orbit_shells", ())),
            regions=tuple(tuple(region) for region in document.get("regions", ())),
            target_environments=tuple(document.get("target_environments", ())),
            **times,
        )

    def document(self) -> dict[str, Any]:
        """What is signed, as JSON knows it: what is said only, so nothing for no terms."""
        said = {
            "valid_from": _text(self.valid_from),
            "valid_until": _text(self.valid_until),
            "orbit_shells": sorted(self.orbit_shells),
            "regions": [list(region) for region in self.regions],
            "target_environments": sorted(self.target_environments),
        }
        return {name: value for name, value in said.items() if value}


ANY_USE = UseTerms()


def _time(message: Timestamp) -> datetime:
    return message.ToDatetime(tzinfo=UTC)


def _text(time: datetime | None) -> str:
    if time is None:
        return ""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
