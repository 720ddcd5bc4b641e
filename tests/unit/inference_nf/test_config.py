"""Tests of the settings."""

from pathlib import Path

import pytest

from inference_nf.config import InferenceSettings
from nf_runtime.config import ConfigurationError, read_settings


def test_defaults_are_those_of_the_design() -> None:
    """Port 50053, metrics 9153, the three vendor events."""
    settings = InferenceSettings()
    assert (settings.server.port, settings.server.metrics_port) == (50053, 9153)
    assert [event.event for event in settings.notifications.events] == [
        "VS_NTN_BEAM_QUALITY",
        "VS_NTN_DOPPLER_SINR_DROP",
        "VS_NTN_EAVESDROPPER",
    ]


def test_a_file_and_the_environment_change_what_they_name(tmp_path: Path) -> None:
    """Filters come from the file, single values from the environment."""
    file = tmp_path / "inference.yaml"
    file.write_text(
        "notifications: {events: [{event: VS_NTN_BEAM_QUALITY, beam_ids: ['3'], threshold: 1.5}]}\n"
        "signing: {trusted_keys: [keys/mtlf.pub]}\n"
    )
    settings = read_settings(
        InferenceSettings, file=file, environ={"AIMLNF_INFERENCE_NF__ENGINE__THREADS": "2"}
    )
    (event,) = settings.notifications.events
    assert (event.beam_ids, event.threshold) == (("3",), 1.5)
    assert settings.signing.trusted_keys == (Path("keys/mtlf.pub"),)
    assert settings.engine.threads == 2


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("models: {max_loaded: 1}", "models.max_loaded"),
        ("notifications: {events: []}", "notifications.events"),
        ("engine: {kind: cuda}", "engine.kind"),
        ("reports: {low_reliability: 2}", "reports.low_reliability"),
        ("nf_instance_id: ''", "nf_instance_id"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(tmp_path: Path, content: str, field: str) -> None:
    """The sentence names the setting."""
    file = tmp_path / "inference.yaml"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=field):
        read_settings(InferenceSettings, file=file)
