"""What a demo run saw, as plain values: the matter of its JSON document and of its report.

`sim_offset_s` counts simulated seconds since the start of the pass, `wall_s` seconds since the
start of the demo.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

HOPS: Mapping[str, str] = {
    "published_to_notified": "Broker and NWDAF: trigger published → notification stored",
    "notified_to_received": "Notification stream: stored → at the inference function",
    "received_to_context": "Radio context fetched from the radio network",
    "context_to_decided": "Decision: engine and checks",
    "decided_to_applied": "Decision applied by the radio network",
}
"""The hops of one decision, in order, and what each of them is."""


@dataclass(frozen=True)
class TriggerSeen:
    """A trigger event as it stood on the topic, with the digest of its headers and value."""

    trigger_id: str
    trigger_type: str
    sim_offset_s: float
    content_sha256: str


@dataclass(frozen=True)
class DecisionMade:
    """One applied decision and what it achieved on the true channel."""

    decision_id: str
    trigger_id: str
    trigger_type: str
    sim_offset_s: float
    source: str
    model_version: int
    before_bps_hz: float
    after_bps_hz: float
    predicted_bps_hz: float
    reliability: float
    inference_ms: float
    trigger_to_applied_ms: float


@dataclass(frozen=True)
class Tick:
    """Key figures of the radio network at one tick."""

    sim_offset_s: float
    elevation_deg: float
    doppler_hz: float
    beam_sinr_db: tuple[float, ...]
    beam_rain_db: tuple[float, ...]
    sum_secrecy_rate_bps_hz: float


@dataclass(frozen=True)
class Step:
    """One step of the model's lifecycle; `word` is lower case, such as ``rolled_back``."""

    word: str
    adaptation_id: str
    version: int
    initiator: str
    detail: str
    wall_s: float


@dataclass(frozen=True)
class AdaptationSpan:
    """One run through the lifecycle, from its order until it was completed."""

    adaptation_id: str
    kind: str
    version: int
    start_wall_s: float
    end_wall_s: float


@dataclass(frozen=True)
class Stretch:
    """A stretch of the pass that was simulated without a pause."""

    start_sim_s: float
    end_sim_s: float
    start_wall_s: float
    end_wall_s: float


@dataclass(frozen=True)
class Switch:
    """From this simulated time on, this version decides."""

    sim_offset_s: float
    version: int


@dataclass(frozen=True)
class Counts:
    """What the functions counted."""

    notifications: int = 0
    made: int = 0
    applied: int = 0
    failed: int = 0
    published_by_type: Mapping[str, int] = field(default_factory=dict)
    unanswered: int = 0


@dataclass(frozen=True)
class DemoRecord:
    """Everything that a demo run saw.

    Attributes:
        exhaustive_bps_hz: by decision id, what the exhaustive search on the same estimate would
            have achieved on the true channel; for all decisions or an even sample of them.
        hops_ms: by name of the hop, its time in each decision.
        processes: name → pid and address.
    """

    scenario: str
    seed: int
    duration_s: float
    engine: str
    wall_time_s: float
    steps: tuple[Step, ...]
    adaptations: tuple[AdaptationSpan, ...]
    stretches: tuple[Stretch, ...]
    switches: tuple[Switch, ...]
    triggers: tuple[TriggerSeen, ...]
    decisions: tuple[DecisionMade, ...]
    ticks: tuple[Tick, ...]
    counts: Counts
    exhaustive_bps_hz: Mapping[str, float]
    hops_ms: Mapping[str, tuple[float, ...]]
    processes: Mapping[str, tuple[int, str]]
    restarts: Mapping[str, int] = field(default_factory=dict)
