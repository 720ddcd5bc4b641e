"""How subscriptions report, over the real stores: edges, periods, groups, muting, bounds."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.anlf_scene import AnlfScene, observed, take
from support.ran_events import doppler, esim, measurement

from nf_runtime.database import Database
from nwdaf.anlf.adapters.sql_tables import METADATA
from nwdaf.anlf.app import MIGRATIONS
from nwdaf.anlf.ports import NfUsage
from nwdaf.anlf.reports import FailureCode
from nwdaf.anlf.subscriptions import (
    BufferedNotificationsAction,
    ExceptionRequirement,
    ExtraReportRequirement,
    MatchingDirection,
    Muting,
    NotificationFlag,
    NotificationMethod,
    Reporting,
    ReportingMethod,
    Subscription,
    SubscriptionAction,
    ThresholdLevel,
    WatchedEvent,
)

SECOND = timedelta(seconds=1)
BELOW_5_DB = WatchedEvent(
    "QOS_SUSTAINABILITY", threshold=5.0, matching_dir=MatchingDirection.DESCENDING
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Open and empty; the SQL itself is tested on PostgreSQL too, in `test_sql_stores`."""
    made = Database(f"sqlite:///{tmp_path / 'anlf.db'}", METADATA, MIGRATIONS)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def scene(database: Database) -> AnlfScene:
    """The function in its first life."""
    return AnlfScene(database)


async def modify(
    scene: AnlfScene, subscription: Subscription, reporting: Reporting
) -> Subscription:
    """The same events, reported otherwise."""
    changed, _ = await scene.subscribing.modify(
        subscription.subscription_id, replace(subscription.criteria, reporting=reporting), etag=""
    )
    return changed


async def test_a_crossing_is_reported_once_and_the_first_sample_is_the_baseline(
    scene: AnlfScene,
) -> None:
    """Below the threshold from the start is no crossing; falling to it is, staying there is not."""
    subscription = await scene.subscribe(BELOW_5_DB)
    for number, sinr_db in enumerate([(4.0, 9.0), (6.0, 9.0), (5.0, 4.0), (4.0, 3.0), (6.0, 3.0)]):
        await scene.publish(measurement(sinr_db=sinr_db), f"m-{number}")
    (only,) = await scene.stored(subscription)
    assert observed(only) == [
        ("QOS_SUSTAINABILITY", "1", 5.0),
        ("QOS_SUSTAINABILITY", "2", 4.0),
    ]


async def test_edges_survive_a_restart(database: Database, scene: AnlfScene) -> None:
    """The value before the crash is what the one after it is compared with."""
    subscription = await scene.subscribe(BELOW_5_DB)
    await scene.publish(measurement(sinr_db=(6.0,)), "m-1")
    restarted = AnlfScene(database, clock=scene.clock, first_offset=scene.offset)
    await restarted.desk.load()
    await restarted.publish(measurement(sinr_db=(4.0,)), "m-2")
    await restarted.publish(measurement(sinr_db=(4.0,)), "m-2")
    (only,) = await restarted.stored(subscription)
    assert observed(only) == [("QOS_SUSTAINABILITY", "1", 4.0)]


async def test_a_ping_pong_across_a_restart_is_reported_once(
    database: Database, scene: AnlfScene
) -> None:
    """The handover before the crash counts, and no measurement counts twice."""
    subscription = await scene.subscribe(
        WatchedEvent(
            "ABNORMAL_BEHAVIOUR", excep_requs=(ExceptionRequirement("PING_PONG_ACROSS_CELLS"),)
        )
    )
    for number, beam_id in enumerate([1, 2]):
        await scene.publish(measurement(esims=[esim(1, beam_id=beam_id)]), f"m-{number}")
        restarted = AnlfScene(database, clock=scene.clock, first_offset=scene.offset)
        await restarted.desk.load()
        scene = restarted
    for _ in range(2):
        await scene.publish(measurement(esims=[esim(1, beam_id=1)]), "m-2")
    (only,) = await scene.stored(subscription)
    (report,) = only.reports
    assert report.observation is not None
    assert (report.observation.ue_id, report.observation.value) == ("esim-01", 1.0)


async def test_what_is_only_reported_otherwise_keeps_its_baseline(scene: AnlfScene) -> None:
    """A change of evtReq misses no crossing; other events begin anew."""
    subscription = await scene.subscribe(BELOW_5_DB)
    await scene.publish(measurement(sinr_db=(6.0,)), "m-1")
    await modify(scene, subscription, Reporting(max_report_nbr=9))
    await scene.publish(measurement(sinr_db=(4.0,)), "m-2")
    await scene.subscribing.modify(
        subscription.subscription_id,
        replace(subscription.criteria, events=(replace(BELOW_5_DB, threshold=3.0),)),
        etag="",
    )
    await scene.publish(measurement(sinr_db=(2.0,)), "m-3")
    assert [observed(one) for one in await scene.stored(subscription)] == [
        [("QOS_SUSTAINABILITY", "1", 4.0)]
    ]


