"""What a version may be made of."""

from dataclasses import replace

import pytest
from support.mms_uploads import files, manifest_of

from mms_repository.manifests import Manifest, ManifestLimits, check_manifest
from nf_runtime.errors import InvalidArgument

LIMITS = ManifestLimits(max_artifacts=4, max_artifact_bytes=1000, max_version_bytes=1500)


def with_first(manifest: Manifest, **changes: object) -> Manifest:
    """The manifest with its first artifact changed."""
    first, *rest = manifest.artifacts
    return replace(manifest, artifacts=(replace(first, **changes), *rest))  # type: ignore[arg-type]


def test_good_manifest() -> None:
    """The usual three files pass."""
    check_manifest(manifest_of(files()), LIMITS)


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (replace(manifest_of(files()), model_name="../x"), "INVALID_FIELD"),
        (replace(manifest_of(files()), source_version=-1), "INVALID_FIELD"),
        (replace(manifest_of(files()), artifacts=()), "INVALID_FIELD"),
        (manifest_of({f"{i}.json": b"{}" for i in range(5)}), "INVALID_FIELD"),
        (with_first(manifest_of(files()), file_name="a/b.onnx"), "INVALID_FIELD"),
        (with_first(manifest_of(files()), sha256="0" * 63), "INVALID_FIELD"),
        (with_first(manifest_of(files()), size_bytes=0), "INVALID_FIELD"),
        (with_first(manifest_of(files()), size_bytes=1001), "ARTIFACT_REFUSED"),
        (with_first(manifest_of(files()), file_name="model.pt"), "ARTIFACT_REFUSED"),
        (with_first(manifest_of(files()), file_name="onnx"), "ARTIFACT_REFUSED"),
        (manifest_of({f"{i}.json": bytes(600) for i in range(3)}), "ARTIFACT_REFUSED"),
        (
            with_first(manifest_of({"a.json": b"{}", "b.json": b"{}"}), file_name="b.json"),
            "INVALID_FIELD",
        ),
    ],
)
def test_refused_manifest(manifest: Manifest, reason: str) -> None:
    """Each rule has its reason."""
    with pytest.raises(InvalidArgument) as caught:
        check_manifest(manifest, LIMITS)
    assert caught.value.reason == reason


def test_digest_identifies_the_manifest() -> None:
    """The order of the files does not matter, anything else does."""
    manifest = manifest_of(files())
    turned = replace(manifest, artifacts=manifest.artifacts[::-1])
    assert turned.sha256() == manifest.sha256()
    assert replace(manifest, source_version=1).sha256() != manifest.sha256()
    assert with_first(manifest, sha256="0" * 64).sha256() != manifest.sha256()
