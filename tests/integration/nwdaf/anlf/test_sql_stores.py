"""The stores on real databases: effects once, pruning, what a restart finds."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import create_engine, func, select, text
from support.migrations import assert_migrations_match, migrate
from support.ran_events import START, decision, doppler, measurement, record

from nf_runtime.clock import ManualClock
from nf_runtime.database import Database
from nf_runtime.errors import NotFound
from nwdaf.anlf.adapters.sql_accuracy import SqlAccuracyStore
from nwdaf.anlf.adapters.sql_loads import SqlLoadStore
from nwdaf.anlf.adapters.sql_measurements import SqlMeasurementStore
from nwdaf.anlf.adapters.sql_notifications import SqlNotificationStore
from nwdaf.anlf.adapters.sql_subscriptions import SqlSubscriptionStore
from nwdaf.anlf.adapters.sql_tables import (
    CONTENTS,
    DECISIONS,
    MEASUREMENTS,
    METADATA,
    NOTIFICATIONS,
    OBSERVATIONS,
)
from nwdaf.anlf.adapters.stored_reports import content_json
from nwdaf.anlf.admission import admit
from nwdaf.anlf.analytics import LoadSample
from nwdaf.anlf.app import MIGRATIONS
from nwdaf.anlf.matching import Match
from nwdaf.anlf.notifications import Cause, Notification
from nwdaf.anlf.observations import observations_of
from nwdaf.anlf.reports import Report
from nwdaf.anlf.subscriptions import Criteria, Reporting, Subscription, WatchedEvent

REMEMBERED = 50
# A subscription with one trigger that it was told of as its third, and has not acknowledged.
FIRST_REVISION = """
INSERT INTO subscriptions (subscription_id, consumer_nf_id, request_digest, criteria, failures,
    notif_corr_id, revision, report_count, create_time)
VALUES ('s', 'me', '', '{"events": [{"event": "DOPPLER"}]}', '[]', '', 1, 3, 0);
INSERT INTO triggers (position, event_id, source, event_type, time, published_at_ns, data)
VALUES (1, 't-7', '/ran_sim', 'org.aimlnf.ran.doppler-sinr-drop.v1', 0, 17, :data);
INSERT INTO notifications (subscription_id, sequence, notification_id, trigger_position,
    notif_corr_id, events, create_time)
VALUES ('s', 3, 'n-3', 1, '', '["DOPPLER"]', 0)
"""

# Two subscriptions that wait for the same, each under an identity of its own.
FIFTH_REVISION = """
INSERT INTO subscriptions (position, subscription_id, consumer_nf_id, request_digest, criteria,
    failures, notif_corr_id, revision, report_count, create_time)
VALUES (4, 's', 'me', '', '{"events": [{"event": "DOPPLER"}]}', '[]', '', 1, 3, 0),
    (9, 'z', 'me', '', '{"events": [{"event": "DOPPLER"}]}', '[]', '', 1, 7, 0);
INSERT INTO notifications (subscription_id, sequence, notification_id, notif_corr_id, content,
    term_cause, create_time)
VALUES ('s', 2, 'n-1', 'corr', :content, '', 5), ('s', 3, 'n-2', '', :content, 'over', 6),
    ('z', 7, 'n-3', '', :content, '', 5)
"""


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still."""
    return ManualClock()


@pytest.fixture
def subscriptions(database: Database, clock: ManualClock) -> SqlSubscriptionStore:
    """The store under test."""
    return SqlSubscriptionStore(database, clock=clock, per_consumer=100, total=100)


@pytest.fixture
def notifications(database: Database, clock: ManualClock) -> SqlNotificationStore:
    """The store under test."""
    return SqlNotificationStore(database, clock=clock, remembered_series=REMEMBERED)


async def subscribe(
    store: SqlSubscriptionStore, clock: ManualClock, reporting: Reporting | None = None
) -> Subscription:
    """A stored subscription."""
    asked = Criteria((WatchedEvent("DOPPLER", threshold=0.5),), reporting or Reporting())
    admission = admit(asked, now=clock.now())
    return await store.create(asked, admission, request_id="", position=0)


