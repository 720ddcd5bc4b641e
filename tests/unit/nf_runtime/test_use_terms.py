"""Terms of use as they are signed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from nf_runtime.signing import SignedManifest
from nf_runtime.use_terms import ANY_USE, UseTerms

TERMS = UseTerms(
    valid_from=datetime(2026, 1, 31, 1, tzinfo=timezone(timedelta(hours=1))),
    valid_until=datetime(2026, 1, 31, 0, 0, 0, 1, tzinfo=UTC),
    orbit_shells=("leo-600", "geo"),
    regions=((-10.5, 10.0, 170.0, -170.0),),
    target_environments=("b", "a"),
)
DOCUMENT = {
    "valid_from": "2026-01-31T00:00:00.000000Z",
    "valid_until": "2026-01-31T00:00:00.000001Z",
    "orbit_shells": ["geo", "leo-600"],
    "regions": [[-10.5, 10.0, 170.0, -170.0]],
    "target_environments": ["a", "b"],
}


def test_document() -> None:
    """Times in UTC, names sorted, and back."""
    assert TERMS.document() == DOCUMENT
    assert UseTerms.from_document(DOCUMENT).document() == DOCUMENT


@pytest.mark.parametrize("message", [model_pb2.ModelVersion, pb.UploadHeader])
def test_the_same_from_version_and_upload(message: type) -> None:
    """What a publisher signs and what a reader verifies is the same document."""
    validity = model_pb2.Validity(
        orbit_shells=TERMS.orbit_shells,
        regions=[
            model_pb2.Region(
                min_latitude_deg=-10.5,
                max_latitude_deg=10,
                min_longitude_deg=170,
                max_longitude_deg=-170,
            )
        ],
    )
    validity.valid_from.FromDatetime(datetime(2026, 1, 31, tzinfo=UTC))
    validity.valid_until.FromDatetime(datetime(2026, 1, 31, tzinfo=UTC))
    validity.valid_until.nanos = 1999  # what no store keeps is not signed
    stated = message(validity=validity, target_environments=["a", "b"])
    assert UseTerms.of(stated).document() == DOCUMENT


def test_no_terms_leave_signatures_as_they_were() -> None:
    """A version for any use is signed by the same bytes as before there were terms."""
    assert UseTerms.of(pb.UploadHeader()) == ANY_USE
    signed = SignedManifest("m", 0, []).canonical_bytes()
    assert signed == b'{"artifacts":[],"model_name":"m","source_version":0}'
