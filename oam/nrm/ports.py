"""What managed objects need from the model repository, beyond what adaptations do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class ModelVersion:
    """A version as the model repository publishes it.

    Attributes:
        distinguished_name: Of its MLModel object.
        model_name: `mLModelId`.
        version: `mLModelVersion`.
        inference_name: `aIMLInferenceName`.
        source_version: What it was trained from; 0: nothing.
        state: In the repository.
        kpis: By name.
    """

    distinguished_name: str
    model_name: str
    version: int
    inference_name: str
    source_version: int
    state: str
    kpis: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelGroup:
    """A coordination group of the repository."""

    distinguished_name: str
    members: tuple[tuple[str, int], ...]


class Catalogue(Protocol):
    """What the model repository has."""

    async def version(self, model_name: str, version: int) -> ModelVersion:
        """One version. Raises NotFound."""
        ...

    async def versions(self) -> Sequence[ModelVersion]:
        """Every version."""
        ...

    async def groups(self) -> Sequence[ModelGroup]:
        """Every coordination group."""
        ...
