"""One adaptation told to somebody who was not there."""

import io
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console

from aimlctl.explanation import Explanation
from aimlnf.oam.v1 import lifecycle_pb2 as oam

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SEEN = "Version 1: LATENT_RELIABILITY averaged 0.100 over the last 50 decisions"


def at(seconds: float) -> Timestamp:
    """So many seconds after noon."""
    time = Timestamp()
    time.FromDatetime(NOW + timedelta(seconds=seconds))
    return time


def step(
    sequence: int, kind: str, seconds: float, detail: str, **more: object
) -> oam.LifecycleStep:
    """One entry of the record."""
    return oam.LifecycleStep(
        sequence=sequence,
        kind=f"STEP_KIND_{kind}",
        model_name="gan-gdm",
        initiator=str(more.get("initiator", "rule:latent-reliability")),
        adaptation_id=str(more.get("adaptation_id", "a2")),
        detail=detail,
        step_time=at(seconds),
        figures={"duration_s": 40.0},
    )


RECORD = [
    step(1, "ACTIVATED", -900, "Version 1 decides.", adaptation_id="a1"),
    step(2, "RECOVERED", 0, "Version 1: OOD_RATE is fine.", adaptation_id=""),
    step(3, "DEGRADED", 0, SEEN, adaptation_id="", initiator="rule:threshold-monitor"),
    step(4, "REQUESTED", 0, "rule:latent-reliability asks for a retraining of version 1."),
    step(5, "RETRAINED", 41.5, "Version 2 was retrained from version 1 in 40.0 s."),
    step(6, "ALLOWED", 50, "Step 'load' was allowed by operator:bob: seen."),
    step(7, "ACTIVATED", 60, "Version 2 decides instead of version 1."),
    step(8, "DEGRADED", 70, "Version 2: SECRECY_GAIN averaged 1.0", adaptation_id=""),
    step(9, "REQUESTED", 70, "rule:regression asks for the way back.", adaptation_id="a3"),
    step(10, "ROLLED_BACK", 75, "Version 1 decides again.", adaptation_id="a3"),
]


def adaptation(state: str = "COMPLETED", **more: object) -> oam.Adaptation:
    """The retraining in the middle of that record."""
    return oam.Adaptation(
        adaptation_id="a2",
        kind="ADAPTATION_KIND_RETRAIN",
        state=f"ADAPTATION_STATE_{state}",
        model_name="gan-gdm",
        from_version=1,
        to_version=2,
        initiator="rule:latent-reliability",
        cause="version 1: LATENT_RELIABILITY averaged 0.100",
        create_time=at(0),
        update_time=at(60),
        approvals=[oam.Approval(step="load", approver="operator:bob", reason="seen", time=at(50))],
        **more,  # type: ignore[arg-type]
    )


def explained(about: oam.Adaptation) -> Explanation:
    """With the whole record of the model."""
    return Explanation(about, RECORD, now=NOW + timedelta(seconds=90))


def told(about: oam.Adaptation) -> str:
    """What people read."""
    stream = io.StringIO()
    explained(about).show(Console(file=stream, width=200, highlight=False))
    return stream.getvalue()


def test_timeline_is_that_of_the_adaptation_and_of_what_led_to_it() -> None:
    """What was seen right before it, its own steps with their times, what became of the version."""
    document = explained(adaptation()).document
    timeline = document["timeline"]
    assert [each["sequence"] for each in timeline] == [2, 3, 4, 5, 6, 7]
    assert [each["offset_s"] for each in timeline] == [0, 0, 0, 41.5, 50, 60]
    assert timeline[3]["since_last_s"] == 41.5
    assert timeline[3]["figures"] == {"duration_s": 40.0}
    assert [each["sequence"] for each in document["afterwards"]] == [10]
    assert document["duration_s"] == 60


def test_people_read_who_why_what_and_how_long() -> None:
    """Somebody who was not there needs nothing else."""
    text = told(adaptation())
    for words in (
        "gan-gdm was retrained from version 1 (adaptation a2)",
        "began 2026-03-01 12:00:00 UTC, asked for by rule:latent-reliability",
        "because version 1: LATENT_RELIABILITY averaged 0.100",
        SEEN,
        "+41.5 s",
        "operator:bob allowed 'load': seen",
        "After 60.0 s version 2 decides instead of version 1.",
        "Later, 12:01:15 UTC: Version 1 decides again.",
    ):
        assert words in text


def test_bad_end_says_why_and_what_stays() -> None:
    """The champion goes on."""
    assert explained(adaptation("REJECTED", failure="it did not pass its test")).outcome == (
        "It was turned down after 60.0 s: it did not pass its test; version 1 stays in use."
    )
    assert "It failed after" in explained(adaptation("FAILED", failure="no")).outcome


def test_waiting_says_for_what_and_how_long() -> None:
    """The operator reads what to do."""
    waiting = adaptation("AWAITING_APPROVAL", approval_step="activate", approval_deadline=at(3600))
    assert explained(waiting).outcome == (
        "It waits until 13:00:00 UTC for somebody to approve step 'activate'; "
        "version 1 stays in use."
    )


def test_running_one_has_taken_until_now() -> None:
    """It is told as far as it has come."""
    document = explained(adaptation("TRAINING")).document
    assert document["duration_s"] == 90
    assert document["outcome"].startswith("It is training since 90.0 s ago")


def test_operators_wish_has_nothing_before_it() -> None:
    """What happened to be seen before was not its reason."""
    asked = adaptation()
    asked.initiator = "operator:ada"
    assert [each["sequence"] for each in explained(asked).document["timeline"]] == [4, 5, 6, 7]
