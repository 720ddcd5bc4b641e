"""Messages of `aimlnf.mms.v1` to and from the nouns. Translation only; no decisions."""

from collections.abc import Mapping

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as service_pb2
from mms_repository.description_messages import (
    description_from,
    tensor_message,
    time_from,
    timestamp_of,
    validity_message,
)
from mms_repository.descriptions import Position
from mms_repository.groups import CoordinationGroup
from mms_repository.manifests import Artifact, ArtifactKind, Manifest, Signature, refused
from mms_repository.models import Model
from mms_repository.names import invalid_field
from mms_repository.searches import VersionFilter
from mms_repository.uploads import Chunk, Upload
from mms_repository.versions import (
    AliasChange,
    HistoryEntry,
    ModelVersion,
    PositionedEntry,
    StateChange,
    VersionState,
)

_KINDS: Mapping[int, ArtifactKind] = {
    model_pb2.ARTIFACT_KIND_ONNX: ArtifactKind.ONNX,
    model_pb2.ARTIFACT_KIND_SAFETENSORS: ArtifactKind.SAFETENSORS,
    model_pb2.ARTIFACT_KIND_JSON: ArtifactKind.JSON,
    model_pb2.ARTIFACT_KIND_YAML: ArtifactKind.YAML,
}
_KIND_NUMBERS = {
    kind: model_pb2.ArtifactKind.Value(f"ARTIFACT_KIND_{kind}") for kind in ArtifactKind
}
_STATE_NUMBERS = {
    state: model_pb2.ModelVersionState.Value(f"MODEL_VERSION_STATE_{state}")
    for state in VersionState
}


def upload_from(header: service_pb2.UploadHeader) -> Upload:
    """The upload that a header announces.

    Raises:
        InvalidArgument: ARTIFACT_REFUSED for a kind that is not accepted.
    """
    return Upload(
        request_id=header.request_id,
        manifest=manifest_from(header.manifest),
        signature=Signature(header.signature.key_id, header.signature.value),
        kpis=dict(header.kpis),
        training_job_id=header.training_job_id,
        actor=header.actor,
        reason=header.reason,
        description=description_from(header),
        resumable=header.resumable,
    )


def manifest_from(message: model_pb2.Manifest) -> Manifest:
    """The manifest.

    Raises:
        InvalidArgument: ARTIFACT_REFUSED for a kind that is not accepted.
    """
    return Manifest(
        model_name=message.model_name,
        source_version=message.source_version,
        artifacts=tuple(_artifact_from(artifact) for artifact in message.artifacts),
    )


def chunk_from(message: service_pb2.UploadChunk) -> Chunk:
    """The chunk."""
    return Chunk(message.file_name, message.offset_bytes, message.data)


def model_message(model: Model) -> model_pb2.Model:
    """The message of a model."""
    return model_pb2.Model(
        model_name=model.model_name,
        aiml_inference_name=model.aiml_inference_name,
        description=model.description,
        latest_version=model.latest_version,
        aliases=model.aliases,
        create_time=timestamp_of(model.create_time),
    )


def version_message(version: ModelVersion) -> model_pb2.ModelVersion:
    """The message of a version."""
    return model_pb2.ModelVersion(
        model_name=version.model_name,
        version=version.version,
        state=_STATE_NUMBERS[version.state],
        manifest=model_pb2.Manifest(
            model_name=version.manifest.model_name,
            source_version=version.manifest.source_version,
            artifacts=[_artifact_message(artifact) for artifact in version.manifest.artifacts],
        ),
        signature=model_pb2.Signature(
            key_id=version.signature.key_id, value=version.signature.value
        ),
        kpis=version.kpis,
        training_job_id=version.training_job_id,
        distinguished_name=version.distinguished_name,
        model_unique_id=version.model_unique_id,
        aliases=version.aliases,
        etag=version.etag,
        create_time=timestamp_of(version.create_time),
        labels=version.description.labels,
        validity=validity_message(version.description.validity),
        target_environments=version.description.target_environments,
        dataset_sha256=version.description.dataset_sha256,
        inputs=[tensor_message(spec) for spec in version.tensors.inputs],
        outputs=[tensor_message(spec) for spec in version.tensors.outputs],
        coordination_group=version.coordination_group,
    )


def filter_from(message: service_pb2.VersionFilter) -> VersionFilter:
    """The filter.

    Raises:
        InvalidArgument: INVALID_FIELD for a state that is none.
    """
    states = {number: state for state, number in _STATE_NUMBERS.items()}
    unknown = set(message.states) - set(states)
    if unknown:
        raise invalid_field("filter.states", f"hold {min(unknown)}, which is no state")
    return VersionFilter(
        model_name=message.model_name,
        states=frozenset(states[number] for number in message.states),
        labels=dict(message.labels),
        valid_at=time_from(message.valid_at if message.HasField("valid_at") else None),
        orbit_shell=message.orbit_shell,
        position=(
            Position(message.position.latitude_deg, message.position.longitude_deg)
            if message.HasField("position")
            else None
        ),
        target_environment=message.target_environment,
    )


def members_from(message: model_pb2.CoordinationGroup) -> Mapping[str, int]:
    """The members of a group, models to versions.

    Raises:
        InvalidArgument: INVALID_FIELD for a model that comes twice.
    """
    members = {member.model_name: member.version for member in message.members}
    if len(members) < len(message.members):
        raise invalid_field("members", "name a model twice; a group has one version of each")
    return members


def group_message(group: CoordinationGroup) -> model_pb2.CoordinationGroup:
    """The message of a coordination group."""
    return model_pb2.CoordinationGroup(
        group_name=group.group_name,
        members=[
            model_pb2.VersionReference(model_name=name, version=version)
            for name, version in sorted(group.members.items())
        ],
        distinguished_name=group.distinguished_name,
        create_time=timestamp_of(group.create_time),
    )


def entry_message(entry: HistoryEntry) -> model_pb2.VersionHistoryEntry:
    """The message of a change."""
    message = model_pb2.VersionHistoryEntry(
        model_name=entry.model_name,
        version=entry.version,
        actor=entry.actor,
        reason=entry.reason,
        change_time=timestamp_of(entry.change_time),
    )
    if isinstance(entry.change, StateChange):
        if entry.change.from_state is not None:
            message.from_state = _STATE_NUMBERS[entry.change.from_state]
        message.to_state = _STATE_NUMBERS[entry.change.to_state]
    elif isinstance(entry.change, AliasChange):
        message.alias = entry.change.alias
    else:
        message.labels.SetInParent()  # also where there are none any more
        message.labels.labels.update(entry.change.labels)
    return message


def watch_message(positioned: PositionedEntry) -> service_pb2.WatchVersionsResponse:
    """The message of a change on a watch."""
    return service_pb2.WatchVersionsResponse(
        position=positioned.position, entry=entry_message(positioned.entry)
    )


def _artifact_from(message: model_pb2.Artifact) -> Artifact:
    kind = _KINDS.get(message.kind)
    if kind is None:
        raise refused(message.file_name[:200], f"its kind must be one of {', '.join(ArtifactKind)}")
    return Artifact(message.file_name, kind, message.sha256, message.size_bytes)


def _artifact_message(artifact: Artifact) -> model_pb2.Artifact:
    return model_pb2.Artifact(
        file_name=artifact.file_name,
        kind=_KIND_NUMBERS[artifact.kind],
        sha256=artifact.sha256,
        size_bytes=artifact.size_bytes,
    )
