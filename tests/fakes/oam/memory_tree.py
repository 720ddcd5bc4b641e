"""A tree of managed objects in memory."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from nf_runtime.events.catalogue import EventData
from oam.nrm.names import Name, parse_name
from oam.nrm.objects import Moi, Tree
from oam.nrm.registry import CLASSES
from oam.nrm.work_objects import is_closed

T = TypeVar("T")


@dataclass
class MemoryTree:
    """`oam.nrm.objects.Tree`; `told` lists the events that were published, but for changes."""

    now: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    mois: dict[str, Moi] = field(default_factory=dict)
    told: list[EventData] = field(default_factory=list)
    requests: dict[str, str] = field(default_factory=dict)

    def find(self, name: Name | str) -> Moi | None:
        """One object."""
        return self.mois.get(str(name))

    def below(self, base: Name, first: int, last: int | None) -> Sequence[Moi]:
        """Objects from `first` to `last` levels below `base`, parents first."""
        found = [
            moi
            for moi in self.mois.values()
            if moi.name.parts[: base.level] == base.parts
            and moi.name.level - base.level >= first
            and (last is None or moi.name.level - base.level <= last)
        ]
        return sorted(found, key=lambda moi: moi.name.level)

    def of_class(self, *object_classes: str) -> Sequence[Moi]:
        """Every object of these classes, oldest first."""
        return [moi for moi in self.mois.values() if moi.name.object_class in object_classes]

    def open_work(self) -> Sequence[Moi]:
        """Requests and processes that have not ended, oldest first."""
        return [
            moi
            for moi in self.mois.values()
            if not is_closed(moi.name.object_class, moi.attributes)
        ]

    def referring_to(self, name: Name) -> Sequence[Moi]:
        """Objects that have this name as a value somewhere."""
        return [moi for moi in self.mois.values() if f"'{name}'" in repr(moi.attributes)]

    def of_request(self, request_id: str) -> Moi | None:
        """The object that this consumer's call created."""
        return self.mois.get(self.requests.get(request_id, ""))

    def put(
        self,
        name: Name,
        changes: Mapping[str, Any],
        notes: Mapping[str, Any] | None = None,
        *,
        request_id: str = "",
    ) -> Moi:
        """Create the object or change these attributes and notes of it."""
        given = {key: value for key, value in changes.items() if value is not None}
        accepted = dict.fromkeys(changes) | CLASSES[name.object_class].accepted(given)
        before = self.find(name)
        attributes = {**(before.attributes if before else {}), **accepted}
        kept = {**(before.notes if before else {}), **(notes or {})}
        revision = 1 if before is None else before.revision + 1
        moi = Moi(name, _given(attributes), _given(kept), revision, self.now, self.now)
        self.mois[str(name)] = moi
        if request_id:
            self.requests[request_id] = str(name)
        return moi

    def remove(self, name: Name) -> None:
        """Delete an object that is there."""
        self.mois.pop(str(name), None)

    def publish(self, data: EventData, *, event_id: str, subject: str) -> None:
        """Remember the event."""
        assert event_id
        assert subject
        self.told.append(data)


ROOT = "SubNetwork=aimlnf"
ELEMENT = f"{ROOT},ManagedElement=ground-station"
FUNCTION = f"{ELEMENT},AIMLInferenceFunction=inference_nf"


def functions_tree() -> MemoryTree:
    """A tree with one function of each kind and two models."""
    tree = MemoryTree()
    for text in (
        *(ROOT, ELEMENT, FUNCTION, f"{ELEMENT},MLTrainingFunction=mtlf"),
        *(f"{ELEMENT},MLTestingFunction=mtlf", f"{ELEMENT},MLUpdateFunction=oam"),
        f"{ROOT},MLModelRepository=mms",
    ):
        tree.put(parse_name(text), {})
    for version in (1, 2):
        tree.put(
            parse_name(model(version)), {"mLModelId": "gan-gdm", "mLModelVersion": str(version)}
        )
    return tree


def model(version: int) -> str:
    """Name of a version's MLModel object."""
    return f"{ROOT},MLModelRepository=mms,MLModel=gan-gdm-{version}"


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


@dataclass
class MemoryObjectStore:
    """`oam.nrm.objects.ObjectStore` over a tree in memory; every reader is woken by every work."""

    tree: MemoryTree = field(default_factory=functions_tree)
    signals: dict[str, asyncio.Event] = field(default_factory=dict)

    async def transact(self, work: Callable[[Tree], T]) -> T:
        """What `work` returns; an error undoes everything."""
        before = dict(self.tree.mois)
        try:
            result = work(self.tree)
        except BaseException:
            self.tree.mois = before
            raise
        if self.tree.mois != before:
            for signal in self.signals.values():
                signal.set()
        return result

    def changed(self, reader: str) -> asyncio.Event:
        """Set after each change."""
        return self.signals.setdefault(reader, asyncio.Event())
