"""Publication of a version: everything holds, or nothing of it exists.

Bytes go to a staging area while they are hashed; only after the last one passed its checks they
move into the store, and only then one transaction makes the version. Death in between leaves bytes
that no version refers to; `housekeeping` clears them.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from mms_repository.completion import run_to_completion
from mms_repository.descriptions import TensorSignature
from mms_repository.housekeeping import Gate
from mms_repository.manifests import Artifact, Manifest, ManifestLimits, check_manifest
from mms_repository.names import check_identifier, invalid_field
from mms_repository.ports import (
    ArtifactStore,
    FormatChecker,
    ModelReader,
    ModelStore,
    ModelWriter,
    NewVersion,
    SignatureVerifier,
    Staging,
)
from mms_repository.uploads import Chunk, Reception, Upload
from mms_repository.versions import HistoryEntry, ModelVersion, StateChange, VersionState
from nf_runtime.clock import Clock
from nf_runtime.errors import (
    AlreadyExists,
    DataLoss,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
)

_RETRY_AFTER_S = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class PublicationRules:
    """What may be published, and how much at once."""

    limits: ManifestLimits
    signature_required: bool
    max_concurrent: int


@dataclass(frozen=True)
class Progress:
    """How far an upload came: bytes of each artifact, and the version once it is made."""

    received_bytes: Sequence[int]
    version: ModelVersion | None


class Publisher:
    """Takes uploads in.

    Args:
        store: Where versions are written down.
        artifacts: Where their bytes go.
        formats: Looks into each artifact.
        keys: Whose signatures count.
        rules: Bounds.
        gate: Shared with whoever removes bytes.
        clock: For the time of publication.
    """

    def __init__(
        self,
        *,
        store: ModelStore,
        artifacts: ArtifactStore,
        formats: FormatChecker,
        keys: SignatureVerifier,
        rules: PublicationRules,
        gate: Gate,
        clock: Clock,
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._formats = formats
        self._keys = keys
        self._rules = rules
        self._gate = gate
        self._clock = clock
        self._uploads = 0

    async def publish(self, upload: Upload, chunks: AsyncIterator[Chunk]) -> ModelVersion:
        """The version made of the chunks, or the one that the same request made before.

        Raises:
            InvalidArgument: INVALID_FIELD, ARTIFACT_REFUSED.
            NotFound: RESOURCE_NOT_FOUND, the model or the version it was trained from.
            AlreadyExists: REQUEST_ID_REUSED, with another manifest.
            PermissionDenied: SIGNATURE_INVALID.
            DataLoss: DIGEST_MISMATCH.
            ResourceExhausted: QUOTA_EXCEEDED, too many uploads at once or no room.
        """
        upload.check(self._rules.limits)
        made = await self._store.read(partial(_made_of, upload))
        if made is not None:
            return made
        self._check_signature(upload)
        if self._uploads >= self._rules.max_concurrent:
            raise ResourceExhausted(
                f"{self._uploads} uploads are in progress; try again in {_RETRY_AFTER_S} s",
                reason="QUOTA_EXCEEDED",
                retry_after_s=str(_RETRY_AFTER_S),
            )
        self._uploads += 1
        try:
            continued = _continued(upload.request_id, upload.manifest) if upload.resumable else ""
            async with self._artifacts.staging(continued) as staging:
                tensors = await self._receive(upload, chunks, staging)
                return await run_to_completion(self._commit(upload, tensors, staging))
        finally:
            self._uploads -= 1

    def _check_signature(self, upload: Upload) -> None:
        signature = upload.signature
        if signature:
            signed = upload.manifest.signed(upload.description.terms())
            self._keys.verify(signed, key_id=signature.key_id, signature=signature.value)
        elif self._rules.signature_required:
            raise PermissionDenied(
                f"the version of model {upload.manifest.model_name} is not signed; sign its "
                "manifest, or set signing.required to false",
                reason="SIGNATURE_INVALID",
                key_id="",
            )

    async def progress(self, request_id: str, manifest: Manifest) -> Progress:
        """How far an upload came that was interrupted or has ended well.

        Raises:
            InvalidArgument: INVALID_FIELD, ARTIFACT_REFUSED.
            NotFound: RESOURCE_NOT_FOUND, the model.
            AlreadyExists: REQUEST_ID_REUSED, with another manifest.
        """
        check_identifier(request_id, field="request_id")
        check_manifest(manifest, self._rules.limits)
        made = await self._store.read(partial(_made_before, request_id, manifest))
        if made is not None:
            return Progress([artifact.size_bytes for artifact in manifest.artifacts], made)
        received_bytes = await self._artifacts.staged_bytes(
            _continued(request_id, manifest), len(manifest.artifacts)
        )
        return Progress(received_bytes, None)

    async def _receive(
        self, upload: Upload, chunks: AsyncIterator[Chunk], staging: Staging
    ) -> TensorSignature:
        manifest = upload.manifest
        received_bytes = await staging.resume(manifest.artifacts) if upload.resumable else ()
        reception = Reception(manifest, received_bytes)
        found: list[TensorSignature] = []
        try:
            for artifact in reception.resumed:
                found.append(await self._verify(artifact, staging))  # noqa: PERF401 - one by one
            async for chunk in chunks:
                artifact = reception.accept(chunk)
                await staging.append(artifact, chunk.data)
                if reception.is_complete(artifact):
                    found.append(await self._verify(artifact, staging))
        except (InvalidArgument, DataLoss):
            staging.spoil()
            raise
        reception.finish()
        return TensorSignature(
            inputs=tuple(spec for tensors in found for spec in tensors.inputs),
            outputs=tuple(spec for tensors in found for spec in tensors.outputs),
        )

    async def _verify(self, artifact: Artifact, staging: Staging) -> TensorSignature:
        sha256 = await staging.seal(artifact)
        if sha256 != artifact.sha256:
            raise DataLoss(
                f"artifact {artifact.file_name} arrived with digest {sha256}, announced was "
                f"{artifact.sha256}; nothing is stored, send it again",
                reason="DIGEST_MISMATCH",
                file_name=artifact.file_name,
                sha256=sha256,
            )
        return await self._formats.check(artifact, staging.path(artifact))

    async def _commit(
        self, upload: Upload, tensors: TensorSignature, staging: Staging
    ) -> ModelVersion:
        # Bytes first: a version never refers to what is not there.
        async with self._gate.together():
            await staging.keep()
            version = await self._store.write(partial(self._add, upload, tensors))
        log.info("version published", model_name=version.model_name, version=version.version)
        return version

    def _add(self, upload: Upload, tensors: TensorSignature, writer: ModelWriter) -> ModelVersion:
        # The same request may have arrived twice at once; the second one ends here.
        made = _made_of(upload, writer)
        if made is not None:
            return made
        now = self._clock.now()
        version = writer.add_version(
            NewVersion(
                request_id=upload.request_id,
                manifest=upload.manifest,
                signature=upload.signature,
                kpis=upload.kpis,
                training_job_id=upload.training_job_id,
                create_time=now,
                description=upload.description,
                tensors=tensors,
            )
        )
        writer.record(
            HistoryEntry(
                model_name=version.model_name,
                version=version.version,
                change=StateChange(None, VersionState.REGISTERED),
                actor=upload.actor,
                reason=upload.reason,
                change_time=now,
            )
        )
        return version


def _continued(request_id: str, manifest: Manifest) -> str:
    """Names the bytes that an interrupted upload leaves."""
    return hashlib.sha256(f"{request_id}/{manifest.sha256()}".encode()).hexdigest()


def _made_of(upload: Upload, reader: ModelReader) -> ModelVersion | None:
    """The version of this very upload; raises for what can never become one."""
    made = _made_before(upload.request_id, upload.manifest, reader)
    if made is not None and made.description.terms() != upload.description.terms():
        raise _reused(upload.request_id, made, "for another use")
    return made


def _made_before(request_id: str, manifest: Manifest, reader: ModelReader) -> ModelVersion | None:
    """The version of this very request; raises for what can never become one."""
    made = reader.version_of_request(request_id)
    if made is not None:
        if made.manifest.sha256() != manifest.sha256():
            raise _reused(request_id, made, "from another manifest")
        return made
    if reader.model(manifest.model_name) is None:
        raise NotFound(
            f"model {manifest.model_name} does not exist; create it first",
            reason="RESOURCE_NOT_FOUND",
            resource=manifest.model_name,
        )
    source = manifest.source_version
    if source and reader.version(manifest.model_name, source) is None:
        raise invalid_field(
            "source_version", f"{source} is no version of model {manifest.model_name}"
        )
    return None


def _reused(request_id: str, made: ModelVersion, how: str) -> AlreadyExists:
    return AlreadyExists(
        f"request {request_id} published {made.label} {how}; use a new request_id",
        reason="REQUEST_ID_REUSED",
        request_id=request_id,
    )
