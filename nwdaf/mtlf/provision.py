"""Which version of a model consumers should use, and when that changes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from nf_runtime.errors import NotFound
from nf_runtime.events.catalogue import AliasChanged, VersionStateChanged
from nf_runtime.events.record import Record
from nwdaf.changes import Changes
from nwdaf.mtlf.ports import ProvisionedModel, Repository

_APPROVED = "APPROVED"
_CHAMPION = "champion"


class Provision:
    """Nnwdaf_MLModelProvision, TS 29.520 4.5: the version of each model that consumers should use.

    That is the one that `champion` points to; before there is a champion, the newest approved one.
    A rollback therefore provisions the older version again.

    Args:
        repository: Who knows.
        remember: Stores that an event was dealt with; False for one that was before.
    """

    def __init__(
        self, repository: Repository, remember: Callable[[Record], Awaitable[bool]]
    ) -> None:
        self._repository = repository
        self._remember = remember
        self._changes = Changes[str, ProvisionedModel]()

    async def provisioned(self, model_name: str) -> ProvisionedModel:
        """The version to use.

        Raises:
            NotFound: UNAVAILABLE_DATA or RESOURCE_NOT_FOUND.
        """
        return await self._repository.provisioned(model_name)

    async def watch(self, model_name: str) -> AsyncIterator[ProvisionedModel]:
        """The version to use now, if there is one, then at each change; empty name: all models.

        A slow reader gets the newest of each model.
        """
        with self._changes.reader(lambda key: model_name in ("", key)) as reader:
            told: dict[str, int] = {}
            for name in [model_name] if model_name else await self._repository.models():
                for model in await self._if_any(name):
                    told[name] = model.version
                    yield model
            async for model in reader:
                if told.get(model.model_name) != model.version:
                    told[model.model_name] = model.version
                    yield model

    async def take_in(self, record: Record) -> None:
        """Let a record of the repository's topic take effect."""
        match record.event.data if record.event is not None else None:
            case VersionStateChanged(model_name=name, to_state=to, from_state=before) if (
                _APPROVED in (to, before)
            ):
                await self._tell(name)
            case AliasChanged(model_name=name, alias=alias) if alias == _CHAMPION:
                await self._tell(name)
            case _:
                pass
        await self._remember(record)

    async def _tell(self, model_name: str) -> None:
        for model in await self._if_any(model_name):
            self._changes.publish(model_name, model)

    async def _if_any(self, model_name: str) -> Sequence[ProvisionedModel]:
        try:
            return [await self.provisioned(model_name)]
        except NotFound:
            return []
