"""Messages and domain objects."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from support.passes import other_element_set, pass_scenario

from aimlnf.ransim.v1 import run_pb2
from aimlnf.ransim.v1.radio_service_pb2 import StartRunRequest
from nf_runtime.errors import InvalidArgument
from radio_math.large_scale import Surroundings
from ran_sim.atmosphere.rain_cells import RainField
from ran_sim.coverage import BeamChoice, PlatformChoice
from ran_sim.csi import Knowledge
from ran_sim.handover import HandoverRule
from ran_sim.haps import Platform
from ran_sim.messages import order_from_message, order_to_message, run_to_message
from ran_sim.propagation import Loss, Propagation, PropagationModel
from ran_sim.runs import Pace, Run, RunOrder, RunState, TriggerCount
from ran_sim.scenario_messages import (
    duration,
    scenario_from_message,
    scenario_to_message,
    seconds,
)
from ran_sim.scenarios import DEFAULT_RULES, TriggerKind, TriggerRule
from ran_sim.spot_beams import Coverage, Steering

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


def test_a_full_scenario_survives_the_wire() -> None:
    """Physics, beams, knowledge, handover and further satellites come back as they were."""
    scenario = pass_scenario(
        further_satellites=(other_element_set(),),
        propagation=Propagation(
            PropagationModel.TR38811,
            Surroundings.URBAN,
            frozenset({Loss.CLOUD, Loss.CLUTTER}),
            exceedance_percent=0.1,
            rain_cells=RainField(0.5, 40.0, 8.0, 15.0, -3.0),
        ),
        beams=BeamChoice(Coverage.FIXED_APERTURE, Steering.EARTH_MOVING),
        knowledge=Knowledge(0.005, 0.5, 300.0, 800.0, 35.0),
        handover=HandoverRule(2.0, 0.5, 4.0, 20.0, 5.0),
    )
    read = scenario_from_message(scenario_to_message(scenario))
    for part in ("propagation", "beams", "knowledge", "handover", "platform"):
        assert getattr(read, part) == getattr(scenario, part)
    assert [one.satellite_id for one in read.satellites] == ["48112", "46573"]


def test_a_platform_survives_the_wire() -> None:
    """With the small cells that it needs."""
    scenario = pass_scenario(
        beams=BeamChoice(Coverage.TAPERED, cell_radius_m=25e3),
        handover=HandoverRule(),
        platform=PlatformChoice(
            Platform("haps-1", 48.2, 11.5, altitude_m=22e3, jitter_deg=0.2, wander_radius_m=800.0),
            satellite_elevation_deg=40.0,
        ),
    )
    read = scenario_from_message(scenario_to_message(scenario))
    assert read.platform == scenario.platform
    assert read.beams == scenario.beams
    assert read.access_ids == ("48112", "haps-1")


def test_without_the_new_parts_a_scenario_is_the_reference() -> None:
    """A client that does not know of them orders what it always did."""
    message = scenario_to_message(pass_scenario())
    for part in ("propagation", "beams", "knowledge", "handover"):
        message.ClearField(part)
    read = scenario_from_message(message)
    for part in ("propagation", "beams", "knowledge", "handover"):
        assert getattr(read, part) == getattr(pass_scenario(), part)


def unknown_surroundings(message: StartRunRequest) -> None:
    """Surroundings that no table has."""
    message.scenario.propagation.model = run_pb2.PROPAGATION_MODEL_TR38811
    message.scenario.propagation.surroundings = "jungle"


def reference_with_rain(message: StartRunRequest) -> None:
    """Something the reference link does not know."""
    message.scenario.propagation.exceedance_percent = 0.1


def fraction_for_percent(message: StartRunRequest) -> None:
    """A share of the year that is none."""
    message.scenario.propagation.model = run_pb2.PROPAGATION_MODEL_TR38811
    message.scenario.propagation.exceedance_percent = 0.0001


def nameless_loss(message: StartRunRequest) -> None:
    """A loss without a name."""
    message.scenario.propagation.model = run_pb2.PROPAGATION_MODEL_TR38811
    message.scenario.propagation.omitted_losses.append("")


def adaptive_and_moving(message: StartRunRequest) -> None:
    """Beams that cannot be had together."""
    message.scenario.beams.steering = "earth_moving"


def negative_error(message: StartRunRequest) -> None:
    """A standard deviation below zero."""
    message.scenario.knowledge.sinr_error_db = -1.0


def endless_suppression(message: StartRunRequest) -> None:
    """A window longer than any pass."""
    message.scenario.handover.suppression.CopyFrom(Duration(seconds=10**9))


def same_satellite_twice(message: StartRunRequest) -> None:
    """The serving satellite once more."""
    message.scenario.handover.SetInParent()
    message.scenario.further_satellites.add(
        tle_line1=message.scenario.tle_line1, tle_line2=message.scenario.tle_line2
    )


def satellites_without_a_rule(message: StartRunRequest) -> None:
    """Nobody says when the satellite changes."""
    other = other_element_set()
    message.scenario.further_satellites.add(tle_line1=other.line1, tle_line2=other.line2)


def platform_too_low(message: StartRunRequest) -> None:
    """A platform that the edge of the service area cannot see."""
    message.scenario.handover.SetInParent()
    message.scenario.platform.name = "haps-1"
    message.scenario.platform.latitude_deg = message.scenario.latitude_deg
    message.scenario.platform.longitude_deg = message.scenario.longitude_deg
    message.scenario.platform.altitude_m = 20e3


def platform_in_orbit(message: StartRunRequest) -> None:
    """A platform as high as a satellite."""
    platform_too_low(message)
    message.scenario.platform.altitude_m = 600e3


def platform_without_a_rule(message: StartRunRequest) -> None:
    """Nobody says when it takes over."""
    platform_too_low(message)
    message.scenario.ClearField("handover")


def small_cells_without_a_panel(message: StartRunRequest) -> None:
    """An adaptive aperture has cells of one size."""
    message.scenario.beams.cell_radius_km = 20.0


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
        (unknown_surroundings, "propagation.surroundings"),
        (reference_with_rain, "propagation.model"),
        (fraction_for_percent, "propagation.exceedance_percent"),
        (nameless_loss, "propagation.omitted_losses"),
        (adaptive_and_moving, "beams.steering"),
        (negative_error, "knowledge.sinr_error_db"),
        (endless_suppression, "handover.suppression"),
        (same_satellite_twice, "further_satellites"),
        (satellites_without_a_rule, "handover"),
        (platform_too_low, "platform.altitude_m"),
        (platform_in_orbit, "altitude_m"),
        (platform_without_a_rule, "handover"),
        (small_cells_without_a_panel, "beams.cell_radius_km"),
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
