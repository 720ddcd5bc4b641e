"""What versions are looked for."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mms_repository.descriptions import Position, check_labels
from mms_repository.names import check_identifier, check_model_name
from mms_repository.versions import ModelVersion, VersionState


@dataclass(frozen=True)
class VersionFilter:
    """All that is said must hold; what is empty or None does not restrict."""

    model_name: str = ""
    states: frozenset[VersionState] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    valid_at: datetime | None = None
    orbit_shell: str = ""
    position: Position | None = None
    target_environment: str = ""

    def check(self) -> None:
        """Returns if each part is well formed.

        Raises:
            InvalidArgument: INVALID_FIELD.
        """
        if self.model_name:
            check_model_name(self.model_name)
        check_labels(self.labels)
        for name in ("orbit_shell", "target_environment"):
            value = getattr(self, name)
            if value:
                check_identifier(value, field=f"filter.{name}")
        if self.position is not None:
            self.position.check(field="filter.position")

    def meets(self, version: ModelVersion) -> bool:
        """Whether the version is one of those looked for."""
        description = version.description
        validity = description.validity
        return all(
            (
                self.model_name in ("", version.model_name),
                not self.states or version.state in self.states,
                self.labels.items() <= description.labels.items(),
                self.valid_at is None or validity.holds_at(self.valid_at),
                not self.orbit_shell or validity.holds_in_shell(self.orbit_shell),
                self.position is None or validity.holds_for(self.position),
                not self.target_environment
                or not description.target_environments
                or self.target_environment in description.target_environments,
            )
        )

    def scope(self) -> str:
        """Names the list of this search, for its page tokens."""
        said = repr((self.model_name, sorted(self.states), sorted(self.labels.items())))
        said += repr((self.valid_at, self.orbit_shell, self.position, self.target_environment))
        return f"search/{hashlib.sha256(said.encode()).hexdigest()[:16]}"
