"""What of a subscription to models is accepted, and whom a version concerns."""

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.mtlf_peers import NOW

from nf_runtime.errors import FailedPrecondition, InvalidArgument, Unimplemented
from nwdaf.mtlf.ports import ProvisionedModel
from nwdaf.mtlf.provision_subscriptions import (
    ProvisionSubscription,
    WantedModel,
    admitted,
    figure_of,
)

MODELS = {"m": "BEAMFORMING", "n": "BEAMFORMING"}
WANTED = WantedModel("BEAMFORMING")
MODEL = ProvisionedModel("m", 3, 103, NOW, "BEAMFORMING", {"test.rate_mean_bps_hz": 5.0})


def test_entries_that_no_model_serves_are_failures() -> None:
    """The rest is accepted; failures of the request itself are not kept."""
    requested = ProvisionSubscription(
        (WANTED, WantedModel("OTHER"), WantedModel("BEAMFORMING", "absent")), failures=("x",)
    )
    made = admitted(requested, MODELS, now=NOW)
    assert (made.wanted, made.failures) == ((WANTED,), ("OTHER", "BEAMFORMING"))


@pytest.mark.parametrize("models", [{}, {"m": "OTHER"}])
def test_nothing_to_serve_is_refused(models: dict[str, str]) -> None:
    """UNAVAILABLE_ML_MODEL."""
    with pytest.raises(FailedPrecondition) as raised:
        admitted(ProvisionSubscription((WANTED,)), models, now=NOW)
    assert raised.value.metadata["cause"] == "UNAVAILABLE_ML_MODEL"


@pytest.mark.parametrize(
    ("subscription", "field"),
    [
        (ProvisionSubscription(()), "ml_event_subscs"),
        (ProvisionSubscription((WANTED,) * 33), "ml_event_subscs"),
        (ProvisionSubscription((WANTED,), notif_corre_id="x" * 201), "notif_corre_id"),
        (ProvisionSubscription((WantedModel(""),)), "ml_event_subscs.ml_event"),
        (
            ProvisionSubscription((replace(WANTED, model_name="x" * 201),)),
            "ml_event_subscs.model_name",
        ),
        (ProvisionSubscription((replace(WANTED, num_models=-1),)), "ml_event_subscs.num_models"),
        (ProvisionSubscription((replace(WANTED, expiry_time=NOW),)), "ml_event_subscs.expiry_time"),
        (
            ProvisionSubscription((replace(WANTED, model_metric="MADE_UP"),)),
            "ml_event_subscs.model_metric",
        ),
    ],
)
def test_bad_entries_are_refused(subscription: ProvisionSubscription, field: str) -> None:
    """INVALID_FIELD names the field."""
    with pytest.raises(InvalidArgument) as raised:
        admitted(subscription, MODELS, now=NOW)
    assert raised.value.metadata == {"field": field}


def test_metrics_without_figures_are_not_supported() -> None:
    """In the registry, but no version tells them."""
    wanted = replace(WANTED, model_metric="LATENT_MAHALANOBIS")
    with pytest.raises(Unimplemented):
        admitted(ProvisionSubscription((wanted,)), MODELS, now=NOW)


@pytest.mark.parametrize(
    ("wanted", "is_wanted"),
    [
        (WANTED, True),
        (replace(WANTED, ml_event="OTHER"), False),
        (replace(WANTED, model_name="m"), True),
        (replace(WANTED, model_name="n"), False),
        (replace(WANTED, expiry_time=NOW + timedelta(seconds=1)), True),
        (replace(WANTED, expiry_time=NOW), False),
        (replace(WANTED, least_accuracy=5.0), True),
        (replace(WANTED, least_accuracy=5.1), False),
    ],
)
def test_a_version_concerns_those_who_want_it(wanted: WantedModel, *, is_wanted: bool) -> None:
    """By event, name, expiry and figure."""
    assert wanted.wants(MODEL, now=NOW) is is_wanted


@pytest.mark.parametrize(
    ("kpis", "figure"),
    [
        ({}, None),
        ({"rate_mean_bps_hz": 7.0}, 7.0),
        ({"rate_mean_bps_hz": 7.0, "test.rate_mean_bps_hz": 5.0}, 5.0),
        ({"test.wet/rate_mean_bps_hz": 4.0, "test.dry/rate_mean_bps_hz": 6.0}, 4.0),
        ({"test.other": 1.0}, None),
    ],
)
def test_the_figure_is_the_worst_tested_one(kpis: dict[str, float], figure: float | None) -> None:
    """Else that of the training."""
    assert figure_of(replace(MODEL, kpis=kpis), "") == figure


def test_a_subscription_ends_when_all_of_it_has_expired() -> None:
    """One entry for ever keeps it."""
    later = NOW + timedelta(seconds=9)
    one, other = replace(WANTED, expiry_time=NOW), replace(WANTED, expiry_time=later)
    assert ProvisionSubscription((one, other)).end_time == later
    assert ProvisionSubscription((one, WANTED)).end_time is None
