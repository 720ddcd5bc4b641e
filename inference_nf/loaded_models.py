"""Which versions this function is to hold, and which of them decides.

A `ModelSet` is a value: every change makes a new one, so that it can be stored first and then take
effect by one assignment. Between the two no decision sees half a change.
"""

from dataclasses import dataclass, replace

from inference_nf.releases import EngineKind, ModelKey, ModelRelease
from nf_runtime.errors import FailedPrecondition, NotFound


@dataclass(frozen=True)
class WantedModel:
    """A version that was loaded, and the engine that was asked for; None: as configured."""

    release: ModelRelease
    engine: EngineKind | None

    @property
    def key(self) -> ModelKey:
        """Name and version."""
        return self.release.key


@dataclass(frozen=True)
class ModelSet:
    """The loaded versions, oldest first, the one that decides, and the one that decided before.

    `active` and `previous`, where set, are always among the loaded.
    """

    models: tuple[WantedModel, ...] = ()
    active: ModelKey | None = None
    previous: ModelKey | None = None

    def find(self, key: ModelKey) -> WantedModel | None:
        """The loaded version with that key, if any."""
        return next((model for model in self.models if model.key == key), None)

    def with_loaded(self, model: WantedModel, *, most: int) -> "ModelSet":
        """The set with `model` as its youngest, within `most` versions.

        Whoever makes room is the oldest that neither decides nor decided before; only when there
        is none, the one that decided before. The active version always stays.
        """
        others = [other for other in self.models if other.key != model.key]
        spare = [o for o in others if o.key not in (self.active, self.previous)]
        spare += [o for o in others if o.key == self.previous and o.key != self.active]
        leaving = {o.key for o in spare[: max(0, len(others) + 1 - most)]}
        kept = tuple(other for other in others if other.key not in leaving)
        previous = None if self.previous in leaving else self.previous
        return replace(self, models=(*kept, model), previous=previous)

    def with_active(self, key: ModelKey) -> "ModelSet":
        """The set in which `key` decides.

        Raises:
            NotFound: RESOURCE_NOT_FOUND when it is not loaded.
        """
        self._require(key)
        if key == self.active:
            return self
        previous = self.previous if self.active is None else self.active
        return replace(self, active=key, previous=None if previous == key else previous)

    def without_active(self) -> "ModelSet":
        """The set in which no version decides; what decided is the previous one."""
        if self.active is None:
            return self
        return replace(self, active=None, previous=self.active)

    def without(self, key: ModelKey) -> "ModelSet":
        """The set without `key`.

        Raises:
            NotFound: RESOURCE_NOT_FOUND when it is not loaded.
            FailedPrecondition: STATE_FORBIDS when it decides.
        """
        self._require(key)
        if key == self.active:
            raise FailedPrecondition(
                f"{key} decides; activate another version first",
                reason="STATE_FORBIDS",
                state="ACTIVE",
                wanted="UNLOADED",
            )
        return self._dropping(key)

    def without_name(self, name: str) -> "ModelSet":
        """The set without any version of a model.

        Raises:
            FailedPrecondition: STATE_FORBIDS when one of them decides.
        """
        smaller = self
        for model in self.models:
            if model.key.name == name:
                smaller = smaller.without(model.key)
        return smaller

    def without_failed(self, key: ModelKey) -> "ModelSet":
        """The set without `key`, even if it was to decide: it cannot be had any more."""
        return self._dropping(key) if self.find(key) is not None else self

    def _dropping(self, key: ModelKey) -> "ModelSet":
        return ModelSet(
            models=tuple(model for model in self.models if model.key != key),
            active=None if self.active == key else self.active,
            previous=None if self.previous == key else self.previous,
        )

    def _require(self, key: ModelKey) -> None:
        if self.find(key) is None:
            raise not_loaded(key)


def not_loaded(key: ModelKey) -> NotFound:
    """The error for a version that is not in memory."""
    return NotFound(
        f"{key} is not loaded; load it first", reason="RESOURCE_NOT_FOUND", resource=str(key)
    )
