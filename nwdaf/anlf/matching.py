"""Which subscriptions an observation concerns.

The index knows each watch by its quantity and its narrowest filter, and there the thresholds of
each direction in order: two bisections find those between the previous value and the new one, so
that the cost of an observation grows with what it matches and not with what there is.

"Reached" counts as crossed: a rising crossing is from below a threshold to it or above, a falling
one from above to it or below.
"""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from nwdaf.anlf.filters import Filters, Scope
from nwdaf.anlf.observations import FALLING_TRIGGERS, RISING_TRIGGERS, Observation, Quantity
from nwdaf.anlf.reports import Report
from nwdaf.anlf.served_events import known_quantities, sampled_quantities, watched_quantities
from nwdaf.anlf.subscriptions import Criteria, Subscription, WatchedEvent

_REMEMBERED_SERIES = 100_000


@dataclass(frozen=True)
class Match:
    """A subscription that observations concern, with one report for each event and observation."""

    subscription_id: str
    reports: tuple[Report, ...]


@dataclass(frozen=True, eq=False)
class Watch:
    """One quantity that one entry of a subscription watches."""

    subscription_id: str
    event: str
    filters: Filters
    since_position: int


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

    def risen(self, before: float, now: float) -> Iterator[Watch]:
        """Of the thresholds above `before` and at or below `now`."""
        values = self._values
        for value in values[bisect_right(values, before) : bisect_right(values, now)]:
            yield from self._watches[value]

    def fallen(self, before: float, now: float) -> Iterator[Watch]:
        """Of the thresholds below `before` and at or above `now`."""
        values = self._values
        for value in values[bisect_left(values, now) : bisect_left(values, before)]:
            yield from self._watches[value]


@dataclass
class _Shelf:
    """The watches of one scope."""

    every: dict[Watch, None] = field(default_factory=dict)
    rising: _Thresholds = field(default_factory=_Thresholds)
    falling: _Thresholds = field(default_factory=_Thresholds)
    count: int = 0


@dataclass(frozen=True)
class _Latest:
    """The last observation of a series and when, in the AnLF's own count, it was taken in."""

    observation: Observation
    position: int


