"""Keys that are rotated, expire and are revoked while the repository runs."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.mms_uploads import MODEL, SIGNER_KEY, files, manifest_of, publish, upload_of

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from mms_repository.config import MmsSettings
from nf_runtime.clock import ManualClock
from nf_runtime.errors import PermissionDenied
from nf_runtime.signing import Signer

pytestmark = pytest.mark.usefixtures("model")


def line(key: Ed25519PrivateKey, marks: str = "") -> str:
    """The line of a key in a file of trusted ones."""
    return f"{base64.b64encode(key.public_key().public_bytes_raw()).decode()} {marks}\n"


def trust(settings: MmsSettings, *lines: str) -> None:
    """Write the file of trusted keys anew."""
    (path,) = settings.signing.trusted_keys
    path.write_text("".join(lines))


def upload(note: str, key: Ed25519PrivateKey) -> Any:
    """A good upload signed with this key."""
    key_id, value = Signer(key).sign(manifest_of(files(note=note)).signed())
    return upload_of(files(note=note), signature=model_pb2.Signature(key_id=key_id, value=value))


async def test_rotation(
    stub: Any, settings: MmsSettings, clock: ManualClock, stranger: Ed25519PrivateKey
) -> None:
    """Both keys sign until the old one expires; its versions stay."""
    with pytest.raises(PermissionDenied):
        await publish(stub, upload("new key", stranger))
    expiry = clock.now() + timedelta(hours=1)
    trust(settings, line(SIGNER_KEY, f"not-after={expiry.isoformat()}"), line(stranger))
    assert (await publish(stub, upload("old key", SIGNER_KEY))).version == 1
    assert (await publish(stub, upload("new key", stranger))).version == 2
    await clock.advance(3601)
    with pytest.raises(PermissionDenied, match="expired") as caught:
        await publish(stub, upload("too late", SIGNER_KEY))
    assert caught.value.reason == "SIGNATURE_INVALID"
    assert (await publish(stub, upload("newer", stranger))).version == 3
    request = pb.GetModelVersionRequest(model_name=MODEL, version=1)
    assert (await stub.GetModelVersion(request)).model_version.version == 1


async def test_revocation(stub: Any, settings: MmsSettings) -> None:
    """From the moment the file says so."""
    await publish(stub, upload("a", SIGNER_KEY))
    trust(settings, line(SIGNER_KEY, "revoked"))
    with pytest.raises(PermissionDenied, match="revoked"):
        await publish(stub, upload("b", SIGNER_KEY))


async def test_file_that_broke(
    stub: Any, settings: MmsSettings, stranger: Ed25519PrivateKey
) -> None:
    """Its keys are not trusted until it is mended; the client hears of an untrusted key."""
    trust(settings, "nonsense\n", line(SIGNER_KEY))
    with pytest.raises(PermissionDenied, match="not trusted"):
        await publish(stub, upload("a", SIGNER_KEY))
    trust(settings, line(SIGNER_KEY))
    assert (await publish(stub, upload("a", SIGNER_KEY))).version == 1
