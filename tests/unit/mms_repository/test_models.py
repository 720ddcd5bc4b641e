"""Where aliases point."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from support.mms_uploads import MODEL, files, manifest_of

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
    assert list(moves_of(model, alias, version(number))) == moves


@pytest.mark.parametrize(
    "state", [state for state in VersionState if state is not VersionState.APPROVED]
)
def test_champion_is_approved(state: VersionState) -> None:
    """No other state serves."""
    with pytest.raises(FailedPrecondition) as caught:
        moves_of(MODEL_ROW, "champion", version(1, state))
    assert caught.value.reason == "MODEL_NOT_APPROVED"


def test_archived_gets_no_alias() -> None:
    """What is kept for the record only is not pointed to."""
    with pytest.raises(FailedPrecondition) as caught:
        moves_of(MODEL_ROW, "blue", version(1, VersionState.ARCHIVED))
    assert caught.value.reason == "STATE_FORBIDS"
