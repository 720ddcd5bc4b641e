"""What the AnLF observes: one value of one quantity of one beam, UE or network function.

A trigger of the radio access network is an edge already: the network has compared the quantity with
its own threshold, hysteresis and time to trigger. All other quantities are sampled, and it is the
AnLF that finds their crossings (`matching`).
"""

import enum
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property

import msgspec

from nf_runtime.events.catalogue import (
    BeamQualityDegraded,
    DopplerSinrDrop,
    EavesdropperDetected,
    EventData,
    Measurement,
)
from nf_runtime.events.cloud_event import CloudEvent

TriggerData = BeamQualityDegraded | DopplerSinrDrop | EavesdropperDetected


class Quantity(enum.Enum):
    """What is observed; the unit of its values in parentheses."""

    BEAM_QUALITY_TRIGGER = "BEAM_QUALITY_TRIGGER"  # SINR (dB)
    DOPPLER_TRIGGER = "DOPPLER_TRIGGER"  # SINR loss (dB)
    EAVESDROPPER_TRIGGER = "EAVESDROPPER_TRIGGER"  # detection statistic (1)
    BEAM_SINR = "BEAM_SINR"  # (dB)
    UE_SINR_LOSS = "UE_SINR_LOSS"  # by residual Doppler (dB)
    UE_DETECTION_STATISTIC = "UE_DETECTION_STATISTIC"  # (1)
    UE_LOCATION = "UE_LOCATION"  # the serving beam (its number)
    UE_PING_PONGS = "UE_PING_PONGS"  # lately, see `ping_pong` (1)
    BEAM_UE_COUNT = "BEAM_UE_COUNT"  # (1)
    SATELLITE_UE_COUNT = "SATELLITE_UE_COUNT"  # (1)
    NF_CPU_USAGE = "NF_CPU_USAGE"  # (%)
    NF_MEMORY_USAGE = "NF_MEMORY_USAGE"  # (%)

    # By identity: the one of Enum is a Python function, and each observation is looked up by it.
    __hash__ = object.__hash__


# SINR falls; the SINR loss and the detection statistic rise.
FALLING_TRIGGERS = frozenset({Quantity.BEAM_QUALITY_TRIGGER})
RISING_TRIGGERS = frozenset({Quantity.DOPPLER_TRIGGER, Quantity.EAVESDROPPER_TRIGGER})
TRIGGERS = FALLING_TRIGGERS | RISING_TRIGGERS

_QUANTITY_OF_TRIGGER: Mapping[type[EventData], Quantity] = {
    BeamQualityDegraded: Quantity.BEAM_QUALITY_TRIGGER,
    DopplerSinrDrop: Quantity.DOPPLER_TRIGGER,
    EavesdropperDetected: Quantity.EAVESDROPPER_TRIGGER,
}


class Move(msgspec.Struct, frozen=True):
    """A UE has another cell than before; a cell is a beam of a satellite."""

    time: datetime
    from_cell: str
    to_cell: str


class Observation(msgspec.Struct, frozen=True, dict=True):
    """One value, where and when it was observed, and the event that told of it.

    Attributes:
        quantity: what; says the unit of `value`.
        value: the number that thresholds are compared with.
        time: simulated UTC for the radio network, wall-clock UTC for network functions.
        event_id: id of the CloudEvent, or of the poll of a network function.
        event_type: its CloudEvents type; empty for a poll.
        received_time: wall-clock UTC at which the AnLF took it in.
        detail: what a trigger tells beyond the value.
        moves: of UE_PING_PONGS, what it is counted from.
    """

    quantity: Quantity
    value: float
    time: datetime
    event_id: str
    event_type: str
    received_time: datetime
    beam_id: str = ""
    satellite_id: str = ""
    ue_id: str = ""
    nf_instance_id: str = ""
    run_id: str = ""
    detail: TriggerData | None = None
    moves: tuple[Move, ...] = ()

    @cached_property
    def series(self) -> str:
        """Names the sequence of values that this one continues; a new run starts new ones."""
        return self.series_of(self.quantity)

    def series_of(self, quantity: Quantity) -> str:
        """The sequence of values of another quantity of the same beam, UE or network function."""
        place = self.ue_id or f"{self.satellite_id}/{self.beam_id}"
        if quantity in TRIGGERS:
            place = f"{self.satellite_id}/{self.beam_id}/{self.ue_id}"
        return f"{quantity.name}/{self.run_id}/{self.nf_instance_id or place}"


def observations_of(
    event: CloudEvent[EventData], *, received_time: datetime
) -> tuple[Observation, ...]:
    """What an event of the radio access network tells; nothing for an event of any other type."""
    data = event.data
    if isinstance(data, Measurement):
        return tuple(_of_measurement(event, data, received_time))
    if not isinstance(data, TriggerData):
        return ()
    return (
        Observation(
            quantity=_QUANTITY_OF_TRIGGER[type(data)],
            value=_value_of(data),
            time=event.time,
            event_id=event.id,
            event_type=event.type,
            received_time=received_time,
            beam_id=str(data.beam_id),
            satellite_id=data.satellite_id,
            ue_id="" if isinstance(data, BeamQualityDegraded) else data.esim_id,
            run_id=data.run_id,
            detail=data,
        ),
    )


def _value_of(data: TriggerData) -> float:
    match data:
        case BeamQualityDegraded():
            return data.sinr_db
        case DopplerSinrDrop():
            return data.sinr_loss_db
        case EavesdropperDetected():
            return data.detection_statistic


def _of_measurement(
    event: CloudEvent[EventData], data: Measurement, received_time: datetime
) -> Iterator[Observation]:
    def observed(
        quantity: Quantity, value: float, *, beam_id: str = "", ue_id: str = ""
    ) -> Observation:
        return Observation(
            quantity,
            float(value),
            event.time,
            event.id,
            event.type,
            received_time,
            beam_id=beam_id,
            satellite_id=data.satellite_id,
            ue_id=ue_id,
            run_id=data.run_id,
        )

    for beam in data.beams:
        yield observed(Quantity.BEAM_SINR, beam.sinr_db, beam_id=str(beam.beam_id))
    if not data.esims:  # too low for them: that is no data, not a count of zero
        return
    for esim in data.esims:
        where = {"beam_id": str(esim.beam_id), "ue_id": esim.esim_id}
        yield observed(Quantity.UE_SINR_LOSS, esim.sinr_loss_db, **where)
        yield observed(Quantity.UE_DETECTION_STATISTIC, esim.detection_statistic, **where)
        yield observed(Quantity.UE_LOCATION, esim.beam_id, **where)
    served = Counter(esim.beam_id for esim in data.esims)
    for beam_id in sorted({beam.beam_id for beam in data.beams} | set(served)):
        yield observed(Quantity.BEAM_UE_COUNT, served[beam_id], beam_id=str(beam_id))
    yield observed(Quantity.SATELLITE_UE_COUNT, len(data.esims))
