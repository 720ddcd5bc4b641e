"""Models to and from the repository: ``aimlctl model push`` and ``pull``.

Both go on where they broke off: a push by the bytes that the repository has, a pull by those in the
folder. Nothing counts before its digest is that of the signed manifest.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from aimlctl.documents import document_of
from aimlctl.options import ActorOption, JsonOption, ReasonOption, StateDirOption
from aimlctl.output import CommandError, Output
from aimlctl.patience import patiently
from aimlctl.peers import Peers, connected
from aimlctl.run_file import DEFAULT_STATE_DIR
from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as mms
from nf_runtime.artifact_files import (
    KINDS,
    artifact_of,
    digest_of,
    sha256_of,
    upload_requests,
)
from nf_runtime.clock import SystemClock
from nf_runtime.errors import NotFound
from nf_runtime.heap import keep_freed_memory
from nf_runtime.signing import SignedManifest, Signer
from nf_runtime.use_terms import UseTerms

TRANSFER_DEADLINE_S = 3600.0
_PARTIAL = ".part"
_PICTURES = {".svg"}  # of the training, beside the artifact: for people, not for repositories

NameArgument = Annotated[str, typer.Argument(help="Name of the model.")]
LabelOption = Annotated[
    list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="May be repeated.")
]
VersionOption = Annotated[int, typer.Option("--version", help="Version; 0: the latest.")]
AliasOption = Annotated[str, typer.Option("--alias", help="An alias instead of a version.")]


def push(
    name: NameArgument,
    folder: Annotated[
        Path, typer.Argument(help="Its files: .onnx, .safetensors, .json, .yaml; nothing else.")
    ],
    *,
    key: Annotated[
        Path | None,
        typer.Option("--key", help="Private key that signs; by default the trainer's own here."),
    ] = None,
    source_version: Annotated[
        int, typer.Option("--source-version", help="Version it was trained from; 0: none.")
    ] = 0,
    inference_name: Annotated[
        str, typer.Option("--inference-name", help="aIMLInferenceName of a model that is new.")
    ] = "NTN_SECURE_BEAMFORMING",
    label: LabelOption = None,
    orbit_shell: Annotated[
        list[str] | None, typer.Option("--orbit-shell", help="Where it may be used; repeatable.")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option("--target", help="Environment it is meant for; repeatable.")
    ] = None,
    actor: ActorOption = "aimlctl",
    reason: ReasonOption = "pushed from the command line",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Publishes the files of a folder as a new version; the same files again are the same one."""
    output = Output.of(as_json=as_json)
    keep_freed_memory()
    signer = Signer.from_file(_existing(key or state_dir / "keys" / "mtlf.key"))
    files = _files_of(folder)
    terms = UseTerms(orbit_shells=orbit_shell or (), target_environments=target or ())
    artifacts = [artifact_of(file) for file in files]
    manifest = SignedManifest(name, source_version, list(map(digest_of, artifacts)), terms)
    key_id, signature = signer.sign(manifest)
    header = mms.UploadHeader(
        request_id=hashlib.sha256(manifest.canonical_bytes()).hexdigest(),
        manifest=model_pb2.Manifest(
            model_name=name,
            source_version=source_version,
            artifacts=artifacts,
        ),
        signature=model_pb2.Signature(key_id=key_id, value=signature),
        actor=actor,
        reason=reason,
        labels=labels_of(label or []),
        validity=model_pb2.Validity(orbit_shells=orbit_shell or []),
        target_environments=target or [],
        resumable=True,
    )
    with connected(state_dir) as peers:
        _make_model(peers, name, inference_name)
        version = patiently(lambda: _upload(peers, header, files), clock=SystemClock())

    def show(console: Console) -> None:
        console.print(f"{name} v{version.version} is published")

    output.document({"model_version": document_of(version)}, show=show)


