"""Messages of versions that were made before."""

from dataclasses import replace
from typing import Any

import pytest
from support.mms_uploads import MODEL, files, manifest_of

from aimlnf.mms.v1 import model_repository_service_pb2 as pb
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


def listed(messages: VersionMessages, *versions: ModelVersion) -> list[Any]:
    """What a list of these versions shows."""
    return list(pb.ListModelVersionsResponse.FromString(messages.encoded(versions)).model_versions)


def test_each_shows_its_own() -> None:
    """The same version has the same message again, a changed one another."""
    messages = VersionMessages()
    changed = replace(VERSION, aliases=("champion",))
    expected = [version_message(VERSION), version_message(changed), version_message(VERSION)]
    assert listed(messages, VERSION, changed, VERSION) == expected
    assert listed(messages, VERSION, changed, VERSION) == expected
    assert len(messages._made) == 2


@pytest.mark.parametrize(
    ("response", "field"),
    [
        (pb.GetModelVersionResponse, "model_version"),
        (pb.ListModelVersionsResponse, "model_versions"),
        (pb.SearchModelVersionsResponse, "model_versions"),
    ],
)
def test_first_field_of_every_answer(response: Any, field: str) -> None:
    """The same bytes are good for each of them."""
    shown = getattr(response.FromString(VersionMessages().encoded([VERSION])), field)
    assert version_message(VERSION) in (shown, *(shown if field.endswith("s") else ()))


def test_stays_bounded() -> None:
    """However many versions are shown, and those shown last are right."""
    messages = VersionMessages()
    versions = [replace(VERSION, version=number, kpis={}) for number in range(5000)]
    assert [message.version for message in listed(messages, *versions)] == list(range(5000))
    assert len(messages._made) <= 4096
    assert [message.version for message in listed(messages, *versions[:10])] == list(range(10))
