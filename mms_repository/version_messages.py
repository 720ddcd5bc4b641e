"""Messages of versions that were made before, for lists that show the same ones again."""

from collections import OrderedDict
from collections.abc import Iterable

from aimlnf.mms.v1 import model_pb2
from mms_repository.messages import version_message
from mms_repository.versions import ModelVersion

_CAPACITY = 4096


class VersionMessages:
    """Each version is translated once as long as the store gives the same object for it.

    A version does not change, so its message does not either; nobody may change what is given out.
    """

    def __init__(self) -> None:
        # With the version itself, so that its identity is not given to another one.
        self._made: OrderedDict[int, tuple[ModelVersion, model_pb2.ModelVersion]] = OrderedDict()

    def of(self, versions: Iterable[ModelVersion]) -> list[model_pb2.ModelVersion]:
        """Their messages."""
        found = [self._message(version) for version in versions]
        while len(self._made) > _CAPACITY:
            self._made.popitem(last=False)
        return found

    def _message(self, version: ModelVersion) -> model_pb2.ModelVersion:
        made = self._made.get(id(version))
        if made is None:
            made = self._made[id(version)] = (version, version_message(version))
        else:
            self._made.move_to_end(id(version))
        return made[1]