async def report(
    store: SqlNotificationStore, number: int, *subscriptions: Subscription
) -> Sequence[Notification]:
    """Let a trigger take effect for these subscriptions."""
    made = record(doppler(), f"t-{number}", offset=number)
    assert made.event is not None
    observations = observations_of(made.event, received_time=START)
    reports = (Report("DOPPLER", observations[0]),)
    matches = [Match(subscription.subscription_id, reports) for subscription in subscriptions]
    recorded = await store.record(
        made, Cause.of_event(made.event), matches, observations, position=number
    )
    assert recorded is not None
    return recorded.notifications


async def count(database: Database, table: object) -> int:
    """Rows of a table."""
    query = select(func.count()).select_from(table)  # type: ignore[arg-type]
    return await database.transact(lambda connection: connection.execute(query).scalar_one())


async def test_the_migrations_make_the_tables_of_the_code(database_url: str) -> None:
    """An empty database, migrated to head, has exactly these tables."""
    await assert_migrations_match(database_url, METADATA, MIGRATIONS)


async def test_a_subscription_is_found_as_it_was_made(
    subscriptions: SqlSubscriptionStore, clock: ManualClock
) -> None:
    """Everything survives the database: filters, times, thresholds."""
    end = clock.now() + timedelta(days=1)
    made = await subscribe(subscriptions, clock, Reporting(mon_dur=end, imm_rep=True))
    assert await subscriptions.get(made.subscription_id) == made
    assert list(await subscriptions.load()) == [made]
    assert made.criteria.expire_time == end


async def test_concurrent_creations_with_one_request_id_make_one_subscription(
    subscriptions: SqlSubscriptionStore, clock: ManualClock
) -> None:
    """A consumer that retries while its first call still runs."""
    asked = Criteria((WatchedEvent("DOPPLER"),))
    admission = admit(asked, now=clock.now())
    made = await asyncio.gather(
        *(subscriptions.create(asked, admission, request_id="r", position=0) for _ in range(8))
    )
    assert len({subscription.subscription_id for subscription in made}) == 1
    assert len(await subscriptions.load()) == 1


async def test_sequences_count_within_each_subscription(
    subscriptions: SqlSubscriptionStore, notifications: SqlNotificationStore, clock: ManualClock
) -> None:
    """Gapless from 1, whatever others receive; the stored ones equal the returned ones."""
    one, two = await subscribe(subscriptions, clock), await subscribe(subscriptions, clock)
    made = [
        *await report(notifications, 0, one),
        *await report(notifications, 1, one, two),
        *await report(notifications, 2, two, one),
    ]
    stored = [
        *await notifications.notifications(one.subscription_id, after=0, size=10),
        *await notifications.notifications(two.subscription_id, after=0, size=10),
    ]
    assert [n.sequence for n in stored] == [1, 2, 3, 1, 2]
    assert {n.notification_id for n in stored} == {n.notification_id for n in made}
    assert stored[0] == made[0]


async def test_expired_and_deleted_subscriptions_get_nothing(
    subscriptions: SqlSubscriptionStore, notifications: SqlNotificationStore, clock: ManualClock
) -> None:
    """Whatever the index in memory still believes."""
    bounded = await subscribe(subscriptions, clock, Reporting(max_report_nbr=1))
    timed = await subscribe(
        subscriptions, clock, Reporting(mon_dur=clock.now() + timedelta(seconds=5))
    )
    gone = await subscribe(subscriptions, clock)
    await subscriptions.delete(gone.subscription_id)
    before = await report(notifications, 0, bounded, timed, gone)
    await clock.advance(5)
    after = await report(notifications, 1, bounded, timed, gone)
    assert {n.subscription_id for n in before} == {bounded.subscription_id, timed.subscription_id}
    assert after == []


