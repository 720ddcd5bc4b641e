"""Bytes of versions that were made before, for answers that show the same ones again."""

from collections.abc import Iterable

from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from mms_repository.messages import version_message
from mms_repository.versions import ModelVersion

_CAPACITY = 4096


class VersionMessages:
    """Each version is encoded once as long as the store gives the same object for it.

    A version does not change, so its bytes do not either.
    """

    def __init__(self) -> None:
        # With the version itself, so that its identity is not given to another one.
        self._made: dict[int, tuple[ModelVersion, bytes]] = {}

    def encoded(self, versions: Iterable[ModelVersion]) -> bytes:
        """The first field of an answer, which is the one with these versions, as it is sent.

        Further fields may follow: a message is as good as its fields one after the other.
        """
        joined = b"".join([self._field(version) for version in versions])
        while len(self._made) > _CAPACITY:
            del self._made[next(iter(self._made))]  # the one that came first
        return joined

    def _field(self, version: ModelVersion) -> bytes:
        made = self._made.get(id(version))
        if made is None:
            answer = pb.GetModelVersionResponse(model_version=version_message(version))
            made = self._made[id(version)] = (version, answer.SerializeToString())
        return made[1]
