"""Inference reports in, accuracy of the deciding model out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from nf_runtime.events.catalogue import Decision
from nf_runtime.events.record import Record
from nwdaf.anlf.accuracy import DecisionOutcome, ModelAccuracy
from nwdaf.anlf.ports import AccuracyStore, OffsetStore
from nwdaf.changes import Changes


@dataclass(frozen=True)
class DecisionReport:
    """A decision as it was reported, with the accuracy of its version since then.

    Attributes:
        accuracy: of the version.
        trigger_type: CloudEvents type of what was decided upon.
        outcome: of the decision.
    """

    accuracy: ModelAccuracy
    trigger_type: str
    outcome: DecisionOutcome


class Monitoring:
    """Inference reports in, accuracy of the deciding model out."""

    def __init__(self, store: AccuracyStore, offsets: OffsetStore) -> None:
        self._store = store
        self._offsets = offsets
        self._changes: Changes[tuple[str, int], DecisionReport] = Changes()

    async def take_in(self, record: Record) -> None:
        """Let a reported decision count; what the fallback decided says nothing of a model."""
        data = None if record.event is None else record.event.data
        if not isinstance(data, Decision) or data.source != "model":
            await self._offsets.skip(record)
            return
        accuracy = await self._store.record_decision(record)
        if accuracy is not None:
            report = DecisionReport(accuracy, data.trigger_type, DecisionOutcome.from_report(data))
            self._changes.publish((accuracy.model_name, accuracy.version), report)

    async def accuracy(self, model_name: str, version: int) -> ModelAccuracy:
        """The accuracy of a version; 0: of the one that decided last. NotFound without reports."""
        return await self._store.accuracy(model_name, version)

    async def watch(self, model_name: str) -> AsyncIterator[ModelAccuracy]:
        """The accuracy of the deciding version after each decision; empty name: all models.

        A slow reader is given the newest accuracy of each version, not every one.
        """
        with self._changes.reader(lambda key: not model_name or key[0] == model_name) as reader:
            async for report in reader:
                yield report.accuracy

    async def reports(self) -> AsyncIterator[DecisionReport]:
        """Decisions of all models; a slow reader is given the newest of each version."""
        with self._changes.reader(lambda _: True) as reader:
            async for report in reader:
                yield report