async def test_the_last_value_of_each_series_is_kept_and_old_series_are_forgotten(
    database: Database, notifications: SqlNotificationStore
) -> None:
    """A new value replaces the old one; of too many series the newest stay."""
    for number in range(1, 2 * REMEMBERED + 1):
        made = record(doppler(beam_id=number % 80), f"t-{number}", offset=number)
        assert made.event is not None
        observations = observations_of(made.event, received_time=START)
        await notifications.record(made, Cause(str(number)), (), observations, position=number)
    latest = await notifications.latest()
    assert await count(database, OBSERVATIONS) == len(latest) == REMEMBERED
    assert [position for _, position in latest] == list(range(REMEMBERED + 1, 2 * REMEMBERED + 1))
    assert latest[-1][0] == observations[0]


async def test_a_database_of_the_first_revision_keeps_its_undelivered_notifications(
    database_url: str, clock: ManualClock
) -> None:
    """An update of the function does not lose what a consumer waits for."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        migrate(connection, MIGRATIONS, "0001")
        for statement in FIRST_REVISION.split(";"):
            parameters = {"data": msgspec.json.encode(doppler()).decode()}
            connection.execute(text(statement), parameters if ":data" in statement else {})
    engine.dispose()
    database = Database(database_url, METADATA, MIGRATIONS)
    await database.open()
    try:
        store = SqlNotificationStore(database, clock=clock)
        (waiting,) = await store.notifications("s", after=0, size=9)
        (subscription,) = await SqlSubscriptionStore(
            database, clock=clock, per_consumer=1, total=1
        ).load()
    finally:
        await database.close()
    observation = waiting.reports[0].observation
    assert observation is not None
    assert (waiting.sequence, waiting.notification_id) == (3, "n-3")
    assert (observation.event_id, observation.value) == ("t-7", 4.0)
    assert observation.detail == doppler()
    assert waiting.cause.published_at_ns == 17
    assert (subscription.acknowledged, subscription.report_count) == (2, 3)


async def test_a_database_of_the_fifth_revision_keeps_its_undelivered_notifications(
    database_url: str, clock: ManualClock
) -> None:
    """With their identities; what they tell is kept once where they were told it at once."""
    content = content_json(Cause("it"), (Report("DOPPLER"),))
    engine = create_engine(database_url)
    with engine.begin() as connection:
        migrate(connection, MIGRATIONS, "0005")
        for statement in FIFTH_REVISION.split(";"):
            connection.execute(
                text(statement), {"content": content} if ":content" in statement else {}
            )
    engine.dispose()
    database = Database(database_url, METADATA, MIGRATIONS)
    await database.open()
    try:
        store = SqlNotificationStore(database, clock=clock)
        waiting = [
            (
                one.subscription_id,
                one.sequence,
                one.notification_id,
                one.notif_corr_id,
                one.term_cause,
                one.reports,
                one.cause.identity,
            )
            for subscription_id in ("s", "z")
            for one in await store.notifications(subscription_id, after=0, size=9)
        ]
        contents = await count(database, CONTENTS)
    finally:
        await database.close()
    reports = (Report("DOPPLER"),)
    assert waiting == [
        ("s", 2, "n-1", "corr", "", reports, "it"),
        ("s", 3, "n-2", "", "over", reports, "it"),
        ("z", 7, "n-3", "", "", reports, "it"),
    ]
    assert contents == 2


async def test_what_many_are_told_is_stored_once_and_until_the_last_has_acknowledged(
    database: Database,
    subscriptions: SqlSubscriptionStore,
    notifications: SqlNotificationStore,
    clock: ManualClock,
) -> None:
    """One that does not acknowledge keeps what it waits for, and nothing that it was not told."""
    slow, quick = await subscribe(subscriptions, clock), await subscribe(subscriptions, clock)
    await report(notifications, 0, slow, quick)
    assert await count(database, CONTENTS) == 1
    for number in range(1, 210):
        await report(notifications, number, quick)
        await notifications.acknowledge(quick.subscription_id, number + 1)
    assert len(await notifications.notifications(slow.subscription_id, after=0, size=9)) == 1
    assert await count(database, NOTIFICATIONS) == 1
    assert await count(database, CONTENTS) <= 101


async def test_measurements_are_bounded_and_of_the_latest_run(database: Database) -> None:
    """Older ones and those of another run are not mixed in."""
    store = SqlMeasurementStore(database, retained=120, retention=timedelta(days=1))
    await store.record_measurement(record(measurement(run_id="other"), "old", offset=0))
    for number in range(1, 300):
        made = record(
            measurement(offset_s=number, sinr_db=(1.0,)),
            f"m-{number}",
            offset=number,
            offset_s=number,
        )
        await store.record_measurement(made)
        await store.record_measurement(made)
    samples = await store.samples(START + timedelta(seconds=289), START + timedelta(seconds=500))
    assert [sample.time for sample in samples] == [
        START + timedelta(seconds=number) for number in range(289, 300)
    ]
    assert await store.latest_time() == START + timedelta(seconds=299)
    assert 120 <= await count(database, MEASUREMENTS) < 220


async def test_measurements_are_kept_for_the_retention(database: Database) -> None:
    """Older ones of the same run are forgotten, though there is room."""
    store = SqlMeasurementStore(database, retained=10_000, retention=timedelta(seconds=50))
    for number in range(1, 201):
        made = record(measurement(offset_s=number), f"m-{number}", offset=number, offset_s=number)
        await store.record_measurement(made)
    samples = await store.samples(START, START + timedelta(seconds=500))
    assert min(sample.time for sample in samples) == START + timedelta(seconds=150)


async def test_loads_are_kept_for_the_retention(database: Database) -> None:
    """By wall-clock time; both ends of a period belong to it."""
    store = SqlLoadStore(database, retention=timedelta(seconds=50))
    assert await store.latest_time() is None
    made = [LoadSample(START + timedelta(seconds=n), "oam", float(n), 64.0) for n in range(100)]
    for sample in made:
        await store.record([sample])
    await store.record([])
    assert await store.latest_time() == made[-1].time
    assert await store.samples(made[60].time, made[62].time) == made[60:63]
    assert len(await store.samples(START, made[-1].time)) == 51


async def test_without_measurements_there_are_no_samples(database: Database) -> None:
    """An empty list, which analytics turn into UNAVAILABLE_DATA."""
    store = SqlMeasurementStore(database, retained=10, retention=timedelta(days=1))
    assert list(await store.samples(START, START)) == []
    assert await store.latest_time() is None


async def test_the_window_of_decisions_slides(database: Database) -> None:
    """Only the last decisions of each version count, and only those are kept."""
    store = SqlAccuracyStore(database, window_decisions=3)
    rates = [2.0, 4.0, 6.0, 8.0, 10.0]
    for number, rate in enumerate(rates):
        made = decision(decision_id=f"d-{number}", after_bps_hz=rate, before_bps_hz=0.0)
        accuracy = await store.record_decision(record(made, f"r-{number}", offset=number))
    other = await store.record_decision(record(decision(model_version=2), "r-9", offset=9))
    assert accuracy is not None
    assert other is not None
    assert (accuracy.inference_num, accuracy.achieved_mean_bps_hz) == (3, 8.0)
    assert await count(database, DECISIONS) == 4
    assert await store.accuracy("gan-gdm", 1) == accuracy
    assert (await store.accuracy("gan-gdm", 0)).version == 2


async def test_a_repeated_report_changes_nothing(database: Database) -> None:
    """The same record, and the same event at another offset."""
    store = SqlAccuracyStore(database, window_decisions=3)
    made = record(decision(), "r-1", offset=1)
    assert await store.record_decision(made) is not None
    assert await store.record_decision(made) is None
    assert await store.record_decision(replace(made, offset=2)) is None
    assert (await store.accuracy("gan-gdm", 1)).inference_num == 1


async def test_an_unknown_version_has_no_accuracy(database: Database) -> None:
    """NOT_FOUND, UNAVAILABLE_DATA."""
    store = SqlAccuracyStore(database, window_decisions=3)
    with pytest.raises(NotFound) as raised:
        await store.accuracy("gan-gdm", 0)
    assert raised.value.reason == "UNAVAILABLE_DATA"
