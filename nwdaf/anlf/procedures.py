"""What the AnLF answers about: analytics and accuracy."""

from collections.abc import AsyncIterator, Collection
from datetime import timedelta

from nf_runtime.events.catalogue import Decision, Measurement
from nf_runtime.events.record import Record
from nwdaf.anlf.accuracy import ModelAccuracy
from nwdaf.anlf.analytics import Analytics, analyse, checked_window, quantities_of
from nwdaf.anlf.ports import AccuracyStore, MeasurementStore, OffsetStore
from nwdaf.changes import Changes


class Analysing:
    """Measurements in, statistics out."""

    def __init__(self, store: MeasurementStore, offsets: OffsetStore) -> None:
        self._store = store
        self._offsets = offsets

    async def take_in(self, record: Record) -> None:
        """Keep the measurement of a record."""
        if record.event is not None and isinstance(record.event.data, Measurement):
            await self._store.record_measurement(record)
        else:
            await self._offsets.skip(record)

    async def analytics(
        self, event: str, *, beam_ids: Collection[str], window: timedelta | None
    ) -> Analytics:
        """Statistics of an event's quantities over the window that ends at the latest sample.

        Raises:
            InvalidArgument: An event without statistics, or a window out of range.
            NotFound: UNAVAILABLE_DATA.
        """
        quantities = quantities_of(event)
        samples = await self._store.samples(checked_window(window))
        return analyse(samples, quantities=quantities, beam_ids=beam_ids)


class Monitoring:
    """Inference reports in, accuracy of the deciding model out."""

    def __init__(self, store: AccuracyStore, offsets: OffsetStore) -> None:
        self._store = store
        self._offsets = offsets
        self._changes: Changes[tuple[str, int], ModelAccuracy] = Changes()

    async def take_in(self, record: Record) -> None:
        """Let a reported decision count; what the fallback decided says nothing of a model."""
        data = None if record.event is None else record.event.data
        if not isinstance(data, Decision) or data.source != "model":
            await self._offsets.skip(record)
            return
        accuracy = await self._store.record_decision(record)
        if accuracy is not None:
            self._changes.publish((accuracy.model_name, accuracy.version), accuracy)

    async def accuracy(self, model_name: str, version: int) -> ModelAccuracy:
        """The accuracy of a version; 0: of the one that decided last. NotFound without reports."""
        return await self._store.accuracy(model_name, version)

    async def watch(self, model_name: str) -> AsyncIterator[ModelAccuracy]:
        """The accuracy of the deciding version after each decision; empty name: all models.

        A slow reader is given the newest accuracy of each version, not every one.
        """
        with self._changes.reader(lambda key: not model_name or key[0] == model_name) as reader:
            async for accuracy in reader:
                yield accuracy
