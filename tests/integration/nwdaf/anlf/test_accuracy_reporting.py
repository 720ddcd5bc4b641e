"""Event subscriptions with accuracy requests, over the real stores."""

import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.anlf_scene import AnlfScene, observed
from support.ran_events import decision, doppler, measurement

from nf_runtime.database import Database
from nwdaf.anlf.accuracy import AccuracyReport, AccuracyRequirement
from nwdaf.anlf.adapters.sql_tables import METADATA
from nwdaf.anlf.app import MIGRATIONS
from nwdaf.anlf.notifications import Notification
from nwdaf.anlf.subscriptions import (
    Criteria,
    MatchingDirection,
    Muting,
    NotificationFlag,
    NotificationMethod,
    Reporting,
    Subscription,
    WatchedEvent,
)

SECOND = timedelta(seconds=1)
WITHIN_20_PERCENT = AccuracyRequirement(deviation_threshold_percent=20)
DOPPLER = WatchedEvent("DOPPLER", accu_req=WITHIN_20_PERCENT)
GOOD, BAD = 11.0, 19.0  # promised, of 10 b/s/Hz achieved


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Open and empty."""
    made = Database(f"sqlite:///{tmp_path / 'anlf.db'}", METADATA, MIGRATIONS)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def scene(database: Database) -> AnlfScene:
    """The function in its first life."""
    return AnlfScene(database)


async def restarted(scene: AnlfScene, database: Database) -> AnlfScene:
    """The function in its next life."""
    life = AnlfScene(database, clock=scene.clock, first_offset=scene.offset)
    await life.desk.load()
    await life.assessing.assess()
    return life


async def decide(
    scene: AnlfScene, *promised_bps_hz: float, version: int = 1, name: str = "gan-gdm"
) -> None:
    """Decisions of one version."""
    for promised in promised_bps_hz:
        made = decision(predicted_bps_hz=promised, model_version=version, model_name=name)
        await scene.decide(made, f"d-{scene.offset}")


async def repeat(scene: AnlfScene, before: AnlfScene) -> None:
    """The last decision of a life is read again."""
    (made, event_id, offset), following = before.last_decision, scene.offset
    scene.offset = offset
    await scene.decide(made, event_id)
    scene.offset = following


async def modify(scene: AnlfScene, subscription: Subscription, event: WatchedEvent) -> Subscription:
    """The subscription to another event."""
    changed, _ = await scene.subscribing.modify(
        subscription.subscription_id, replace(subscription.criteria, events=(event,)), etag=""
    )
    return changed


def words(notifications: Sequence[Notification]) -> list[str]:
    """What each report tells: an event's id, or what is said of accuracy."""
    return [
        _word(report.accuracy) if report.observation is None else report.observation.event_id
        for notification in notifications
        for report in notification.reports
    ]


def _word(accuracy: AccuracyReport | None) -> str:
    assert accuracy is not None
    said = {"pause": accuracy.pause_ind, "resume": accuracy.resume_ind}
    return next((word for word, is_said in said.items() if is_said), "accuracy")


async def test_analytics_pause_while_the_model_is_inaccurate(scene: AnlfScene) -> None:
    """`accuInfo` with `pauseInd`, no triggers, then `resumeInd`; others are told on."""
    subscription = await scene.subscribe(DOPPLER, WatchedEvent("EAVESDROPPER"))
    other = await scene.subscribe(WatchedEvent("DOPPLER"))
    await decide(scene, GOOD)
    await scene.publish(doppler(), "t-1")
    await decide(scene, BAD, BAD)  # on average 63 %
    await scene.publish(doppler(), "t-2")
    await decide(scene, *[10.0] * 10)
    await scene.publish(doppler(), "t-3")
    stored = await scene.stored(subscription)
    assert words(stored) == ["accuracy", "t-1", "pause", "resume", "t-3"]
    accuracy = stored[2].reports[0].accuracy
    assert accuracy is not None
    assert accuracy.info is not None
    assert (round(accuracy.info.accuracy_val), accuracy.info.accu_sample_nbr) == (50, 2)
    assert not accuracy.info.meets
    assert words(await scene.stored(other)) == ["t-1", "t-2", "t-3"]