class SubscriptionBook:
    """All subscriptions by what they watch, and the last value of each series.

    `position` counts what was taken in. A crossing concerns a subscription if both samples were
    taken in after it was made: its first sample sets the baseline.
    """

    def __init__(self) -> None:
        self.position = 0
        self._criteria: dict[str, Criteria] = {}
        self._shelves: dict[Scope, _Shelf] = {}
        self._places: dict[str, list[tuple[Scope, Watch, float | None, bool, bool]]] = {}
        self._watch_counts: dict[Quantity, int] = {}
        self._latest: dict[str, _Latest] = {}

    def __len__(self) -> int:
        return len(self._criteria)

    def put(self, subscription: Subscription) -> None:
        """Enter a subscription, replacing what stood under its id."""
        subscription_id, criteria = subscription.subscription_id, subscription.criteria
        self.remove(subscription_id)
        self.position = max(self.position, subscription.since_position)
        self._criteria[subscription_id] = criteria
        places = self._places[subscription_id] = []
        for watched in criteria.events:
            if criteria.period_of(watched) is not None:
                continue
            filters = Filters.of(watched, subscription_id, criteria)
            watch = Watch(subscription_id, watched.event, filters, subscription.since_position)
            for one in watched_quantities(watched):
                for scope in filters.scopes(one.quantity):
                    place = (scope, watch, one.threshold, one.rising, one.falling)
                    if place not in places:
                        places.append(place)
                        self._shelve(*place)

    def remove(self, subscription_id: str) -> None:
        """Strike a subscription; nothing happens if it is not there."""
        self._criteria.pop(subscription_id, None)
        for scope, watch, threshold, rising, falling in self._places.pop(subscription_id, ()):
            shelf = self._shelves[scope]
            if threshold is None:
                del shelf.every[watch]
            else:
                if rising:
                    shelf.rising.remove(threshold, watch)
                if falling:
                    shelf.falling.remove(threshold, watch)
            shelf.count -= 1
            self._watch_counts[scope[0]] -= 1
            if not shelf.count:
                del self._shelves[scope]

    def is_watched(self, quantity: Quantity) -> bool:
        """Whether somebody waits for a change of the quantity."""
        return self._watch_counts.get(quantity, 0) > 0

    def matching(self, observations: Sequence[Observation]) -> list[Match]:
        """The subscriptions that what was observed at one time concerns, each once.

        Equal reports of several subscriptions are one object. Nothing is remembered by it.
        """
        found: dict[str, dict[tuple[int, str], None]] = {}
        for number, observation in enumerate(observations):
            for watch in self._watches_of(observation):
                found.setdefault(watch.subscription_id, {})[number, watch.event] = None
        made: dict[tuple[tuple[int, str], ...], tuple[Report, ...]] = {}
        matches = []
        for subscription_id, keys in found.items():
            together = tuple(keys)
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
            self._latest[series] = _Latest(observation, position)
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
            Report(watched.event, latest.observation)
            for latest in reversed(self._latest.values())
            if latest.observation.quantity in quantities
            and filters.let_pass(latest.observation)
            and _reaches(watched, latest.observation)
        ]

    def _shelve(
        self, scope: Scope, watch: Watch, threshold: float | None, rising: bool, falling: bool
    ) -> None:
        shelf = self._shelves.setdefault(scope, _Shelf())
        if threshold is None:
            shelf.every[watch] = None
        else:
            if rising:
                shelf.rising.add(threshold, watch)
            if falling:
                shelf.falling.add(threshold, watch)
        shelf.count += 1
        self._watch_counts[scope[0]] = self._watch_counts.get(scope[0], 0) + 1

    def _watches_of(self, observation: Observation) -> Iterator[Watch]:
        quantity = observation.quantity
        if not self.is_watched(quantity):
            return
        # A trigger is an edge by itself: it comes from the side where all is well.
        if quantity in RISING_TRIGGERS:
            before, since, moved = -math.inf, math.inf, True
        elif quantity in FALLING_TRIGGERS:
            before, since, moved = math.inf, math.inf, True
        else:
            latest = self._latest.get(observation.series)
            if latest is None:
                return
            before, since = latest.observation.value, latest.position
            moved = (before, latest.observation.satellite_id) != (
                observation.value,
                observation.satellite_id,
            )
        now = observation.value
        for shelf in self._shelves_of(observation):
            if moved:
                yield from _passing(shelf.every, observation, since)
            if now > before:
                yield from _passing(shelf.rising.risen(before, now), observation, since)
            elif now < before:
                yield from _passing(shelf.falling.fallen(before, now), observation, since)

    def _shelves_of(self, observation: Observation) -> Iterator[_Shelf]:
        quantity = observation.quantity
        for name, value in (
            ("", ""),
            ("beam", observation.beam_id),
            ("satellite", observation.satellite_id),
            ("ue", observation.ue_id),
            ("nf", observation.nf_instance_id),
        ):
            if value or not name:
                shelf = self._shelves.get((quantity, name, value))
                if shelf is not None:
                    yield shelf


def _passing(watches: Iterable[Watch], observation: Observation, since: float) -> Iterator[Watch]:
    for watch in watches:
        if since > watch.since_position and watch.filters.let_pass(observation):
            yield watch


def _reaches(watched: WatchedEvent, observation: Observation) -> bool:
    """Whether a trigger is one that the entry would have been told of."""
    if watched.threshold is None:
        return True
    if observation.quantity in FALLING_TRIGGERS:
        return observation.value <= watched.threshold
    if observation.quantity in RISING_TRIGGERS:
        return observation.value >= watched.threshold
    return True
