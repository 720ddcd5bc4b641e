"""Where aliases point."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support.mms_uploads import MODEL, files, manifest_of

from mms_repository.descriptions import Description, Validity
from mms_repository.manifests import UNSIGNED
from mms_repository.models import AliasMove, Model, moves_of
from mms_repository.versions import ModelVersion, VersionState
from nf_runtime.errors import FailedPrecondition

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MODEL_ROW = Model(MODEL, "x", "", NOW)


def version(number: int, state: VersionState = VersionState.APPROVED) -> ModelVersion:
    """A version of that number."""
    manifest = manifest_of(files())
    return ModelVersion(MODEL, number, number, state, manifest, UNSIGNED, {}, "", NOW)


@pytest.mark.parametrize(
    ("before", "alias", "number", "moves"),
    [
        ({}, "champion", 1, [AliasMove("champion", 1, None)]),
        ({"champion": 1}, "champion", 1, []),
        (
            {"champion": 1},
            "champion",
            2,
            [AliasMove("champion", 2, 1), AliasMove("previous", 1, None)],
        ),
        (
            {"champion": 2, "previous": 1},
            "champion",
            1,
            [AliasMove("champion", 1, 2), AliasMove("previous", 2, 1)],
        ),
        ({"champion": 2, "previous": 2}, "champion", 1, [AliasMove("champion", 1, 2)]),
        ({"champion": 2}, "candidate", 1, [AliasMove("candidate", 1, None)]),
        ({"champion": 2, "previous": 1}, "previous", 2, [AliasMove("previous", 2, 1)]),
    ],
)
def test_moves(before: dict[str, int], alias: str, number: int, moves: list[AliasMove]) -> None:
    """Only a champion that moves takes `previous` along."""
    model = replace(MODEL_ROW, aliases=before)
    assert list(moves_of(model, alias, version(number), now=NOW)) == moves


@pytest.mark.parametrize(
    "state", [state for state in VersionState if state is not VersionState.APPROVED]
)
def test_champion_is_approved(state: VersionState) -> None:
    """No other state serves."""
    with pytest.raises(FailedPrecondition) as caught:
        moves_of(MODEL_ROW, "champion", version(1, state), now=NOW)
    assert caught.value.reason == "MODEL_NOT_APPROVED"


def test_archived_gets_no_alias() -> None:
    """What is kept for the record only is not pointed to."""
    with pytest.raises(FailedPrecondition) as caught:
        moves_of(MODEL_ROW, "blue", version(1, VersionState.ARCHIVED), now=NOW)
    assert caught.value.reason == "STATE_FORBIDS"


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("validity", "holds"),
    [
        (Validity(), True),
        (Validity(valid_from=NOW, valid_until=NOW + SECOND), True),
        (Validity(valid_from=NOW + SECOND), False),
        (Validity(valid_until=NOW), False),
    ],
)
def test_champion_is_valid_now(validity: Validity, *, holds: bool) -> None:
    """A version becomes champion within its time only; what is champion already may stay."""
    timed = replace(version(1), description=Description(validity=validity))
    if holds:
        assert moves_of(MODEL_ROW, "champion", timed, now=NOW)
    else:
        with pytest.raises(FailedPrecondition, match="may not be used") as caught:
            moves_of(MODEL_ROW, "champion", timed, now=NOW)
        assert caught.value.reason == "STATE_FORBIDS"
    assert moves_of(MODEL_ROW, "blue", timed, now=NOW)
    champion = replace(MODEL_ROW, aliases={"champion": 1})
    assert moves_of(champion, "champion", timed, now=NOW) == ()
