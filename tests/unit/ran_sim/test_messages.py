"""Messages and domain objects."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from support.passes import pass_scenario

from aimlnf.ransim.v1 import run_pb2
from aimlnf.ransim.v1.radio_service_pb2 import StartRunRequest
from nf_runtime.errors import InvalidArgument
from ran_sim.messages import (
    duration,
    order_from_message,
    order_to_message,
    run_to_message,
    scenario_from_message,
    scenario_to_message,
    seconds,
)
from ran_sim.runs import Pace, Run, RunOrder, RunState, TriggerCount
from ran_sim.scenarios import DEFAULT_RULES, TriggerKind, TriggerRule

START = dt.datetime(2022, 9, 14, 11, 54, 43, 250000, tzinfo=dt.UTC)


def test_an_order_survives_the_wire() -> None:
    """Everything that can be ordered comes back as it was."""
    rule = TriggerRule(1.5, 0.25, 3.0, 12.5)
    order = RunOrder(
        replace(
            pass_scenario(start_time=START, csi_age_s=0.5),
            rules={**DEFAULT_RULES, TriggerKind.DOPPLER_SINR_DROP: rule},
        ),
        Pace.LOCKSTEP,
        speed_factor=0.0,
        answer_timeout_s=2.5,
        pause_at_s=30.0,
    )
    read = order_from_message(order_to_message(order, "request-1"))
    # The name of a satellite is for people and does not travel.
    named = replace(read.scenario.elements, name=order.scenario.elements.name)
    assert replace(read, scenario=replace(read.scenario, elements=named)) == order


def test_unset_parts_have_their_defaults() -> None:
    """Tick period, age of estimates, trigger rules and answer timeout may be left out."""
    message = order_to_message(RunOrder(pass_scenario()))
    for name in ("tick_period", "csi_age", "beam_quality", "doppler", "eavesdropper"):
        message.scenario.ClearField(name)
    message.ClearField("answer_timeout")
    order = order_from_message(message)
    assert order.scenario.tick_period_s == 1.0
    assert order.scenario.csi_age_s == 0.02
    assert order.scenario.rules == DEFAULT_RULES
    assert order.answer_timeout_s == 30.0
    assert order.pause_at_s is None


def bad_kind(message: StartRunRequest) -> None:
    """A disturbance of no kind."""
    message.scenario.disturbances[0].kind = run_pb2.DISTURBANCE_KIND_UNSPECIFIED


def no_pace(message: StartRunRequest) -> None:
    """No pace."""
    message.ClearField("pace")


def no_scenario(message: StartRunRequest) -> None:
    """No scenario."""
    message.ClearField("scenario")


def bad_start(message: StartRunRequest) -> None:
    """A year that no calendar has."""
    message.scenario.start_time.CopyFrom(Timestamp(seconds=10**17))


def no_duration(message: StartRunRequest) -> None:
    """No duration."""
    message.scenario.ClearField("duration")


def huge_duration(message: StartRunRequest) -> None:
    """A duration of ages."""
    message.scenario.duration.CopyFrom(Duration(seconds=2**62))


def unknown_esim(message: StartRunRequest) -> None:
    """An ESIM that does not exist."""
    message.scenario.disturbances[1].esim_id = "esim-42"


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (bad_kind, "disturbances.kind"),
        (no_pace, "pace"),
        (no_scenario, "scenario"),
        (bad_start, "start_time"),
        (no_duration, "duration"),
        (huge_duration, "duration"),
        (unknown_esim, "disturbances.esim_id"),
    ],
)
def test_a_bad_field_is_named(spoil: Any, field: str) -> None:
    """The error names the field."""
    message = order_to_message(RunOrder(pass_scenario()))
    spoil(message)
    with pytest.raises(InvalidArgument) as caught:
        order_from_message(message)
    assert caught.value.metadata["field"] == field


@given(st.binary(max_size=300))
def test_any_scenario_message_is_read_or_refused(noise: bytes) -> None:
    """Whatever fields hold, nothing but InvalidArgument comes out."""
    message = scenario_to_message(pass_scenario())
    try:
        message.MergeFromString(noise)
    except Exception:  # noqa: BLE001 - no message at all: the transport's business
        return
    try:
        scenario_from_message(message)
    except InvalidArgument as error:
        assert error.metadata["field"]  # noqa: PT017 - not raising is fine too


@given(st.floats(-1e9, 1e9))
def test_durations_keep_a_microsecond(value_s: float) -> None:
    """Seconds to a duration and back, of either sign, always a valid message."""
    message = StartRunRequest(answer_timeout=duration(value_s))
    assert 0 <= message.answer_timeout.nanos < 10**9
    assert seconds(message, "answer_timeout", 0.0) == pytest.approx(value_s, abs=1e-6)


@pytest.mark.parametrize(
    ("state", "holding", "wire"),
    [
        (RunState.RUNNING, False, run_pb2.RUN_STATE_RUNNING),
        (RunState.RUNNING, True, run_pb2.RUN_STATE_HOLDING),
        (RunState.PAUSED, True, run_pb2.RUN_STATE_PAUSED),
        (RunState.FINISHED, False, run_pb2.RUN_STATE_FINISHED),
        (RunState.STOPPED, False, run_pb2.RUN_STATE_STOPPED),
    ],
)
def test_a_run_that_waits_for_answers_is_holding(
    state: RunState, wire: int, *, holding: bool
) -> None:
    """Holding shows only while the run would go on otherwise."""
    run = Run("run-1", RunOrder(pass_scenario()), START, state=state, holding=holding)
    assert run_to_message(run).state == wire


def test_a_run_counts_all_three_kinds() -> None:
    """Kinds that never fired are there with zero."""
    counts = {TriggerKind.DOPPLER_SINR_DROP: TriggerCount(5, 3)}
    run = Run("run-1", RunOrder(pass_scenario()), START, trigger_counts=counts)
    shown = {
        count.trigger_type: (count.published_count, count.answered_count)
        for count in run_to_message(run).trigger_counts
    }
    assert shown == {
        "org.aimlnf.ran.beam-quality-degraded.v1": (0, 0),
        "org.aimlnf.ran.doppler-sinr-drop.v1": (5, 3),
        "org.aimlnf.ran.eavesdropper-detected.v1": (0, 0),
    }
