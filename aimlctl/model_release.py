"""What becomes of a version: ``aimlctl model verify``, ``promote``, ``rollback``, ``label``."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from aimlctl.documents import document_of
from aimlctl.model_transfer import (
    AliasOption,
    LabelOption,
    NameArgument,
    VersionOption,
    labels_of,
    pieces_of,
    version_of,
)
from aimlctl.options import ActorOption, JsonOption, ReasonOption, StateDirOption
from aimlctl.output import CommandError, Output
from aimlctl.peers import Peers, connected
from aimlctl.run_file import DEFAULT_STATE_DIR
from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as mms
from nf_runtime.artifact_files import digest_of, sha256_of
from nf_runtime.signing import SignedManifest, TrustedKeys
from nf_runtime.use_terms import UseTerms

_CHAMPION = "champion"
_PREVIOUS = "previous"

KeysOption = Annotated[
    list[Path] | None,
    typer.Option("--keys", help="Files of trusted public keys; by default the trainer's here."),
]
GroupOption = Annotated[
    str, typer.Option("--group", help="A coordination group, all of it, instead of one model.")
]
OptionalName = Annotated[str, typer.Argument(help="Name of the model; none with --group.")]


def verify(
    name: NameArgument,
    *,
    version: VersionOption = 0,
    alias: AliasOption = "",
    keys: KeysOption = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Files that were pulled, instead of the repository's."),
    ] = None,
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Checks signature and digests of a version, byte by byte; fails if one does not hold."""
    output = Output.of(as_json=as_json)
    trusted = TrustedKeys.from_files(keys or [state_dir / "keys" / "mtlf.pub"])
    with connected(state_dir) as peers:
        found = version_of(peers, name, version=version, alias=alias)
        trusted.verify(
            _signed(found), key_id=found.signature.key_id, signature=found.signature.value
        )
        for artifact in found.manifest.artifacts:
            sha256 = _stored(peers, found, artifact) if folder is None else _kept(folder, artifact)
            if sha256 != artifact.sha256:
                raise CommandError(
                    f"{artifact.file_name} of {name} v{found.version} has digest {sha256}, signed "
                    f"is {artifact.sha256}; do not load it, publish or pull it again"
                )

    def show(console: Console) -> None:
        console.print(f"{name} v{found.version} is what key {found.signature.key_id} signed")

    document = {
        "model_name": name,
        "version": found.version,
        "key_id": found.signature.key_id,
        "files": [artifact.file_name for artifact in found.manifest.artifacts],
        "verified": True,
    }
    output.document(document, show=show)


def promote(
    name: OptionalName = "",
    *,
    version: VersionOption = 0,
    group: GroupOption = "",
    actor: ActorOption = "aimlctl",
    reason: ReasonOption = "promoted from the command line",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Makes an approved version, or a whole group, the champion. Loads nothing: see lifecycle."""
    output = Output.of(as_json=as_json)
    _check_one_is_named(name, group)
    with connected(state_dir) as peers:
        if group:
            request = mms.PromoteCoordinationGroupRequest(
                group_name=group, actor=actor, reason=reason
            )
            champions = list(peers.repository.PromoteCoordinationGroup(request).model_versions)
        else:
            target = version_of(peers, name, version=version, alias="")
            champions = [_point(peers, name, target.version, actor=actor, reason=reason)]
    _tell(output, champions)


def rollback(
    name: OptionalName = "",
    *,
    group: GroupOption = "",
    actor: ActorOption = "aimlctl",
    reason: ReasonOption = "rolled back from the command line",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Makes the previous champion, or a group's, the champion again. Loads nothing: see lifecycle.

    `aimlctl lifecycle rollback` has the OAM do both.
    """
    output = Output.of(as_json=as_json)
    _check_one_is_named(name, group)
    with connected(state_dir) as peers:
        if group:
            request = mms.RollBackCoordinationGroupRequest(
                group_name=group, actor=actor, reason=reason
            )
            champions = list(peers.repository.RollBackCoordinationGroup(request).model_versions)
        else:
            target = version_of(peers, name, version=0, alias=_PREVIOUS)
            champions = [_point(peers, name, target.version, actor=actor, reason=reason)]
    _tell(output, champions)


def label(
    name: NameArgument,
    *,
    version: VersionOption = 0,
    alias: AliasOption = "",
    label: LabelOption = None,
    actor: ActorOption = "aimlctl",
    reason: ReasonOption = "labelled from the command line",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Gives a version these labels instead of all that it has; none without --label."""
    output = Output.of(as_json=as_json)
    labels = labels_of(label or [])
    with connected(state_dir) as peers:
        found = version_of(peers, name, version=version, alias=alias)
        request = mms.SetModelVersionLabelsRequest(
            model_name=name,
            version=found.version,
            labels=labels,
            etag=found.etag,
            actor=actor,
            reason=reason,
        )
        changed = peers.repository.SetModelVersionLabels(request).model_version

    def show(console: Console) -> None:
        told = ", ".join(f"{key}={value}" for key, value in sorted(changed.labels.items()))
        console.print(f"{name} v{changed.version} has labels: {told or 'none'}")

    output.document({"model_version": document_of(changed)}, show=show)


def _check_one_is_named(name: str, group: str) -> None:
    if bool(name) == bool(group):
        raise CommandError("name a model, or a coordination group with --group")


def _point(
    peers: Peers, name: str, number: int, *, actor: str, reason: str
) -> model_pb2.ModelVersion:
    request = mms.SetAliasRequest(
        model_name=name, alias=_CHAMPION, version=number, actor=actor, reason=reason
    )
    peers.repository.SetAlias(request)
    return version_of(peers, name, version=number, alias="")


def _tell(output: Output, champions: list[model_pb2.ModelVersion]) -> None:
    def show(console: Console) -> None:
        for version in champions:
            console.print(f"{version.model_name} v{version.version} is {_CHAMPION}")

    output.document({"champions": [document_of(version) for version in champions]}, show=show)


def _signed(version: model_pb2.ModelVersion) -> SignedManifest:
    manifest = version.manifest
    digests = list(map(digest_of, manifest.artifacts))
    return SignedManifest(
        manifest.model_name, manifest.source_version, digests, UseTerms.of(version)
    )


def _stored(peers: Peers, version: model_pb2.ModelVersion, artifact: model_pb2.Artifact) -> str:
    digest = hashlib.sha256()
    for piece in pieces_of(peers, version, artifact.file_name):
        digest.update(piece)
    return digest.hexdigest()


def _kept(folder: Path, artifact: model_pb2.Artifact) -> str:
    path = folder / artifact.file_name
    if not path.exists():
        raise CommandError(f"{path} is not there; pull the version again")
    return sha256_of(path).hexdigest()
