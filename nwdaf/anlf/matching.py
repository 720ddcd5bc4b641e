"""Which subscriptions a trigger concerns."""

from dataclasses import dataclass, field

from nwdaf.anlf.subscriptions import EVENT_KINDS, WatchedEvent
from nwdaf.anlf.triggers import EventKind, Trigger


@dataclass(frozen=True)
class Match:
    """A subscription that a trigger concerns, with its tokens of the event as it spelt them."""

    subscription_id: str
    events: tuple[str, ...]


@dataclass
class SubscriptionBook:
    """All subscriptions, indexed by kind of event and beam: a trigger meets only candidates."""

    _events: dict[str, tuple[WatchedEvent, ...]] = field(default_factory=dict)
    # The beam None holds those that watch all beams. Dictionaries keep the order of creation.
    _index: dict[tuple[EventKind, str | None], dict[str, None]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._events)

    def put(self, subscription_id: str, events: tuple[WatchedEvent, ...]) -> None:
        """Enter a subscription, replacing what stood under its id."""
        self.remove(subscription_id)
        self._events[subscription_id] = events
        for key in _index_keys(events):
            self._index.setdefault(key, {})[subscription_id] = None

    def remove(self, subscription_id: str) -> None:
        """Strike a subscription; nothing happens if it is not there."""
        for key in _index_keys(self._events.pop(subscription_id, ())):
            entries = self._index[key]
            entries.pop(subscription_id, None)
            if not entries:
                del self._index[key]

    def matching(self, trigger: Trigger) -> list[Match]:
        """The subscriptions that the trigger concerns, each once."""
        candidates = {
            **self._index.get((trigger.kind, None), {}),
            **self._index.get((trigger.kind, trigger.beam_id), {}),
        }
        matches = []
        for subscription_id in candidates:
            tokens = tuple(
                watched.event
                for watched in self._events[subscription_id]
                if watched.matches(trigger)
            )
            if tokens:
                matches.append(Match(subscription_id, tuple(dict.fromkeys(tokens))))
        return matches


def _index_keys(events: tuple[WatchedEvent, ...]) -> set[tuple[EventKind, str | None]]:
    return {
        (EVENT_KINDS[watched.event], beam_id)
        for watched in events
        for beam_id in (watched.beam_ids or (None,))
    }
