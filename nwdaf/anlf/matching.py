"""Which subscriptions an observation concerns.

The index knows each watch by its quantity and its narrowest filter, and there the thresholds of
each direction in order: two bisections find those between the previous value and the new one, so
that the cost of an observation grows with what it matches and not with what there is.

"Reached" counts as crossed: a rising crossing is from below a threshold to it or above, a falling
one from above to it or below.
"""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from nwdaf.anlf.filters import Filters, Scope
from nwdaf.anlf.observations import FALLING_TRIGGERS, RISING_TRIGGERS, Observation, Quantity
from nwdaf.anlf.reports import Report
from nwdaf.anlf.served_events import (
    Watched,
    known_quantities,
    sampled_quantities,
    watched_quantities,
)
from nwdaf.anlf.subscriptions import Criteria, Subscription, WatchedEvent

_REMEMBERED_SERIES = 100_000


class Match(msgspec.Struct, frozen=True, gc=False):
    """A subscription that observations concern, with one report for each event and observation."""

    subscription_id: str
    reports: tuple[Report, ...]


@dataclass(frozen=True, eq=False)
class Watch:
    """One quantity that one entry of a subscription watches."""

    subscription_id: str
    event: str
    filters: Filters
    since_position: float


@dataclass
class _Thresholds:
    """Thresholds in order, and who watches each."""

    _values: list[float] = field(default_factory=list)
    _watches: dict[float, dict[Watch, None]] = field(default_factory=dict)

    def add(self, value: float, watch: Watch) -> None:
        if value not in self._watches:
            insort(self._values, value)
            self._watches[value] = {}
        self._watches[value][watch] = None

    def remove(self, value: float, watch: Watch) -> None:
        watches = self._watches[value]
        del watches[watch]
        if not watches:
            del self._watches[value]
            del self._values[bisect_left(self._values, value)]

    def risen(self, before: float, now: float) -> list[Watch]:
        """Who watches the thresholds above `before` and at or below `now`."""
        first, last = bisect_right(self._values, before), bisect_right(self._values, now)
        return self._between(first, last)

    def fallen(self, before: float, now: float) -> list[Watch]:
        """Who watches the thresholds below `before` and at or above `now`."""
        first, last = bisect_left(self._values, now), bisect_left(self._values, before)
        return self._between(first, last)

    def _between(self, first: int, last: int) -> list[Watch]:
        if first == last:
            return []
        return [watch for value in self._values[first:last] for watch in self._watches[value]]


@dataclass
class _Shelf:
    """The watches of one quantity and scope."""

    every: dict[Watch, None] = field(default_factory=dict)
    rising: _Thresholds = field(default_factory=_Thresholds)
    falling: _Thresholds = field(default_factory=_Thresholds)
    count: int = 0

    def add(self, watch: Watch, watched: Watched) -> None:
        if watched.threshold is None:
            self.every[watch] = None
        else:
            if watched.rising:
                self.rising.add(watched.threshold, watch)
            if watched.falling:
                self.falling.add(watched.threshold, watch)
        self.count += 1

    def remove(self, watch: Watch, watched: Watched) -> None:
        if watched.threshold is None:
            del self.every[watch]
        else:
            if watched.rising:
                self.rising.remove(watched.threshold, watch)
            if watched.falling:
                self.falling.remove(watched.threshold, watch)
        self.count -= 1


class _Place(NamedTuple):
    """Where a watch stands."""

    scope: Scope
    watch: Watch
    watched: Watched


