"""Where artifacts are kept, as one URL says it."""

import pytest
from pydantic import ValidationError

from mms_repository.config import ArtifactSettings
from mms_repository.storage import S3Location


def test_all_parts() -> None:
    """Bucket, prefix, endpoint and region."""
    url = "s3://models/ntn/a/?endpoint=http://127.0.0.1:9000&region=eu-west-1"
    expected = S3Location("models", "ntn/a", "http://127.0.0.1:9000", "eu-west-1")
    assert S3Location.parse(url) == expected


def test_bucket_alone() -> None:
    """The rest has defaults: Amazon's own endpoint and first region."""
    assert S3Location.parse("s3://models") == S3Location("models", "", "", "us-east-1")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("models", "s3://bucket"),
        ("file:///models", "s3://bucket"),
        ("s3:///prefix", "s3://bucket"),
        ("s3://key:secret@models", "credentials"),
        ("s3://models?endpoind=x", "endpoind"),
    ],
)
def test_what_is_no_location(url: str, why: str) -> None:
    """Each is refused with the reason, also as a setting."""
    with pytest.raises(ValueError, match=why):
        S3Location.parse(url)
    with pytest.raises(ValidationError, match=why):
        ArtifactSettings(url=url)
