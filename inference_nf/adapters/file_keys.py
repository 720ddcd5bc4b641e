"""Trusted public keys in files that may be added while the function runs."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from nf_runtime.signing import SignedManifest, TrustedKeys

log = structlog.get_logger(__name__)


class FileKeys:
    """Reads the listed files at each check; one that is not there yet is left out, and said so."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def verify(self, manifest: SignedManifest, *, key_id: str, signature: bytes) -> None:
        """Returns when one of the keys signed this very manifest.

        Raises:
            PermissionDenied: SIGNATURE_INVALID.
            InvalidArgument: INVALID_CONFIGURATION when a file holds no key.
        """
        there = [path for path in self._paths if path.exists()]
        if len(there) < len(self._paths):
            missing = [str(path) for path in self._paths if path not in there]
            log.warning("trusted keys are missing", files=missing)
        TrustedKeys.from_files(there).verify(manifest, key_id=key_id, signature=signature)
