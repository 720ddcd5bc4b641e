"""Notifications: one for each trigger and subscription, numbered within the subscription."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from nwdaf.anlf.triggers import Trigger

_NAMESPACE = uuid.UUID("6f1c1f0e-8a0b-5b0e-9d5c-1c7d0f6a2b11")  # any, always the same


@dataclass(frozen=True)
class Notification:
    """`NnwdafEventsSubscriptionNotification`, TS 29.520 5.1.6.2.4.

    Attributes:
        notification_id: see `notification_id_of`.
        subscription_id: whom it is for.
        sequence: its place within the subscription, from 1 without gaps.
        notif_corr_id: the consumer's own mark.
        events: tokens of the event, as the subscription spelt them; one report for each.
        trigger: what happened.
        create_time: when it was stored, wall-clock UTC.
    """

    notification_id: str
    subscription_id: str
    sequence: int
    notif_corr_id: str
    events: tuple[str, ...]
    trigger: Trigger
    create_time: datetime


def notification_id_of(subscription_id: str, trigger: Trigger) -> str:
    """The identity of the notification of this trigger to this subscription, always the same."""
    event = trigger.event
    return uuid.uuid5(_NAMESPACE, f"{subscription_id} {event.source} {event.id}").hex