class SubscriptionBook:
    """All subscriptions by what they watch, and the last value of each series.

    `position` counts what was taken in. A crossing concerns a subscription if both samples were
    taken in after it was made: its first sample sets the baseline.
    """

    def __init__(self) -> None:
        self.position = 0
        self._criteria: dict[str, Criteria] = {}
        # By quantity, then by the field of the scope, then by its value.
        self._shelves: dict[Quantity, dict[str, dict[str, _Shelf]]] = {}
        self._places: dict[str, dict[_Place, None]] = {}
        # The last observation of each series, and when in the count it was taken in.
        self._latest: dict[str, tuple[Observation, int]] = {}

    def __len__(self) -> int:
        return len(self._criteria)

    def put(self, subscription: Subscription) -> None:
        """Enter a subscription, replacing what stood under its id."""
        subscription_id, criteria = subscription.subscription_id, subscription.criteria
        self.remove(subscription_id)
        self.position = max(self.position, subscription.since_position)
        self._criteria[subscription_id] = criteria
        places = self._places[subscription_id] = {}
        paused = subscription.paused_events
        for index, watched in enumerate(criteria.events):
            if criteria.period_of(watched) is not None:
                continue
            filters = Filters.of(watched, subscription_id, criteria)
            # What is paused goes on being observed, and no observation concerns it.
            since = math.inf if index in paused else subscription.since_position
            watch = Watch(subscription_id, watched.event, filters, since)
            for one in watched_quantities(watched):
                for scope in filters.scopes():
                    places[_Place(scope, watch, one)] = None
        for place in places:
            field_name, value = place.scope
            shelves = self._shelves.setdefault(place.watched.quantity, {})
            shelf = shelves.setdefault(field_name, {}).setdefault(value, _Shelf())
            shelf.add(place.watch, place.watched)

    def remove(self, subscription_id: str) -> None:
        """Strike a subscription; nothing happens if it is not there."""
        self._criteria.pop(subscription_id, None)
        for place in self._places.pop(subscription_id, ()):
            field_name, value = place.scope
            shelves = self._shelves[place.watched.quantity]
            shelf = shelves[field_name][value]
            shelf.remove(place.watch, place.watched)
            if not shelf.count:
                del shelves[field_name][value]
                if not shelves[field_name]:
                    del shelves[field_name]

    def is_watched(self, quantity: Quantity) -> bool:
        """Whether somebody waits for a change of the quantity, or of one that comes of it."""
        if quantity is Quantity.UE_LOCATION and self._shelves.get(Quantity.UE_PING_PONGS):
            return True
        return bool(self._shelves.get(quantity))

    def latest(self, series: str) -> Observation | None:
        """The last observation of a series."""
        remembered = self._latest.get(series)
        return None if remembered is None else remembered[0]

    def matching(self, observations: Sequence[Observation]) -> list[Match]:
        """The subscriptions that what was observed at one time concerns, each once.

        Equal reports of several subscriptions are one object. Nothing is remembered by it.
        """
        # Most subscriptions are told one thing, and then share the tuple that says so.
        found: dict[str, tuple[tuple[int, str], ...]] = {}
        for number, observation in enumerate(observations):
            alone: dict[str, tuple[tuple[int, str]]] = {}
            for watch in self._watches_of(observation):
                keys = alone.get(watch.event)
                if keys is None:
                    keys = alone[watch.event] = ((number, watch.event),)
                before = found.get(watch.subscription_id)
                if before is None:
                    found[watch.subscription_id] = keys
                elif keys[0] not in before:
                    found[watch.subscription_id] = before + keys
        made: dict[tuple[tuple[int, str], ...], tuple[Report, ...]] = {}
        matches = []
        for subscription_id, together in found.items():
            reports = made.get(together)
            if reports is None:
                reports = tuple(Report(event, observations[number]) for number, event in together)
                made[together] = reports
            matches.append(Match(subscription_id, reports))
        return matches

    def remember(self, observations: Iterable[Observation], position: int) -> None:
        """Let the observations be the last values of their series."""
        self.position = max(self.position, position)
        for observation in observations:
            series = observation.series
            self._latest.pop(series, None)  # the newest stand last
            self._latest[series] = (observation, position)
        while len(self._latest) > _REMEMBERED_SERIES:
            del self._latest[next(iter(self._latest))]

    def known(
        self, watched: WatchedEvent, subscription_id: str, criteria: Criteria
    ) -> list[Report]:
        """The last value of each series that an entry is about (`immRep`)."""
        return self._reports(watched, subscription_id, criteria, known_quantities(watched))

    def sampled(
        self, watched: WatchedEvent, subscription_id: str, criteria: Criteria
    ) -> list[Report]:
        """The last sample of each series that an entry is about."""
        quantities = frozenset(sampled_quantities(watched))
        return self._reports(watched, subscription_id, criteria, quantities)

    def _reports(
        self,
        watched: WatchedEvent,
        subscription_id: str,
        criteria: Criteria,
        quantities: frozenset[Quantity],
    ) -> list[Report]:
        filters = Filters.of(watched, subscription_id, criteria)
        return [
            Report(watched.event, observation)
            for observation, _ in reversed(self._latest.values())
            if observation.quantity in quantities
            and filters.let_pass(observation)
            and _reaches(watched, observation)
        ]

    def _watches_of(self, observation: Observation) -> list[Watch]:
        quantity = observation.quantity
        shelves = self._shelves.get(quantity)
        if not shelves:
            return []
        now = observation.value
        # A trigger is an edge by itself: it comes from the side where all is well.
        before, since, moved = -math.inf, math.inf, True
        if quantity in FALLING_TRIGGERS:
            before = math.inf
        elif quantity not in RISING_TRIGGERS:
            latest = self._latest.get(observation.series)
            if latest is not None:
                earlier, since = latest
                before = earlier.value
                moved = before != now or earlier.satellite_id != observation.satellite_id
            elif quantity is Quantity.UE_PING_PONGS:
                before = 0.0  # it is not observed before there is something to count
            else:
                return []
        found: list[Watch] = []
        for field_name, by_value in shelves.items():
            shelf = by_value.get(getattr(observation, field_name) if field_name else "")
            if shelf is None:
                continue
            if moved:
                found.extend(shelf.every)
            if now > before:
                found.extend(shelf.rising.risen(before, now))
            elif now < before:
                found.extend(shelf.falling.fallen(before, now))
        return [
            watch
            for watch in found
            if since > watch.since_position and watch.filters.let_pass(observation)
        ]


def _reaches(watched: WatchedEvent, observation: Observation) -> bool:
    """Whether a trigger is one that the entry would have been told of."""
    if watched.threshold is None:
        return True
    if observation.quantity in FALLING_TRIGGERS:
        return observation.value <= watched.threshold
    if observation.quantity in RISING_TRIGGERS:
        return observation.value >= watched.threshold
    return True
