"""Triggers of the radio access network, and which 3GPP event each of them is."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from nf_runtime.events.catalogue import (
    BeamQualityDegraded,
    DopplerSinrDrop,
    EavesdropperDetected,
    EventData,
)
from nf_runtime.events.cloud_event import CloudEvent

TriggerData = BeamQualityDegraded | DopplerSinrDrop | EavesdropperDetected


class EventKind(enum.Enum):
    """What the radio access network observes; several tokens of NwdafEvent may name one kind."""

    BEAM_QUALITY = "BEAM_QUALITY"
    DOPPLER = "DOPPLER"
    EAVESDROPPER = "EAVESDROPPER"


class Direction(enum.Enum):
    """The way that a quantity takes when a trigger fires."""

    ASCENDING = "ASCENDING"
    DESCENDING = "DESCENDING"


KIND_OF_DATA: Mapping[type[EventData], EventKind] = {
    BeamQualityDegraded: EventKind.BEAM_QUALITY,
    DopplerSinrDrop: EventKind.DOPPLER,
    EavesdropperDetected: EventKind.EAVESDROPPER,
}
# SINR falls; the SINR loss and the detection statistic rise.
DIRECTION_OF_KIND: Mapping[EventKind, Direction] = {
    EventKind.BEAM_QUALITY: Direction.DESCENDING,
    EventKind.DOPPLER: Direction.ASCENDING,
    EventKind.EAVESDROPPER: Direction.ASCENDING,
}


@dataclass(frozen=True)
class Trigger:
    """One trigger: its CloudEvent, and what subscriptions are matched by."""

    event: CloudEvent[EventData]
    data: TriggerData
    kind: EventKind
    beam_id: str
    satellite_id: str
    observed_value: float

    @classmethod
    def from_event(cls, event: CloudEvent[EventData]) -> Self | None:
        """The trigger that the event is; None for an event of any other type."""
        match event.data:
            case BeamQualityDegraded() as data:
                observed_value = data.sinr_db
            case DopplerSinrDrop() as data:
                observed_value = data.sinr_loss_db
            case EavesdropperDetected() as data:
                observed_value = data.detection_statistic
            case _:
                return None
        return cls(
            event=event,
            data=data,
            kind=KIND_OF_DATA[type(data)],
            beam_id=str(data.beam_id),
            satellite_id=data.satellite_id,
            observed_value=observed_value,
        )

    def reaches(self, threshold: float) -> bool:
        """Whether the observed quantity is at or past `threshold` in its kind's direction."""
        if DIRECTION_OF_KIND[self.kind] is Direction.DESCENDING:
            return self.observed_value <= threshold
        return self.observed_value >= threshold
