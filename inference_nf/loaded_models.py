"""Which versions this function is to hold, and which of them decides.

A `ModelSet` is a value: every change makes a new one, so that it can be stored first and then take
effect by one assignment. Between the two no decision sees half a change.

The members of a coordination group come, stay and go together. One version decides; with it, its
whole group is in force.
"""

from dataclasses import dataclass, replace

from inference_nf.releases import EngineKind, ModelKey, ModelRelease
from nf_runtime.errors import FailedPrecondition, NotFound


@dataclass(frozen=True)
class WantedModel:
    """A version that was loaded, and the engine that was asked for; None: as configured.

    `group` is the coordination group that it was loaded with; empty: it was loaded alone.
    """

    release: ModelRelease
    engine: EngineKind | None
    group: str = ""

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

    def group_of(self, key: ModelKey | None) -> frozenset[ModelKey]:
        """The loaded versions that come and go with `key`: its group's, or it alone."""
        model = None if key is None else self.find(key)
        if model is None:
            return frozenset()
        if not model.group:
            return frozenset({model.key})
        return frozenset(other.key for other in self.models if other.group == model.group)

    def with_loaded(self, *models: WantedModel, most: int) -> "ModelSet":
        """The set with `models` as its youngest, within `most` versions.

        Whoever makes room is the oldest that neither decides nor decided before, and only when
        there is none, the one that decided before; each with its group. What is in force stays.

        Raises:
            FailedPrecondition: STATE_FORBIDS when there is no room for all of them.
        """
        arriving = {model.key for model in models}
        others = [other for other in self.models if other.key not in arriving]
        active, previous = self.group_of(self.active), self.group_of(self.previous)
        staying = active.union(*map(self.group_of, arriving))
        spare = [o.key for o in others if o.key not in staying | previous]
        spare += [o.key for o in others if o.key in previous - staying]
        leaving: set[ModelKey] = set()
        for key in spare:
            if len(others) - len(leaving) + len(models) <= most:
                break
            leaving |= self.group_of(key)
        if len(others) - len(leaving) + len(models) > most:
            raise FailedPrecondition(
                f"there is room for {most} versions, {len(active)} of which are in force; set "
                f"models.max_loaded to {len(active) + len(models)} at least",
                reason="STATE_FORBIDS",
                state="FULL",
                wanted="LOADED",
            )
        kept = tuple(other for other in others if other.key not in leaving)
        return replace(
            self,
            models=(*kept, *models),
            previous=None if self.previous in leaving else self.previous,
        )

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
        """The set without `key` and its group.

        Raises:
            NotFound: RESOURCE_NOT_FOUND when it is not loaded.
            FailedPrecondition: STATE_FORBIDS when it, or one of its group, decides.
        """
        self._require(key)
        if self.active is not None and self.active in self.group_of(key):
            raise FailedPrecondition(
                f"{self.active} decides; activate another version first",
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
            if model.key.name == name and smaller.find(model.key) is not None:
                smaller = smaller.without(model.key)
        return smaller

    def without_failed(self, key: ModelKey) -> "ModelSet":
        """The set without `key` and its group, even if one was to decide: it cannot be had."""
        return self._dropping(key) if self.find(key) is not None else self

    def _dropping(self, key: ModelKey) -> "ModelSet":
        leaving = self.group_of(key)
        return ModelSet(
            models=tuple(model for model in self.models if model.key not in leaving),
            active=None if self.active in leaving else self.active,
            previous=None if self.previous in leaving else self.previous,
        )

    def _require(self, key: ModelKey) -> None:
        if self.find(key) is None:
            raise not_loaded(key)


def not_loaded(key: ModelKey) -> NotFound:
    """The error for a version that is not in memory."""
    return NotFound(
        f"{key} is not loaded; load it first", reason="RESOURCE_NOT_FOUND", resource=str(key)
    )
