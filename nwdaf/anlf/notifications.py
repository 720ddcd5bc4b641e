"""Notifications: one for each cause and subscription, numbered within the subscription."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import msgspec

from nf_runtime.events.catalogue import EventData
from nf_runtime.events.cloud_event import CloudEvent
from nwdaf.anlf.reports import Report

_NAMESPACE = uuid.UUID("6f1c1f0e-8a0b-5b0e-9d5c-1c7d0f6a2b11")  # any, always the same
_NAMESPACE_BYTES = _NAMESPACE.bytes
_OF_THE_VARIANT = {f"{digit:x}": f"{digit & 0x3 | 0x8:x}" for digit in range(16)}


@dataclass(frozen=True)
class Cause:
    """Why notifications are made: an event, a poll, a period, a modification.

    Attributes:
        identity: the same for the same cause, whenever it is dealt with.
        published_at_ns: of an event, when it was published, since the Unix epoch.
        traceparent: of an event, its W3C trace context.
    """

    identity: str
    published_at_ns: int | None = None
    traceparent: str | None = None

    @classmethod
    def of_event(cls, event: CloudEvent[EventData]) -> Self:
        """That an event was published."""
        return cls(f"{event.source} {event.id}", event.published_at_ns, event.traceparent)


class Notification(msgspec.Struct, frozen=True, gc=False):
    """`NnwdafEventsSubscriptionNotification`, TS 29.520 5.1.6.2.4.

    Attributes:
        notification_id: see `notification_id_of`.
        subscription_id: whom it is for.
        sequence: its place within the subscription, from 1 without gaps.
        notif_corr_id: the consumer's own mark.
        reports: what it tells; one object for all subscriptions that are told the same.
        cause: why it was made.
        create_time: when it was stored, wall-clock UTC.
        term_cause: `TermCause` if it is the last one because the AnLF ends the subscription.
    """

    notification_id: str
    subscription_id: str
    sequence: int
    notif_corr_id: str
    reports: tuple[Report, ...]
    cause: Cause
    create_time: datetime
    term_cause: str = ""


def notification_id_of(subscription_id: str, cause: Cause) -> str:
    """The identity of the notification of this cause to this subscription, always the same.

    The hexadecimal digits of `uuid.uuid5`, worked out in a third of its time: an event may have
    thousands of them.
    """
    name = f"{subscription_id} {cause.identity}".encode()
    digits = hashlib.sha1(_NAMESPACE_BYTES + name, usedforsecurity=False).hexdigest()
    # Version 5 and the variant of RFC 9562, which is the two highest bits of its digit.
    return f"{digits[:12]}5{digits[13:16]}{_OF_THE_VARIANT[digits[16]]}{digits[17:32]}"
