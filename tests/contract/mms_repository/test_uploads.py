"""Publishing and fetching a version, as a client sees it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.blobs import Blobs, blobs_of
from support.mms_uploads import (
    MODEL,
    chunks_of,
    files,
    header_of,
    manifest_of,
    publish,
    upload_of,
    with_custom_operator,
    with_external_data,
)
from support.waiting import until

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from mms_repository.config import MmsSettings
from nf_runtime.client import open_channel
from nf_runtime.config import ClientSettings
from nf_runtime.errors import (
    AlreadyExists,
    DataLoss,
    InvalidArgument,
    NfError,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
)
from nf_runtime.signing import Signer

Messages = Sequence[pb.UploadModelVersionRequest]


async def download(stub: Any, file_name: str, *, offset_bytes: int = 0) -> bytes:
    """The bytes of a file of version 1."""
    request = pb.DownloadArtifactRequest(
        model_name=MODEL, version=1, file_name=file_name, offset_bytes=offset_bytes
    )
    content = b""
    async for piece in stub.DownloadArtifact(request):
        assert piece.offset_bytes == offset_bytes + len(content)
        content += piece.data
    return content


@pytest.fixture(params=["file", "s3"])
def artifacts_url(request: pytest.FixtureRequest) -> str:
    """Either store."""
    url: str = request.getfixturevalue("s3_url") if request.param == "s3" else ""
    return url


@pytest.fixture
def blobs(settings: MmsSettings) -> Blobs:
    """What is stored."""
    return blobs_of(settings.artifacts)


def unfinished(settings: MmsSettings) -> list[Path]:
    """Every file of an upload on its way in."""
    folder = settings.artifacts.folder / "incoming"
    return [path for path in folder.rglob("*") if path.is_file()]


async def version_count(stub: Any) -> int:
    """How many versions the model has."""
    response = await stub.ListModelVersions(pb.ListModelVersionsRequest(model_name=MODEL))
    return len(response.model_versions)


@pytest.fixture(autouse=True)
def _model(model: str) -> None:
    """The model exists."""


class TestGoodUpload:
    """An upload that is all right."""

    async def test_version_has_what_was_announced(self, stub: Any) -> None:
        """Number 1, REGISTERED, 3GPP names, manifest, signature, figures and an etag."""
        messages = upload_of(files())
        version = await publish(stub, messages)
        header = messages[0].header
        assert version.version == 1
        assert version.state == model_pb2.MODEL_VERSION_STATE_REGISTERED
        assert version.manifest == header.manifest
        assert version.signature == header.signature
        assert version.kpis == {"ratio_to_exhaustive": 0.9}
        assert version.training_job_id == "job-1"
        assert (
            version.distinguished_name
            == "SubNetwork=aimlnf,MLModelRepository=mms,MLModel=gan-gdm-1"
        )
        assert version.model_unique_id == 1
        assert version.etag
        assert version.create_time.ToDatetime().year == 2026

    @pytest.mark.parametrize("chunk_bytes", [1, 7, 1024 * 1024])
    async def test_bytes_come_back(self, stub: Any, chunk_bytes: int) -> None:
        """Every file is the same after download, however it was cut."""
        contents = files()
        await publish(stub, upload_of(contents, chunk_bytes=chunk_bytes))
        for name, content in contents.items():
            assert await download(stub, name) == content

    async def test_large_file_comes_in_pieces(self, stub: Any) -> None:
        """A file of more than 1 MiB is whole after several messages; from an offset, its rest."""
        contents = files(weight_count=600_000)
        await publish(stub, upload_of(contents))
        content = contents["weights.safetensors"]
        assert len(content) > 2 * 1024 * 1024
        assert await download(stub, "weights.safetensors") == content
        assert (
            await download(stub, "weights.safetensors", offset_bytes=1234567) == content[1234567:]
        )
        assert await download(stub, "weights.safetensors", offset_bytes=len(content)) == b""

    async def test_second_version_is_number_2(self, stub: Any) -> None:
        """Numbers count up, the source stays known, shared files are stored once."""
        await publish(stub, upload_of(files(note="a")))
        version = await publish(stub, upload_of(files(note="b"), source_version=1))
        assert (version.version, version.manifest.source_version) == (2, 1)
        assert version.model_unique_id == 2

    async def test_same_content_is_stored_once(self, stub: Any, blobs: Blobs) -> None:
        """Two versions of the same three files take three files."""
        await publish(stub, upload_of(files()))
        await publish(stub, upload_of(files()))
        digests = {hashlib.sha256(content).hexdigest() for content in files().values()}
        assert blobs.digests() == digests

    async def test_same_request_again_is_the_same_version(self, stub: Any) -> None:
        """A client that missed the answer asks again and gets the version it made."""
        messages = upload_of(files())
        first = await publish(stub, messages)
        assert await publish(stub, messages) == first
        assert await version_count(stub) == 1

    async def test_same_request_at_once_makes_one_version(self, stub: Any) -> None:
        """Two copies of one upload in progress together end with the same version."""
        messages = upload_of(files(), chunk_bytes=50)
        first, second = await asyncio.gather(publish(stub, messages), publish(stub, messages))
        assert first == second
        assert await version_count(stub) == 1

    async def test_request_id_with_another_manifest_is_refused(self, stub: Any) -> None:
        """The same request_id cannot stand for two versions."""
        await publish(stub, upload_of(files(note="a"), request_id="r1"))
        with pytest.raises(AlreadyExists) as caught:
            await publish(stub, upload_of(files(note="b"), request_id="r1"))
        assert caught.value.reason == "REQUEST_ID_REUSED"


def _swapped(messages: Messages) -> Messages:
    return [messages[0], messages[2], messages[1], *messages[3:]]


def _gap(messages: Messages) -> Messages:
    return [*messages[:2], *messages[3:]]


def _second_header(messages: Messages) -> Messages:
    return [*messages[:2], messages[0], *messages[2:]]


def _changed_chunk(**fields: Any) -> Callable[[Messages], Messages]:
    def change(messages: Messages) -> Messages:
        chunk = pb.UploadChunk()
        chunk.CopyFrom(messages[1].chunk)
        for name, value in fields.items():
            setattr(chunk, name, value)
        return [messages[0], pb.UploadModelVersionRequest(chunk=chunk), *messages[2:]]

    return change


BROKEN_SEQUENCES: dict[str, Callable[[Messages], Messages]] = {
    "nothing at all": lambda _: [],
    "no header": lambda messages: messages[1:],
    "an empty part": lambda _: [pb.UploadModelVersionRequest()],
    "a second header": _second_header,
    "two chunks swapped": _swapped,
    "a chunk left out": _gap,
    "the same chunk twice": lambda messages: [*messages[:2], *messages[1:]],
    "an unknown file": _changed_chunk(file_name="other.onnx"),
    "a path": _changed_chunk(file_name="../model.onnx"),
    "a negative offset": _changed_chunk(offset_bytes=-1),
    "an offset beyond": _changed_chunk(offset_bytes=2**62),
    "an empty chunk": _changed_chunk(data=b""),
    "a chunk beyond 1 MiB": _changed_chunk(data=bytes(1024 * 1024 + 1)),
    "the last chunk missing": lambda messages: messages[:-1],
    "only the header": lambda messages: messages[:1],
    "a chunk too many": lambda messages: [*messages, messages[-1]],
}


class TestBadUpload:
    """Whatever is wrong, the answer says it and nothing is stored."""

    @pytest.fixture(autouse=True)
    async def _nothing_is_stored(
        self, stub: Any, settings: MmsSettings, blobs: Blobs
    ) -> AsyncIterator[None]:
        """After each of these tests there is no version and no byte."""
        yield
        assert await version_count(stub) == 0
        await until(lambda: unfinished(settings) == [], what="the staging area to be cleared")
        assert blobs.digests() == set()

    @pytest.mark.parametrize("sequence", BROKEN_SEQUENCES)
    async def test_broken_sequence(self, stub: Any, sequence: str) -> None:
        """Messages out of order, missing, repeated or malformed are INVALID_FIELD."""
        messages = BROKEN_SEQUENCES[sequence](upload_of(files(), chunk_bytes=64))
        with pytest.raises(InvalidArgument) as caught:
            await publish(stub, messages)
        assert caught.value.reason == "INVALID_FIELD"
        assert caught.value.metadata["field"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("request_id", ""),
            ("request_id", "x" * 201),
            ("actor", ""),
            ("reason", ""),
            ("reason", "\x00"),
            ("training_job_id", "x" * 201),
            ("kpis", {"": 1.0}),
            ("kpis", {"rate": float("nan")}),
            ("kpis", {f"k{i}": 1.0 for i in range(200)}),
        ],
    )
    async def test_bad_header_field(self, stub: Any, field: str, value: Any) -> None:
        """Each field of the header has a bound; the error names the field."""
        with pytest.raises(InvalidArgument) as caught:
            await publish(stub, upload_of(files(), **{field: value}))
        assert caught.value.reason == "INVALID_FIELD"
        assert caught.value.metadata["field"] == field

    @pytest.mark.parametrize(
        "file_name",
        ["../x.json", "/etc/x.json", "a/b.json", ".json", "..", "", "a\\b.json", "x\n.json"],
    )
    async def test_file_name_that_is_a_path(self, stub: Any, file_name: str) -> None:
        """No artifact name can lead out of the store."""
        with pytest.raises(InvalidArgument) as caught:
            await publish(stub, _with_artifact(file_name=file_name))
        assert caught.value.metadata["field"] == "file_name"

    @pytest.mark.parametrize(
        ("field", "value", "reason"),
        [
            ("sha256", "A" * 64, "INVALID_FIELD"),
            ("sha256", "../../" + "a" * 58, "INVALID_FIELD"),
            ("size_bytes", 0, "INVALID_FIELD"),
            ("size_bytes", -5, "INVALID_FIELD"),
            ("size_bytes", 4 * 1024 * 1024, "ARTIFACT_REFUSED"),
            ("kind", model_pb2.ARTIFACT_KIND_UNSPECIFIED, "ARTIFACT_REFUSED"),
            ("kind", model_pb2.ARTIFACT_KIND_ONNX, "ARTIFACT_REFUSED"),
            ("kind", 99, "ARTIFACT_REFUSED"),
            ("file_name", "model.pkl", "ARTIFACT_REFUSED"),
        ],
    )
    async def test_bad_artifact(self, stub: Any, field: str, value: Any, reason: str) -> None:
        """Digest, size, kind and ending are checked before any byte is taken."""
        with pytest.raises(InvalidArgument) as caught:
            await publish(stub, _with_artifact(**{field: value}))
        assert caught.value.reason == reason

    async def test_too_many_artifacts(self, stub: Any) -> None:
        """The number of files is bounded."""
        contents = {f"card{i}.json": b"{}" for i in range(5)}
        with pytest.raises(InvalidArgument) as caught:
            await publish(stub, upload_of(contents))
        assert caught.value.metadata["field"] == "artifacts"

    async def test_version_too_large(self, stub: Any) -> None:
        """The sum of the sizes is bounded, too."""
        contents = {f"w{i}.safetensors": bytes(3 * 1024 * 1024) for i in range(4)}
        with pytest.raises(InvalidArgument) as caught:
            await publish(stub, upload_of(contents))
        assert caught.value.reason == "ARTIFACT_REFUSED"

    async def test_flipped_bit(self, stub: Any) -> None:
        """Bytes that do not match their digest are DATA_LOSS."""
        contents = files()
        damaged = dict(contents)
        damaged["weights.safetensors"] = contents["weights.safetensors"][:-1] + b"\x01"
        header = pb.UploadModelVersionRequest(header=header_of(manifest_of(contents)))
        with pytest.raises(DataLoss) as caught:
            await publish(stub, [header, *chunks_of(damaged)])
        assert caught.value.reason == "DIGEST_MISMATCH"
        assert caught.value.metadata["file_name"] == "weights.safetensors"

    @pytest.mark.parametrize(
        ("file_name", "content"),
        [
            ("model.onnx", b"not protobuf at all"),
            ("model.onnx", with_custom_operator()),
            ("model.onnx", with_external_data()),
            ("weights.safetensors", b"\x80\x04pickle"),
            ("model_card.json", b"{'single': quotes}"),
            ("model_card.yaml", b"!!python/object/apply:os.system ['true']"),
        ],
    )
    async def test_content_that_is_not_accepted(
        self, stub: Any, file_name: str, content: bytes
    ) -> None:
        """A file that its format's checker refuses is ARTIFACT_REFUSED, by name."""
        with pytest.raises(InvalidArgument) as caught:
            await publish(stub, upload_of({"z.json": b"{}", file_name: content}))
        assert caught.value.reason == "ARTIFACT_REFUSED"
        assert caught.value.metadata["file_name"] == file_name

    async def test_unsigned(self, stub: Any) -> None:
        """Without a signature nothing comes in."""
        with pytest.raises(PermissionDenied) as caught:
            await publish(stub, upload_of(files(), signature=None))
        assert caught.value.reason == "SIGNATURE_INVALID"

    async def test_signature_over_another_manifest(self, stub: Any) -> None:
        """A trusted key's signature counts for the manifest that it was made for only."""
        other = header_of(manifest_of(files(note="other"))).signature
        with pytest.raises(PermissionDenied) as caught:
            await publish(stub, upload_of(files(), signature=other))
        assert caught.value.reason == "SIGNATURE_INVALID"

    async def test_signature_of_a_stranger(self, stub: Any, stranger: Ed25519PrivateKey) -> None:
        """A good signature by a key that is not trusted does not count."""
        key_id, value = Signer(stranger).sign(manifest_of(files()).signed())
        signature = model_pb2.Signature(key_id=key_id, value=value)
        with pytest.raises(PermissionDenied) as caught:
            await publish(stub, upload_of(files(), signature=signature))
        assert caught.value.reason == "SIGNATURE_INVALID"

    async def test_refusal_reaches_a_client_that_is_still_sending(self, stub: Any) -> None:
        """A client busy with megabytes hears why it was refused, not that its write failed."""
        header = upload_of({"w.safetensors": bytes(3_000_000)}, signature=None)[0]
        messages = [header, *chunks_of({"w.safetensors": bytes(10_000_000)})]
        for _ in range(10):
            with pytest.raises(PermissionDenied):
                await publish(stub, messages)

    async def test_refusal_reaches_a_client_that_waits_for_it(self, stub: Any) -> None:
        """A client that pauses after the header is told without having to send the rest."""
        call = stub.UploadModelVersion()
        await call.write(upload_of(files(), signature=None)[0])
        with pytest.raises(PermissionDenied):
            await call

    async def test_unknown_source_version(self, stub: Any) -> None:
        """The version it was trained from must exist."""
        with pytest.raises(InvalidArgument) as caught:
            await publish(stub, upload_of(files(), source_version=7))
        assert caught.value.metadata["field"] == "source_version"

    async def test_unknown_model(self, stub: Any) -> None:
        """A version needs its model."""
        with pytest.raises(NotFound) as caught:
            await publish(stub, upload_of(files(), model_name="unknown"))
        assert caught.value.reason == "RESOURCE_NOT_FOUND"

    async def test_malformed_protobuf(self, server: Any) -> None:
        """Bytes that are no message are refused as such, without a traceback."""
        async with open_channel(server.address, settings=ClientSettings()) as channel:
            call = channel.stream_unary(
                "/aimlnf.mms.v1.ModelRepositoryService/UploadModelVersion",
                request_serializer=None,
                response_deserializer=pb.UploadModelVersionResponse.FromString,
            )
            with pytest.raises(InvalidArgument) as caught:
                await call(iter([b"\xff\xff\xff"]))
        assert caught.value.reason == "MALFORMED_REQUEST"


