"""Signatures over manifests."""

from dataclasses import replace
from pathlib import Path

import pytest

from nf_runtime.errors import InvalidArgument, PermissionDenied
from nf_runtime.signing import ArtifactDigest, SignedManifest, Signer, TrustedKeys

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
    ],
)
def test_any_change_of_the_manifest_breaks_the_signature(
    tmp_path: Path, changed: SignedManifest
) -> None:
    """Name, origin, files and digests are all covered."""
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
