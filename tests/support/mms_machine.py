"""A state machine that drives the repository's procedures beside a small model of its own.

Subclasses say which store it runs on. The model keeps for each version its state, and the aliases;
its rules are written down here a second time, as the API's documentation states them.
"""

import asyncio
from typing import Any

import pytest
from fakes.file_artifacts import MemoryArtifacts
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support.mms_uploads import MODEL, announced, bytes_of, publisher_on

from mms_repository.lookups import VersionKey
from mms_repository.ports import ModelStore
from mms_repository.procedures import Author, ModelRepository
from mms_repository.versions import AliasChange, HistoryEntry
from nf_runtime.clock import ManualClock
from nf_runtime.errors import FailedPrecondition, NotFound

AUTHOR = Author("test", "because")
ALIASES = st.sampled_from(["champion", "candidate", "previous", "blue"])
NUMBERS = st.integers(1, 4)


class RepositoryMachine(RuleBasedStateMachine):
    """Versions are published, tested, approved, rejected, archived and pointed to, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.states: list[str] = []
        self.aliases: dict[str, int] = {}
        self.changes: list[tuple[Any, ...]] = []

    def open_store(self) -> ModelStore:
        """An empty store."""
        raise NotImplementedError

    def close_store(self) -> None:
        """Give the store back."""

    def teardown(self) -> None:
        """End the loop of this run."""
        self.close_store()
        self.runner.close()

    def run(self, work: Any) -> Any:
        """What a coroutine returns."""
        return self.runner.run(work)

    @initialize()
    def create(self) -> None:
        """An empty model."""
        store, clock = self.open_store(), ManualClock()
        artifacts = MemoryArtifacts()
        self.repository = ModelRepository(store=store, artifacts=artifacts, clock=clock)
        self.publisher = publisher_on(store, artifacts, clock=clock)
        self.run(self.repository.create_model(MODEL, aiml_inference_name="x", description=""))

    @rule()
    def publish(self) -> None:
        """A new version is REGISTERED and has the next number."""
        if len(self.states) == 4:
            return
        contents = {"card.json": str(len(self.states)).encode()}
        version = self.run(self.publisher.publish(announced(contents), bytes_of(contents)))
        self.states.append("REGISTERED")
        self.changes.append((len(self.states), None, "REGISTERED"))
        assert version.version == version.model_unique_id == len(self.states)

    @rule(number=NUMBERS, passed=st.booleans())
    def test(self, number: int, *, passed: bool) -> None:
        """REGISTERED, TESTED and REJECTED versions can be tested."""
        allowed = self.state(number) in {"REGISTERED", "TESTED", "REJECTED"}
        work = self.repository.record_test_result(
            VersionKey(MODEL, number), AUTHOR, passed=passed, metrics={"ratio": 0.5}
        )
        self.expect(number, work, "TESTED" if passed else "REJECTED", allowed=allowed)

    @rule(number=NUMBERS)
    def approve(self, number: int) -> None:
        """TESTED versions can be approved."""
        work = self.repository.approve(VersionKey(MODEL, number), AUTHOR)
        self.expect(number, work, "APPROVED", allowed=self.state(number) == "TESTED")

    @rule(number=NUMBERS)
    def reject(self, number: int) -> None:
        """REGISTERED, TESTED and APPROVED versions can be rejected, but for the champion."""
        allowed = self.state(number) in {"REGISTERED", "TESTED", "APPROVED"}
        allowed = allowed and self.aliases.get("champion") != number
        work = self.repository.reject(VersionKey(MODEL, number), AUTHOR)
        self.expect(number, work, "REJECTED", allowed=allowed)

    @rule(number=NUMBERS)
    def archive(self, number: int) -> None:
        """Versions without alias can be archived."""
        allowed = self.state(number) is not None and number not in self.aliases.values()
        work = self.repository.archive(VersionKey(MODEL, number), AUTHOR)
        self.expect(number, work, "ARCHIVED", allowed=allowed)

    @rule(number=NUMBERS)
    def promote(self, number: int) -> None:
        """All the way to champion, where each step is allowed: random verbs rarely get there."""
        self.test(number, passed=True)
        self.approve(number)
        self.point(number, "champion")

    @rule(number=NUMBERS, alias=ALIASES)
    def point(self, number: int, alias: str) -> None:
        """Aliases point to any version that is not archived, champion to an approved one."""
        work = self.repository.set_alias(VersionKey(MODEL, number), alias, AUTHOR)
        state = self.state(number)
        allowed = state == "APPROVED" if alias == "champion" else state != "ARCHIVED"
        if state is None or not allowed:
            self.refused(work, known=state is not None)
            return
        former = self.aliases.get(alias)
        self.run(work)
        if former == number:
            return
        self.aliases[alias] = number
        self.changes.append((number, alias))
        if alias == "champion" and former is not None and self.aliases.get("previous") != former:
            self.aliases["previous"] = former
            self.changes.append((former, "previous"))

    @invariant()
    def the_same_is_true(self) -> None:
        """States, aliases and history are those of the model."""
        if not hasattr(self, "repository"):
            return
        model = self.run(self.repository.get_model(MODEL))
        page = self.run(self.repository.list_versions(MODEL, page_size=10, page_token=""))
        history = self.run(
            self.repository.list_history(MODEL, version=0, page_size=1000, page_token="")
        )
        assert dict(model.aliases) == self.aliases
        assert model.latest_version == len(self.states)
        assert [v.state for v in page.items] == self.states[::-1]
        for version in page.items:
            expected = sorted(a for a, number in self.aliases.items() if number == version.version)
            assert list(version.aliases) == expected
        assert [p.position for p in history.items] == list(range(1, len(self.changes) + 1))
        assert [_summary(p.entry) for p in history.items] == self.changes

    @invariant()
    def what_serves_is_approved(self) -> None:
        """The champion is approved, and no alias points to the archive."""
        champion = self.aliases.get("champion")
        assert champion is None or self.states[champion - 1] == "APPROVED"
        assert all(self.states[number - 1] != "ARCHIVED" for number in self.aliases.values())

    def state(self, number: int) -> str | None:
        """The state that a version has in the model; None where it does not exist."""
        return self.states[number - 1] if number <= len(self.states) else None

    def expect(self, number: int, work: Any, target: str, *, allowed: bool) -> None:
        """Run a verb and compare its outcome with the model's."""
        before = self.state(number)
        if before is None or not allowed:
            self.refused(work, known=before is not None)
            return
        assert self.run(work).state == target
        self.states[number - 1] = target
        self.changes.append((number, before, target))

    def refused(self, work: Any, *, known: bool) -> None:
        """Run something that must be refused."""
        with pytest.raises(FailedPrecondition if known else NotFound) as caught:
            self.run(work)
        assert caught.value.reason in {
            "STATE_FORBIDS",
            "MODEL_NOT_APPROVED",
            "RESOURCE_NOT_FOUND",
        }


def _summary(entry: HistoryEntry) -> tuple[Any, ...]:
    if isinstance(entry.change, AliasChange):
        return (entry.version, entry.change.alias)
    return (entry.version, entry.change.from_state, entry.change.to_state)
