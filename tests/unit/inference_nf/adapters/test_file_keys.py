"""Tests of trusted keys in files."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.tiny_models import tiny_version

from inference_nf.adapters.file_keys import FileKeys
from nf_runtime.errors import PermissionDenied

RELEASE = tiny_version().release


def verify(*paths: Path) -> None:
    """Check the tiny version's signature with these keys."""
    FileKeys(paths).verify(RELEASE.manifest, key_id=RELEASE.key_id, signature=RELEASE.signature)


def write_key(path: Path, seed: bytes) -> None:
    """The public half of a key."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    path.write_bytes(base64.b64encode(public.public_bytes_raw()))


def test_a_key_counts_from_when_its_file_is_there(tmp_path: Path) -> None:
    """The trainer may make its key after this function has started."""
    path = tmp_path / "mtlf.pub"
    with pytest.raises(PermissionDenied, match="not trusted"):
        verify(path)
    write_key(path, bytes(range(32)))
    verify(path)


def test_other_keys_do_not_count(tmp_path: Path) -> None:
    """A listed key that did not sign is no help; no key at all trusts nobody."""
    write_key(tmp_path / "other.pub", bytes(32))
    with pytest.raises(PermissionDenied):
        verify(tmp_path / "other.pub")
    with pytest.raises(PermissionDenied):
        verify()
