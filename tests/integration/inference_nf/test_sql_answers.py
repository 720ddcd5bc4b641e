"""Answers, reports and events to be published, in real databases."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fakes.inference_nf.memory_peers import snapshot
from sqlalchemy import text

from inference_nf.adapters.sql_answers import SqlAnswers
from inference_nf.answers import Answer, Counts, Ending, Notification, Outcome, Timings
from inference_nf.decisions import FallbackReason, Source, fallback_decision
from inference_nf.ports import Subscription
from inference_nf.releases import EngineKind, ModelKey
from nf_runtime.database import Database


def answer(number: int, *, model: ModelKey | None = None, reliability: float = 0.5) -> Answer:
    """The answer to notification `number` of subscription s1."""
    name = f"n{number}"
    decision = fallback_decision(
        snapshot(), decision_id=name, reason=FallbackReason.NO_ACTIVE_MODEL
    )
    if model is not None:
        decision = replace(
            decision,
            source=Source.MODEL,
            fallback_reason=None,
            model=model,
            engine=EngineKind.ONNXRUNTIME,
            reliability=reliability,
            inference_s=0.001,
        )
    return Answer(
        notification=Notification(name, "s1", number, f"t{number}", "type", 1, 2),
        satellite_id="44713",
        decision=decision,
        outcome=Outcome("run-1", "context-1", 12.6, 3.0, 5.0),
        timings=Timings(3, 4, 5, 1_700_000_000_000_000_000),
        applied_time=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.fixture
async def store(database: Database) -> SqlAnswers:
    """A store with subscription s1."""
    answers = SqlAnswers(
        database, source="/inference_nf/a", reliability_window=3, low_reliability=0.1
    )
    await answers.save_subscription(Subscription("s1", "f", 1, 0))
    return answers


async def outbox_types(database: Database) -> list[bytes]:
    """Values to be published, in order."""
    rows = await database.transact(
        lambda connection: connection.execute(
            text("SELECT value FROM outbox ORDER BY sequence")
        ).all()
    )
    return [bytes(row.value) for row in rows]


async def test_the_subscription_is_one(store: SqlAnswers) -> None:
    """A new one takes the place of the one before."""
    assert await store.subscription() == Subscription("s1", "f", 1, 0)
    await store.save_subscription(Subscription("s2", "g", 2, 5))
    assert await store.subscription() == Subscription("s2", "g", 2, 5)


async def test_an_answer_is_one_transaction(store: SqlAnswers, database: Database) -> None:
    """Sequence, counts, report and event; large times survive."""
    await store.record_answer(answer(1), processed_sequence=1)
    subscription = await store.subscription()
    assert subscription is not None
    assert subscription.processed_sequence == 1
    assert await store.counts() == Counts(applied=1, made=1)
    (report,) = await store.reports(after_sequence=0, limit=10)
    assert (report.sequence, report.decision_id, report.source) == (1, "n1", "fallback")
    assert report.applied_at_ns == 1_700_000_000_000_000_000
    assert len(await outbox_types(database)) == 1


async def test_a_second_record_of_a_notification_changes_nothing_but_the_sequence(
    store: SqlAnswers, database: Database
) -> None:
    """However it ended first, it counts once and is published once."""
    await store.record_answer(answer(1), processed_sequence=1)
    await store.record_answer(answer(1), processed_sequence=2)
    await store.record_unanswered(
        answer(1).notification,
        ending=Ending.FAILED,
        reason="INTERNAL",
        detail="",
        decision_made=True,
        processed_sequence=3,
    )
    assert await store.counts() == Counts(applied=1, made=1)
    assert len(await outbox_types(database)) == 1
    subscription = await store.subscription()
    assert subscription is not None
    assert subscription.processed_sequence == 3


async def test_a_failed_transaction_leaves_nothing(store: SqlAnswers, database: Database) -> None:
    """An event that cannot be encoded takes its report, its count and its sequence with it."""
    broken = replace(answer(1), applied_time=datetime(2026, 1, 1))  # noqa: DTZ001 - that is it
    with pytest.raises(ValueError, match="aware"):
        await store.record_answer(broken, processed_sequence=1)
    assert await store.counts() == Counts()
    assert await store.reports(after_sequence=0, limit=10) == []
    assert await outbox_types(database) == []
    subscription = await store.subscription()
    assert subscription is not None
    assert subscription.processed_sequence == 0


async def test_what_was_recorded_above_a_sequence_is_known(store: SqlAnswers) -> None:
    """Answered or not, of this subscription only."""
    await store.record_answer(answer(1), processed_sequence=1)
    await store.record_answer(answer(3), processed_sequence=1)
    await store.record_unanswered(
        answer(4).notification,
        ending=Ending.EXPIRED,
        reason="NO_RUN",
        detail="no run",
        decision_made=False,
        processed_sequence=1,
    )
    assert await store.answered_above("s1", 1) == {"n3", "n4"}
    assert await store.answered_above("s2", 0) == frozenset()
    assert await store.counts() == Counts(applied=2, expired=1, made=2)


async def test_a_record_of_a_former_subscription_leaves_the_present_one(
    store: SqlAnswers,
) -> None:
    """A notification that was in work while the subscription was made anew."""
    await store.save_subscription(Subscription("s2", "f", 2, 0))
    await store.record_answer(answer(9), processed_sequence=9)
    await store.record_processed("s1", 10)
    assert await store.subscription() == Subscription("s2", "f", 2, 0)


async def test_every_window_of_a_version_is_summed_up_once(
    store: SqlAnswers, database: Database
) -> None:
    """Three decisions of one version make one reliability event; others are counted apart."""
    first, second = ModelKey("gan-gdm", 1), ModelKey("gan-gdm", 2)
    decided = [(first, 0.0), (None, 0.0), (second, 1.0), (first, 0.3), (first, 0.6), (first, 0.9)]
    for number, (model, reliability) in enumerate(decided, start=1):
        await store.record_answer(
            answer(number, model=model, reliability=reliability), processed_sequence=number
        )
    windows = [v for v in await outbox_types(database) if b"mean_reliability" in v]
    assert len(windows) == 1
    assert b'"mean_reliability":0.3' in windows[0]
    assert b'"low_share":0.333' in windows[0]
    assert b'"model_version":1' in windows[0]


async def test_reports_are_paged(store: SqlAnswers) -> None:
    """Oldest first, after a sequence, at most so many."""
    for number in range(1, 6):
        await store.record_answer(answer(number), processed_sequence=number)
    page = await store.reports(after_sequence=2, limit=2)
    assert [report.decision_id for report in page] == ["n3", "n4"]
