"""The identity of a notification."""

from dataclasses import replace

from support.ran_events import doppler, event

from nwdaf.anlf.notifications import Cause, notification_id_of


def cause(event_id: str, *, source: str = "/ran_sim") -> Cause:
    """That an event of that identity was published."""
    return Cause.of_event(replace(event(doppler(), event_id), source=source))


def test_the_same_event_and_subscription_give_the_same_identity() -> None:
    """So that a consumer can suppress what it has seen."""
    assert notification_id_of("s", cause("t")) == notification_id_of("s", cause("t"))


def test_identities_differ_by_subscription_source_and_event() -> None:
    """An event's id is unique within its source only."""
    identities = {
        notification_id_of("s", cause("t")),
        notification_id_of("s2", cause("t")),
        notification_id_of("s", cause("t2")),
        notification_id_of("s", cause("t", source="/other")),
    }
    assert len(identities) == 4
