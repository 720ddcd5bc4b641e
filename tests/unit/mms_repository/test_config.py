"""Settings of the model repository."""

import pytest

from mms_repository.config import MmsSettings
from nf_runtime.config import ConfigurationError, read_settings


def test_defaults() -> None:
    """Port 50052, metrics on 9152, signatures required."""
    settings = MmsSettings()
    assert (settings.server.port, settings.server.metrics_port) == (50052, 9152)
    assert settings.signing.required


def test_environment() -> None:
    """The environment reaches each section, lists included."""
    settings = read_settings(
        MmsSettings,
        environ={
            "AIMLNF_MMS_REPOSITORY__ARTIFACTS__MAX_ARTIFACTS": "3",
            "AIMLNF_MMS_REPOSITORY__SIGNING__TRUSTED_KEYS": "[a.pub, b.pub]",
        },
    )
    assert settings.artifacts.max_artifacts == 3
    assert [str(path) for path in settings.signing.trusted_keys] == ["a.pub", "b.pub"]


def test_bounds_that_contradict_each_other() -> None:
    """An artifact that no version could hold is a mistake in the settings."""
    with pytest.raises(ConfigurationError, match="max_artifact_bytes"):
        read_settings(
            MmsSettings, environ={"AIMLNF_MMS_REPOSITORY__ARTIFACTS__MAX_VERSION_BYTES": "10"}
        )
