"""The figures of a demo run, from what it saw: the JSON document of ``aimlctl demo --json``."""

import hashlib
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aimlctl.record import DecisionMade, DemoRecord, TriggerSeen
from nf_runtime.events.catalogue import CATALOGUE, RAN_TRIGGERS

PROMISED_STEPS = (
    "trained",
    "published",
    "tested",
    "approved",
    "loaded",
    "activated",
    "retrained",
    "rolled_back",
)
LEAST_RATIO = 0.85
TRIGGER_TYPES = tuple(data_type.event_type for data_type in CATALOGUE[RAN_TRIGGERS])
_PERCENTILES = (50, 95, 99)


def percentile(values: Sequence[float], percent: float) -> float:
    """The percentile by linear interpolation between order statistics.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("a percentile needs at least one value")
    ordered = sorted(values)
    position = (len(ordered) - 1) * percent / 100
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def even_sample(items: Sequence[str], size: int) -> list[str]:
    """At most `size` of the items, spread evenly over them, the first and the last included."""
    if len(items) <= size:
        return list(items)
    if size == 1:
        return [items[0]]
    return [items[round(i * (len(items) - 1) / (size - 1))] for i in range(size)]


def lost_event_ids(record: DemoRecord) -> set[str]:
    """Ids of triggers on the topic that no applied decision answered."""
    answered = {decision.trigger_id for decision in record.decisions}
    return {trigger.trigger_id for trigger in record.triggers} - answered


def trigger_log_sha256(triggers: Iterable[TriggerSeen]) -> str:
    """Digest of the trigger log: equal for runs that published byte-identical triggers."""
    ordered = sorted(triggers, key=lambda trigger: (trigger.sim_offset_s, trigger.trigger_id))
    return hashlib.sha256("".join(t.content_sha256 for t in ordered).encode()).hexdigest()


def demo_document(record: DemoRecord) -> dict[str, Any]:
    """The JSON document. Rates are means over decisions, on the true channel, in b/s/Hz.

    `before_mean` and `after_mean` are taken over all decisions. `exhaustive_mean` is taken over
    the `exhaustive_sample_count` decisions that were searched exhaustively, and
    `after_to_exhaustive_ratio` compares it with `after_mean_of_sample` over those same decisions.
    """
    decisions = record.decisions
    without_decision = len(lost_event_ids(record))
    published = sum(record.counts.published_by_type.values())
    # An event that the radio network published and the topic does not hold is lost as well.
    off_topic = max(0, published - len({trigger.trigger_id for trigger in record.triggers}))
    return {
        "scenario": record.scenario,
        "seed": record.seed,
        "duration_s": record.duration_s,
        "wall_time_s": round(record.wall_time_s, 1),
        "engine": record.engine,
        "lifecycle": [step.word for step in record.steps],
        "lifecycle_steps": [
            {
                "step": step.word,
                "version": step.version,
                "initiator": step.initiator,
                "detail": step.detail,
                "wall_s": round(step.wall_s, 2),
            }
            for step in record.steps
        ],
        "triggers": _counts(trigger.trigger_type for trigger in record.triggers),
        "trigger_log_sha256": trigger_log_sha256(record.triggers),
        "notifications": record.counts.notifications,
        "decisions": {
            "made": record.counts.made,
            "applied": record.counts.applied,
            "failed": record.counts.failed,
            "by_version": _counts(_decider(decision) for decision in decisions),
        },
        "secrecy_rate_bps_hz": _rates(record),
        "reliability_mean_by_version": _reliability(decisions),
        "latency_ms": {
            "trigger_to_applied": _latency([d.trigger_to_applied_ms for d in decisions]),
            "inference": _latency([d.inference_ms for d in decisions]),
            "hops": {hop: _latency(values) for hop, values in record.hops_ms.items()},
        },
        "lost_events": without_decision + off_topic + record.counts.unanswered,
        "lost_events_by_cause": {
            "without_applied_decision": without_decision,
            "not_on_topic": off_topic,
            "unanswered_in_time": record.counts.unanswered,
        },
        "versions": [
            {"sim_offset_s": switch.sim_offset_s, "version": switch.version}
            for switch in record.switches
        ],
        "restarts": dict(record.restarts),
        "processes": {
            name: {"pid": pid, "address": address}
            for name, (pid, address) in record.processes.items()
        },
    }


def shortcomings(document: Mapping[str, Any]) -> list[str]:
    """What the run did not reach of what it promises; empty when it is a success."""
    rates, decisions = document["secrecy_rate_bps_hz"], document["decisions"]
    ratio = rates["after_to_exhaustive_ratio"]
    missing = [word for word in PROMISED_STEPS if word not in document["lifecycle"]]
    silent = [kind for kind in TRIGGER_TYPES if not document["triggers"].get(kind)]
    before, after = rates["before_mean"], rates["after_mean"]
    found = [
        (missing, f"the lifecycle lacks {', '.join(missing)}"),
        (silent, f"no trigger of type {', '.join(silent)}"),
        (document["lost_events"], f"{document['lost_events']} events were lost"),
        (decisions["failed"], f"{decisions['failed']} decisions failed"),
        (
            after is None or before is None or after <= before,
            f"the secrecy rate after the decisions ({after}) is not above that before ({before})",
        ),
        (
            ratio is None or ratio < LEAST_RATIO,
            f"decisions reach {ratio} of exhaustive search, less than {LEAST_RATIO}",
        ),
    ]
    return [sentence for is_so, sentence in found if is_so]


def _rates(record: DemoRecord) -> dict[str, Any]:
    sample = [d for d in record.decisions if d.decision_id in record.exhaustive_bps_hz]
    exhaustive_mean = _mean([record.exhaustive_bps_hz[d.decision_id] for d in sample])
    sample_mean = _mean([d.after_bps_hz for d in sample])
    ratio = None
    if sample_mean is not None and exhaustive_mean:
        ratio = round(sample_mean / exhaustive_mean, 4)
    return {
        "before_mean": _mean([d.before_bps_hz for d in record.decisions]),
        "after_mean": _mean([d.after_bps_hz for d in record.decisions]),
        "exhaustive_mean": exhaustive_mean,
        "exhaustive_sample_count": len(sample),
        "after_mean_of_sample": sample_mean,
        "after_to_exhaustive_ratio": ratio,
    }


def _reliability(decisions: Iterable[DecisionMade]) -> dict[str, float | None]:
    by_version: dict[str, list[float]] = {}
    for decision in decisions:
        by_version.setdefault(_decider(decision), []).append(decision.reliability)
    return {name: _mean(values) for name, values in sorted(by_version.items())}


def _decider(decision: DecisionMade) -> str:
    return str(decision.model_version) if decision.source == "MODEL" else "fallback"


def _latency(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {f"p{percent}": round(percentile(values, percent), 3) for percent in _PERCENTILES}


def _mean(values: Sequence[float]) -> float | None:
    return round(statistics.fmean(values), 4) if values else None


def _counts(words: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(words).items()))
