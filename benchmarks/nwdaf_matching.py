"""The index of subscriptions beside a loop over all of them, and how its cost grows."""

import random
from datetime import datetime

from benchmarks.ratios import Ratio, at_least, compare
from nf_runtime.clock import SystemClock
from nwdaf.anlf.filters import Filters
from nwdaf.anlf.matching import SubscriptionBook
from nwdaf.anlf.observations import Observation, Quantity
from nwdaf.anlf.served_events import Watched, watched_quantities
from nwdaf.anlf.subscriptions import Criteria, MatchingDirection, Subscription, WatchedEvent

SUBSCRIPTIONS = 10_000
BEAMS = 100
CLOCK = SystemClock()


class Crowd:
    """Subscriptions to crossings of beams, and samples that walk past their thresholds."""

    def __init__(self, count: int, seed: int = 1) -> None:
        rng = random.Random(seed)
        wishes = [
            (str(rng.randrange(BEAMS)), round(rng.uniform(-10, 30), 2), direction)
            for direction in rng.choices(list(MatchingDirection), k=count)
        ]
        self.book = SubscriptionBook()
        self.entries: list[tuple[Filters, Watched]] = []
        now = CLOCK.now()
        for number, (beam_id, threshold_db, direction) in enumerate(wishes):
            watched = WatchedEvent(
                "QOS_SUSTAINABILITY",
                beam_ids=(beam_id,),
                threshold=threshold_db,
                matching_dir=direction,
            )
            name, criteria = f"s-{number}", Criteria((watched,))
            self.book.put(Subscription(name, criteria, (), 1, now))
            (wanted,) = watched_quantities(watched)
            self.entries.append((Filters.of(watched, name, criteria), wanted))
        sinr_db = [10.0] * BEAMS
        self.samples: list[Observation] = []
        for number in range(2_000):
            beam = number % BEAMS
            sinr_db[beam] += rng.uniform(-0.5, 0.5)
            self.samples.append(sample(str(beam), sinr_db[beam], now))

    def indexed(self, samples: list[Observation]) -> int:
        """How many notifications the samples lead to."""
        found = 0
        for position, observation in enumerate(samples, start=self.book.position + 1):
            found += len(self.book.matching((observation,)))
            self.book.remember((observation,), position)
        return found

    def naive(self, samples: list[Observation], last_db: dict[str, float]) -> int:
        """The same by looking at every subscription."""
        found = 0
        for observation in samples:
            before_db = last_db.get(observation.beam_id)
            now_db = last_db[observation.beam_id] = observation.value
            if before_db is None:
                continue
            rose, fell = before_db < now_db, before_db > now_db
            for filters, wanted in self.entries:
                threshold_db = wanted.threshold
                if (
                    wanted.quantity is observation.quantity
                    and filters.let_pass(observation)
                    and threshold_db is not None
                    and (
                        (rose and wanted.rising and before_db < threshold_db <= now_db)
                        or (fell and wanted.falling and before_db > threshold_db >= now_db)
                    )
                ):
                    found += 1
        return found


def sample(beam_id: str, sinr_db: float, now: datetime) -> Observation:
    """The SINR of one beam."""
    return Observation(Quantity.BEAM_SINR, sinr_db, now, "e", "", now, beam_id, "25544")


def matching() -> list[Ratio]:
    """The index beside a naive loop, after both have found the same."""
    crowd = Crowd(SUBSCRIPTIONS)
    few = crowd.samples[: 3 * BEAMS]
    found = crowd.indexed(few), crowd.naive(few, {})
    if found[0] != found[1] or not found[0]:
        raise RuntimeError(f"index and loop disagree: {found}")
    last_db: dict[str, float] = {}
    crowd.naive(crowd.samples[:BEAMS], last_db)
    return [
        compare(
            "one sample",
            f"index beside a loop over {SUBSCRIPTIONS:,} subscriptions",
            lambda: crowd.indexed(crowd.samples),
            lambda: crowd.naive(few, last_db),
            ours_count=len(crowd.samples),
            peer_count=len(few),
            target=at_least(100),
            repeats=5,
        )
    ]


def growth() -> None:
    """What a sample costs, by what there is and by what it matches."""
    print(f"\n{'subscriptions':>14}{'matches a sample':>18}{'µs a sample':>13}{'samples/s':>12}")
    for count in (100, 1_000, 10_000, 100_000):
        crowd = Crowd(count)
        crowd.indexed(crowd.samples)
        row(count, crowd, crowd.samples)
    # The same thresholds further apart: fewer of as many are crossed by each sample.
    quiet = Crowd(SUBSCRIPTIONS)
    now = CLOCK.now()
    still = [sample(one.beam_id, 100 + one.value / 1e3, now) for one in quiet.samples]
    quiet.indexed(still)
    row(SUBSCRIPTIONS, quiet, still)


def row(count: int, crowd: Crowd, samples: list[Observation]) -> None:
    """One line of the table of `growth`: the quickest of three runs."""
    times_s, found = [], 0
    for _ in range(3):
        before_s = CLOCK.monotonic_s()
        found = crowd.indexed(samples)
        times_s.append(CLOCK.monotonic_s() - before_s)
    taken_s = min(times_s) / len(samples)
    print(f"{count:>14,}{found / len(samples):>18.2f}{1e6 * taken_s:>13.2f}{1 / taken_s:>12,.0f}")
