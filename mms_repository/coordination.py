"""What the repository does with coordination groups: to all members, or to none."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from mms_repository.groups import CoordinationGroup, check_in_production, check_moves_alone
from mms_repository.models import moves_of
from mms_repository.names import CHAMPION, PREVIOUS, check_group_name
from mms_repository.pages import Page, PageRequest
from mms_repository.ports import ModelReader, ModelStore, ModelWriter
from mms_repository.procedures import Author
from mms_repository.versions import (
    AliasChange,
    HistoryEntry,
    ModelVersion,
    StateChange,
    Verb,
)
from nf_runtime.clock import Clock
from nf_runtime.errors import AlreadyExists, FailedPrecondition, NotFound


class CoordinationGroups:
    """`MLModelCoordinationGroup` (TS 28.105 7.2a.2.3).

    All methods raise InvalidArgument (INVALID_FIELD) for malformed arguments and NotFound
    (RESOURCE_NOT_FOUND) for a group or version that does not exist.

    Args:
        store: Models, versions, aliases, groups, history.
        clock: For the time of changes.
    """

    def __init__(self, *, store: ModelStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(self, group_name: str, members: Mapping[str, int]) -> CoordinationGroup:
        """The group, made unless it exists and is the same.

        Raises:
            AlreadyExists: RESOURCE_EXISTS, and it differs.
            FailedPrecondition: STATE_FORBIDS, a member belongs to another group or is in
                production already.
        """
        group = CoordinationGroup(group_name, members, self._clock.now())
        group.check()

        def create(writer: ModelWriter) -> CoordinationGroup:
            existing = writer.group(group_name)
            if existing is not None:
                if existing.members != members:
                    raise AlreadyExists(
                        f"coordination group {group_name} exists with other members; choose "
                        "another name",
                        reason="RESOURCE_EXISTS",
                        resource=group_name,
                    )
                return existing
            versions = _members(group, writer)
            check_moves_alone(*versions)
            group.check_whole(_champions(group.members, writer))
            writer.add_group(group)
            return group

        return await self._store.write(create)

    async def get(self, group_name: str) -> CoordinationGroup:
        """The group of that name."""
        check_group_name(group_name)
        return await self._store.read(partial(_group, group_name))

    async def list(self, *, page_size: int, page_token: str) -> Page[CoordinationGroup]:
        """Groups by name."""
        request = PageRequest.parse("groups", size=page_size, token=page_token, key=str)
        found = await self._store.read(
            lambda reader: reader.groups(after=request.after, limit=request.size + 1)
        )
        return request.page(found, lambda group: group.group_name)

    async def approve(self, group_name: str, author: Author) -> Sequence[ModelVersion]:
        """The members, each APPROVED.

        Raises:
            FailedPrecondition: STATE_FORBIDS, one of them is not TESTED.
        """

        def approve(group: CoordinationGroup, writer: ModelWriter) -> None:
            for version in _members(group, writer):
                state = version.state_after(Verb.APPROVE)
                writer.change_version(version, state=state, kpis=version.kpis)
                change = StateChange(version.state, state)
                writer.record(self._entry(version.model_name, version.version, change, author))

        return await self._change(group_name, author, approve)

    async def promote(self, group_name: str, author: Author) -> Sequence[ModelVersion]:
        """The members, each the champion of its model; unchanged if they were before.

        Raises:
            FailedPrecondition: MODEL_NOT_APPROVED; STATE_FORBIDS, another group would be left
                half in production, or one of them is outside its validity.
        """

        def promote(group: CoordinationGroup, writer: ModelWriter) -> None:
            self._point_champions(group.members, author, writer)

        return await self._change(group_name, author, promote)

    async def roll_back(self, group_name: str, author: Author) -> Sequence[ModelVersion]:
        """The versions that are champions afterwards: `previous` of each member's model.

        Raises:
            FailedPrecondition: STATE_FORBIDS, the group is not in production, another one would
                be left half or a previous version's validity is over; NO_PREVIOUS_VERSION;
                MODEL_NOT_APPROVED.
        """

        def roll_back(group: CoordinationGroup, writer: ModelWriter) -> None:
            targets: dict[str, int] = {}
            champions: set[tuple[str, int]] = set()
            for model_name in group.members:
                model = writer.model(model_name)
                aliases = {} if model is None else model.aliases
                if CHAMPION in aliases:
                    champions.add((model_name, aliases[CHAMPION]))
                if PREVIOUS in aliases:
                    targets[model_name] = aliases[PREVIOUS]
            check_in_production(group, champions)
            missing = sorted(set(group.members) - set(targets))
            if missing:
                raise FailedPrecondition(
                    f"model {missing[0]} has no previous version to go back to",
                    reason="NO_PREVIOUS_VERSION",
                    model_name=missing[0],
                )
            self._point_champions(targets, author, writer)

        return await self._change(group_name, author, roll_back)

    async def _change(
        self,
        group_name: str,
        author: Author,
        change: Callable[[CoordinationGroup, ModelWriter], None],
    ) -> Sequence[ModelVersion]:
        check_group_name(group_name)
        author.check()

        def work(writer: ModelWriter) -> Sequence[ModelVersion]:
            group = _group(group_name, writer)
            change(group, writer)
            champions = _champions(group.members, writer)
            return [
                version if champions[name] is None else _at(name, champions[name], writer)
                for (name, _), version in zip(
                    group.members.items(), _members(group, writer), strict=True
                )
            ]

        return await self._store.write(work)

    def _point_champions(
        self, targets: Mapping[str, int], author: Author, writer: ModelWriter
    ) -> None:
        touched: set[str] = set()
        for model_name, number in targets.items():
            model = writer.model(model_name)
            assert model is not None  # noqa: S101 - a member's model exists
            version = _at(model_name, number, writer)
            former = model.aliases.get(CHAMPION)
            former_version = None if former is None else _at(model_name, former, writer)
            touched |= {v.coordination_group for v in (version, former_version) if v is not None}
            for move in moves_of(model, CHAMPION, version, now=self._clock.now()):
                writer.move_alias(model_name, move)
                change = AliasChange(move.alias, move.previous_version)
                writer.record(self._entry(model_name, move.version, change, author))
        for group_name in sorted(touched - {""}):
            group = _group(group_name, writer)
            group.check_whole(_champions(group.members, writer))

    def _entry(
        self, model_name: str, version: int, change: StateChange | AliasChange, author: Author
    ) -> HistoryEntry:
        now = self._clock.now()
        return HistoryEntry(model_name, version, change, author.actor, author.reason, now)


def _group(group_name: str, reader: ModelReader) -> CoordinationGroup:
    group = reader.group(group_name)
    if group is None:
        raise NotFound(
            f"coordination group {group_name} does not exist; list the groups",
            reason="RESOURCE_NOT_FOUND",
            resource=group_name,
        )
    return group


def _members(group: CoordinationGroup, reader: ModelReader) -> Sequence[ModelVersion]:
    return [_at(name, number, reader) for name, number in group.members.items()]


def _at(model_name: str, number: int | None, reader: ModelReader) -> ModelVersion:
    version = None if number is None else reader.version(model_name, number)
    if version is None:
        raise NotFound(
            f"{model_name}@{number} does not exist; list the versions",
            reason="RESOURCE_NOT_FOUND",
            resource=f"{model_name}@{number}",
        )
    return version


def _champions(members: Mapping[str, int], reader: ModelReader) -> Mapping[str, int | None]:
    models = {name: reader.model(name) for name in members}
    return {
        name: None if model is None else model.aliases.get(CHAMPION)
        for name, model in models.items()
    }
