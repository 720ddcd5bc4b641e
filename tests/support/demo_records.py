"""A demo run that never was, for tests of figures and of the report."""

import math

from numpy.random import default_rng

from aimlctl.record import (
    HOPS,
    AdaptationSpan,
    Counts,
    DecisionMade,
    DemoRecord,
    Step,
    Stretch,
    Switch,
    Tick,
    TriggerSeen,
)

TYPES = (
    "org.aimlnf.ran.beam-quality-degraded.v1",
    "org.aimlnf.ran.doppler-sinr-drop.v1",
    "org.aimlnf.ran.eavesdropper-detected.v1",
)
_STEPS = (
    ("trained", "a1", 1, 18.0, "GAN-GDM at 96 % of exhaustive after 12 s"),
    ("published", "a1", 1, 18.5, "model.onnx, weights.safetensors and two more, signed"),
    ("tested", "a1", 1, 21.5, "ratio 0.957 on 64 held-out scenarios, 0.85 asked for"),
    ("approved", "a1", 1, 21.7, "by policy: passed"),
    ("loaded", "a1", 1, 24.2, "onnxruntime, golden sample reproduced"),
    ("activated", "a1", 1, 24.3, "decides"),
    ("degraded", "", 1, 40.0, "LATENT_RELIABILITY 0.31 below 0.50 over 8 decisions"),
    ("retrained", "a2", 2, 66.0, "GAN-GDM at 97 % of exhaustive after 24 s"),
    ("published", "a2", 2, 66.4, "signed"),
    ("tested", "a2", 2, 69.0, "ratio 0.968"),
    ("approved", "a2", 2, 69.2, "by policy: passed"),
    ("loaded", "a2", 2, 71.5, "onnxruntime"),
    ("activated", "a2", 2, 71.6, "decides"),
    ("loaded", "a3", 1, 86.8, "still in memory"),
    ("rolled_back", "a3", 1, 87.0, "operator's drill"),
)


def demo_record(*, decision_count: int = 90, duration_s: float = 300.0) -> DemoRecord:
    """A run of that many decisions with plausible figures; the same at every call."""
    rng = default_rng(7)
    offsets = [round((i + 0.5) * duration_s / decision_count, 1) for i in range(decision_count)]
    switches = (Switch(0.0, 1), Switch(0.62 * duration_s, 2), Switch(0.85 * duration_s, 1))
    triggers = tuple(
        TriggerSeen(f"run/{i}", TYPES[i % 3], offset_s, f"{i:064x}")
        for i, offset_s in enumerate(offsets)
    )
    decisions = tuple(
        DecisionMade(
            decision_id=f"d{trigger.trigger_id}",
            trigger_id=trigger.trigger_id,
            trigger_type=trigger.trigger_type,
            sim_offset_s=trigger.sim_offset_s,
            source="MODEL",
            model_version=[s.version for s in switches if s.sim_offset_s <= trigger.sim_offset_s][
                -1
            ],
            before_bps_hz=12 + float(rng.normal(0, 1.5)),
            after_bps_hz=24 + float(rng.normal(0, 1.2)),
            predicted_bps_hz=25.0,
            reliability=float(rng.uniform(0.3, 1.0)),
            inference_ms=4 + float(rng.exponential(0.6)),
            trigger_to_applied_ms=22 + float(rng.exponential(6)),
        )
        for trigger in triggers
    )
    ticks = tuple(_tick(float(second), duration_s) for second in range(int(duration_s)))
    return DemoRecord(
        scenario="demo-pass",
        seed=7,
        duration_s=duration_s,
        engine="ONNXRUNTIME",
        wall_time_s=104.0,
        steps=tuple(
            Step(word, adaptation, version, "rule:latent-reliability", detail, wall_s)
            for word, adaptation, version, wall_s, detail in _STEPS
        ),
        adaptations=(
            AdaptationSpan("a1", "INITIAL", 1, 5.0, 24.3),
            AdaptationSpan("a2", "RETRAIN", 2, 40.1, 71.6),
            AdaptationSpan("a3", "ROLLBACK", 1, 86.5, 87.0),
        ),
        stretches=(
            Stretch(0.0, 0.62 * duration_s, 24.5, 40.2),
            Stretch(0.62 * duration_s, 0.85 * duration_s, 71.8, 86.4),
            Stretch(0.85 * duration_s, duration_s, 87.1, 96.0),
        ),
        switches=switches,
        triggers=triggers,
        decisions=decisions,
        ticks=ticks,
        counts=Counts(
            notifications=decision_count,
            made=decision_count,
            applied=decision_count,
            published_by_type=dict.fromkeys(TYPES, decision_count // 3),
        ),
        exhaustive_bps_hz={d.decision_id: d.after_bps_hz * 1.04 for d in decisions[::2]},
        hops_ms={
            hop: tuple(1 + number * 2 + float(rng.exponential(1.5)) for _ in decisions)
            for number, hop in enumerate(HOPS)
        },
        processes={
            "nwdaf.anlf": (4101, "127.0.0.1:21001"),
            "nwdaf.mtlf": (4102, "127.0.0.1:21002"),
            "mms_repository": (4103, "127.0.0.1:21003"),
            "inference_nf": (4104, "127.0.0.1:21004"),
            "oam": (4105, "127.0.0.1:21005"),
            "ran_sim": (4106, "127.0.0.1:21006"),
        },
        restarts={"oam": 1},
    )


def _tick(offset_s: float, duration_s: float) -> Tick:
    share = offset_s / duration_s
    angle = math.pi * share
    rain_db = 6.0 if 0.4 < share < 0.75 else 0.0
    return Tick(
        sim_offset_s=offset_s,
        elevation_deg=20 + 60 * math.sin(angle),
        doppler_hz=450e3 * math.cos(angle),
        beam_sinr_db=tuple(
            9 + beam * 0.4 + 2 * math.sin(angle * (3 + beam % 3)) - rain_db * (beam % 2)
            for beam in range(8)
        ),
        beam_rain_db=tuple(rain_db * (beam % 2) for beam in range(8)),
        sum_secrecy_rate_bps_hz=20.0,
    )