async def test_a_period_tells_what_was_measured_in_it_or_that_nothing_was(
    scene: AnlfScene,
) -> None:
    """PERIODIC: the last sample of each beam; without one failNotifyCode, not an old value."""
    watched = replace(BELOW_5_DB, threshold=None, matching_dir=None)
    subscription = await scene.subscribe(
        watched, reporting=Reporting(method=ReportingMethod.PERIODIC, rep_period=10 * SECOND)
    )
    await scene.publish(measurement(sinr_db=(9.0,)), "m-1")
    await scene.publish(measurement(sinr_db=(8.0, 7.0)), "m-2")
    await scene.pass_time(9)
    assert await scene.stored(subscription) == []
    await scene.pass_time(1)
    await scene.pass_time(10)
    full, empty = await scene.stored(subscription)
    assert sorted(observed(full)) == [
        ("QOS_SUSTAINABILITY", "1", 8.0),
        ("QOS_SUSTAINABILITY", "2", 7.0),
    ]
    (report,) = empty.reports
    assert (report.fail_notify_code, report.rv_wait_time) == (
        FailureCode.UNAVAILABLE_DATA,
        10 * SECOND,
    )


async def test_periods_go_on_after_a_restart_without_making_up_for_it(
    database: Database, scene: AnlfScene
) -> None:
    """What fell due while nobody was there is one report, and the next is on time."""
    subscription = await scene.subscribe(
        replace(BELOW_5_DB, method=NotificationMethod.PERIODIC, repetition_period=10 * SECOND)
    )
    restarted = AnlfScene(database, clock=scene.clock)
    await restarted.desk.load()
    await restarted.pass_time(35)
    assert len(await restarted.stored(subscription)) == 1
    await restarted.pass_time(4)
    assert len(await restarted.stored(subscription)) == 1
    await restarted.pass_time(1)
    assert len(await restarted.stored(subscription)) == 2


async def test_max_report_nbr_ends_a_periodic_subscription(scene: AnlfScene) -> None:
    """After the last report nothing falls due any more."""
    reporting = Reporting(method=ReportingMethod.PERIODIC, rep_period=10 * SECOND, max_report_nbr=2)
    subscription = await scene.subscribe(BELOW_5_DB, reporting=reporting)
    for _ in range(5):
        await scene.pass_time(10)
    ended = await scene.subscriptions.get(subscription.subscription_id)
    assert (ended.report_count, ended.due_time) == (2, None)


async def test_max_object_nbr_bounds_a_periodic_report(scene: AnlfScene) -> None:
    """Of many beams as many as the consumer wants."""
    subscription = await scene.subscribe(
        replace(
            BELOW_5_DB,
            method=NotificationMethod.PERIODIC,
            repetition_period=SECOND,
            extra_report_req=ExtraReportRequirement(max_object_nbr=2),
        )
    )
    await scene.publish(measurement(sinr_db=(1.0, 2.0, 3.0)), "m-1")
    await scene.pass_time(1)
    (only,) = await scene.stored(subscription)
    assert len(only.reports) == 2


async def test_a_group_is_one_notification_also_across_a_restart(
    database: Database, scene: AnlfScene
) -> None:
    """Of grpRepTime: what is held is not lost with the process."""
    subscription = await scene.subscribe(
        WatchedEvent("DOPPLER"), reporting=Reporting(grp_rep_time=10 * SECOND)
    )
    await scene.publish(doppler(beam_id=1), "t-1")
    await scene.pass_time(5)
    restarted = AnlfScene(database, clock=scene.clock, first_offset=scene.offset)
    await restarted.desk.load()
    await restarted.publish(doppler(beam_id=2), "t-2")
    assert await restarted.stored(subscription) == []
    await restarted.pass_time(5)
    (only,) = await restarted.stored(subscription)
    assert [beam for _, beam, _ in observed(only)] == ["1", "2"]


async def test_a_muted_subscription_stores_and_hands_out(scene: AnlfScene) -> None:
    """DEACTIVATE, RETRIEVAL, ACTIVATE: nothing is lost, nothing comes twice."""
    muted, asked, active = (
        Reporting(muting=Muting(flag=flag))
        for flag in (
            NotificationFlag.DEACTIVATE,
            NotificationFlag.RETRIEVAL,
            NotificationFlag.ACTIVATE,
        )
    )
    subscription = await scene.subscribe(WatchedEvent("DOPPLER"), reporting=muted)
    await scene.publish(doppler(beam_id=1), "t-1")
    await scene.publish(doppler(beam_id=2), "t-2")
    assert await scene.stored(subscription) == []
    assert len((await scene.subscriptions.get(subscription.subscription_id)).held) == 2
    await modify(scene, subscription, asked)
    await scene.publish(doppler(beam_id=3), "t-3")
    await modify(scene, subscription, active)
    await scene.publish(doppler(beam_id=4), "t-4")
    told = [[beam for _, beam, _ in observed(one)] for one in await take(scene, subscription, 3)]
    assert told == [["1", "2"], ["3"], ["4"]]


