"""The identity of a notification."""

from dataclasses import replace

from support.ran_events import doppler, event

from nwdaf.anlf.notifications import notification_id_of
from nwdaf.anlf.triggers import Trigger


def trigger(event_id: str, *, source: str = "/ran_sim") -> Trigger:
    """A trigger of that identity."""
    made = Trigger.from_event(replace(event(doppler(), event_id), source=source))
    assert made is not None
    return made


def test_the_same_trigger_and_subscription_give_the_same_identity() -> None:
    """So that a consumer can suppress what it has seen."""
    assert notification_id_of("s", trigger("t")) == notification_id_of("s", trigger("t"))


def test_identities_differ_by_subscription_source_and_event() -> None:
    """An event's id is unique within its source only."""
    identities = {
        notification_id_of("s", trigger("t")),
        notification_id_of("s2", trigger("t")),
        notification_id_of("s", trigger("t2")),
        notification_id_of("s", trigger("t", source="/other")),
    }
    assert len(identities) == 4
