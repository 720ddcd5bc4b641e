"""Signatures over what a model version is made of: Ed25519 (RFC 8032) over a manifest of digests.

The trainer signs, the repository verifies before it stores, the inference function verifies before
it loads::

    signer = Signer.from_file(path)             # made at first use, 0600
    key_id, signature = signer.sign(manifest)

    trusted = TrustedKeys.from_files([path.with_suffix(".pub")])
    trusted.verify(manifest, key_id=key_id, signature=signature)

``python -m nf_runtime.signing KEY_FILE [--owner UID]`` makes a deployment's key if absent.

A file of public keys holds one on each line, with what is to be known of it::

    # the trainer's
    l1qv…= not-after=2027-01-01T00:00:00Z
    9TzA…=
    0kRc…= revoked

To rotate, append the new key's line, let the trainer sign with it, and give the old line its
`not-after`: nothing is published with the old key after that time, and what it signed before stays
good. A `revoked` key's signatures count nowhere any more, whenever they were made.

Not modelled: when a signature was made; a stolen key that has expired signs nothing new in, because
the repository compares its own clock, and is to be revoked all the same.
"""

import argparse
import base64
import binascii
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from nf_runtime.errors import InvalidArgument, PermissionDenied
from nf_runtime.use_terms import ANY_USE, UseTerms


