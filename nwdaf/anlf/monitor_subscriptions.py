"""Who uses which model, and who is told how accurate it is (TS 23.288 6.2E, 7.9).

Not modelled: `adrfId` and `dataSetTag`, since no ADRF keeps the data of inference.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nf_runtime.errors import InvalidArgument, Unimplemented
from nf_runtime.performance_metrics import PERFORMANCE_METRICS, SUM_SECRECY_RATE

MAX_MODELS = 64
MAX_TEXT_CHARACTERS = 200
_MOST_PERCENT = 100_000.0


@dataclass(frozen=True)
class ModelUse:
    """A registration: a consumer uses a version, which `model_unique_id` stands for."""

    model_unique_id: int
    model_name: str
    version: int
    consumer_nf_id: str
    registration_id: str = ""


@dataclass(frozen=True)
class MonitorSubscription:
    """`MLModelMonitorSub`; see the proto for its fields."""

    model_ids: tuple[int, ...] = ()
    model_metric: str = SUM_SECRECY_RATE
    accu_threshold_percent: float = 0.0
    rep_period: timedelta | None = None
    imm_reports: bool = False
    notif_corr_id: str = ""
    consumer_nf_id: str = ""
    subscription_id: str = ""


@dataclass
class ReportFilter:
    """Which accuracies of a subscription are reported; one for each stream."""

    subscription: MonitorSubscription
    _above: dict[int, bool] = field(default_factory=dict)
    _reported: dict[int, datetime] = field(default_factory=dict)

    def is_due(self, model_id: int, deviation_percent: float, time: datetime) -> bool:
        """Whether this accuracy of a model is reported.

        With a threshold only when it is reached or left, and never twice within the period: what
        changes within it is reported at its end, if it is still so.
        """
        wanted = self.subscription
        if wanted.model_ids and model_id not in wanted.model_ids:
            return False
        above = deviation_percent >= wanted.accu_threshold_percent
        if wanted.accu_threshold_percent > 0 and above == self._above.get(model_id, False):
            return False
        last = self._reported.get(model_id)
        if wanted.rep_period and last is not None and time - last < wanted.rep_period:
            return False
        self._above[model_id] = above
        self._reported[model_id] = time
        return True


def check_use(use: ModelUse) -> None:
    """Returns when the registration is well formed.

    Raises:
        InvalidArgument: INVALID_FIELD.
    """
    if use.model_unique_id <= 0:
        raise _invalid("is not positive", "model_unique_id")
    if use.version <= 0:
        raise _invalid("is not positive", "version")
    for name in ("model_name", "consumer_nf_id"):
        if not 1 <= len(getattr(use, name)) <= MAX_TEXT_CHARACTERS:
            raise _invalid(f"has 1 to {MAX_TEXT_CHARACTERS} characters", name)


def check_subscription(subscription: MonitorSubscription) -> None:
    """Returns when the subscription is well formed and its metric is monitored.

    Raises:
        InvalidArgument: INVALID_FIELD.
        Unimplemented: NOT_SUPPORTED.
    """
    if len(subscription.model_ids) > MAX_MODELS:
        raise _invalid(f"holds at most {MAX_MODELS} ids", "model_ids")
    if not 0 <= subscription.accu_threshold_percent <= _MOST_PERCENT:
        raise _invalid(f"lies within 0 to {_MOST_PERCENT:g}", "accu_threshold")
    if subscription.rep_period is not None and subscription.rep_period <= timedelta(0):
        raise _invalid("must be above zero; leave it out to report at once", "rep_period")
    for name in ("notif_corr_id", "consumer_nf_id"):
        if len(getattr(subscription, name)) > MAX_TEXT_CHARACTERS:
            raise _invalid(f"has more than {MAX_TEXT_CHARACTERS} characters", name)
    if subscription.model_metric not in PERFORMANCE_METRICS:
        raise _invalid(f"is none of {', '.join(PERFORMANCE_METRICS)}", "model_metric")
    if subscription.model_metric != SUM_SECRECY_RATE:
        raise Unimplemented(
            f"{subscription.model_metric} is not monitored; use {SUM_SECRECY_RATE}",
            reason="NOT_SUPPORTED",
            field="model_metric",
        )


def _invalid(complaint: str, field_name: str) -> InvalidArgument:
    return InvalidArgument(f"{field_name} {complaint}", reason="INVALID_FIELD", field=field_name)