async def test_a_full_buffer_ends_the_subscription_where_it_is_told_to(scene: AnlfScene) -> None:
    """SEND_ALL and CLOSE: the stream gets all that was held, and ends."""
    muting = Muting(
        NotificationFlag.DEACTIVATE,
        BufferedNotificationsAction.SEND_ALL,
        SubscriptionAction.CLOSE,
        max_no_of_notif=2,
    )
    subscription = await scene.subscribe(
        WatchedEvent("DOPPLER"), reporting=Reporting(muting=muting)
    )
    for number in range(5):
        await scene.publish(doppler(beam_id=number), f"t-{number}")
    (only,) = [one async for one in scene.delivery.watch(subscription.subscription_id, 0)]
    assert [beam for _, beam, _ in observed(only)] == ["0", "1", "2"]


async def test_the_oldest_are_forgotten_of_a_consumer_that_never_acknowledges(
    database: Database,
) -> None:
    """Counted at the subscription and in the metrics; another consumer is not concerned."""
    scene = AnlfScene(database, undelivered_limit=3)
    dead, alive = [await scene.subscribe(WatchedEvent("DOPPLER")) for _ in range(2)]
    for number in range(1, 8):
        await scene.publish(doppler(), f"t-{number}")
        await scene.subscribing.acknowledge(alive.subscription_id, number)
    left = [one.sequence for one in await scene.stored(dead)]
    assert left == [5, 6, 7]
    assert [
        (await scene.subscriptions.get(one.subscription_id)).dropped_count for one in (dead, alive)
    ] == [4, 0]
    assert scene.metrics.forgotten == 4


async def test_an_overload_ends_the_subscription_where_that_is_the_policy(
    database: Database,
) -> None:
    """The last notification carries reports and termCause; then there is no other."""
    scene = AnlfScene(database, undelivered_limit=2, terminate_on_overflow=True)
    subscription = await scene.subscribe(WatchedEvent("DOPPLER"))
    for number in range(1, 6):
        await scene.publish(doppler(), f"t-{number}")
    taken = [one async for one in scene.delivery.watch(subscription.subscription_id, 0)]
    assert [one.term_cause for one in taken] == ["", "", "NWDAF_OVERLOAD"]
    assert all(one.reports for one in taken)
    assert (await scene.subscriptions.get(subscription.subscription_id)).closed


async def test_the_load_of_network_functions_is_reported_when_it_crosses(
    scene: AnlfScene,
) -> None:
    """NF_LOAD with nfCpuUsage of the instances that were named."""
    subscription = await scene.subscribe(
        WatchedEvent(
            "NF_LOAD",
            nf_load_lvl_thds=(ThresholdLevel(nf_cpu_usage=50),),
            nf_instance_ids=("oam",),
        )
    )
    for percent in (10.0, 60.0, 70.0, 20.0):
        await scene.observing.take_in_usages(
            [NfUsage("oam", percent, 1.0), NfUsage("ran_sim", percent, 1.0)]
        )
        await scene.clock.advance(5)
    told = [
        report.observation.value
        for one in await scene.stored(subscription)
        for report in one.reports
        if report.observation is not None and report.observation.nf_instance_id == "oam"
    ]
    assert told == [60.0, 20.0]


async def test_an_immediate_report_tells_the_last_values(scene: AnlfScene) -> None:
    """Of triggers the latest of each beam and UE, of samples the latest; nothing is counted."""
    await scene.publish(measurement(sinr_db=(9.0, 8.0), esims=[esim(1, beam_id=2)]), "m-1")
    await scene.publish(doppler(beam_id=2), "t-1")
    await scene.publish(doppler(beam_id=2, sinr_loss_db=6.0), "t-2")
    subscription = await scene.subscribe(
        WatchedEvent("DOPPLER"),
        replace(BELOW_5_DB, beam_ids=("2",)),
        WatchedEvent("UE_MOBILITY"),
        reporting=Reporting(imm_rep=True),
    )
    known = {
        (report.event, report.observation.beam_id, report.observation.value)
        for report in scene.desk.known(subscription)
        if report.observation is not None
    }
    assert known == {
        ("DOPPLER", "2", 6.0),
        ("QOS_SUSTAINABILITY", "2", 8.0),
        ("UE_MOBILITY", "2", 2.0),
    }
    assert subscription.report_count == 0
