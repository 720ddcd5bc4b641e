"""The AnLF as a process that is killed in the middle of its work."""

import asyncio
import random
import uuid
from pathlib import Path

import pytest
from support.nf_process import NfProcess
from support.notification_consumer import subscribed
from support.ran_events import doppler, event, measurement

from aimlnf.nwdaf.v1 import events_subscription_pb2 as sub
from nf_runtime.clock import SystemClock
from nf_runtime.config import KafkaSettings
from nf_runtime.events.publisher import EventPublisher

TRIGGERS = 150
KILLS = 4
TIMEOUT_S = 120.0


@pytest.mark.slow
@pytest.mark.prove
@pytest.mark.parametrize(
    ("broker_fixture", "database_fixture"),
    [
        ("embedded_broker", "sqlite_url"),
        pytest.param(
            "kafka_broker", "postgres_url", marks=[pytest.mark.kafka, pytest.mark.postgres]
        ),
    ],
)
async def test_killed_again_and_again_no_notification_is_missed_or_doubled(
    request: pytest.FixtureRequest,
    broker_fixture: str,
    database_fixture: str,
    tmp_path: Path,
    round_seed: int,
) -> None:
    """Killed during a stream of events: the consumers resume and see each exactly once.

    One counts triggers, the other crossings between two measurements, whose edges are state.
    """
    broker: KafkaSettings = request.getfixturevalue(broker_fixture)
    database_url: str = request.getfixturevalue(database_fixture)
    satellite_id = uuid.uuid4().hex  # a real broker keeps the topics of other tests
    anlf = NfProcess(
        "nwdaf.anlf",
        {"kafka": broker.model_dump(), "database": {"url": database_url}},
        tmp_path,
    )
    rng = random.Random(round_seed)
    try:
        address = anlf.start()
        triggers, crossings = [
            await subscribed(address, watched)
            for watched in (
                sub.EventSubscription(event="DOPPLER", satellite_ids=[satellite_id]),
                sub.EventSubscription(
                    event="QOS_SUSTAINABILITY", threshold=5.0, satellite_ids=[satellite_id]
                ),
            )
        ]
        consuming = asyncio.gather(triggers.run(TRIGGERS), crossings.run(TRIGGERS - 1))
        kills = {round(TRIGGERS * (number + rng.random()) / KILLS) for number in range(KILLS)}
        async with (
            asyncio.timeout(TIMEOUT_S),
            EventPublisher(broker, clock=SystemClock()) as publisher,
        ):
            for number in range(TRIGGERS):
                if number in kills:
                    anlf.kill()
                    address = await asyncio.to_thread(anlf.start)
                    triggers.address = crossings.address = address
                data = doppler(beam_id=1 + number % 8, satellite_id=satellite_id)
                made = event(data, f"{satellite_id}/{number}", offset_s=number)
                measured = event(
                    measurement(satellite_id=satellite_id, sinr_db=(10.0 * (number % 2),)),
                    f"{satellite_id}/m-{number}",
                    offset_s=number,
                )
                # A publisher whose acknowledgement got lost publishes again.
                for repeated in (made, made) if number % 10 == 0 else (made,):
                    await publisher.publish(repeated, key=str(data.beam_id))
                await publisher.publish(measured, key=satellite_id)
            await consuming
        assert anlf.stop() == 0
    finally:
        anlf.kill()

    for consumer, kind, first in ((triggers, "", 0), (crossings, "m-", 1)):
        consumer.assert_each_once(
            [f"{satellite_id}/{kind}{number}" for number in range(first, TRIGGERS)]
        )
    assert [n.event_notifications[0].observed_value for n in crossings.seen][:2] == [10.0, 0.0]
