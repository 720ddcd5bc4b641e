"""Trusted public keys in files that may change while the repository runs."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from nf_runtime.clock import Clock
from nf_runtime.errors import InvalidArgument
from nf_runtime.signing import SignedManifest, TrustedKeys

log = structlog.get_logger(__name__)


class FileKeys:
    """The port `SignatureVerifier`; reads the files at each check, so that a revocation counts.

    Args:
        paths: As `nf_runtime.signing` describes them. One that cannot be read is left out, and
            said so: its keys are not trusted until it is mended.
        clock: Against which keys expire.
    """

    def __init__(self, paths: Sequence[Path], *, clock: Clock) -> None:
        self._paths = paths
        self._clock = clock

    def verify(self, manifest: SignedManifest, *, key_id: str, signature: bytes) -> None:
        """Returns when one of the keys signed this very manifest and has not expired.

        Raises:
            PermissionDenied: SIGNATURE_INVALID.
        """
        readable: list[Path] = []
        for path in self._paths:
            try:
                TrustedKeys.from_files([path])
            except InvalidArgument as error:
                log.error("trusted keys left out", file=str(path), error=error.message)  # noqa: TRY400
            else:
                readable.append(path)
        TrustedKeys.from_files(readable).verify(
            manifest, key_id=key_id, signature=signature, at=self._clock.now()
        )
