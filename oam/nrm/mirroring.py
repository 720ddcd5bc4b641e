"""Keeps the MLModelRepository and its MLModel objects as the model repository is."""

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog

from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, NfError, NotFound, Unavailable
from oam.nrm.mirror import put_group, put_version
from oam.nrm.objects import ObjectStore, Tree
from oam.nrm.ports import Catalogue, ModelGroup, ModelVersion

log = structlog.get_logger(__name__)


class RepositoryMirror:
    """Reads everything at the start, and a version again when it has changed.

    Args:
        store: The managed objects.
        catalogue: What the repository has.
        clock: For waiting.
    """

    def __init__(self, store: ObjectStore, catalogue: Catalogue, *, clock: Clock) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Read everything, once the repository answers."""
        await keep_trying(self._read_all, what="mms_repository", clock=self._clock, stop=stop)

    async def refresh(self, model_name: str, version: int) -> None:
        """Read one version again, and the groups that it may complete.

        Raises:
            Unavailable: The repository does not answer now.
        """
        try:
            found = await self._catalogue.version(model_name, version)
        except NotFound:
            log.warning("version is not in the repository", model_name=model_name, version=version)
            return
        groups = await self._catalogue.groups()
        await self._store.transact(partial(_put, versions=[found], groups=groups))

    async def _read_all(self) -> bool:
        try:
            versions = await self._catalogue.versions()
            groups = await self._catalogue.groups()
        except (Unavailable, DeadlineExceeded):
            raise
        except NfError as error:
            log.warning("the repository refuses", reason=error.reason, error=str(error))
            return False
        await self._store.transact(partial(_put, versions=versions, groups=groups))
        return True


def _put(tree: Tree, *, versions: Sequence[ModelVersion], groups: Sequence[ModelGroup]) -> None:
    for version in versions:
        put_version(tree, version)
    for group in groups:
        put_group(tree, group)
