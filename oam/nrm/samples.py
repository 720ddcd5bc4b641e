"""Values of metrics as reports bring them, over the last granularity periods.

Not modelled: periods that began before the OAM did; after a restart the first one is shorter.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nf_runtime.events.catalogue import Decision, EventData, Reliability

LONGEST_PERIOD_S = 86_400
MOST_SAMPLES = 20_000

Aggregate = Callable[[Sequence[float]], float]


@dataclass
class Samples:
    """What was reported of each metric, newest last.

    Attributes:
        function: Object that metrics of inference are about.
        radio: Object that metrics of the radio access network are about.
    """

    function: str
    radio: str
    _values: dict[tuple[str, str], deque[tuple[float, float]]] = field(default_factory=dict)

    def observe(
        self, event: EventData, *, at_s: float, models: Mapping[tuple[str, int], str]
    ) -> None:
        """Take in a report of inference.

        Args:
            event: What was reported; anything but Decision and Reliability tells nothing here.
            at_s: When, on a monotonic clock.
            models: Objects of the versions that it may be about, by name and version.
        """
        if not isinstance(event, Decision | Reliability):
            return
        version = (event.model_name, event.model_version)
        objects = [self.function, *([models[version]] if version in models else [])]
        for metric, value in _values_of(event):
            for name in objects:
                self.add(metric, name, value, at_s=at_s)

    def add(self, metric: str, object_instance: str, value: float, *, at_s: float) -> None:
        """Take in one value."""
        if math.isfinite(value):
            kept = self._values.setdefault((metric, object_instance), deque(maxlen=MOST_SAMPLES))
            kept.append((at_s, value))

    def over(
        self, metric: str, objects: Iterable[str], *, from_s: float, to_s: float
    ) -> tuple[float, int] | None:
        """The metric's value over a period, and of how many samples; None: there is none.

        Args:
            metric: Which.
            objects: About which objects; none: the one that the metric is about by itself.
            from_s: Begin of the period, exclusive, on the monotonic clock.
            to_s: Its end, inclusive.
        """
        wanted = list(objects) or [self.function, self.radio]
        found = [
            value
            for name in wanted
            for at_s, value in self._values.get((metric, name), ())
            if from_s < at_s <= to_s
        ]
        return (_AGGREGATES.get(metric, _mean)(found), len(found)) if found else None


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _values_of(event: Decision | Reliability) -> list[tuple[str, float]]:
    if isinstance(event, Reliability):
        return [("OOD_RATE", event.low_share)]
    values = [
        ("SUM_SECRECY_RATE_BPS_HZ", event.achieved_after_bps_hz),
        ("SECRECY_GAIN_BPS_HZ", event.achieved_after_bps_hz - event.achieved_before_bps_hz),
        ("SECRECY_OUTAGE", float(event.achieved_after_bps_hz <= 0)),
        ("FALLBACK_RATIO", float(event.source == "fallback")),
    ]
    if event.source == "model":
        values += [
            ("LATENT_RELIABILITY", event.reliability),
            ("INFERENCE_LATENCY_MS_P95", event.timings.inference_ms),
        ]
    return values


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


_AGGREGATES: Mapping[str, Aggregate] = {
    "INFERENCE_LATENCY_MS_P95": lambda values: percentile(values, 0.95),
    "SINR_DB_P5": lambda values: percentile(values, 0.05),
    "DOPPLER_RESIDUAL_HZ": lambda values: max(abs(value) for value in values),
}