@dataclass(frozen=True)
class ArtifactDigest:
    """One file of a manifest: its name, the SHA-256 of its bytes in hexadecimal, its length."""

    file_name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class SignedManifest:
    """What a signature covers: model, version it was trained from (0: none), files and terms."""

    model_name: str
    source_version: int
    artifacts: Sequence[ArtifactDigest]
    terms: UseTerms = ANY_USE

    def canonical_bytes(self) -> bytes:
        """The bytes that are signed; the same for the files in any order."""
        document: dict[str, Any] = {
            "artifacts": [
                {"file_name": a.file_name, "sha256": a.sha256, "size_bytes": a.size_bytes}
                for a in sorted(self.artifacts, key=lambda artifact: artifact.file_name)
            ],
            "model_name": self.model_name,
            "source_version": self.source_version,
        }
        terms = self.terms.document()
        if terms:
            document["terms"] = terms
        return json.dumps(
            document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()


def key_id_of(key: Ed25519PublicKey) -> str:
    """The key's fingerprint: SHA-256 of its raw 32 bytes, hexadecimal."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


class Signer:
    """A private key that signs manifests."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.key_id = key_id_of(key.public_key())

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """The signer whose raw key stands in the file, base64; made, with `.pub`, if absent.

        Raises:
            InvalidArgument: INVALID_CONFIGURATION when the file holds no Ed25519 key.
        """
        if not path.exists():
            _create_key(path)
        return cls(Ed25519PrivateKey.from_private_bytes(_read_raw(path)))

    def sign(self, manifest: SignedManifest) -> tuple[str, bytes]:
        """The key's id and its 64-byte signature over the manifest."""
        return self.key_id, self._key.sign(manifest.canonical_bytes())


@dataclass(frozen=True)
class TrustedKey:
    """A public key, the time after which it signs nothing new, and whether it is revoked."""

    key: Ed25519PublicKey
    not_after: datetime | None = None
    revoked: bool = False


class TrustedKeys:
    """Public keys whose signatures are believed."""

    def __init__(self, keys: Iterable[Ed25519PublicKey | TrustedKey]) -> None:
        trusted = (TrustedKey(k) if isinstance(k, Ed25519PublicKey) else k for k in keys)
        self._keys = {key_id_of(each.key): each for each in trusted}

    @classmethod
    def from_files(cls, paths: Iterable[Path]) -> Self:
        """The keys that stand in the files, one raw public key in base64 on each line.

        Raises:
            InvalidArgument: INVALID_CONFIGURATION when a file is missing, holds no key or what is
                none.
        """
        return cls(key for path in paths for key in _public_keys(path))

    def verify(
        self, manifest: SignedManifest, *, key_id: str, signature: bytes, at: datetime | None = None
    ) -> None:
        """Returns when one of the trusted keys made the signature over this very manifest.

        Args:
            manifest: What is said to be signed.
            key_id: By whom.
            signature: 64 bytes.
            at: When it is published; None for what was published before, whose key may have
                expired since.

        Raises:
            PermissionDenied: SIGNATURE_INVALID for a missing or wrong signature, another key, a
                revoked or an expired one.
        """
        trusted = self._keys.get(key_id)
        if trusted is None:
            raise PermissionDenied(
                f"the version of model {manifest.model_name} is signed by key {key_id or '(none)'}"
                ", which is not trusted; add its public key to signing.trusted_keys",
                reason="SIGNATURE_INVALID",
                key_id=key_id,
            )
        if trusted.revoked:
            raise PermissionDenied(
                f"the version of model {manifest.model_name} is signed by key {key_id}, which is "
                "revoked; publish it again, signed with another key",
                reason="SIGNATURE_INVALID",
                key_id=key_id,
            )
        if at is not None and trusted.not_after is not None and at > trusted.not_after:
            raise PermissionDenied(
                f"key {key_id} expired at {trusted.not_after.isoformat()}; sign with its successor",
                reason="SIGNATURE_INVALID",
                key_id=key_id,
                not_after=trusted.not_after.isoformat(),
            )
        try:
            trusted.key.verify(signature, manifest.canonical_bytes())
        except InvalidSignature as error:
            raise PermissionDenied(
                f"the signature of model {manifest.model_name} does not fit its manifest; "
                "publish the version again",
                reason="SIGNATURE_INVALID",
                key_id=key_id,
            ) from error


def _public_keys(path: Path) -> Iterator[TrustedKey]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    if not lines:
        raise _wrong_length(path, 0)
    for line in lines:
        encoded, *marks = line.split()
        key = Ed25519PublicKey.from_public_bytes(_raw(encoded.encode(), path))
        not_after: datetime | None = None
        revoked = False
        for mark in marks:
            name, _, value = mark.partition("=")
            if mark == "revoked":
                revoked = True
            elif name == "not-after":
                not_after = _time(value, path)
            else:
                raise _wrong_mark(path, mark)
        yield TrustedKey(key, not_after, revoked)


def _time(value: str, path: Path) -> datetime:
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise _wrong_mark(path, f"not-after={value}") from error
    if time.tzinfo is None:
        raise _wrong_mark(path, f"not-after={value}")
    return time


def _wrong_mark(path: Path, mark: str) -> InvalidArgument:
    return InvalidArgument(
        f"signing key {path} is marked {mark}; known are revoked and not-after=<time>, the time as "
        "2027-01-01T00:00:00Z",
        reason="INVALID_CONFIGURATION",
        field="signing",
    )


def _create_key(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".pub").write_bytes(base64.b64encode(key.public_key().public_bytes_raw()))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(key.private_bytes_raw()))


def _read_raw(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    return _raw(content, path)


def _raw(encoded: bytes, path: Path) -> bytes:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise _unreadable(path, error) from error
    if len(raw) != 32:  # noqa: PLR2004 - RFC 8032 5.1.5
        raise _wrong_length(path, len(raw))
    return raw


def _unreadable(path: Path, error: Exception) -> InvalidArgument:
    return InvalidArgument(
        f"signing key {path} cannot be read: {error}",
        reason="INVALID_CONFIGURATION",
        field="signing",
    )


def _wrong_length(path: Path, size_bytes: int) -> InvalidArgument:
    return InvalidArgument(
        f"signing key {path} holds {size_bytes} bytes; an Ed25519 key has 32",
        reason="INVALID_CONFIGURATION",
        field="signing",
    )


def main() -> None:
    """Makes the key file and its `.pub` unless they are there."""
    parser = argparse.ArgumentParser(prog="python -m nf_runtime.signing")
    parser.add_argument("key_file", type=Path)
    parser.add_argument("--owner", type=int, help="numeric user that may read the private key")
    arguments = parser.parse_args()
    Signer.from_file(arguments.key_file)
    if arguments.owner is not None:
        os.chown(arguments.key_file, arguments.owner, -1)


if __name__ == "__main__":
    main()
