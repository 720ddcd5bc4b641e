"""Signatures over manifests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nf_runtime.errors import InvalidArgument, PermissionDenied
from nf_runtime.signing import ArtifactDigest, SignedManifest, Signer, TrustedKeys
from nf_runtime.use_terms import UseTerms

EXPIRY = datetime(2027, 1, 1, tzinfo=UTC)
MANIFEST = SignedManifest(
    "gan-gdm",
    3,
    [ArtifactDigest("model.onnx", "ab" * 32, 1000), ArtifactDigest("card.json", "cd" * 32, 10)],
)


def _trusted(path: Path) -> TrustedKeys:
    return TrustedKeys.from_files([path.with_suffix(".pub")])


def test_a_signature_of_a_trusted_key_holds_in_any_file_order(tmp_path: Path) -> None:
    """The order in which files are listed does not matter."""
    key_id, signature = Signer.from_file(tmp_path / "key").sign(MANIFEST)
    turned = replace(MANIFEST, artifacts=list(reversed(MANIFEST.artifacts)))
    _trusted(tmp_path / "key").verify(turned, key_id=key_id, signature=signature)


@pytest.mark.parametrize(
    "changed",
    [
        replace(MANIFEST, model_name="other"),
        replace(MANIFEST, source_version=2),
        replace(MANIFEST, artifacts=MANIFEST.artifacts[:1]),
        replace(MANIFEST, artifacts=[replace(MANIFEST.artifacts[0], sha256="00" * 32)]),
        replace(MANIFEST, terms=UseTerms(target_environments=["onnxruntime-cpu"])),
        replace(MANIFEST, terms=UseTerms(valid_until=EXPIRY)),
    ],
)
def test_any_change_of_the_manifest_breaks_the_signature(
    tmp_path: Path, changed: SignedManifest
) -> None:
    """Name, origin, files, digests and terms are all covered."""
    key_id, signature = Signer.from_file(tmp_path / "key").sign(MANIFEST)
    with pytest.raises(PermissionDenied) as caught:
        _trusted(tmp_path / "key").verify(changed, key_id=key_id, signature=signature)
    assert caught.value.reason == "SIGNATURE_INVALID"


def test_another_key_is_not_believed(tmp_path: Path) -> None:
    """A right signature of a key that is not trusted is refused."""
    key_id, signature = Signer.from_file(tmp_path / "theirs").sign(MANIFEST)
    Signer.from_file(tmp_path / "ours")
    with pytest.raises(PermissionDenied):
        _trusted(tmp_path / "ours").verify(MANIFEST, key_id=key_id, signature=signature)


def test_a_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    """The second start reads the key of the first; nobody else may read it."""
    path = tmp_path / "keys" / "signing.key"
    assert Signer.from_file(path).key_id == Signer.from_file(path).key_id
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_that_holds_no_key_is_a_clear_error(tmp_path: Path) -> None:
    """Rubbish in a key file names the file."""
    (tmp_path / "key").write_text("rubbish")
    with pytest.raises(InvalidArgument, match="key"):
        Signer.from_file(tmp_path / "key")


def _marked(path: Path, marks: str) -> TrustedKeys:
    """The key of `path`, with these marks, after a comment and another key."""
    Signer.from_file(path.with_name("other"))
    other = path.with_name("other.pub").read_text()
    own = path.with_suffix(".pub").read_text()
    keys = path.with_name("keys.txt")
    keys.write_text(f"# the trainer's\n{other}\n\n{own} {marks}\n")
    return TrustedKeys.from_files([keys])


def test_a_revoked_key_counts_nowhere(tmp_path: Path) -> None:
    """Neither for what is published now nor for what was before."""
    key_id, signature = Signer.from_file(tmp_path / "key").sign(MANIFEST)
    _marked(tmp_path / "key", "").verify(MANIFEST, key_id=key_id, signature=signature)
    for at in (None, EXPIRY):
        with pytest.raises(PermissionDenied, match="revoked") as caught:
            _marked(tmp_path / "key", "revoked").verify(
                MANIFEST, key_id=key_id, signature=signature, at=at
            )
        assert caught.value.reason == "SIGNATURE_INVALID"


def test_an_expired_key_signs_nothing_new(tmp_path: Path) -> None:
    """What it signed before stays good."""
    key_id, signature = Signer.from_file(tmp_path / "key").sign(MANIFEST)
    trusted = _marked(tmp_path / "key", f"not-after={EXPIRY.isoformat()}")
    for at in (None, EXPIRY):
        trusted.verify(MANIFEST, key_id=key_id, signature=signature, at=at)
    with pytest.raises(PermissionDenied, match="expired") as caught:
        trusted.verify(
            MANIFEST, key_id=key_id, signature=signature, at=EXPIRY + timedelta(seconds=1)
        )
    assert caught.value.reason == "SIGNATURE_INVALID"


@pytest.mark.parametrize("marks", ["revokd", "not-after=soon", "not-after=2027-01-01T00:00:00"])
def test_a_mark_that_is_not_known(tmp_path: Path, marks: str) -> None:
    """A slip of the pen must not leave a key trusted that was meant to be revoked."""
    Signer.from_file(tmp_path / "key")
    with pytest.raises(InvalidArgument, match="marked"):
        _marked(tmp_path / "key", marks)


def test_a_file_without_keys(tmp_path: Path) -> None:
    """It is a mistake, not an empty trust."""
    (tmp_path / "keys.txt").write_text("# none yet\n")
    with pytest.raises(InvalidArgument, match="holds 0 bytes"):
        TrustedKeys.from_files([tmp_path / "keys.txt"])
