"""A model: a name under which versions are published, and the aliases that point to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mms_repository.names import (
    CHAMPION,
    MAX_TEXT_CHARACTERS,
    PREVIOUS,
    check_model_name,
    check_text,
    invalid_field,
)
from mms_repository.versions import ModelVersion, VersionState
from nf_runtime.errors import FailedPrecondition


@dataclass(frozen=True)
class Model:
    """One model. `latest_version` is 0 while nothing is published; aliases map to versions."""

    model_name: str
    aiml_inference_name: str
    description: str
    create_time: datetime
    latest_version: int = 0
    aliases: Mapping[str, int] = field(default_factory=dict)

    def check(self) -> None:
        """Returns if the names are allowed.

        Raises:
            InvalidArgument: INVALID_FIELD.
        """
        check_model_name(self.model_name)
        check_text(self.aiml_inference_name, field="aiml_inference_name")
        if len(self.description) > MAX_TEXT_CHARACTERS:
            raise invalid_field("description", f"is longer than {MAX_TEXT_CHARACTERS} characters")

    def same_as(self, other: "Model") -> bool:
        """Whether creating one where the other exists changes nothing."""
        return (self.model_name, self.aiml_inference_name, self.description) == (
            other.model_name,
            other.aiml_inference_name,
            other.description,
        )


@dataclass(frozen=True)
class AliasMove:
    """Where an alias points after a move, and where it pointed before."""

    alias: str
    version: int
    previous_version: int | None


def moves_of(
    model: Model, alias: str, version: ModelVersion, *, now: datetime
) -> tuple[AliasMove, ...]:
    """What pointing `alias` to `version` moves: nothing if it does already.

    Moving `champion` moves `previous` to the version that it pointed to.

    Raises:
        FailedPrecondition: MODEL_NOT_APPROVED for a champion that is not APPROVED, STATE_FORBIDS
            for an ARCHIVED version, or one that becomes champion outside its validity.
    """
    if alias == CHAMPION and version.state is not VersionState.APPROVED:
        raise FailedPrecondition(
            f"{version.label} is {version.state}; approve it before it becomes {CHAMPION}",
            reason="MODEL_NOT_APPROVED",
            state=version.state,
        )
    if version.state is VersionState.ARCHIVED:
        raise FailedPrecondition(
            f"{version.label} is {version.state}; an alias may not point to it",
            reason="STATE_FORBIDS",
            state=version.state,
            wanted=alias,
        )
    former = model.aliases.get(alias)
    if former == version.version:
        return ()
    if alias == CHAMPION:
        _check_valid(version, now)
    move = AliasMove(alias, version.version, former)
    if alias != CHAMPION or former is None or model.aliases.get(PREVIOUS) == former:
        return (move,)
    return (move, AliasMove(PREVIOUS, former, model.aliases.get(PREVIOUS)))


def _check_valid(version: ModelVersion, now: datetime) -> None:
    validity = version.description.validity
    if validity.holds_at(now):
        return
    times = {"valid_from": validity.valid_from, "valid_until": validity.valid_until}
    said = {name: time.isoformat() for name, time in times.items() if time is not None}
    raise FailedPrecondition(
        f"{version.label} may not be used at {now.isoformat()} "
        f"({', '.join(f'{name} {time}' for name, time in said.items())}); publish one that may",
        reason="STATE_FORBIDS",
        state=version.state,
        wanted=CHAMPION,
        **said,
    )