class TestClientThatGoesAway:
    """An upload that is not brought to its end."""

    async def test_cancelled_upload_leaves_nothing(self, stub: Any, settings: MmsSettings) -> None:
        """A client that hangs up in the middle leaves neither version nor bytes."""
        messages = upload_of(files(), chunk_bytes=64)
        call = stub.UploadModelVersion()
        for message in messages[:5]:
            await call.write(message)
        await until(lambda: unfinished(settings) != [], what="the first bytes on disk")
        call.cancel()
        await until(lambda: unfinished(settings) == [], what="the staging area to be cleared")
        assert await version_count(stub) == 0

    async def test_uploads_at_once_are_bounded(self, stub: Any, settings: MmsSettings) -> None:
        """One upload more than configured is told to come back later; a free place serves again."""
        messages = upload_of(files(), chunk_bytes=64)
        calls = [stub.UploadModelVersion() for _ in range(2)]
        for call in calls:
            for message in upload_of(files(), chunk_bytes=64)[:2]:
                await call.write(message)
        await until(lambda: len(unfinished(settings)) == 2, what="two uploads in progress")
        with pytest.raises(ResourceExhausted) as caught:
            await publish(stub, messages)
        assert caught.value.reason == "QUOTA_EXCEEDED"
        assert float(caught.value.metadata["retry_after_s"]) > 0
        for call in calls:
            call.cancel()
        await until(lambda: unfinished(settings) == [], what="both to be cleared")
        assert (await publish(stub, messages)).version == 1


