"""Settings."""

from pathlib import Path

import pytest

from nf_runtime.config import ConfigurationError, read_settings
from oam.approvals import ApprovalStep
from oam.config import OamSettings
from oam.monitoring_policy import Limit, Rule


def test_defaults_make_a_policy() -> None:
    """Nothing has to be set."""
    policy = OamSettings().policy
    assert not policy.approvals.waits
    assert policy.monitoring.cool_down_s(Rule.REGRESSION) == 0.0


def test_file_sets_every_threshold(tmp_path: Path) -> None:
    """As a demonstration needs it."""
    file = tmp_path / "oam.yaml"
    file.write_text(
        "approval: manual\n"
        "training: {time_budget_s: 9, profile: {name: reference, rain_probability: 0.5}}\n"
        "monitoring:\n"
        "  window: 8\n"
        "  minimum_samples: 4\n"
        "  latent_reliability: {threshold: 0.7, hysteresis: 0.02}\n"
        "  retrain_cool_down_s: 5\n"
    )
    settings = read_settings(OamSettings, file=file)
    assert settings.policy.approvals.waits == {ApprovalStep.LOAD}
    assert settings.policy.monitoring.latent_reliability == Limit(0.7, 0.02)
    assert settings.policy.monitoring.cool_down_s(Rule.LATENT_RELIABILITY) == 5.0
    assert settings.training.defaults.profile.rain_probability == 0.5


@pytest.mark.parametrize(
    "text",
    [
        "monitoring: {window: 5, minimum_samples: 6, fresh_decisions: 9}",
        "monitoring: {minimum_samples: 20, fresh_decisions: 19}",
        "naming: {sub_network: 'a,b=c'}",
        "approval: perhaps",
        "testing: {required_ratio: 1.5}",
    ],
)
def test_contradictions_are_refused(tmp_path: Path, text: str) -> None:
    """Before anything starts."""
    file = tmp_path / "oam.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError):
        read_settings(OamSettings, file=file)


def test_peers_can_be_set_by_environment() -> None:
    """As a supervisor with free ports does."""
    settings = read_settings(
        OamSettings, environ={"AIMLNF_OAM__PEERS__NWDAF_MTLF": "127.0.0.1:40001"}
    )
    assert settings.peers.nwdaf_mtlf == "127.0.0.1:40001"
