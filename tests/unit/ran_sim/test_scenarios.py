"""What a scenario may hold."""

import math
from typing import Any

import pytest
from support.passes import pass_scenario

from nf_runtime.errors import InvalidArgument
from ran_sim.scenarios import (
    DEFAULT_RULES,
    Disturbance,
    DisturbanceKind,
    TriggerKind,
    TriggerRule,
    esim_id,
    esim_index,
)

RAIN = DisturbanceKind.RAIN_FRONT


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scenario_id": ""}, "scenario_id"),
        ({"scenario_id": "a/b"}, "scenario_id"),
        ({"scenario_id": "x" * 65}, "scenario_id"),
        ({"latitude_deg": 90.0}, "latitude_deg"),
        ({"latitude_deg": math.nan}, "latitude_deg"),
        ({"longitude_deg": 200.0}, "longitude_deg"),
        ({"duration_s": 0.0}, "duration"),
        ({"duration_s": 1.0}, "duration"),
        ({"duration_s": math.inf}, "duration"),
        ({"tick_period_s": 0.0}, "tick_period"),
        ({"tick_period_s": -1.0}, "tick_period"),
        ({"duration_s": 3600.0, "tick_period_s": 0.1}, "tick_period"),
        ({"seed": -1}, "seed"),
        ({"carrier_frequency_hz": 20.0}, "carrier_frequency_hz"),
        ({"power_budget_dbw": 100.0}, "power_budget_dbw"),
        ({"csi_age_s": 11.0}, "csi_age"),
        ({"csi_age_s": -0.1}, "csi_age"),
    ],
)
def test_a_bad_value_is_named(changes: dict[str, Any], field: str) -> None:
    """The error names the field, in the message and in the metadata."""
    with pytest.raises(InvalidArgument) as caught:
        pass_scenario(**changes)
    assert caught.value.metadata["field"] == field
    assert caught.value.message.startswith(f"{field} is ")
    assert caught.value.reason == "INVALID_FIELD"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"start_fraction": -0.1}, "disturbances.start_fraction"),
        ({"start_fraction": 0.5, "end_fraction": 0.5}, "disturbances.end_fraction"),
        ({"start_fraction": 0.5, "end_fraction": 1.5}, "disturbances.end_fraction"),
        ({"start_fraction": 0.5, "severity_db": -1.0}, "disturbances.severity_db"),
        ({"start_fraction": 0.5, "esim": 10}, "disturbances.esim_id"),
        ({"start_fraction": 0.5, "distance_km": 0.1}, "disturbances.distance_km"),
    ],
)
def test_a_bad_disturbance_is_named(values: dict[str, Any], field: str) -> None:
    """The error names the field of the disturbance."""
    with pytest.raises(InvalidArgument) as caught:
        Disturbance(RAIN, **values)
    assert caught.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (TriggerRule(math.nan, 1.0, 1.0, 1.0), "doppler.threshold"),
        (TriggerRule(1.0, -1.0, 1.0, 1.0), "doppler.hysteresis"),
        (TriggerRule(1.0, 1.0, -1.0, 1.0), "doppler.time_to_trigger"),
        (TriggerRule(1.0, 1.0, 1.0, 1e9), "doppler.cool_down"),
    ],
)
def test_a_bad_rule_is_named(rule: TriggerRule, field: str) -> None:
    """The error says which rule and which of its numbers is wrong."""
    with pytest.raises(InvalidArgument) as caught:
        pass_scenario(rules={**DEFAULT_RULES, TriggerKind.DOPPLER_SINR_DROP: rule})
    assert caught.value.metadata["field"] == field


def test_too_many_disturbances_are_refused() -> None:
    """The list is bounded."""
    with pytest.raises(InvalidArgument, match="disturbances is 257 long"):
        pass_scenario(disturbances=(Disturbance(RAIN, 0.1),) * 257)


@pytest.mark.parametrize(
    ("duration_s", "tick_period_s", "ticks"),
    [(60.0, 1.0, 60), (60.0, 0.1, 600), (60.5, 1.0, 61), (0.3, 0.1, 3)],
)
def test_tick_count(duration_s: float, tick_period_s: float, ticks: int) -> None:
    """Ticks reach from 0 to just before the duration, whatever the period is in binary."""
    assert pass_scenario(duration_s=duration_s, tick_period_s=tick_period_s).tick_count == ticks


def test_esim_identities() -> None:
    """Identities and indices go both ways; empty means all, others are refused."""
    assert [esim_index(esim_id(index)) for index in range(10)] == list(range(10))
    assert esim_index("") is None
    with pytest.raises(InvalidArgument, match="esim-99"):
        esim_index("esim-99")
