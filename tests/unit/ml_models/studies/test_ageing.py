"""Reports older than usual."""

import pytest

from ml_models.studies.ageing import aged
from radio_math.channel import ChannelModel


def test_usual_age_changes_nothing() -> None:
    """Once as old as usual is as usual."""
    assert aged(ChannelModel(), 1.0) == ChannelModel()


def test_fresh_reports_are_free_of_errors() -> None:
    """Rays are the true ones, and nothing has drifted."""
    fresh = aged(ChannelModel(), 0.0)
    assert fresh.ray_correlation == fresh.eavesdropper_ray_correlation == 1.0
    assert fresh.pointing_sigma_deg == fresh.gain_sigma_db == 0.0
    assert fresh.eavesdropper_azimuth_sigma_deg == fresh.eavesdropper_gain_sigma_db == 0.0


def test_old_reports_forget_rays_and_drift() -> None:
    """Four times as old: the fourth power of correlations, twice the errors; the channel stays."""
    model = ChannelModel()
    old = aged(model, 4.0)
    assert old.ray_correlation == pytest.approx(model.ray_correlation**4)
    assert old.pointing_sigma_deg == pytest.approx(2 * model.pointing_sigma_deg)
    assert old.shadowing_sigma_db == model.shadowing_sigma_db