async def test_another_version_ends_the_pause(scene: AnlfScene) -> None:
    """With its first decision; `minNum` decisions later it is judged."""
    asked = replace(WITHIN_20_PERCENT, least_number=2)
    subscription = await scene.subscribe(replace(DOPPLER, accu_req=asked))
    await decide(scene, BAD, BAD)
    await decide(scene, BAD, version=2)
    await scene.publish(doppler(), "t-1")
    await decide(scene, BAD, version=2)
    await scene.publish(doppler(), "t-2")
    assert words(await scene.stored(subscription)) == ["pause", "resume", "t-1", "pause"]


async def test_a_pause_survives_a_restart(database: Database, scene: AnlfScene) -> None:
    """Neither the pause nor its end is told twice, though the records come again."""
    subscription = await scene.subscribe(DOPPLER)
    await decide(scene, BAD)
    again = await restarted(scene, database)
    await again.publish(doppler(), "t-1")
    await repeat(again, scene)
    await decide(again, GOOD, version=2)
    await again.publish(doppler(), "t-2")
    last = await restarted(again, database)
    assert words(await last.stored(subscription)) == ["pause", "resume", "t-2"]


async def test_a_decision_that_was_stored_and_not_assessed_is_made_up_for(
    database: Database, scene: AnlfScene
) -> None:
    """The function dies between the two."""
    subscription = await scene.subscribe(DOPPLER)
    scene.desk.assessed.clear()
    await decide(scene, BAD)
    assert await scene.stored(subscription) == []
    again = await restarted(scene, database)
    assert words(await again.stored(subscription)) == ["pause"]


async def test_what_was_stored_by_an_attempt_that_seemed_to_fail_is_not_told_again(
    scene: AnlfScene,
) -> None:
    """The database answered too late: memory does not know what is stored, and learns it."""
    subscription = await scene.subscribe(DOPPLER)
    before = dict(scene.desk.assessed)
    await decide(scene, BAD)
    scene.desk.assessed.update(before)
    await scene.assessing.assess()
    assert words(await scene.stored(subscription)) == ["pause"]
    assert scene.desk.assessed[subscription.subscription_id].paused_events == {0}


async def test_a_crossing_after_the_pause_has_the_last_sample_as_its_baseline(
    database: Database, scene: AnlfScene
) -> None:
    """What is measured during a pause is told to nobody, and not forgotten: also by a restart."""
    subscription = await scene.subscribe(
        WatchedEvent(
            "QOS_SUSTAINABILITY",
            threshold=5.0,
            matching_dir=MatchingDirection.DESCENDING,
            accu_req=WITHIN_20_PERCENT,
        )
    )
    await scene.publish(measurement(sinr_db=(6.0, 6.0)), "m-1")
    await decide(scene, BAD)
    await scene.publish(measurement(sinr_db=(4.0, 9.0)), "m-2")
    again = await restarted(scene, database)
    await decide(again, GOOD, version=2)
    await again.publish(measurement(sinr_db=(3.0, 4.0)), "m-3")
    *_, last = await again.stored(subscription)
    assert observed(last) == [("QOS_SUSTAINABILITY", "2", 4.0)]


async def test_periods_leave_out_what_is_paused(scene: AnlfScene) -> None:
    """Not even that there is no data is told of it."""
    periodic = WatchedEvent(
        "QOS_SUSTAINABILITY",
        method=NotificationMethod.PERIODIC,
        repetition_period=10 * SECOND,
        accu_req=WITHIN_20_PERCENT,
    )
    subscription = await scene.subscribe(periodic)
    await decide(scene, BAD)
    await scene.publish(measurement(sinr_db=(6.0,)), "m-1")
    await scene.pass_time(10)
    await decide(scene, GOOD, version=2)
    await scene.publish(measurement(sinr_db=(7.0,)), "m-2")
    await scene.pass_time(10)
    assert words(await scene.stored(subscription)) == ["pause", "resume", "m-2"]


async def test_the_consumer_pauses_and_resumes(scene: AnlfScene) -> None:
    """`pauseFlg` holds all back; `resumeFlg` reports on, however inaccurate the model is."""
    subscription = await scene.subscribe(replace(DOPPLER, pause_flg=True))
    await decide(scene, BAD)
    await scene.publish(doppler(), "t-1")
    subscription = await modify(scene, subscription, replace(DOPPLER, resume_flg=True))
    await scene.publish(doppler(), "t-2")
    subscription = await modify(scene, subscription, DOPPLER)
    await scene.publish(doppler(), "t-3")
    assert words(await scene.stored(subscription)) == ["accuracy", "t-2", "pause"]


