"""States of a version and what changes them."""

from datetime import UTC, datetime

import pytest
from support.mms_uploads import MODEL, files, manifest_of

from mms_repository.manifests import UNSIGNED
from mms_repository.versions import ModelVersion, Verb, VersionState
from nf_runtime.errors import Aborted, FailedPrecondition

R, T, A, X, Z = (
    VersionState.REGISTERED,
    VersionState.TESTED,
    VersionState.APPROVED,
    VersionState.REJECTED,
    VersionState.ARCHIVED,
)
# The whole table once more, as the API describes it: (from, verb) to state. All else is forbidden.
EXPECTED = {
    (R, Verb.PASS): T,
    (T, Verb.PASS): T,
    (X, Verb.PASS): T,
    (R, Verb.FAIL): X,
    (T, Verb.FAIL): X,
    (X, Verb.FAIL): X,
    (T, Verb.APPROVE): A,
    (R, Verb.REJECT): X,
    (T, Verb.REJECT): X,
    (A, Verb.REJECT): X,
    (R, Verb.ARCHIVE): Z,
    (T, Verb.ARCHIVE): Z,
    (A, Verb.ARCHIVE): Z,
    (X, Verb.ARCHIVE): Z,
    (Z, Verb.ARCHIVE): Z,
}


def version_in(state: VersionState, *, aliases: tuple[str, ...] = ()) -> ModelVersion:
    """A version in that state."""
    return ModelVersion(
        model_name=MODEL,
        version=3,
        model_unique_id=7,
        state=state,
        manifest=manifest_of(files()),
        signature=UNSIGNED,
        kpis={},
        training_job_id="",
        create_time=datetime(2026, 1, 1, tzinfo=UTC),
        aliases=aliases,
    )


@pytest.mark.parametrize("state", VersionState)
@pytest.mark.parametrize("verb", Verb)
def test_every_verb_from_every_state(state: VersionState, verb: Verb) -> None:
    """A verb leads where the table says, or is refused with both states named."""
    version = version_in(state)
    expected = EXPECTED.get((state, verb))
    if expected is not None:
        assert version.state_after(verb) is expected
        return
    with pytest.raises(FailedPrecondition) as caught:
        version.state_after(verb)
    assert caught.value.reason == "STATE_FORBIDS"
    assert caught.value.metadata["state"] == state


@pytest.mark.parametrize(
    ("verb", "alias", "held"),
    [
        (Verb.REJECT, "champion", True),
        (Verb.REJECT, "candidate", False),
        (Verb.ARCHIVE, "champion", True),
        (Verb.ARCHIVE, "candidate", True),
        (Verb.ARCHIVE, "blue", True),
    ],
)
def test_aliases_hold_a_version(verb: Verb, alias: str, held: bool) -> None:
    """The champion is not rejected; whatever has an alias is not archived."""
    version = version_in(A, aliases=(alias,))
    if not held:
        version.state_after(verb)
        return
    with pytest.raises(FailedPrecondition) as caught:
        version.state_after(verb)
    assert caught.value.metadata["alias"] == alias


def test_names() -> None:
    """The DN is built of model and version."""
    expected = "SubNetwork=aimlnf,MLModelRepository=mms,MLModel=gan-gdm-3"
    assert version_in(R).distinguished_name == expected


def test_etag() -> None:
    """No etag and the current one pass, any other is a conflict."""
    version = version_in(R)
    version.check_etag("")
    version.check_etag(version.etag)
    with pytest.raises(Aborted) as caught:
        version.check_etag("7-0")
    assert caught.value.reason == "ETAG_MISMATCH"
