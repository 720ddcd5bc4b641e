"""Who is told of which models (Nnwdaf_MLModelProvision, TS 29.520 4.5, 5.4; TS 23.288 6.2A).

Not modelled: `mLTargetPeriod`, `timeModelNeeded`, `mlTrainRound`, `inferDataForModel`, delivery
through an ADRF (`mLModelAdrf`), and models of several vendors (`modelInterInfo`): all models here
are of one vendor's environment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nf_runtime.errors import FailedPrecondition, InvalidArgument, Unimplemented
from nf_runtime.performance_metrics import PERFORMANCE_METRICS, SUM_SECRECY_RATE
from nwdaf.mtlf.ports import ProvisionedModel

MAX_ENTRIES = 32
MAX_TEXT_CHARACTERS = 200
UNAVAILABLE_ML_MODEL = "UNAVAILABLE_ML_MODEL"

# The figures of a version that a metric of the registry is read from.
_FIGURE_OF_METRIC: Mapping[str, str] = {SUM_SECRECY_RATE: "rate_mean_bps_hz"}


@dataclass(frozen=True)
class WantedModel:
    """`MLEventSubscription`.

    Attributes:
        ml_event: what the model decides, its `aIMLInferenceName`.
        model_name: of the one model; empty: any that decides `ml_event`.
        expiry_time: until when; None: for ever.
        model_metric: of the threshold; empty: SUM_SECRECY_RATE_BPS_HZ.
        least_accuracy: only versions whose figure is at least this; None: all.
        num_models: versions of at most so many models; 0: of all.
    """

    ml_event: str
    model_name: str = ""
    expiry_time: datetime | None = None
    model_metric: str = ""
    least_accuracy: float | None = None
    num_models: int = 0

    def is_served_by(self, models: Mapping[str, str]) -> bool:
        """Whether one of the models, by name and what it decides, can ever be provisioned."""
        return any(
            self.model_name in ("", name) and decides == self.ml_event
            for name, decides in models.items()
        )

    def wants(self, model: ProvisionedModel, *, now: datetime) -> bool:
        """Whether the consumer is to be told of this version now."""
        if self.expiry_time is not None and self.expiry_time <= now:
            return False
        if model.aiml_inference_name != self.ml_event:
            return False
        if self.model_name not in ("", model.model_name):
            return False
        if self.least_accuracy is None:
            return True
        figure = figure_of(model, self.model_metric)
        return figure is not None and figure >= self.least_accuracy


@dataclass(frozen=True)
class ProvisionSubscription:
    """`NwdafMLModelProvSubsc`; `failures` are the `ml_event`s that no model decides."""

    wanted: tuple[WantedModel, ...]
    notif_corre_id: str = ""
    consumer_nf_id: str = ""
    subscription_id: str = ""
    failures: tuple[str, ...] = ()

    @property
    def end_time(self) -> datetime | None:
        """When the last entry expires; None: never."""
        times = [each.expiry_time for each in self.wanted]
        known = [time for time in times if time is not None]
        return max(known) if len(known) == len(times) else None


def admitted(
    requested: ProvisionSubscription, models: Mapping[str, str], *, now: datetime
) -> ProvisionSubscription:
    """The part of the request that can be served, and a failure for each entry that cannot.

    Raises:
        InvalidArgument: INVALID_FIELD.
        Unimplemented: NOT_SUPPORTED for a threshold on a metric that versions have no figure of.
        FailedPrecondition: UNAVAILABLE_DATA, `cause` UNAVAILABLE_ML_MODEL, when nothing is left.
    """
    if not 1 <= len(requested.wanted) <= MAX_ENTRIES:
        raise _invalid(f"holds 1 to {MAX_ENTRIES} entries", "ml_event_subscs")
    for text in ("notif_corre_id", "consumer_nf_id"):
        if len(getattr(requested, text)) > MAX_TEXT_CHARACTERS:
            raise _invalid(f"has more than {MAX_TEXT_CHARACTERS} characters", text)
    for wanted in requested.wanted:
        _check(wanted, now)
    served = tuple(wanted for wanted in requested.wanted if wanted.is_served_by(models))
    failures = tuple(wanted.ml_event for wanted in requested.wanted if wanted not in served)
    if not served:
        known = ", ".join(sorted(set(models.values()))) or "nothing yet"
        raise FailedPrecondition(
            f"no model decides {', '.join(failures)}; the repository's models decide {known}",
            reason="UNAVAILABLE_DATA",
            cause=UNAVAILABLE_ML_MODEL,
            events=",".join(failures),
        )
    return replace(requested, wanted=served, failures=failures)


def figure_of(model: ProvisionedModel, metric: str) -> float | None:
    """A version's figure of a metric: the worst of its tests, else that of its training."""
    name = _FIGURE_OF_METRIC.get(metric or SUM_SECRECY_RATE)
    if name is None:
        return None
    tested: Sequence[float] = [
        value
        for key, value in model.kpis.items()
        if key == f"test.{name}" or (key.startswith("test.") and key.endswith(f"/{name}"))
    ]
    return min(tested) if tested else model.kpis.get(name)


def _check(wanted: WantedModel, now: datetime) -> None:
    field = "ml_event_subscs"
    if not 1 <= len(wanted.ml_event) <= MAX_TEXT_CHARACTERS:
        raise _invalid(f"has 1 to {MAX_TEXT_CHARACTERS} characters", f"{field}.ml_event")
    if len(wanted.model_name) > MAX_TEXT_CHARACTERS:
        raise _invalid(f"has more than {MAX_TEXT_CHARACTERS} characters", f"{field}.model_name")
    if wanted.num_models < 0:
        raise _invalid("is negative; 0 means all", f"{field}.num_models")
    if wanted.expiry_time is not None and wanted.expiry_time <= now:
        raise _invalid("has passed", f"{field}.expiry_time")
    if wanted.model_metric not in ("", *PERFORMANCE_METRICS):
        raise _invalid(f"is none of {', '.join(PERFORMANCE_METRICS)}", f"{field}.model_metric")
    if (wanted.model_metric or SUM_SECRECY_RATE) not in _FIGURE_OF_METRIC:
        raise Unimplemented(
            f"versions have no figure of {wanted.model_metric}; use {SUM_SECRECY_RATE}",
            reason="NOT_SUPPORTED",
            field=f"{field}.model_metric",
        )


def _invalid(complaint: str, field: str) -> InvalidArgument:
    return InvalidArgument(f"{field} {complaint}", reason="INVALID_FIELD", field=field)
