"""Which version of a model consumers should use, and when that changes."""

from collections.abc import AsyncIterator, Awaitable, Callable

from nf_runtime.errors import NotFound
from nf_runtime.events.catalogue import VersionStateChanged
from nf_runtime.events.record import Record
from nwdaf.changes import Changes
from nwdaf.mtlf.ports import ApprovedModel, Repository

_APPROVED = "APPROVED"


class Provision:
    """Nnwdaf_MLModelProvision, TS 29.520 4.5: the latest approved version of each model.

    Args:
        repository: Who knows.
        remember: Stores that an event was dealt with; False for one that was before.
    """

    def __init__(
        self, repository: Repository, remember: Callable[[Record], Awaitable[bool]]
    ) -> None:
        self._repository = repository
        self._remember = remember
        self._changes = Changes[str, ApprovedModel]()

    async def latest(self, model_name: str) -> ApprovedModel:
        """The latest approved version.

        Raises:
            NotFound: UNAVAILABLE_DATA or RESOURCE_NOT_FOUND.
        """
        return await self._repository.latest_approved(model_name)

    async def watch(self, model_name: str) -> AsyncIterator[ApprovedModel]:
        """The latest approved version, if there is one, then each that is approved later.

        An empty name watches all models, from now on. A slow reader gets the newest of each model.
        """
        with self._changes.reader(lambda key: model_name in ("", key)) as reader:
            told = 0
            if model_name:
                try:
                    model = await self.latest(model_name)
                except NotFound:
                    pass
                else:
                    told = model.version
                    yield model
            async for model in reader:
                if model.model_name != model_name or model.version != told:
                    told = model.version if model_name else 0
                    yield model

    async def take_in(self, record: Record) -> None:
        """Let a record of the repository's topic take effect."""
        event = record.event
        if (
            event is not None
            and isinstance(event.data, VersionStateChanged)
            and event.data.to_state == _APPROVED
        ):
            try:
                model = await self.latest(event.data.model_name)
            except NotFound:
                pass  # rejected or archived again meanwhile
            else:
                self._changes.publish(model.model_name, model)
        await self._remember(record)