class TestBadDownload:
    """Requests for bytes that are not there."""

    @pytest.fixture(autouse=True)
    async def _version(self, stub: Any) -> None:
        """Version 1 exists."""
        await publish(stub, upload_of(files()))

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"model_name": "unknown"}, NotFound),
            ({"version": 2}, NotFound),
            ({"file_name": "other.onnx"}, NotFound),
            ({"file_name": "../../models.db"}, InvalidArgument),
            ({"model_name": "../x"}, InvalidArgument),
            ({"version": 0}, InvalidArgument),
            ({"offset_bytes": -1}, InvalidArgument),
            ({"offset_bytes": 10**9}, InvalidArgument),
        ],
    )
    async def test_what_is_not_there(
        self, stub: Any, fields: dict[str, Any], error: type[NfError]
    ) -> None:
        """Unknown things are NOT_FOUND, impossible ones INVALID_ARGUMENT."""
        good = {"model_name": MODEL, "version": 1, "file_name": "model.onnx"}
        with pytest.raises(error):
            async for _ in stub.DownloadArtifact(pb.DownloadArtifactRequest(**{**good, **fields})):
                pass

    @pytest.mark.parametrize("damage", ["gone", "cut", "changed"])
    async def test_damaged_blob(self, stub: Any, blobs: Blobs, damage: str) -> None:
        """Bytes that were lost, cut or changed are DATA_LOSS, never handed out as good."""
        content = files()["model.onnx"]
        sha256 = hashlib.sha256(content).hexdigest()
        if damage == "gone":
            blobs.remove(sha256)
        else:
            blobs.write(sha256, content[:-1] + (b"" if damage == "cut" else b"\x00"))
        with pytest.raises(DataLoss) as caught:
            await download(stub, "model.onnx")
        assert caught.value.reason == "DIGEST_MISMATCH"

    async def test_uploading_again_heals(self, stub: Any, blobs: Blobs) -> None:
        """The same bytes in another version replace damaged ones."""
        content = files()["model.onnx"]
        sha256 = hashlib.sha256(content).hexdigest()
        blobs.write(sha256, b"x")
        await publish(stub, upload_of(files()))
        assert await download(stub, "model.onnx") == content


def _with_artifact(**changes: Any) -> Messages:
    """An upload whose first artifact, a JSON document, is announced with these changes."""
    messages = upload_of({"card.json": b"{}"})
    header = messages[0].header
    for name, value in changes.items():
        setattr(header.manifest.artifacts[0], name, value)
    return messages
