"""Reports and observations as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

from nf_runtime.events.catalogue import EVENT_TYPES
from nwdaf.anlf.accuracy import AccuracyReport
from nwdaf.anlf.notifications import Cause
from nwdaf.anlf.observations import Move, Observation, Quantity, TriggerData
from nwdaf.anlf.reports import FailureCode, Held, Report


@dataclass(frozen=True)
class Content:
    """What the notifications of equal reports have in common."""

    cause: Cause
    reports: tuple[Report, ...]


class _Observation(msgspec.Struct):
    """`Observation`, whose detail has a type that the event's type tells."""

    quantity: Quantity
    value: float
    time: datetime
    event_id: str
    event_type: str
    received_time: datetime
    beam_id: str
    satellite_id: str
    ue_id: str
    nf_instance_id: str
    run_id: str
    detail: Any
    moves: tuple[Move, ...] = ()


class _Report(msgspec.Struct):
    event: str
    observation: _Observation | None = None
    fail_notify_code: FailureCode | None = None
    rv_wait_time: timedelta | None = None
    accuracy: AccuracyReport | None = None


class _Held(msgspec.Struct):
    reports: list[_Report]
    time: datetime


class _Content(msgspec.Struct):
    cause: Cause
    reports: list[_Report]


_CONTENT = msgspec.json.Decoder(_Content)
_HELD = msgspec.json.Decoder(list[_Held])
_OBSERVATION = msgspec.json.Decoder(_Observation)
_PLAIN_FIELDS = [name for name in Observation.__struct_fields__ if name != "detail"]


def content_json(cause: Cause, reports: Sequence[Report]) -> str:
    """The content of a notification."""
    return msgspec.json.encode(Content(cause, tuple(reports))).decode()


def content_of(text: str) -> Content:
    """What `content_json` wrote."""
    stored = _CONTENT.decode(text)
    return Content(stored.cause, _reports(stored.reports))


def held_json(held: Sequence[Held]) -> str:
    """What a subscription holds back."""
    return msgspec.json.encode(held).decode()


def held_of(text: str) -> tuple[Held, ...]:
    """What `held_json` wrote."""
    return tuple(Held(_reports(one.reports), one.time) for one in _HELD.decode(text))


def observation_json(observation: Observation) -> str:
    """One observation."""
    return msgspec.json.encode(observation).decode()


def observation_of(text: str) -> Observation:
    """What `observation_json` wrote."""
    return _observation(_OBSERVATION.decode(text))


def _reports(stored: Sequence[_Report]) -> tuple[Report, ...]:
    return tuple(
        Report(
            event=one.event,
            observation=None if one.observation is None else _observation(one.observation),
            fail_notify_code=one.fail_notify_code,
            rv_wait_time=one.rv_wait_time,
            accuracy=one.accuracy,
        )
        for one in stored
    )


def _observation(stored: _Observation) -> Observation:
    detail = None
    if stored.detail is not None:
        detail = cast("TriggerData", msgspec.convert(stored.detail, EVENT_TYPES[stored.event_type]))
    return Observation(**{name: getattr(stored, name) for name in _PLAIN_FIELDS}, detail=detail)
