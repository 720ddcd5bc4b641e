"""Messages of versions that were made before."""

from dataclasses import replace

from support.mms_uploads import MODEL, files, manifest_of

from mms_repository.manifests import UNSIGNED
from mms_repository.messages import version_message
from mms_repository.version_messages import VersionMessages
from mms_repository.versions import ModelVersion, VersionState
from nf_runtime.clock import ManualClock

VERSION = ModelVersion(
    model_name=MODEL,
    version=1,
    model_unique_id=1,
    state=VersionState.REGISTERED,
    manifest=manifest_of(files()),
    signature=UNSIGNED,
    kpis={},
    training_job_id="",
    create_time=ManualClock().now(),
)


def test_made_once() -> None:
    """The same version has the same message, an equal or changed one its own."""
    messages = VersionMessages()
    (first,) = messages.of([VERSION])
    assert messages.of([VERSION])[0] is first
    changed = replace(VERSION, aliases=("champion",))
    assert messages.of([changed, VERSION]) == [version_message(changed), first]


def test_stays_bounded() -> None:
    """However many versions are shown, and those shown last are right."""
    messages = VersionMessages()
    versions = [replace(VERSION, version=number, kpis={}) for number in range(5000)]
    assert [message.version for message in messages.of(versions)] == list(range(5000))
    assert len(messages._made) <= 4096
    assert [message.version for message in messages.of(versions[:10])] == list(range(10))