def pull(
    name: NameArgument,
    folder: Annotated[Path, typer.Argument(help="Where its files go; made if absent.")],
    *,
    version: VersionOption = 0,
    alias: AliasOption = "",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Fetches the files of a version into a folder, each equal to its digest."""
    output = Output.of(as_json=as_json)
    keep_freed_memory()
    folder.mkdir(parents=True, exist_ok=True)
    with connected(state_dir) as peers:
        found = version_of(peers, name, version=version, alias=alias)
        for artifact in found.manifest.artifacts:
            _fetch(peers, found, artifact, folder / artifact.file_name)

    def show(console: Console) -> None:
        console.print(f"{name} v{found.version} lies in {folder}")

    output.document({"model_version": document_of(found), "folder": str(folder)}, show=show)


def version_of(peers: Peers, name: str, *, version: int, alias: str) -> model_pb2.ModelVersion:
    """The version by number (0: the latest) or alias.

    Raises:
        NotFound: There is none.
    """
    request = mms.GetModelVersionRequest(model_name=name)
    if alias:
        request.alias = alias
    elif version:
        request.version = version
    else:
        model = peers.repository.GetModel(mms.GetModelRequest(model_name=name)).model
        if not model.latest_version:
            raise CommandError(f"model {name} has no version yet; push one")
        request.version = model.latest_version
    return peers.repository.GetModelVersion(request).model_version


def pieces_of(
    peers: Peers, version: model_pb2.ModelVersion, file_name: str, *, offset_bytes: int = 0
) -> Iterator[bytes]:
    """The bytes of an artifact from `offset_bytes` on."""
    request = mms.DownloadArtifactRequest(
        model_name=version.model_name,
        version=version.version,
        file_name=file_name,
        offset_bytes=offset_bytes,
    )
    for message in peers.repository.DownloadArtifact(request, timeout=TRANSFER_DEADLINE_S):
        yield message.data


def _files_of(folder: Path) -> Sequence[Path]:
    if not folder.is_dir():
        raise CommandError(f"{folder} is no folder; name the one that holds the model's files")
    files = sorted(path for path in folder.iterdir() if path.is_file())
    paths = [path for path in files if path.suffix not in _PICTURES]
    strange = [path.name for path in paths if path.suffix not in KINDS]
    if strange:
        raise CommandError(
            f"{strange[0]} is of no kind that is accepted; leave {', '.join(KINDS)} files only"
        )
    if not paths:
        raise CommandError(f"{folder} is empty; there is nothing to publish")
    return paths


def labels_of(pairs: Sequence[str]) -> dict[str, str]:
    """The labels that options of the form NAME=VALUE name."""
    labels: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise CommandError(f"label {pair} has no value; write NAME=VALUE")
        labels[name] = value
    return labels


def _existing(key: Path) -> Path:
    # Signer would make it: a key that nobody trusts.
    if not key.exists():
        raise CommandError(f"there is no signing key {key}; name one with --key")
    return key


def _make_model(peers: Peers, name: str, inference_name: str) -> None:
    try:
        peers.repository.GetModel(mms.GetModelRequest(model_name=name))
    except NotFound:
        model = model_pb2.Model(model_name=name, aiml_inference_name=inference_name)
        peers.repository.CreateModel(mms.CreateModelRequest(model=model))


def _upload(
    peers: Peers, header: mms.UploadHeader, files: Sequence[Path]
) -> model_pb2.ModelVersion:
    progress = peers.repository.GetUploadProgress(
        mms.GetUploadProgressRequest(request_id=header.request_id, manifest=header.manifest)
    )
    if progress.HasField("model_version"):
        return progress.model_version
    requests = _requests(header, files, progress.received_bytes)
    response = peers.repository.UploadModelVersion(requests, timeout=TRANSFER_DEADLINE_S)
    return response.model_version


def _requests(
    header: mms.UploadHeader, files: Sequence[Path], received_bytes: Sequence[int]
) -> Iterator[mms.UploadModelVersionRequest]:
    yield mms.UploadModelVersionRequest(header=header)
    for file, received in zip(files, received_bytes, strict=True):
        yield from upload_requests(file, received)


def _fetch(
    peers: Peers, version: model_pb2.ModelVersion, artifact: model_pb2.Artifact, path: Path
) -> None:
    if path.exists() and sha256_of(path).hexdigest() == artifact.sha256:
        return
    partial = path.with_name(path.name + _PARTIAL)
    patiently(
        lambda: _fetch_rest(peers, version, artifact, partial),
        clock=SystemClock(),
    )
    partial.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fetch_rest(
    peers: Peers, version: model_pb2.ModelVersion, artifact: model_pb2.Artifact, partial: Path
) -> None:
    partial.touch()
    if partial.stat().st_size > artifact.size_bytes:
        partial.unlink()
        partial.touch()
    digest = sha256_of(partial)
    hashed: Future[None] | None = None
    with partial.open("ab") as file, ThreadPoolExecutor(1) as hashing:
        received = file.tell()
        for piece in pieces_of(peers, version, artifact.file_name, offset_bytes=received):
            if hashed is not None:
                hashed.result()
            hashed = hashing.submit(digest.update, piece)  # while it is written and more comes
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != artifact.sha256:
        partial.unlink()
        raise CommandError(
            f"{artifact.file_name} arrived with digest {digest.hexdigest()} instead of "
            f"{artifact.sha256}; it was removed, pull it again"
        )
