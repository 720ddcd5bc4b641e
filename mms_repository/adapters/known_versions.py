"""Versions that were read before: what does not change without their key is not read again."""

import threading
from collections.abc import Iterable, Mapping
from itertools import islice

from mms_repository.versions import ModelVersion

_CAPACITY = 4096

# All that a version's content follows from: unique id, revision, aliases, coordination group.
Key = tuple[int, int, tuple[str, ...], str]


class KnownVersions:
    """Versions by their keys; the one that came first goes first. One key gives one object.

    Only what was read from committed rows may come in: a revision that was rolled back can be
    given to another content later. Threads may share it.
    """

    def __init__(self) -> None:
        self._versions: dict[Key, ModelVersion] = {}
        self._lock = threading.Lock()

    def of(self, keys: Iterable[Key]) -> list[ModelVersion | None]:
        """The version of each key; None where it is not known."""
        return list(map(self._versions.get, keys))

    def add(self, versions: Mapping[Key, ModelVersion]) -> None:
        """Remember these."""
        with self._lock:
            self._versions.update(versions)
            surplus = len(self._versions) - _CAPACITY
            for key in list(islice(self._versions, max(0, surplus))):
                del self._versions[key]