async def test_a_paused_event_has_no_immediate_report(scene: AnlfScene) -> None:
    """`immRep` of a consumer that subscribes while the model is inaccurate: it is told so."""
    await scene.publish(doppler(), "t-1")
    await decide(scene, BAD)
    asked = Criteria((DOPPLER, WatchedEvent("EAVESDROPPER")), Reporting(imm_rep=True))
    subscription, immediate = await scene.subscribing.subscribe(asked, request_id="")
    assert list(immediate) == []
    assert words(await scene.stored(subscription)) == ["pause"]


async def test_accuracy_waits_for_the_end_of_muting(scene: AnlfScene) -> None:
    """Like any other report, in order, and only once."""
    muted = Reporting(muting=Muting(flag=NotificationFlag.DEACTIVATE))
    subscription = await scene.subscribe(DOPPLER, reporting=muted)
    await scene.publish(doppler(), "t-1")
    await decide(scene, BAD, BAD)
    assert await scene.stored(subscription) == []
    await scene.subscribing.modify(
        subscription.subscription_id,
        replace(subscription.criteria, reporting=Reporting()),
        etag="",
    )
    assert words(await scene.stored(subscription)) == ["t-1", "pause"]


async def test_each_period_tells_the_accuracy(scene: AnlfScene) -> None:
    """`accuPeriod` without a threshold; `maxReportNbr` counts these reports too."""
    asked = AccuracyRequirement(period=10 * SECOND)
    subscription = await scene.subscribe(
        replace(DOPPLER, accu_req=asked), reporting=Reporting(max_report_nbr=2)
    )
    for _ in range(8):
        await decide(scene, BAD)
        await scene.pass_time(5)
    assert words(await scene.stored(subscription)) == ["accuracy", "accuracy"]
    assert scene.desk.assessed == {}


@dataclass
class Expected:
    """A consumer's view, reckoned from all decisions of the newest version so far."""

    version: int = 1
    promised_bps_hz: list[float] = field(default_factory=list)
    met: bool | None = None
    paused: bool = False
    told: list[str] = field(default_factory=list)

    def decide(self, promised_bps_hz: float, version: int) -> None:
        """The next decision."""
        if version != self.version:
            self.version, self.promised_bps_hz, self.met = version, [], None
        self.promised_bps_hz.append(promised_bps_hz)
        missed = [abs(promised - 10.0) / 10.0 for promised in self.promised_bps_hz]
        meets = sum(missed) <= 0.2 * len(missed) + 1e-9
        if meets is self.met:
            return
        self.met = meets
        if self.paused is meets:
            self.told.append("resume" if meets else "pause")
            self.paused = not meets
        else:
            self.told.append("accuracy")


NAMES: Iterator[str] = (f"model-{number}" for number in itertools.count())
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("decide"), st.sampled_from([10.0, GOOD, BAD])),
        st.tuples(st.sampled_from(["trigger", "restart", "replace", "again"]), st.just(0.0)),
    ),
    max_size=10,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
async def test_any_life_tells_each_change_once(
    database: Database, steps: Sequence[tuple[str, float]]
) -> None:
    """Decisions, triggers, new versions, restarts and repeated records in any order."""
    name, version = next(NAMES), 1
    scene = AnlfScene(database, first_offset=_next_offset())
    await decide(scene, GOOD, name=name)
    subscription = await scene.subscribe(DOPPLER)
    expected = Expected()
    expected.decide(GOOD, 1)
    for step, promised in steps:
        match step:
            case "decide":
                await decide(scene, promised, version=version, name=name)
                expected.decide(promised, version)
            case "trigger":
                event_id = f"t-{scene.offset}"
                await scene.publish(doppler(), event_id)
                expected.told += [] if expected.paused else [event_id]
            case "restart":
                last = scene.last_decision
                scene = await restarted(scene, database)
                scene.last_decision = last
            case "replace":
                version += 1
            case _:
                await repeat(scene, scene)
    assert words(await scene.stored(subscription)) == expected.told
    await scene.subscribing.unsubscribe(subscription.subscription_id)


_LIVES = itertools.count(1)


def _next_offset() -> int:
    return next(_LIVES) * 10_000
