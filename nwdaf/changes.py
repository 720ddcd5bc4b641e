"""The latest value of each key, handed to any number of readers.

A reader that is slow skips values, never a key: for states of which only the newest counts, such as
the progress of a job. What must not be skipped needs a store, not this.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Reader(Generic[K, V]):
    """What one reader has not seen yet: at most one value a key."""

    def __init__(self, wants: Callable[[K], bool]) -> None:
        self._wants = wants
        self._unseen: dict[K, V] = {}
        self._changed = asyncio.Event()

    def offer(self, key: K, value: V) -> None:
        """Hold the value for the reader, in place of an older one."""
        if self._wants(key):
            self._unseen[key] = value
            self._changed.set()

    async def __aiter__(self) -> AsyncIterator[V]:
        """The values offered since the reader was opened; never ends by itself."""
        while True:
            while self._unseen:
                yield self._unseen.pop(next(iter(self._unseen)))
            self._changed.clear()
            await self._changed.wait()


class Changes(Generic[K, V]):
    """Where values are published and readers open themselves."""

    def __init__(self) -> None:
        self._readers: set[Reader[K, V]] = set()

    def publish(self, key: K, value: V) -> None:
        """Hand the value to all readers that want the key."""
        for reader in self._readers:
            reader.offer(key, value)

    @contextmanager
    def reader(self, wants: Callable[[K], bool]) -> Iterator[Reader[K, V]]:
        """A reader of the keys that `wants` accepts, as long as the block lasts."""
        reader = Reader[K, V](wants)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)
