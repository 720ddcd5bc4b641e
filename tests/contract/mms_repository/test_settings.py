"""What settings change in the service, and which cannot be used."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.mms_server import opened
from support.mms_uploads import MODEL, files, publish, upload_of

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceStub
from mms_repository.config import MmsSettings, SigningSettings
from nf_runtime.client import open_channel
from nf_runtime.clock import ManualClock
from nf_runtime.config import ClientSettings, ConfigurationError
from nf_runtime.errors import DeadlineExceeded, PermissionDenied


@asynccontextmanager
async def serving(settings: MmsSettings) -> AsyncIterator[ModelRepositoryServiceStub]:
    """A client of a server with these settings, in which the model exists."""
    async with opened(settings, clock=ManualClock()) as (server, _):
        await server.start()
        async with open_channel(server.address, settings=ClientSettings()) as channel:
            stub: Any = ModelRepositoryServiceStub(channel)
            model = model_pb2.Model(model_name=MODEL, aiml_inference_name="BEAM_SELECTION")
            await stub.CreateModel(pb.CreateModelRequest(model=model))
            yield stub
        await server.stop()


def with_artifacts(settings: MmsSettings, **changes: Any) -> MmsSettings:
    """The settings with these changes to the artifacts section."""
    section = settings.artifacts.model_copy(update=changes)
    return settings.model_copy(update={"artifacts": section})


async def test_unsigned_comes_in_where_that_is_configured(settings: MmsSettings) -> None:
    """With signing.required false an upload without signature makes a version."""
    relaxed = settings.model_copy(update={"signing": SigningSettings(required=False)})
    async with serving(relaxed) as stub:
        version = await publish(stub, upload_of(files(), signature=None))
    assert not version.signature.value


async def test_a_signature_must_hold_where_none_is_required(settings: MmsSettings) -> None:
    """A signature that is there is checked, required or not."""
    relaxed = settings.model_copy(update={"signing": SigningSettings(required=False)})
    async with serving(relaxed) as stub:
        with pytest.raises(PermissionDenied):
            await publish(stub, upload_of(files()))


async def test_without_trusted_keys_nothing_comes_in(settings: MmsSettings) -> None:
    """The default trusts nobody, and what is published already is still served."""
    async with serving(settings.model_copy(update={"signing": SigningSettings()})) as stub:
        with pytest.raises(PermissionDenied):
            await publish(stub, upload_of(files()))


async def test_silent_client_is_let_go(settings: MmsSettings) -> None:
    """A client that sends nothing more loses its place after the configured time."""
    async with serving(with_artifacts(settings, upload_idle_s=0.05)) as stub:
        call: Any = stub.UploadModelVersion()
        await call.write(upload_of(files())[0])
        with pytest.raises(DeadlineExceeded) as caught:
            await call
    assert caught.value.reason == "DEADLINE_EXCEEDED"


async def test_folder_belongs_to_one_process(settings: MmsSettings) -> None:
    """A second repository on the same folder refuses to start instead of clearing uploads."""
    async with opened(settings, clock=ManualClock()):
        with pytest.raises(ConfigurationError, match=r"artifacts\.folder.*in use"):
            async with opened(settings, clock=ManualClock()):
                pass


async def test_folder_that_cannot_be_made(settings: MmsSettings, tmp_path: Path) -> None:
    """A path through a file is told as a wrong setting."""
    (tmp_path / "file").write_text("")
    broken = with_artifacts(settings, folder=tmp_path / "file" / "artifacts")
    with pytest.raises(ConfigurationError, match=r"artifacts\.folder"):
        async with opened(broken, clock=ManualClock()):
            pass


@pytest.mark.parametrize("content", [None, b"no key", b"AAAA"])
async def test_trusted_key_that_is_none(
    settings: MmsSettings, tmp_path: Path, content: bytes | None
) -> None:
    """A missing or malformed key file is told as a wrong setting at start."""
    path = tmp_path / "bad.pub"
    if content is not None:
        path.write_bytes(content)
    broken = settings.model_copy(update={"signing": SigningSettings(trusted_keys=(path,))})
    with pytest.raises(ConfigurationError, match=r"signing\.trusted_keys"):
        async with opened(broken, clock=ManualClock()):
            pass
