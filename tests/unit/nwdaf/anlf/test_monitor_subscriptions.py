"""What may be monitored, and when it is reported."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nf_runtime.errors import InvalidArgument, Unimplemented
from nwdaf.anlf.monitor_subscriptions import (
    ModelUse,
    MonitorSubscription,
    ReportFilter,
    check_subscription,
    check_use,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
USE = ModelUse(101, "gan-gdm", 1, "inference_nf")
ALL = MonitorSubscription()


def at(offset_s: float) -> datetime:
    """A time."""
    return NOW + timedelta(seconds=offset_s)


def test_without_a_threshold_every_decision_is_reported() -> None:
    """Of the models that are wanted."""
    everything, one = ReportFilter(ALL), ReportFilter(replace(ALL, model_ids=(7,)))
    assert [everything.is_due(1, 5.0, at(n)) for n in range(3)] == [True, True, True]
    assert [one.is_due(model_id, 5.0, at(0)) for model_id in (1, 7)] == [False, True]


def test_a_threshold_reports_its_crossings_only() -> None:
    """Reached counts as crossed; each model by itself."""
    due = ReportFilter(replace(ALL, accu_threshold_percent=20.0))
    deviations = [10.0, 20.0, 30.0, 10.0, 10.0, 25.0]
    assert [due.is_due(1, value, at(n)) for n, value in enumerate(deviations)] == [
        False,
        True,
        False,
        True,
        False,
        True,
    ]
    assert due.is_due(2, 20.0, at(9))


def test_within_the_period_a_model_is_reported_once() -> None:
    """What has changed meanwhile is reported at its end."""
    due = ReportFilter(replace(ALL, accu_threshold_percent=20.0, rep_period=timedelta(seconds=10)))
    assert due.is_due(1, 30.0, at(0))
    assert not due.is_due(1, 5.0, at(5))
    assert due.is_due(1, 5.0, at(10))


@pytest.mark.parametrize(
    ("subscription", "field"),
    [
        (replace(ALL, model_ids=tuple(range(65))), "model_ids"),
        (replace(ALL, accu_threshold_percent=-1.0), "accu_threshold"),
        (replace(ALL, accu_threshold_percent=float("nan")), "accu_threshold"),
        (replace(ALL, rep_period=timedelta(0)), "rep_period"),
        (replace(ALL, notif_corr_id="x" * 201), "notif_corr_id"),
        (replace(ALL, model_metric="MADE_UP"), "model_metric"),
    ],
)
def test_bad_subscriptions_are_refused(subscription: MonitorSubscription, field: str) -> None:
    """INVALID_FIELD names the field."""
    with pytest.raises(InvalidArgument) as raised:
        check_subscription(subscription)
    assert raised.value.metadata == {"field": field}


def test_metrics_that_nobody_measures_are_not_supported() -> None:
    """In the registry, but not in the reports of inference."""
    check_subscription(ALL)
    with pytest.raises(Unimplemented):
        check_subscription(replace(ALL, model_metric="LATENT_COVERAGE"))


@pytest.mark.parametrize("field", ["model_unique_id", "version", "model_name", "consumer_nf_id"])
def test_bad_registrations_are_refused(field: str) -> None:
    """Every field is needed."""
    check_use(USE)
    with pytest.raises(InvalidArgument) as raised:
        check_use(replace(USE, **{field: type(getattr(USE, field))()}))
    assert raised.value.metadata == {"field": field}
