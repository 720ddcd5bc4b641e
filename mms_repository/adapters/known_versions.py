"""Versions that were read before: what does not change without their revision is not read again."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from mms_repository.versions import ModelVersion

_CAPACITY = 4096

Key = tuple[int, int]  # unique id and revision


class KnownVersions:
    """Versions without aliases and group, which change on their own; the longest unused one goes.

    Only what was read from committed rows may come in: a revision that was rolled back can be
    given to another content later. Threads may share it.
    """

    def __init__(self) -> None:
        self._versions: OrderedDict[Key, ModelVersion] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, keys: Iterable[Key]) -> Mapping[Key, ModelVersion]:
        """Those that are known."""
        with self._lock:
            found = {key: self._versions[key] for key in keys if key in self._versions}
            for key in found:
                self._versions.move_to_end(key)
        return found

    def add(self, versions: Iterable[ModelVersion]) -> None:
        """Remember these."""
        with self._lock:
            for version in versions:
                self._versions[version.model_unique_id, version.revision] = version
            while len(self._versions) > _CAPACITY:
                self._versions.popitem(last=False)
