"""The latest value of each key for slow readers."""

import asyncio

from nwdaf.changes import Changes, Reader


async def take(reader: Reader[str, int], count: int) -> list[int]:
    """The next values."""
    values: list[int] = []
    async with asyncio.timeout(5):
        async for value in reader:
            values.append(value)
            if len(values) == count:
                break
    return values


async def test_a_reader_sees_what_is_published_while_it_is_open() -> None:
    """Not what came before it, and only the keys that it wants."""
    changes = Changes[str, int]()
    changes.publish("a", 1)
    with changes.reader(lambda key: key == "a") as reader:
        changes.publish("b", 2)
        changes.publish("a", 3)
        assert await take(reader, 1) == [3]


async def test_a_slow_reader_skips_values_but_no_key() -> None:
    """Each key comes once, with its newest value."""
    changes = Changes[str, int]()
    with changes.reader(lambda _: True) as reader:
        for value in range(100):
            changes.publish("a", value)
        changes.publish("b", 7)
        assert await take(reader, 2) == [99, 7]


async def test_a_waiting_reader_is_woken() -> None:
    """Publication while it waits reaches it."""
    changes = Changes[str, int]()
    with changes.reader(lambda _: True) as reader:
        waiting = asyncio.create_task(take(reader, 1))
        await asyncio.sleep(0)
        changes.publish("a", 5)
        assert await waiting == [5]


async def test_closed_readers_are_forgotten() -> None:
    """Nothing is kept for those who went away."""
    changes = Changes[str, int]()
    with changes.reader(lambda _: True) as reader:
        pass
    changes.publish("a", 1)
    assert reader._unseen == {}
    assert changes._readers == set()
